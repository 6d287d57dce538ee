"""Restate: rewrites a follow-up ("shorter, please"), or a question with standing instructions ("for
children of eight"), as a self-contained task."""

import re

from langgraph.runtime import Runtime
from pydantic import Field

from ..context import RunContext, resolve_model
from ..language.messages import Language
from ..prompts import load_prompt
from ..state import RESTATE, Contract, Exchange, TaskState, Turn
from ..tools.numbers import unknown_numbers
from .turns import Stopwatch, fingerprint

PROMPT = load_prompt("coordinator/restate")
MAX_TOKENS = 400
MAX_EXCHANGES = 3
"""Number of earlier tasks shown to the model, the latest ones."""
MAX_ANSWER_CHARS = 600
"""Characters shown of each answer, and of the instructions."""
LONGEST_TASK = 1500

_ROLE_ALONE = re.compile(
    r"\s*(?:you(?:'re| are) (?:an? |the )?[\w ,-]*(?:assistant|chatbot|ai|model)"
    r"|你是(?:一个|一位|一名|个)?\w*(?:助手|助理|机器人|模型))[.。!！]?\s*",
    re.IGNORECASE,
)
"""Matches instructions that only say what the reader of them is."""


class Restated(Contract):
    """The follow-up rewritten as a self-contained task."""

    task: str = Field(min_length=1, max_length=LONGEST_TASK)
    """The task, without references to earlier ones."""


def has_wishes(state: TaskState) -> bool:
    """Return whether the standing instructions ask for anything."""
    instructions = state.get("instructions") or ""
    return bool(instructions.strip()) and not _ROLE_ALONE.fullmatch(instructions)


async def restate(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Rewrite the question. Writes `restated`."""
    watch = Stopwatch()
    question = state["question"]
    if not state["earlier"] and len(question) > LONGEST_TASK // 2:
        # It would be cut. It stands on its own, so the instructions are put below it.
        return {"restated": f"{question}\n\n{state['instructions'][:MAX_ANSWER_CHARS]}"}
    model = await resolve_model(runtime)
    messages = PROMPT[state["language"]].messages(
        earlier=_format_context(state, state["language"]), question=question
    )
    reply = await model.generate_structured(
        messages, Restated, max_tokens=MAX_TOKENS, language=state["language"]
    )
    task = reply.value.task
    if not state["earlier"] and unknown_numbers(question, task):
        task = question  # nothing of a problem may be lost to instructions about its form
    return {
        "restated": task,
        "turn": Turn(
            actor=RESTATE,
            summary=task[:300],
            fingerprint=fingerprint(reply.value),
            usage=reply.usage,
            seconds=watch.seconds,
        ),
        "usage": reply.usage,
    }


def _format_context(state: TaskState, language: Language) -> str:
    """Format the standing instructions and the latest exchanges."""
    parts = [format_exchanges(state["earlier"])] if state["earlier"] else []
    if has_wishes(state):
        always = {"en": "always", "zh": "始终"}[language]
        parts.insert(0, f"[{always}] {state['instructions'][:MAX_ANSWER_CHARS]}")
    return "\n\n".join(parts)


def format_exchanges(earlier: list[Exchange]) -> str:
    """Format the latest exchanges."""
    return "\n\n".join(
        f"[{exchange['workflow']}] {exchange['question']}\n"
        f"-> {exchange['answer'][:MAX_ANSWER_CHARS]}"
        for exchange in earlier[-MAX_EXCHANGES:]
    )
