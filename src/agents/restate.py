"""Restate: makes a follow-up ("shorter, please") a task that stands on its own."""

from langgraph.runtime import Runtime
from pydantic import Field

from ..context import RunContext, model_of
from ..prompts import load
from ..state import RESTATE, Contract, Exchange, TaskState, Turn
from .turns import Stopwatch, fingerprint

PROMPT = load("coordinator/restate")
MAX_TOKENS = 400
SHOWN = 3
"""Earlier tasks that are told, the latest ones."""
SHOWN_CHARS = 600
"""Characters of each answer that are told."""


class Restated(Contract):
    """The follow-up in other words."""

    task: str = Field(min_length=1, max_length=1500)
    """What is to be done, without referring to what came before."""


async def restate(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Restate the question. Writes `restated`."""
    watch, model = Stopwatch(), await model_of(runtime)
    messages = PROMPT[state["language"]].messages(
        earlier=told(state["earlier"]), question=state["question"]
    )
    reply = await model.structured(
        messages, Restated, max_tokens=MAX_TOKENS, language=state["language"]
    )
    return {
        "restated": reply.value.task,
        "turn": Turn(
            actor=RESTATE,
            summary=reply.value.task[:300],
            fingerprint=fingerprint(reply.value),
            usage=reply.usage,
            seconds=watch.seconds,
        ),
        "usage": reply.usage,
    }


def told(earlier: list[Exchange]) -> str:
    """The latest exchanges in words."""
    return "\n\n".join(
        f"[{exchange['workflow']}] {exchange['question']}\n-> {exchange['answer'][:SHOWN_CHARS]}"
        for exchange in earlier[-SHOWN:]
    )
