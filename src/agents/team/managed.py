"""The topology `centralized`: parts side by side, each checked, what fails comes back once."""

from langgraph.runtime import Runtime

from ...context import RunContext, resolve_model
from ...language.detect import detect_language
from ...language.messages import say
from ...state import Check, Usage
from ..turns import format_problem
from .assembly import choose_role
from .assigning import (
    Draft,
    assign_all,
    collect_material,
    describe_findings,
    fence_parts,
    holds,
    read_asked,
    select_latest,
)
from .checks import DECISIVE, check_text
from .contracts import Assignment, Contribution, TeamState
from .manager import MAX_HOPS, decide_hop
from .splitting import split_requests, split_sources

WRITER = "writer"
READER = "page_reader"


def start_managed(state: TeamState) -> list[Assignment]:
    """Return the parts that the task's own form shows; empty if the manager has to find them."""
    task = format_problem(state)
    roles = state["plan"].roles
    parts = [(choose_role(asked), asked.task) for asked in split_requests(task)]
    if not parts and READER in roles:
        parts = [(READER, address) for address in split_sources(task)]
    return [
        _assign_part(role if role in roles else roles[0], number, instructions, state)
        for number, (role, instructions) in enumerate(parts, 1)
    ]


def _assign_part(role: str, number: int, instructions: str, state: TeamState) -> Assignment:
    task = assign_all(role, number, state, aloud=False)
    return {**task, "instructions": instructions}


async def settle_managed(
    state: TeamState, runtime: Runtime[RunContext]
) -> tuple[list[Assignment] | Draft, Usage]:
    """Send what failed back, let the manager go on, or put the parts together. Returns the next
    assignments or the draft, and the usage of the manager's decision."""
    made = state.get("contributions", [])
    fixed = start_managed(state)
    if not fixed:
        return await _hop(state, runtime)
    if again := _send_back(made, state):
        return again, Usage()
    latest = select_latest([part for part in made if part.number <= len(fixed)])
    merged = [part for part in made if part.number > len(fixed)]
    if merged or fixed[0]["role"] != READER:
        return await _put_together(latest, merged, state), Usage()
    held = [part for part in latest if part.text]
    if len(held) < 2:
        return await _put_together(latest, merged, state), Usage()
    task = assign_all(WRITER, len(fixed) + 1, state)
    return [{**task, "round": 1, "material": fence_parts(held)}], Usage()


def _send_back(made: list[Contribution], state: TeamState) -> list[Assignment]:
    """Return the parts that failed their first time, with what was wrong."""
    if any(part.round for part in made):
        return []
    return [
        {
            **_assign_part(part.role, part.number, part.instructions, state),
            "round": 1,
            "seed": 1,
            "findings": describe_findings(part.text, part.checks, state["language"]),
        }
        for part in made
        if part.text and not holds(part)
    ]


async def _hop(
    state: TeamState, runtime: Runtime[RunContext]
) -> tuple[list[Assignment] | Draft, Usage]:
    """Have the manager name the next role; end at its word, at a repeated result, or at the
    limit."""
    made = state.get("contributions", [])
    texts = [part.text for part in made]
    repeats = len(texts) > 1 and texts[-1] in texts[:-1]
    stalled = len(made) > 1 and not holds(made[-1]) and not holds(made[-2])
    if repeats or stalled or len(made) >= MAX_HOPS:
        return await _put_together(select_latest(made), [], state), Usage()
    hop, usage = await decide_hop(await resolve_model(runtime), state)
    if hop.agent_id is None:
        return await _put_together(select_latest(made), [], state), usage
    task = _assign_part(hop.agent_id, len(made) + 1, hop.instructions, state)
    given = "\n\n".join(filter(None, [collect_material(state), fence_parts(made)]))
    return [{**task, "material": given}], usage


async def _put_together(
    parts: list[Contribution], merged: list[Contribution], state: TeamState
) -> Draft:
    """Return the writer's text, or else the parts one after the other."""
    language = state["language"]
    if merged and merged[-1].text:
        checks = await check_text(merged[-1].text, read_asked(state), language)
        sources = [source for part in parts for source in part.sources]
        return Draft(merged[-1].text, [*checks, _check_parts(parts, state)], sources)
    told = [part for part in parts if part.text]
    distinct = list({part.text: part for part in told}.values())
    texts = [part.text for part in distinct]
    if len(texts) > 1:
        texts = [f"**{number}.**\n\n{text}" for number, text in enumerate(texts, 1)]
    checks = [_check_parts(parts, state)]
    if parts and all(_is_shown(part) for part in parts):
        checks.append(Check(name="tests", passed=True, detail=str(len(parts))))
    sources = [source for part in distinct for source in part.sources]
    spoken = {detect_language(text) for text in texts}
    cut_off = any(part.cut_off for part in told)
    return Draft("\n\n".join(texts), checks, sources, cut_off, mixed=len(spoken) > 1)


def _check_parts(parts: list[Contribution], state: TeamState) -> Check:
    failed = [part for part in parts if not holds(part)]
    lines = [f"{part.number}: {_find_reason(part)}" for part in failed]
    detail = say("team.parts", state["language"], held=len(parts) - len(failed), all=len(parts))
    return Check(name="parts", passed=not failed, detail="; ".join([detail, *lines])[:300])


def _find_reason(part: Contribution) -> str:
    broken = [f"{check.name} ({check.detail})" for check in part.checks if not check.passed]
    return part.error or ", ".join(broken)


def _is_shown(part: Contribution) -> bool:
    """Return whether a check showed the part to be right."""
    return holds(part) and any(check.name in DECISIVE for check in part.checks)
