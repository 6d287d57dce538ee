"""The Coordinator: decides from what is known so far which agent plays next."""

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
"""Smallest probability at which a candidate of the router is mentioned."""
FEW_ROUNDS = 3
RECENT_TURNS = 6
"""Number of latest turns shown in full; older ones are cut to one short line."""


class Options(NamedTuple):
    """The options of a decision."""

    legal: list[str]
    descriptions: dict[str, str]
    signals: list[str]
    rounds_left: int
    choosing: bool
    """Whether to choose among workflows instead of the actions of one."""
    router: str = "-"
    """Advice of classifier and bandit on these workflows."""
    question: str = ""
    """What an agent wants to ask the user, for `need_input`."""


class SourcedDecision(NamedTuple):
    """A decision and its source."""

    decision: CoordinatorDecision
    source: Literal["model", "forced", "fallback"]
    usage: Usage = Usage()


async def decide(state: TaskState, options: Options, runtime: Runtime[RunContext]) -> TaskState:
    """Choose one of the legal actions. If there is only one, no model is called."""
    watch = Stopwatch()
    if len(options.legal) == 1:
        only = options.legal[0]
        forced = _build_rule_decision(only, state["language"], "forced")
        question = options.question if only == "need_input" else ""
        decided = SourcedDecision(forced.model_copy(update={"instructions": question}), "forced")
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
    """Build the history entry of an agent's turn, in the round of the decision before it."""
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
    """Return the signals, with the number of rounds left only when few are: otherwise a small model
    mistakes it for one of the problem's numbers."""
    if options.rounds_left > FEW_ROUNDS:
        return options.signals
    return [*options.signals, say("decision.rounds_left", language, rounds=options.rounds_left)]


@cache
def build_decision_schema(legal: tuple[str, ...]) -> type[CoordinatorDecision]:
    """Build a `CoordinatorDecision` whose `next_action` must be one of the legal actions."""
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
    """Format the history: the latest turns in full, older ones cut to one short line."""
    lines = []
    for place, record in enumerate(history):
        recent = place >= len(history) - RECENT_TURNS
        lines.append(f"{record.round}. {record.actor}: {record.summary[: 300 if recent else 60]}")
    return "\n".join(lines)


def format_routing(
    routing: Routing | None,
    legal: list[str],
    called_for: list[str],
    language: Language,
    home: str | None = None,
) -> str:
    """Format the advice of classifier and bandit on the legal workflows, on one line.

    A dash means that they are undecided and the Coordinator decides alone. The probability of
    workflows already played counts towards `complete`. `called_for` lists workflows for which the
    task's own words name a source, or that suit what came with it; `home` is the workflow that
    takes what no other one is made for, which says nothing against such words.
    """
    if routing is None:
        return "-"
    words = [name for name in called_for if name in legal]
    if routing.task_type == OPEN_TASK_TYPE:
        return _format_called_for(words, language) if words else "-"
    chances = {c.workflow: c.p for c in routing.candidates if c.workflow in legal}
    if "complete" in legal:
        chances["complete"] = sum(c.p for c in routing.candidates) - sum(chances.values())
    likely = sorted(
        (name for name, p in chances.items() if p >= MIN_PROBABILITY), key=lambda n: -chances[n]
    )
    if words and likely[:1] == [home]:
        return _format_called_for(words, language)
    known = [v for v in routing.values if v.workflow in legal and v.count]
    unexpected = [name for name in words if [name] != likely[:1]]
    # Put first, since a small model's reasoning begins with whatever comes first.
    hints = [_format_called_for(unexpected, language)] if unexpected else []
    hints.append(", ".join(f"{name} {chances[name]:.2f}" for name in likely))
    if known:
        rewards = ", ".join(f"{v.workflow} {v.value:.2f} ({v.count})" for v in known)
        hints.append(say("routing.rewards", language, rewards=rewards))
    if routing.suggestion in legal and [routing.suggestion] != likely[:1]:
        hints.append(say("routing.suggestion", language, workflow=routing.suggestion))
    return "; ".join(filter(None, hints)) or "-"


def _format_called_for(workflows: list[str], language: Language) -> str:
    return say("routing.called_for", language, workflows=", ".join(workflows))
