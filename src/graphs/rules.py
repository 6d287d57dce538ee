"""What is legal now. Rules narrow the Coordinator's choice and bound it; they never make it."""

from collections import Counter

from ..agents.turns import count_turns
from ..state import Record, TaskState, decisions, rounds
from .registry import WORKFLOWS, Agent, Workflow

COMPLETE = "complete"
NEED_INPUT = "need_input"
MAX_QUESTIONS = 2
"""Times that a task may ask its person."""


def legal_actions(state: TaskState) -> list[str]:
    """The actions the Coordinator may choose from, never none.

    Before a workflow is chosen these are the workflows themselves, and `complete` for a task that
    is for none of them; where one has something to conclude with, those not yet played may follow
    it. At the iteration limit only `complete` is left; so it is where nothing else makes sense.
    """
    if total_iterations(state) >= state["max_iterations"]:
        return [COMPLETE]
    flow = active_workflow(state)
    if flow is None:
        return [*list_available_workflows(state), COMPLETE]
    legal = [
        agent.name
        for agent in flow.agents
        if flow.may_play(agent, state) and not is_stalled(state, agent.name)
    ]
    if flow.may_complete(state):
        legal += [COMPLETE, *list_available_workflows(state)]
    if count_turns(state, NEED_INPUT) < MAX_QUESTIONS and flow.need_input(state):
        legal.append(NEED_INPUT)
    return legal or [COMPLETE]


def active_workflow(state: TaskState) -> Workflow | None:
    """The workflow that is being played; None before one is chosen."""
    name = state.get("active")
    return WORKFLOWS[name] if name else None


def list_available_workflows(state: TaskState) -> list[str]:
    """The workflows that may be chosen: the available ones that have not been."""
    if state.get("workflow"):
        return []
    chosen = {decision.next_action for decision in decisions(state)}
    return [
        name for name, flow in WORKFLOWS.items() if name not in chosen and flow.may_be_chosen(state)
    ]


def find_agent(name: str) -> Agent | None:
    """The registered agent of that name, if there is one."""
    agents = (agent for flow in WORKFLOWS.values() for agent in flow.agents)
    return next((agent for agent in agents if agent.name == name), None)


def find_workflow(actor: str) -> Workflow | None:
    """The workflow that an agent belongs to."""
    return next((f for f in WORKFLOWS.values() if any(a.name == actor for a in f.agents)), None)


def is_stalled(state: TaskState, actor: str) -> bool:
    """Whether playing again would be a third time with the same inputs and the same result.

    The inputs are the same until an agent before it, in its workflow's order, has played with a
    result of its own that was not there before.
    """
    flow = find_workflow(actor)
    names = [agent.name for agent in flow.agents] if flow else []
    before = {NEED_INPUT, *names[: names.index(actor)]}
    seen: set[str] = set()
    times: Counter[str] = Counter()
    for record in state.get("history", []):
        if record.actor in before and record.fingerprint not in seen:
            times.clear()
        if record.actor == actor:
            times[record.fingerprint] += 1
        seen.add(record.fingerprint)
    return any(count >= 2 for count in times.values())


def total_iterations(state: TaskState) -> int:
    """Rounds in which an agent has played."""
    return len(rounds(state))


def find_last_turn(state: TaskState, actor: str) -> int:
    """Place in the history of an agent's latest turn; -1 if it has not played."""
    history: list[Record] = state.get("history", [])
    return max((n for n, record in enumerate(history) if record.actor == actor), default=-1)
