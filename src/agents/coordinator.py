"""The Coordinator: reads what is known so far and says who plays next."""

from functools import cache
from typing import Any, Literal, NamedTuple

from langgraph.runtime import Runtime
from pydantic import create_model

from ..context import RunContext, resolve_model
from ..errors import StructuredOutputError
from ..language.messages import Language, say
from ..models.client import LanguageModel
from ..prompts import load_prompt
from ..state import (
    OPEN_TASK_TYPE,
    CoordinatorDecision,
    Record,
    Routing,
    TaskState,
    Turn,
    Usage,
    decisions,
    turns,
)
from .turns import Stopwatch, format_problem

CONDUCTING = load_prompt("coordinator/decision")
CHOOSING = load_prompt("coordinator/choosing")
MAX_TOKENS = 600
MIN_PROBABILITY = 0.1
"""Probability from which on a candidate of the router is worth a word."""
FEW_ROUNDS = 3
RECENT_ROUNDS = 6
"""Latest rounds that are told in full; older ones become one short line each."""


class Options(NamedTuple):
    """What there is to decide."""

    legal: list[str]
    descriptions: dict[str, str]
    signals: list[str]
    rounds_left: int
    choosing: bool
    """Whether the choice is among workflows, not among the actions of one."""
    router: str = "-"
    """What classifier and bandit think of these workflows."""


class SourcedDecision(NamedTuple):
    """A decision and where it came from."""

    decision: CoordinatorDecision
    source: Literal["model", "forced", "fallback"]
    usage: Usage = Usage()


async def decide(state: TaskState, options: Options, runtime: Runtime[RunContext]) -> TaskState:
    """Choose among the legal actions. Where there is only one, no model is asked."""
    watch = Stopwatch()
    if len(options.legal) == 1:
        decided = SourcedDecision(
            _build_rule_decision(options.legal[0], state["language"], "forced"), "forced"
        )
    else:
        decided = await _ask_model(await resolve_model(runtime), state, options)
    record = Record(
        round=len(decisions(state)) + 1,
        actor="coordinator",
        summary=f"{decided.decision.next_action}: {decided.decision.reasoning}",
        decision=decided.decision,
        source=decided.source,
        legal=options.legal,
        usage=decided.usage,
        seconds=watch.seconds,
    )
    return {
        "decision": decided.decision,
        "history": [record],
        "usage": decided.usage,
    }


def build_turn_record(turn: Turn, state: TaskState) -> Record:
    """An agent's turn as a line of the history, in the round of the decision that led to it."""
    return Record(round=len(decisions(state)), **dict(turn))


async def _ask_model(model: LanguageModel, state: TaskState, options: Options) -> SourcedDecision:
    language = state["language"]
    messages = (CHOOSING if options.choosing else CONDUCTING)[language].messages(
        problem=format_problem(state),
        history=format_history(turns(state)) or "-",
        signals="\n".join(f"- {line}" for line in _list_signals(options, language)),
        actions="\n".join(f"- {name}: {options.descriptions[name]}" for name in options.legal),
        names=", ".join(options.legal),
        router=options.router,
    )
    try:
        reply = await model.generate_structured(
            messages,
            build_decision_schema(tuple(options.legal)),
            max_tokens=MAX_TOKENS,
            language=language,
        )
    except StructuredOutputError as error:
        decision = _build_rule_decision(options.legal[0], language, "fallback")
        return SourcedDecision(decision, "fallback", error.usage)
    chosen = reply.value
    decision = CoordinatorDecision(
        reasoning=chosen.reasoning,
        next_action=chosen.next_action,
        instructions=chosen.instructions,
        should_continue=chosen.next_action != "complete",
    )
    return SourcedDecision(decision, "model", reply.usage)


def _list_signals(options: Options, language: Language) -> list[str]:
    """What there is to know; the rounds only when they run short, else a small model takes their
    number for one of the problem's."""
    if options.rounds_left > FEW_ROUNDS:
        return options.signals
    return [*options.signals, say("decision.rounds_left", language, rounds=options.rounds_left)]


@cache
def build_decision_schema(legal: tuple[str, ...]) -> type[CoordinatorDecision]:
    """`CoordinatorDecision` whose `next_action` can only be one of the legal actions."""
    choices: Any = Literal[legal]
    return create_model(
        "CoordinatorDecision", __base__=CoordinatorDecision, next_action=(choices, ...)
    )


def _build_rule_decision(action: str, language: Language, why: str) -> CoordinatorDecision:
    return CoordinatorDecision(
        reasoning=say(f"decision.{why}", language, action=action),
        next_action=action,
        instructions="",
        should_continue=action != "complete",
    )


def format_history(history: list[Record]) -> str:
    """The history in words: the last rounds in full, older ones cut to one short line."""
    lines = []
    for place, record in enumerate(history):
        recent = place >= len(history) - RECENT_ROUNDS
        lines.append(f"{record.round}. {record.actor}: {record.summary[: 300 if recent else 60]}")
    return "\n".join(lines)


def format_routing(
    routing: Routing | None, legal: list[str], called_for: list[str], language: Language
) -> str:
    """What classifier and bandit think of the legal workflows, on one line; a dash where they are
    undecided, so that the Coordinator decides alone. What they thought of those that have played
    speaks for `complete`. `called_for` are those that the task's own words name a source for."""
    if routing is None:
        return "-"
    if routing.task_type == OPEN_TASK_TYPE:
        declines = routing.none > 0.5 and "complete" in legal
        return f"complete {routing.none:.2f}" if declines else "-"
    chances = {c.workflow: c.p for c in routing.candidates if c.workflow in legal}
    if "complete" in legal:
        chances["complete"] = sum(c.p for c in routing.candidates) - sum(chances.values())
    likely = sorted(
        (name for name, p in chances.items() if p >= MIN_PROBABILITY), key=lambda n: -chances[n]
    )
    known = [v for v in routing.values if v.workflow in legal and v.count]
    words = [name for name in called_for if name in legal and [name] != likely[:1]]
    # First: a small model's reasoning begins with whatever stands first.
    hints = [say("routing.called_for", language, workflows=", ".join(words))] if words else []
    hints.append(", ".join(f"{name} {chances[name]:.2f}" for name in likely))
    if known:
        rewards = ", ".join(f"{v.workflow} {v.value:.2f} ({v.count})" for v in known)
        hints.append(say("routing.rewards", language, rewards=rewards))
    if routing.suggestion in legal and [routing.suggestion] != likely[:1]:
        hints.append(say("routing.suggestion", language, workflow=routing.suggestion))
    return "; ".join(filter(None, hints)) or "-"
