"""What a person gives to a task: cleaned and checked before anything is stored or played."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, BeforeValidator, Field, StrictInt, StrictStr, ValidationError

from ..errors import InvalidTask
from ..language.messages import say
from ..models.structured import format_validation_error
from ..settings import get_settings
from ..state import Exchange, Sampling, TaskInput

MAX_DEPTH = 100
"""Levels of lists and objects in a person's data; what stores and prints them goes no deeper than
Python's stack."""


def clean_text(text: Any) -> Any:
    """Return a person's text without U+0000, which means nothing and which Postgres cannot hold;
    any other value unchanged.

    Raises:
        InvalidTask: the text has half a surrogate pair, which no encoding can hold.
    """
    if not isinstance(text, str):
        return text
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidTask(say("invalid.encoding")) from error
    return text.replace("\0", "")


def clean_values(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Clean all texts in plain data.

    Args:
        depth: how many levels of lists and objects there may be.

    Raises:
        InvalidTask: as in `clean_text`, or the data are nested too deep.
    """
    if not isinstance(value, dict | list):
        return clean_text(value)
    if not depth:
        raise InvalidTask(say("invalid.depth", limit=MAX_DEPTH))
    if isinstance(value, list):
        return [clean_values(each, depth - 1) for each in value]
    return {clean_text(name): clean_values(each, depth - 1) for name, each in value.items()}


class _Given(BaseModel):
    """What a task is given, by type; which values make sense is checked where they are used."""

    question: StrictStr | None = None
    inputs: dict[str, Any] | None = None
    workflow: StrictStr | None = None
    max_iterations: StrictInt | None = Field(None, ge=1, le=100)
    instructions: StrictStr | None = None
    earlier: list[Exchange] | None = None
    sampling: Sampling | None = None


def check_types(task: Mapping[str, Any]) -> None:
    """Check the types of what a task is given, as clients of LangGraph's server may send anything.

    Raises:
        InvalidTask: a value has another type; it names the value.
    """
    try:
        _Given.model_validate(dict(task))
    except ValidationError as error:
        raise InvalidTask(say("invalid.types", error=format_validation_error(error))) from error


def check_length(text: str) -> None:
    """Check that a question or an answer is short enough to be worked on.

    Raises:
        InvalidTask: it is too long.
    """
    limit = get_settings().max_question_chars
    if len(text) > limit:
        raise InvalidTask(say("invalid.too_long", length=len(text), limit=limit))


def check_answer(answer: object) -> str:
    """Clean and check a person's answer to a question, without surrounding whitespace.

    Raises:
        InvalidTask: it is empty, not text or too long.
    """
    if not isinstance(answer, str):
        raise InvalidTask(say("invalid.answer_shape", kind=type(answer).__name__))
    text: str = clean_text(answer).strip()
    if not text:
        raise InvalidTask(say("invalid.empty_answer"))
    check_length(text)
    return text


PersonsAnswer = Annotated[str, BeforeValidator(check_answer)]
"""Validates the value that resumes a task which asked for something."""


def read_messages(messages: Sequence[AnyMessage]) -> TaskInput:
    """Read a conversation as a task: the last message is the question, the pairs before it are
    the earlier exchanges, and what the system says are instructions. Empty if the user did not
    speak last."""
    said = [one for one in messages if isinstance(one, HumanMessage | AIMessage) and one.text]
    if not said or not isinstance(said[-1], HumanMessage):
        return {}
    earlier = [
        Exchange(question=asked.text, workflow=None, inputs={}, answer=answer.text)
        for asked, answer in pairwise(said)
        if isinstance(asked, HumanMessage) and isinstance(answer, AIMessage)
    ]
    task: TaskInput = {"question": said[-1].text, "earlier": earlier}
    rules = [one.text for one in messages if isinstance(one, SystemMessage) and one.text.strip()]
    return {**task, "instructions": "\n".join(rules)} if rules else task
