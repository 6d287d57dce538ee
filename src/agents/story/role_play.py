"""Role-play: the story's next turn, in character, with the thread as its memory."""

from langgraph.runtime import Runtime

from ...context import RunContext, resolve_model
from ...language.text import count_units
from ...prompts import load_prompt
from ...state import Exchange, output_of
from ..turns import Stopwatch, get_instructions, report_progress
from .contracts import WORKFLOW, StoryInput, StoryState
from .generate import (
    MAX_LENGTH_FACTOR,
    SENTENCE_UNITS,
    TEMPERATURE,
    TOKENS_PER_UNIT,
    derive_seed,
    new_text,
)
from .text import cut_to_length

PROMPT = load_prompt("story/role_play")
RECALLED = 8
"""Number of latest exchanges remembered at length."""
GLIMPSED = 30
"""Number of exchanges before those, remembered by their first words."""
LONG_CHARS, BRIEF_CHARS = 500, 60
"""Characters kept of what each side said, at length and as first words."""


async def play_turn(state: StoryState, runtime: Runtime[RunContext]) -> StoryState:
    """Answer the user in character. Writes `segments`, a single one."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    brief = state["brief"]
    reply = await model.generate_text(
        PROMPT[brief.language].messages(
            characters=", ".join(brief.characters) or "-",
            style=brief.style or "-",
            memory=format_memory(state.get("earlier", [])) or "-",
            question=state["question"],
            problems=_format_problems(state),
            sentences=max(1, round(brief.length / SENTENCE_UNITS[brief.language])),
        ),
        max_tokens=round(TOKENS_PER_UNIT * brief.length * MAX_LENGTH_FACTOR) + 60,
        temperature=TEMPERATURE,
        seed=derive_seed(state, len(state.get("earlier", []))),
        aloud=True,
        varied=True,
    )
    text = new_text(reply.value, earlier_turns(state), brief)
    if count_units(text) > brief.length * MAX_LENGTH_FACTOR:
        text = cut_to_length(text, brief.length)
    report_progress(WORKFLOW, text)
    return {"segments": [text], "spent": reply.usage, "seconds": watch.seconds}


def earlier_turns(state: StoryInput) -> str:
    """Return everything that the model has said in this thread's stories."""
    return "\n".join(e["answer"] for e in state.get("earlier", []) if e["workflow"] == WORKFLOW)


def format_memory(earlier: list[Exchange]) -> str:
    """Format the exchanges: the first and the latest ones at length, and up to `GLIMPSED` before
    the latest by their first words."""
    lines = []
    for age, exchange in zip(range(len(earlier) - 1, -1, -1), earlier, strict=True):
        if age >= RECALLED + GLIMPSED and age < len(earlier) - 1:
            continue
        kept = LONG_CHARS if age < RECALLED or age == len(earlier) - 1 else BRIEF_CHARS
        lines.append(f"> {exchange['question'][:kept]}\n{exchange['answer'][:kept]}")
    return "\n\n".join(lines)


def _format_problems(state: StoryState) -> str:
    """Describe the faults of a turn played earlier in this task; empty if there is none."""
    written = output_of(state, WORKFLOW)
    if written is None:
        return ""
    failed = [check.detail for check in written.checks if not check.passed]
    return "\n".join(filter(None, [*failed, get_instructions(state)]))
