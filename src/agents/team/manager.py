"""The manager of a team: names the next role, among those that are legal now."""

from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, create_model

from ...errors import StructuredOutputError
from ...language.messages import say
from ...models.client import LanguageModel
from ...prompts import load_prompt
from ...state import Contract, Line, Usage
from ..turns import format_problem
from .assigning import holds
from .contracts import Contribution, TeamState
from .roles import ROLES

PROMPT = load_prompt("team/manager")
MAX_TOKENS = 300
MAX_HOPS = 6
"""Most parts that a manager hands out."""
RECENT = 3
"""Latest parts that it is shown at length; of older ones it sees one line."""
TERMINATE = "terminate"


class NextHop(Contract):
    """Who is next, or nobody."""

    reasoning: Line
    next_action: Literal["call_agent", "terminate"]
    agent_id: str | None
    """The role; None exactly if `next_action` is `terminate`."""
    instructions: Line
    """What the role has to do."""


@cache
def build_hop_schema(legal: tuple[str, ...], may_end: bool) -> type[BaseModel]:
    """Build the schema of a decision: `agent_id` is one of the legal roles, or `terminate` where
    the team may end. Nothing else can be decoded."""
    choices: Any = Literal[(*legal, *((TERMINATE,) if may_end else ()))]
    return create_model(
        "NextHop",
        __base__=Contract,
        reasoning=(Line, ...),
        agent_id=(choices, ...),
        instructions=(Line, ...),
    )


async def decide_hop(model: LanguageModel, state: TeamState) -> tuple[NextHop, Usage]:
    """Ask who is next. An unusable decision ends the team if there is something to end with, and
    else calls the first role.

    Raises:
        ModelError: the model is unreachable or refused.
    """
    made = state.get("contributions", [])
    legal = list_legal_roles(state)
    may_end = any(part.text for part in made)
    if not legal:
        return _terminate(say("decision.forced", state["language"], action=TERMINATE)), Usage()
    language = state["language"]
    messages = PROMPT[language].messages(
        task=format_problem(state),
        roles="\n".join(f"- {name}: {ROLES[name].description[language]}" for name in legal),
        made=_format_parts(made) or "-",
        left=MAX_HOPS - len(made),
        names=", ".join([*legal, *([TERMINATE] if may_end else [])]),
    )
    try:
        reply = await model.generate_structured(
            messages,
            build_hop_schema(tuple(legal), may_end),
            max_tokens=MAX_TOKENS,
            language=language,
        )
    except StructuredOutputError as error:
        why = say("decision.fallback", language, action=TERMINATE if may_end else legal[0])
        return (_terminate(why) if may_end else _call(legal[0], why, "")), error.usage
    chosen: Any = reply.value
    if chosen.agent_id == TERMINATE:
        return _terminate(chosen.reasoning), reply.usage
    return _call(chosen.agent_id, chosen.reasoning, chosen.instructions), reply.usage


def list_legal_roles(state: TeamState) -> list[str]:
    """Return the roles of the plan that may play: each at most twice, and where the task has what
    it needs."""
    played = [part.role for part in state.get("contributions", [])]
    task = format_problem(state)
    return [
        name
        for name in state["plan"].roles
        if played.count(name) < 2 and ROLES[name].play and ROLES[name].needs(task)
    ]


def _call(role: str, reasoning: str, instructions: str) -> NextHop:
    return NextHop(
        reasoning=reasoning, next_action="call_agent", agent_id=role, instructions=instructions
    )


def _terminate(reasoning: str) -> NextHop:
    return NextHop(reasoning=reasoning, next_action="terminate", agent_id=None, instructions="")


def _format_parts(made: list[Contribution]) -> str:
    """Format what was made: never a role's whole text."""
    lines = []
    for place, part in enumerate(made):
        recent = place >= len(made) - RECENT
        status = "done" if holds(part) else "failed"
        summary = " ".join((part.text or part.error).split())[: 300 if recent else 60]
        checks = ", ".join(f"{c.name} {'✓' if c.passed else '✗'}" for c in part.checks)
        lines.append(f"{part.number}. {part.role} ({status}): {summary} [{checks}]")
    return "\n".join(lines)
