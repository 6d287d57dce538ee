"""Registry of the roles in a team; every list of roles reads it.

Roles differ by method, tool or source, never by persona: copies of one model that talk to each
other gain nothing. A new role is a file in `ensemble/`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from langgraph.runtime import Runtime

from ...context import RunContext
from ...language.messages import Language
from .contracts import Assignment, Contribution

Method = Literal[
    "prose",
    "code",
    "assertions",
    "reasoning",
    "calculation",
    "documents",
    "web",
    "pages",
    "checks",
]
"""How a role comes to its answer; answers support each other only if their methods differ."""
Play = Callable[[Assignment, Runtime[RunContext]], Awaitable[Contribution]]


def _always(task: str) -> bool:
    return True


@dataclass(frozen=True)
class Role:
    """Somebody in a team."""

    name: str
    title: Mapping[Language, str]
    """What people call the role."""
    description: Mapping[Language, str]
    """One line in each language: what the role does."""
    method: Method
    play: Play | None
    """Does an assignment; None for a role that is the program's own work after every part."""
    tools: tuple[str, ...] = ()
    """Tools that it uses, by name."""
    needs: Callable[[str], bool] = _always
    """Whether a task has what the role needs, such as an address to read."""
    checks: tuple[str, ...] = ("language", "form", "length", "kept", "complete")
    """Checks of the workflow that its text has to pass."""
    answers: bool = True
    """Whether its text can be the answer to a task."""


ROLES: dict[str, Role] = {}


def register_role(role: Role) -> Role:
    """Add a role.

    Raises:
        ValueError: the name is taken.
    """
    if role.name in ROLES:
        raise ValueError(f"already registered: {role.name}")
    ROLES[role.name] = role
    return role


def name_roles(names: Iterable[str], language: Language) -> str:
    """Return the titles of roles, as a line for people."""
    return ", ".join(ROLES[name].title[language] for name in names)


def describe_roles() -> list[dict[str, Any]]:
    """Return all roles as plain data: name, title, description, method, tools, checks."""
    return [
        {
            "name": role.name,
            "title": dict(role.title),
            "description": dict(role.description),
            "method": role.method,
            "tools": list(role.tools),
            "checks": list(role.checks),
        }
        for role in ROLES.values()
    ]
