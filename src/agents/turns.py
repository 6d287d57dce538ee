"""How an agent reports what it did, and what every agent sees of the task."""

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
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started


def fingerprint(*parts: BaseModel | str | None) -> str:
    """A digest that is the same when the same was done with the same result."""
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
) -> TaskState:
    """The state update of an agent: its output, and the turn for the Coordinator to enter."""
    update: dict[str, Any] = {
        f"{actor}_output": output,
        "turn": Turn(
            actor=actor,
            summary=summary[:300],
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
    """The state update of an agent whose model gave nothing usable: the turn has failed, and the
    task goes on without its output."""
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
    """Show a piece of work that is done to whoever follows the task."""
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
    """The task as it stands on its own, with what the person added when asked."""
    asked = state.get("restated") or state["question"]
    return "\n".join([asked, *state.get("clarifications", [])])


def get_instructions(state: QuestionState) -> str:
    """What the Coordinator told whoever plays now."""
    decision = state.get("decision")
    return decision.instructions if decision else ""


class LookupState(QuestionState, Recorded, total=False):
    """The part of the task's state that a workflow sees which looks things up."""

    routing: Routing | None


def count_turns(state: Recorded, actor: str) -> int:
    """Turns that the actor has had in this task."""
    return sum(record.actor == actor for record in state.get("history", []))


def choose_query(state: LookupState, workflow: str) -> str:
    """What a source of knowledge is asked: the task; or, where the task is mainly for another
    workflow and this one gathers for it, what the Coordinator wants to know first."""
    routing = state.get("routing")
    for_another = routing is not None and routing.task_type not in (OPEN_TASK_TYPE, workflow)
    if for_another and not count_turns(state, workflow):
        return get_instructions(state) or format_problem(state)
    return format_problem(state)


def define_input(default: Any, *, en: str, zh: str, **bounds: Any) -> Any:
    """A field of an inputs model: its default, what it means in both languages, and its bounds as
    `pydantic.Field` takes them."""
    return Field(default, description=en, json_schema_extra={"description_zh": zh}, **bounds)


def parse_inputs(state: InputsState, model: type[M]) -> M:
    """Those of the task's inputs that a workflow takes, as its model.

    Raises:
        ValidationError: one has the wrong form.
    """
    given = state.get("inputs", {})
    return model.model_validate({k: v for k, v in given.items() if k in model.model_fields})
