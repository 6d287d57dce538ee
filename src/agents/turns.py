"""Reporting of an agent's turn, and the view of the task shared by all agents."""

import hashlib
import time
from typing import Any, TypeVar

from langgraph.config import get_stream_writer
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from ..errors import StructuredOutputError
from ..language.messages import say
from ..state import OPEN_TASK_TYPE, CoordinatorDecision, Recorded, Routing, TaskState, Turn, Usage

M = TypeVar("M", bound=BaseModel)


class Stopwatch:
    """Wall-clock time in seconds since creation."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started


def fingerprint(*parts: BaseModel | str | None) -> str:
    """Return a digest that is equal for the same work with the same result."""
    texts = (part.model_dump_json() if isinstance(part, BaseModel) else str(part) for part in parts)
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def record_turn(
    actor: str,
    output: BaseModel,
    *,
    summary: str,
    inputs: str,
    usage: Usage,
    seconds: float,
    failed: bool = False,
    note: str = "",
) -> TaskState:
    """Return an agent's state update: its output, and its turn for the Coordinator to record."""
    update: dict[str, Any] = {
        f"{actor}_output": output,
        "turn": Turn(
            actor=actor,
            summary=summary[:300],
            note=note[:300],
            fingerprint=fingerprint(inputs, output),
            usage=usage,
            seconds=seconds,
            failed=failed,
        ),
        "usage": usage,
    }
    return update  # type: ignore[return-value]


def do_without(
    actor: str, state: TaskState, error: StructuredOutputError, seconds: float
) -> TaskState:
    """Return the state update of an agent whose model gave nothing usable: the turn has failed, and
    the task goes on without its output."""
    summary = say(f"math.without_{actor}", state["language"])
    turn = Turn(
        actor=actor,
        summary=summary,
        fingerprint=fingerprint(format_problem(state), summary),
        usage=error.usage,
        seconds=seconds,
        failed=True,
    )
    return {"turn": turn, "usage": error.usage}


def report_progress(actor: str, summary: str) -> None:
    """Report a finished piece of work to those who follow the task."""
    get_stream_writer()({"type": "progress", "actor": actor, "summary": summary})


class InputsState(TypedDict, total=False):
    """The part of the task's state that holds its inputs."""

    inputs: dict[str, Any]


class QuestionState(TypedDict, total=False):
    """The part of the task's state that every agent sees."""

    question: str
    restated: str | None
    clarifications: list[str]
    decision: CoordinatorDecision | None


def format_problem(state: QuestionState) -> str:
    """Return the task in self-contained form, followed by the user's answers to questions."""
    asked = state.get("restated") or state["question"]
    return "\n".join([asked, *state.get("clarifications", [])])


def get_instructions(state: QuestionState) -> str:
    """Return the Coordinator's instructions to the current agent; empty before any decision."""
    decision = state.get("decision")
    return decision.instructions if decision else ""


class LookupState(QuestionState, Recorded, total=False):
    """The part of the task's state read by workflows that look things up."""

    routing: Routing | None


def count_turns(state: Recorded, actor: str) -> int:
    """Count the actor's turns in this task."""
    return sum(record.actor == actor for record in state.get("history", []))


def choose_query(state: LookupState, workflow: str) -> str:
    """Return the query for a source of knowledge: the task or, on the first turn of a workflow that
    gathers material for another one, what the Coordinator wants to know."""
    routing = state.get("routing")
    for_another = routing is not None and routing.task_type not in (OPEN_TASK_TYPE, workflow)
    if for_another and not count_turns(state, workflow):
        return get_instructions(state) or format_problem(state)
    return format_problem(state)


def define_input(default: Any, *, en: str, zh: str, **bounds: Any) -> Any:
    """Define a field of an inputs model: its default, its description in both languages, and its
    bounds as for `pydantic.Field`."""
    return Field(default, description=en, json_schema_extra={"description_zh": zh}, **bounds)


def parse_inputs(state: InputsState, model: type[M]) -> M:
    """Parse those of the task's inputs that a workflow accepts, ignoring the others.

    Raises:
        ValidationError: an input has the wrong form.
    """
    given = state.get("inputs", {})
    return model.model_validate({k: v for k, v in given.items() if k in model.model_fields})
