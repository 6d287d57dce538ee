"""What an action is.

An action never changes a file by itself. It reads, and returns what it found together with the
changes that it asks for. The executor shows them to the policy, records them, applies them once
and reads back what it wrote; so approval, undo and exactly-once are the same for all actions.
Commands are the exception: they change files by themselves, and what they changed is found by
comparing the workspace.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import ConfigDict

from ..language.messages import Language
from ..state import Contract
from .snapshot import Snapshot
from .workspace import Change, Workspace

Effect = Literal["read", "write", "delete", "execute", "network"]
Text = Mapping[Language, str]


@dataclass(frozen=True)
class Exists:
    """Marks a parameter that names something of the workspace."""

    kind: Literal["file", "folder", "either"]


ExistingFile = Annotated[str, Exists("file")]
ExistingFolder = Annotated[str, Exists("folder")]
ExistingPath = Annotated[str, Exists("either")]


class Params(Contract):
    """Base of an action's parameters: at most five flat fields, long text last."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Data(Contract):
    """Base of what an action found; placeholders such as `{{r1.rows[0].city}}` refer to its
    fields."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    def format_preview(self) -> str:
        """Return the text that the planner reads."""
        return self.model_dump_json()


P = TypeVar("P", bound=Params)
D = TypeVar("D", bound=Data)


@dataclass(frozen=True)
class Outcome(Generic[D]):
    """What an action found, and the changes that it asks for."""

    data: D
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Targets:
    """What a call does besides its changes, for the policy and for people."""

    argv: tuple[str, ...] = ()
    """The command that it runs, in words."""
    risky: bool = False
    """Whether it is asked about every time, even if its kind was approved."""


async def _note_nothing(before: Snapshot | None) -> None:
    pass


@dataclass(frozen=True)
class ActionContext:
    """What an action may use."""

    workspace: Workspace
    language: Language
    results: Mapping[str, Any] = field(default_factory=dict)
    """Data of the task's earlier results, by id, as plain values."""
    note: Callable[[Snapshot | None], Awaitable[None]] = _note_nothing
    """Called by an action that changes files by itself, right before it begins: what is in the
    workspace is recorded, so that its changes are found and can be undone, even if it is killed."""


def _no_targets(params: Any) -> Targets:
    return Targets()


def _is_available() -> str | None:
    return None


@dataclass(frozen=True)
class Action(Generic[P, D]):
    """Something that can be done in the world."""

    name: str
    """Family and verb, such as `file_read`."""
    description: Text
    """One line for the planner, the command line and the docs."""
    params: type[P]
    data: type[D]
    effect: Effect
    run: Callable[[P, ActionContext], Outcome[D] | Awaitable[Outcome[D]]]
    """A plain function, run in a thread, or a coroutine function. It raises `ActionError`, or
    `OSError` of the file system."""
    may_change: bool = False
    """Whether it may ask for changes although it reads in itself, as a program does."""
    targets: Callable[[P], Targets] = _no_targets
    suffixes: tuple[str, ...] = ()
    """Suffixes of the files it is made for, such as `.csv`; empty: any text."""
    asked_for: re.Pattern[str] | None = None
    """Words of a task that ask for it: with them it is always offered, and without them it is not
    if it deletes or runs something; None: no words tell."""
    untrusted: bool = True
    """Whether its data is somebody else's text: contents of files, output of programs."""
    timeout: float = 30.0
    """Seconds after which it is stopped."""
    find_obstacle: Callable[[], str | None] = _is_available
    """Returns why the action cannot be used on this machine, or None."""

    @property
    def has_effects(self) -> bool:
        """Whether a call may leave something behind."""
        return self.effect != "read" or self.may_change
