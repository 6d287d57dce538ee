"""What a person gives to a task: cleaned and checked before anything is stored or played."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from pydantic import BeforeValidator

from ..errors import InvalidTask
from ..language.messages import say
from ..settings import get_settings
from ..state import Exchange, TaskInput


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


def clean_values(value: Any) -> Any:
    """Clean all texts in plain data.

    Raises:
        InvalidTask: as in `clean_text`.
    """
    if isinstance(value, dict):
        return {clean_text(name): clean_values(each) for name, each in value.items()}
    return [clean_values(each) for each in value] if isinstance(value, list) else clean_text(value)


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
    the earlier exchanges. Empty if the user did not speak last."""
    said = [one for one in messages if isinstance(one, HumanMessage | AIMessage) and one.text]
    if not said or not isinstance(said[-1], HumanMessage):
        return {}
    earlier = [
        Exchange(question=asked.text, workflow=None, inputs={}, answer=answer.text)
        for asked, answer in pairwise(said)
        if isinstance(asked, HumanMessage) and isinstance(answer, AIMessage)
    ]
    return {"question": said[-1].text, "earlier": earlier}
