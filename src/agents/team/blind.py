"""The topology `decentralized`: a round in which roles do not see each other, at most one exchange,
then one answer."""

from ...language.messages import say
from ...state import Check
from .agreement import compare_answers, format_answer
from .assigning import Draft, assign_all, fence_parts, find_methods, holds, read_asked
from .checks import check_text
from .code import extract_python, run_code
from .contracts import Assignment, Contribution, TeamState
from .roles import ROLES
from .trial import Trial, build_test_check, format_program, hold_trial

WRITER = "writer"


def start_blind(state: TeamState) -> list[Assignment]:
    """Return the assignments of the blind round. Of several texts only a program is streamed, and
    who writes assertions is not shown a program that failed before."""
    tasks = [
        assign_all(role, number, state, aloud=ROLES[role].method == "code")
        for number, role in enumerate(state["plan"].roles, 1)
    ]
    return [
        {**task, "findings": ""} if ROLES[task["role"]].method == "assertions" else task
        for task in tasks
    ]


async def settle_blind(state: TeamState) -> list[Assignment] | Draft:
    """Make one answer of the blind ones, or have one exchange.

    Raises:
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    match state["plan"].aggregation:
        case "check":
            return await _settle_by_trial(state)
        case "vote":
            return await _settle_by_vote(state)
    return await _settle_by_writing(state)


async def _settle_by_trial(state: TeamState) -> list[Assignment] | Draft:
    parts = state["contributions"]
    language = state["language"]
    asked = read_asked(state)
    programs = find_methods(parts, "code")
    trial = await hold_trial(programs, find_methods(parts, "assertions"), asked)
    if not trial.holds and _is_first(parts):
        untested = bool(trial.best and not trial.passed and not trial.failed)
        findings = await _describe_trial(trial, programs)
        return [_redraw(part, state, findings) for part in parts if _is_code(part) != untested]
    if not programs:
        return Draft("", [], [])
    best = trial.best or programs[-1]
    text = format_program(trial, language) or best.text
    own = [check for check in await check_text(best.text, asked, language) if check.name != "tests"]
    return Draft(text, [*own, build_test_check(trial, language)], [])


def _is_code(part: Contribution) -> bool:
    return ROLES[part.role].method == "code"


async def _describe_trial(trial: Trial, programs: list[Contribution]) -> str:
    """Return what the next program has to mind: assertions that came from the description, or why
    this one does not run."""
    if trial.best is None and programs:
        return f"- {(await run_code(extract_python(programs[0].text))).error}"
    return "\n".join(f"- {source}" for source in trial.failed[:3])


async def _settle_by_vote(state: TeamState) -> list[Assignment] | Draft:
    parts = state["contributions"]
    language = state["language"]
    vote = await compare_answers(parts, language)
    if not vote.check.passed and _is_first(parts):
        return [_redraw(part, state, say("team.another", language)) for part in parts]
    if vote.best is None:
        return Draft("", [], [])
    return Draft(format_answer(vote.best), [vote.check], [])


async def _settle_by_writing(state: TeamState) -> list[Assignment] | Draft:
    """Have one writer put together the parts that hold; a single one stands as it is."""
    parts = [part for part in state["contributions"] if part.text]
    language = state["language"]
    asked = read_asked(state)
    if _is_first(state["contributions"]) and len(parts) > 1:
        task = assign_all(WRITER, len(parts) + 1, state)
        made = [part for part in parts if holds(part)] or parts
        return [{**task, "round": 1, "material": fence_parts(made)}]
    if not parts:
        return Draft("", [], [])
    last = parts[-1]
    checks = await check_text(last.text, asked, language)
    return Draft(last.text, [*checks, *_told_failures(state)], last.sources, last.cut_off)


def _told_failures(state: TeamState) -> list[Check]:
    """Return a failed check if a role gave nothing."""
    failed = [f"{part.role}: {part.error}" for part in state["contributions"] if part.error]
    return [Check(name="parts", passed=False, detail="; ".join(failed)[:200])] if failed else []


def _is_first(parts: list[Contribution]) -> bool:
    return all(part.round == 0 for part in parts)


def _redraw(part: Contribution, state: TeamState, findings: str) -> Assignment:
    """Return a role's assignment of the exchange: it sees the check that failed, and nobody's
    answer, so that agreement stays evidence."""
    again = assign_all(part.role, part.number, state, aloud=_is_code(part))
    told = say("team.exchange", state["language"], findings=findings) if findings else ""
    return {**again, "round": 1, "seed": again["seed"] + 1, "findings": told}
