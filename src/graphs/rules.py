"""Rules for legal actions: they narrow and bound the Coordinator's choice but never make it."""

from collections import Counter

from ..agents.turns import count_turns
from ..state import Record, TaskState, decisions, rounds
from .registry import WORKFLOWS, Agent, Workflow

COMPLETE = "complete"
NEED_INPUT = "need_input"
MAX_QUESTIONS = 2
"""Maximum number of questions that a task may ask its user."""


def legal_actions(state: TaskState) -> list[str]:
    """Return the actions the Coordinator may choose from; never empty.

    Before a workflow is chosen, these are the workflows themselves. Once the active workflow can
    conclude, workflows not yet played may follow it, unless it takes what no other is made for.
    Only `complete` is left at the iteration limit, or when nothing else makes sense.
    """
    if total_iterations(state) >= state["max_iterations"]:
        return [COMPLETE]
    flow = active_workflow(state)
    if flow is None:
        return list_available_workflows(state)
    legal = [
        agent.name
        for agent in flow.agents
        if flow.may_play(agent, state) and not is_stalled(state, agent.name)
    ]
    if flow.may_complete(state):
        legal.append(COMPLETE)
        legal += [] if flow.takes_the_rest else list_available_workflows(state)
    if count_turns(state, NEED_INPUT) < MAX_QUESTIONS and flow.need_input(state):
        legal.append(NEED_INPUT)
    return legal or [COMPLETE]


def active_workflow(state: TaskState) -> Workflow | None:
    """Return the workflow being played; None before one is chosen."""
    name = state.get("active")
    return WORKFLOWS[name] if name else None


def list_available_workflows(state: TaskState) -> list[str]:
    """Return the names of the available workflows not chosen yet; none if the task names a
    workflow."""
    if state.get("workflow"):
        return []
    chosen = {decision.next_action for decision in decisions(state)}
    return [
        name for name, flow in WORKFLOWS.items() if name not in chosen and flow.may_be_chosen(state)
    ]


def find_agent(name: str) -> Agent | None:
    """Return the registered agent with this name, or None."""
    agents = (agent for flow in WORKFLOWS.values() for agent in flow.agents)
    return next((agent for agent in agents if agent.name == name), None)


def find_workflow(actor: str) -> Workflow | None:
    """Return the workflow that an agent belongs to, or None."""
    return next((f for f in WORKFLOWS.values() if any(a.name == actor for a in f.agents)), None)


def is_stalled(state: TaskState, actor: str) -> bool:
    """Return whether an agent has already produced the same result twice from the same inputs.

    Inputs count as the same until the user answers a question or an agent that precedes it in its
    workflow plays, with a result that is new in the history.
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
    """Return the number of rounds in which an agent played."""
    return len(rounds(state))


def find_last_turn(state: TaskState, actor: str) -> int:
    """Return the index in the history of an agent's latest turn; -1 if it has not played."""
    history: list[Record] = state.get("history", [])
    return max((n for n, record in enumerate(history) if record.actor == actor), default=-1)
