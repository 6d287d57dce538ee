"""The workflows the Coordinator can conduct; everything that lists them reads this registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from ..messages import Language
from ..state import TaskState


@dataclass(frozen=True)
class Action:
    """A node that the Coordinator may send the task to."""

    name: str
    description: Mapping[Language, str]
    """One line for the Coordinator: what it does and when it is the one to play."""
    node: Any
    """An async function of the state, or a compiled subgraph."""
    legal: Callable[[TaskState], bool]
    """Whether it makes sense now; narrows what the Coordinator chooses from, no more."""


@dataclass(frozen=True)
class Workflow:
    """A kind of task, and the actions that carry it out."""

    name: str
    description: Mapping[Language, str]
    inputs: type[BaseModel]
    """What may be given besides the question."""
    actions: tuple[Action, ...]
    complete: Callable[[TaskState], bool]
    """Whether there is something to conclude with."""
    need_input: Callable[[TaskState], bool]
    """Whether asking the person could help."""
    signals: Callable[[TaskState], list[str]]
    """What the Coordinator should know before it decides, one line each."""
    report: Any
    """The async function of state and runtime that ends the task: sets `final_answer`, `report`
    and `status`."""


WORKFLOWS: dict[str, Workflow] = {}


RESERVED = frozenset({"receive", "coordinator", "need_input", "report", "complete"})
"""Names that the outer graph itself uses."""


def register(workflow: Workflow) -> Workflow:
    """Add a workflow.

    Raises:
        ValueError: its name or an action's name is taken, or stands twice.
    """
    actions = [action.name for flow in WORKFLOWS.values() for action in flow.actions]
    names = [workflow.name, *(action.name for action in workflow.actions)]
    taken = {*WORKFLOWS, *actions, *RESERVED}
    if clash := {name for name in names if name in taken or names[1:].count(name) > 1}:
        raise ValueError(f"already registered: {', '.join(sorted(clash))}")
    WORKFLOWS[workflow.name] = workflow
    return workflow
