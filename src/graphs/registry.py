"""Registry of the workflows that the Coordinator can conduct; every list of workflows reads it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from langgraph.runtime import Runtime
from pydantic import BaseModel, ValidationError

from ..agents.turns import parse_inputs
from ..context import RunContext
from ..language.messages import Language
from ..state import TaskState
from .conclusion import conclude, describe_output, has_output, may_improve

LocalizedText = Mapping[Language, str]
StatePredicate = Callable[[TaskState], bool]


def _always(state: TaskState) -> bool:
    return True


def _never(state: TaskState) -> bool:
    return False


@dataclass(frozen=True)
class Agent:
    """A node to which the Coordinator may send the task."""

    name: str
    description: LocalizedText
    """One line for the Coordinator: what the agent does and when to choose it."""
    node: Any
    """An async function of the state, or a compiled subgraph."""
    legal: StatePredicate | None = None
    """Whether the agent may play now; this only narrows the Coordinator's choice. None: as long as
    its workflow has no output, or one that failed a check."""


@dataclass(frozen=True, eq=False)
class Workflow:
    """A kind of task, and the agents that carry it out.

    The defaults suit a workflow that stores an `Output` under its name; see
    `conclusion.record_output`.
    """

    name: str
    description: LocalizedText
    """One line for the Coordinator, the command line and the docs: the kind of task."""
    inputs: type[BaseModel]
    """Model of the optional inputs besides the question."""
    agents: tuple[Agent, ...]
    checks: Mapping[str, LocalizedText] = field(default_factory=dict)
    """Automatic checks of the output, by name, with their meanings."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Weight of each check in the task's reward, see `learning/reward.py`; 1 if missing."""
    source_signs: tuple[str, ...] = ()
    """Features of questions (see `learning/features.py`) that ask for this workflow's source of
    knowledge; empty if it has none."""
    called_for: StatePredicate = _never
    """Whether what came with the task, such as a workspace, asks for this workflow; the Coordinator
    is told."""
    takes_the_rest: bool = False
    """Whether it takes every task that no other workflow is made for. No other one follows it."""
    available: StatePredicate = _always
    """Whether the workflow can be chosen for this task at all."""
    complete: StatePredicate | None = None
    """Whether there is a result to conclude with; None: once there is an output."""
    need_input: StatePredicate = _never
    """Whether asking the user could help."""
    question: Callable[[TaskState], str] | None = None
    """What to ask the user, where an agent of the workflow says it; None: the Coordinator says."""
    signals: Callable[[TaskState], list[str]] | None = None
    """Hints for the Coordinator's decision, one line each; None: the failed checks."""
    report: Callable[[TaskState, Runtime[RunContext]], Awaitable[TaskState]] | None = None
    """Node that ends the task and sets `final_answer`, `report` and `status`; None: taken from the
    output."""

    def may_be_chosen(self, state: TaskState) -> bool:
        """Return whether this workflow is available for the task and the task's inputs are valid
        for it."""
        try:
            parse_inputs(state, self.inputs)
        except ValidationError:
            return False
        return self.available(state)

    def may_play(self, agent: Agent, state: TaskState) -> bool:
        """Return whether an agent of this workflow may play now."""
        return agent.legal(state) if agent.legal else may_improve(state, self.name)

    def may_complete(self, state: TaskState) -> bool:
        """Return whether this workflow has a result to conclude with."""
        return self.complete(state) if self.complete else has_output(state, self.name)

    def signals_of(self, state: TaskState) -> list[str]:
        """Return hints for the Coordinator's decision, one line each."""
        return self.signals(state) if self.signals else describe_output(state, self.name)

    async def conclude(self, state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
        """End the task with this workflow's result."""
        if self.report:
            return await self.report(state, runtime)
        return conclude(state, self.name, self.checks)


WORKFLOWS: dict[str, Workflow] = {}


RESERVED = frozenset(
    {"receive", "restate", "router", "coordinator", "need_input", "report", "complete"}
)
"""Names used by the outer graph itself."""


def register(workflow: Workflow) -> Workflow:
    """Add a workflow; it may share its name with one of its own agents.

    Raises:
        ValueError: the workflow's name or an agent's name is taken, or two agents share a name.
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
    """Return the `source_signs` of the workflows that answer from a source of knowledge, by
    name."""
    return {name: flow.source_signs for name, flow in WORKFLOWS.items() if flow.source_signs}


def find_home() -> str | None:
    """Return the name of the workflow that takes what no other one is made for, if there is
    one."""
    return next((name for name, flow in WORKFLOWS.items() if flow.takes_the_rest), None)


def describe_workflows() -> list[dict[str, Any]]:
    """Return all workflows as plain data: name, descriptions, schema of the inputs, checks,
    agents."""
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
