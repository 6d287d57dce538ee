"""Assignments of a team's roles."""

from typing import NamedTuple

from ...language.messages import Language, say
from ...state import Check, Source, output_of
from ...tools.fence import fence
from ..turns import count_turns, format_problem
from .contracts import WORKFLOW, Assignment, Contribution, TeamInput, TeamState
from .request import Asked, read_request
from .roles import ROLES

MAX_MATERIAL_CHARS = 4000
"""Characters of a text that a role is shown as material."""


class Draft(NamedTuple):
    """What the team has come to, before it is proofread."""

    text: str
    """Text for the user; empty if there is none."""
    checks: list[Check]
    sources: list[Source]
    cut_off: bool = False
    mixed: bool = False
    """Whether its parts are in several languages."""


def read_asked(state: TeamInput) -> Asked:
    """Read what the task asks for."""
    return read_request(format_problem(state), state["language"])


def assign_all(role: str, number: int, state: TeamState, *, aloud: bool = True) -> Assignment:
    """Return the whole task as one role's assignment."""
    return Assignment(
        role=role,
        number=number,
        round=0,
        task=format_problem(state),
        instructions="",
        material=collect_material(state),
        findings=_list_findings(state),
        language=state["language"],
        alone=state["plan"].topology == "single",
        aloud=aloud,
        seed=count_turns(state, WORKFLOW),
    )


def collect_material(state: TeamInput) -> str:
    """Return what other workflows made for this task, fenced as data."""
    made = [o for name, o in state.get("outputs", {}).items() if name != WORKFLOW]
    return "\n\n".join(fence(o.text[:MAX_MATERIAL_CHARS], o.workflow) for o in made if o.text)


def fence_parts(parts: list[Contribution]) -> str:
    """Return what roles made, fenced as data."""
    return "\n\n".join(
        fence(part.text[:MAX_MATERIAL_CHARS], f"{part.role} {part.number}") for part in parts
    )


def holds(part: Contribution) -> bool:
    """Return whether a part is there and passed its checks."""
    return bool(part.text) and all(check.passed for check in part.checks)


def select_latest(parts: list[Contribution]) -> list[Contribution]:
    """Return the latest version of each part, an earlier one if only that holds, in order."""
    latest: dict[int, Contribution] = {}
    for part in sorted(parts, key=lambda each: each.round):
        before = latest.get(part.number)
        if before is None or holds(part) or not holds(before):
            latest[part.number] = part
    return [latest[number] for number in sorted(latest)]


def describe_findings(text: str, checks: list[Check], language: Language) -> str:
    """Describe what was wrong with a version, for the role that writes it anew."""
    failed = "\n".join(f"- {check.name}: {check.detail}" for check in checks if not check.passed)
    version = fence(text[:MAX_MATERIAL_CHARS], WORKFLOW)
    return say("team.findings", language, version=version, failed=failed)


def find_methods(parts: list[Contribution], method: str) -> list[Contribution]:
    """Return the parts with a text that came by a method."""
    return [part for part in parts if part.text and ROLES[part.role].method == method]


def _list_findings(state: TeamInput) -> str:
    before = output_of(state, WORKFLOW)
    return describe_findings(before.text, before.checks, state["language"]) if before else ""
