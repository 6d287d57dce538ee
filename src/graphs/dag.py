"""A small engine for any DAG of steps: all that are ready run side by side (`Send`), round after
round, until none is left.

What depends on a failed step is skipped. Siblings of a failed step finish, and their results stay.
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Generic, Literal, TypeVar

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Send

from ..context import RunContext

Step = TypeVar("Step", bound=Hashable)
Needs = Mapping[Step, Collection[Step]]
"""Every step of the DAG, in a fixed order, with the steps whose results it uses."""
Outcome = Literal["done", "failed"]


@dataclass(frozen=True)
class Dag(Generic[Step]):
    """How the steps of a state are found and carried out.

    The callables read the subgraph's state and change nothing; `run` and `conclude` are its nodes.
    """

    needs: Callable[[Any], Needs[Step]]
    outcomes: Callable[[Any], Mapping[Step, Outcome]]
    """How each step ended that has been carried out."""
    prepare: Callable[[Any, Step], Mapping[str, Any]]
    """What the node that runs a step is sent."""
    run: Any
    """Carries out one step, and leaves its result where `outcomes` finds it."""
    conclude: Any
    """Gathers the results, once nothing more can be run."""
    stop_on_failure: bool = False
    """Begin nothing more once a step has failed, not even what does not depend on it."""


def build_dag(
    dag: Dag[Step], *, run: str, state: type[Any], inputs: type[Any], output: type[Any]
) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    """Compile the subgraph that carries out a DAG; it shares the outer graph's checkpointer.

    Args:
        run: name of the node that carries out a step.
        state: schema of the subgraph's state; what steps leave there needs a reducer.
        inputs: schema of what it reads of the outer state.
        output: schema of what it leaves in the outer state.
    """

    async def schedule(state: Any) -> dict[str, Any]:
        """Change nothing: the join after which `start_ready` looks again."""
        return {}

    def start_ready(state: Any) -> list[Send] | str:
        needs, outcomes = dag.needs(state), dag.outcomes(state)
        if dag.stop_on_failure and "failed" in outcomes.values():
            return "conclude"
        ready = find_ready(needs, outcomes)
        return [Send(run, dag.prepare(state, step)) for step in ready] or "conclude"

    builder = StateGraph(
        state, context_schema=RunContext, input_schema=inputs, output_schema=output
    )
    builder.add_node("schedule", schedule)
    builder.add_node(run, dag.run)
    builder.add_node("conclude", dag.conclude)
    builder.add_edge(START, "schedule")
    builder.add_conditional_edges("schedule", start_ready, [run, "conclude"])
    builder.add_edge(run, "schedule")
    builder.add_edge("conclude", END)
    return builder.compile()


def find_ready(needs: Needs[Step], outcomes: Mapping[Step, Outcome]) -> list[Step]:
    """The steps not yet carried out whose every need is done."""
    done = {step for step, outcome in outcomes.items() if outcome == "done"}
    return [
        step for step, wanted in needs.items() if step not in outcomes and done.issuperset(wanted)
    ]


def find_skipped(needs: Needs[Step], outcomes: Mapping[Step, Outcome]) -> list[Step]:
    """The steps that will not be carried out, since one that they need, directly or not, failed."""
    lost = {step for step, outcome in outcomes.items() if outcome == "failed"}
    for step in sort_steps(needs):
        if step not in outcomes and not lost.isdisjoint(needs[step]):
            lost.add(step)
    return [step for step in needs if step in lost and step not in outcomes]


def sort_steps(needs: Needs[Step]) -> list[Step]:
    """The steps in an order in which each stands behind what it needs.

    Raises:
        ValueError: a step needs one that does not exist, or itself through others.
    """
    unknown = {step for wanted in needs.values() for step in wanted} - set(needs)
    if unknown:
        raise ValueError(f"no such step: {', '.join(sorted(map(str, unknown)))}")
    return list(TopologicalSorter(needs).static_order())


def join_chains(needs: Needs[Step]) -> list[list[Step]]:
    """The steps gathered into chains, each of which can be carried out in one go.

    A step joins the chain before it when it needs nothing else and no other step needs that one
    directly. Dependencies that follow from others do not count. Chains come in the order of their
    first steps.
    """
    direct = reduce_needs(needs)
    needed_by = {step: [other for other in direct if step in direct[other]] for step in direct}
    chains: list[list[Step]] = []
    for step in sort_steps(needs):
        before = next((chain for chain in chains if direct[step] == {chain[-1]}), None)
        if before and len(needed_by[before[-1]]) == 1:
            before.append(step)
        else:
            chains.append([step])
    place = {step: number for number, step in enumerate(needs)}
    return sorted(chains, key=lambda chain: place[chain[0]])


def reduce_needs(needs: Needs[Step]) -> dict[Step, set[Step]]:
    """Each step's needs, less those that it has through another (transitive reduction)."""
    everything: dict[Step, set[Step]] = {}
    direct: dict[Step, set[Step]] = {}
    for step in sort_steps(needs):
        through = {far for near in needs[step] for far in everything[near]}
        direct[step] = set(needs[step]) - through
        everything[step] = set(needs[step]) | through
    return direct
