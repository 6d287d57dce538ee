"""The workflows the Coordinator can conduct; everything that lists them reads this registry."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from langgraph.runtime import Runtime
from pydantic import BaseModel, ValidationError

from ..agents.turns import parse_inputs
from ..context import RunContext
from ..language.messages import Language
from ..state import TaskState
from .conclusion import conclude, has_output, list_failed_checks, may_improve

LocalizedText = Mapping[Language, str]
StatePredicate = Callable[[TaskState], bool]


def _always(state: TaskState) -> bool:
    return True


def _never(state: TaskState) -> bool:
    return False


@dataclass(frozen=True)
class Agent:
    """A node that the Coordinator may send the task to."""

    name: str
    description: LocalizedText
    """One line for the Coordinator: what it does and when it is the one to play."""
    node: Any
    """An async function of the state, or a compiled subgraph."""
    legal: StatePredicate | None = None
    """Whether it makes sense now; narrows what the Coordinator chooses from, no more. None: until
    its workflow has an output, and while that fails a check."""


@dataclass(frozen=True, eq=False)
class Workflow:
    """A kind of task, and the agents that carry it out.

    The defaults suit a workflow that leaves an `Output` under its name, see
    `conclusion.record_output`.
    """

    name: str
    description: LocalizedText
    """One line for the Coordinator, the command line and the docs: what kind of task it is for."""
    inputs: type[BaseModel]
    """What may be given besides the question."""
    agents: tuple[Agent, ...]
    checks: Mapping[str, LocalizedText] = field(default_factory=dict)
    """What a machine checks of the output: the name of each check, and what it means."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """How much each check counts in the task's reward, see `learning/reward.py`; 1 where nothing
    is said."""
    source_signs: tuple[str, ...] = ()
    """Features of a question, see `learning/features.py`, by which it asks for the source of
    knowledge that this workflow answers from; none where it answers from no source."""
    available: StatePredicate = _always
    """Whether it can be chosen for this task at all."""
    complete: StatePredicate | None = None
    """Whether there is something to conclude with; None: once there is an output."""
    need_input: StatePredicate = _never
    """Whether asking the person could help."""
    signals: Callable[[TaskState], list[str]] | None = None
    """What the Coordinator should know before it decides, one line each; None: failed checks."""
    report: Callable[[TaskState, Runtime[RunContext]], Awaitable[TaskState]] | None = None
    """What ends the task: sets `final_answer`, `report` and `status`; None: from the output."""

    def may_be_chosen(self, state: TaskState) -> bool:
        """Whether this workflow is one for the task, its inputs being what they are."""
        try:
            parse_inputs(state, self.inputs)
        except ValidationError:
            return False
        return self.available(state)

    def may_play(self, agent: Agent, state: TaskState) -> bool:
        """Whether an agent of this workflow makes sense now."""
        return agent.legal(state) if agent.legal else may_improve(state, self.name)

    def may_complete(self, state: TaskState) -> bool:
        """Whether this workflow has something to conclude with."""
        return self.complete(state) if self.complete else has_output(state, self.name)

    def signals_of(self, state: TaskState) -> list[str]:
        """What the Coordinator should know before it decides."""
        return self.signals(state) if self.signals else list_failed_checks(state, self.name)

    async def conclude(self, state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
        """End the task with what this workflow made."""
        if self.report:
            return await self.report(state, runtime)
        return conclude(state, self.name, self.checks)


WORKFLOWS: dict[str, Workflow] = {}


RESERVED = frozenset(
    {"receive", "restate", "router", "coordinator", "need_input", "report", "complete"}
)
"""Names that the outer graph itself uses."""


def register(workflow: Workflow) -> Workflow:
    """Add a workflow. One of its agents may bear its name.

    Raises:
        ValueError: its name or an agent's name is taken, or stands twice.
    """
    agents = (agent.name for flow in WORKFLOWS.values() for agent in flow.agents)
    taken = {*WORKFLOWS, *agents, *RESERVED}
    names = [agent.name for agent in workflow.agents]
    clash = {name for name in [workflow.name, *names] if name in taken or names.count(name) > 1}
    if clash:
        raise ValueError(f"already registered: {', '.join(sorted(clash))}")
    WORKFLOWS[workflow.name] = workflow
    return workflow


def list_sources() -> dict[str, tuple[str, ...]]:
    """The workflows that answer from a source of knowledge, each with its `source_signs`."""
    return {name: flow.source_signs for name, flow in WORKFLOWS.items() if flow.source_signs}


def describe_workflows() -> list[dict[str, Any]]:
    """Every workflow as plain data: name, descriptions, schema of its inputs, checks, agents."""
    return [
        {
            "name": flow.name,
            "description": dict(flow.description),
            "inputs": flow.inputs.model_json_schema(),
            "checks": {name: dict(text) for name, text in flow.checks.items()},
            "agents": {agent.name: dict(agent.description) for agent in flow.agents},
        }
        for flow in WORKFLOWS.values()
    ]
