"""Restate: rewrites a follow-up ("shorter, please") as a self-contained task."""

from langgraph.runtime import Runtime
from pydantic import Field

from ..context import RunContext, resolve_model
from ..prompts import load_prompt
from ..state import RESTATE, Contract, Exchange, TaskState, Turn
from .turns import Stopwatch, fingerprint

PROMPT = load_prompt("coordinator/restate")
MAX_TOKENS = 400
MAX_EXCHANGES = 3
"""Number of earlier tasks shown to the model, the latest ones."""
MAX_ANSWER_CHARS = 600
"""Characters shown of each answer."""


class Restated(Contract):
    """The follow-up rewritten as a self-contained task."""

    task: str = Field(min_length=1, max_length=1500)
    """The task, without references to earlier ones."""


async def restate(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Rewrite the question. Writes `restated`."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    messages = PROMPT[state["language"]].messages(
        earlier=format_exchanges(state["earlier"]), question=state["question"]
    )
    reply = await model.generate_structured(
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


def format_exchanges(earlier: list[Exchange]) -> str:
    """Format the latest exchanges."""
    return "\n\n".join(
        f"[{exchange['workflow']}] {exchange['question']}\n"
        f"-> {exchange['answer'][:MAX_ANSWER_CHARS]}"
        for exchange in earlier[-MAX_EXCHANGES:]
    )
