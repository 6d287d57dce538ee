"""The planner's desk: the conversation of one turn, its cost, and how a form is filled in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langchain_core.messages import AnyMessage
from pydantic import BaseModel

from ...actions.catalogue import ACTIONS
from ...actions.errors import InvalidCall
from ...actions.spec import Data
from ...errors import StructuredOutputError
from ...language.messages import Language, say
from ...models.client import LanguageModel
from ...state import CallResult, Usage
from .claims import Unmendable, join_evidence

F = TypeVar("F", bound=BaseModel)
MAX_MESSAGE_TOKENS = 400
"""For a text to the user."""


def accept(form: Any) -> None:
    """Accept a form as it is."""


@dataclass
class Desk:
    """What the planner works with in one turn."""

    model: LanguageModel
    language: Language
    results: Sequence[CallResult]
    messages: list[AnyMessage]
    task: str
    """The user's words."""
    files: str
    """What the planner sees of the workspace."""
    paths: tuple[tuple[str, str], ...]
    """Kind and path of all that the workspace holds and the task names; empty: too much."""
    missing: Sequence[str]
    """Paths that the task names and at which there is nothing."""
    may_plan: bool
    """Whether several calls may be planned at once."""
    asked: bool
    """Whether the user has answered a question."""
    usage: Usage = field(default_factory=Usage)

    @property
    def known_text(self) -> str:
        """All that the planner knows: the task, the files that it sees, and the results."""
        return f"{self.files}\n{self.found_text}"

    @property
    def found_text(self) -> str:
        """What an answer may stand on: the task and the results."""
        effects = (effect for result in self.results for effect in result.effects)
        return join_evidence(self.task, self.results, effects)

    @property
    def changed_paths(self) -> list[str]:
        """The files that were changed, each once."""
        return list(dict.fromkeys(e.path for result in self.results for e in result.effects))

    def list_known(self) -> dict[str, type[Data]]:
        """Return the model of each result's data, by id."""
        done = [result for result in self.results if result.status == "done"]
        return {result.id: ACTIONS[result.action].data for result in done}

    def check_question(self, form: Any) -> None:
        """Refuse a question that only repeats the task.

        Raises:
            InvalidCall: it does.
        """
        if self.repeats_task(form.question):
            raise InvalidCall(say("act.asks_the_task", self.language))

    def repeats_task(self, text: str) -> bool:
        """Return whether a text is the task, or a part of it, in the same words."""
        return bool(text.strip()) and text.strip(" .。?？!！\n") in self.task

    async def fill_form(
        self,
        prompt: dict[Language, Any],
        form: type[F],
        max_tokens: int,
        check: Callable[[F], None] = accept,
        **fields: object,
    ) -> F:
        """Have a form filled in; one that fails its check is asked for once more.

        Raises:
            InvalidCall: it failed the check again.
            StructuredOutputError: the model gave nothing usable.
        """
        problem = ""
        refused: InvalidCall | None = None
        for _ in range(2):
            asked = prompt[self.language].messages(**fields, problem=problem)
            filled = await self.ask([*self.messages, *asked], form, max_tokens)
            try:
                check(filled)
            except Unmendable:
                raise
            except InvalidCall as error:
                refused = error
                problem = str(error)
            else:
                return filled
        assert refused is not None  # noqa: S101  (the loop ended without a form)
        raise refused

    async def ask(self, messages: list[AnyMessage], form: type[F], max_tokens: int) -> F:
        """Have the model fill in a form.

        Raises:
            StructuredOutputError: it gave nothing usable.
        """
        try:
            reply = await self.model.generate_structured(
                messages,
                form,
                max_tokens=max_tokens,
                language=self.language,
                repair_cut_off=False,  # the planner chooses another action then
            )
        except StructuredOutputError as error:
            self.usage += error.usage
            raise
        self.usage += reply.usage
        return reply.value
