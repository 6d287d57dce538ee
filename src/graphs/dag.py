"""A small engine for DAGs of steps: all ready steps run in parallel (`Send`), round after round,
until none is left.

Steps that depend on a failed step are skipped. Siblings of a failed step finish and keep their
results.
"""

from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any, Generic, Literal, TypeVar

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Send

from ..context import RunContext

Step = TypeVar("Step", bound=Hashable)
Needs = Mapping[Step, Collection[Step]]
"""All steps of the DAG, in a fixed order, each with the steps whose results it uses."""
Outcome = Literal["done", "failed"]


@dataclass(frozen=True)
class Dag(Generic[Step]):
    """How to find and run the steps in a state.

    The callables read the subgraph's state without changing it.
    """

    needs: Callable[[Any], Needs[Step]]
    outcomes: Callable[[Any], Mapping[Step, Outcome]]
    """Outcomes of the steps that have been run."""
    prepare: Callable[[Any, Step], Mapping[str, Any]]
    """Input for the node that runs a step."""
    run: Any
    """Node that runs one step and stores its result where `outcomes` finds it."""
    conclude: Callable[[Any], Mapping[str, Any]]
    """Returns what the subgraph writes once no further step can run."""
    stop_on_failure: bool = False
    """Start no further step after a failure, not even independent ones."""


def build_dag(
    dag: Dag[Step], *, run: str, state: type[Any], inputs: type[Any], output: type[Any]
) -> CompiledStateGraph[Any, RunContext, Any, Any]:
    """Compile the subgraph that runs a DAG; it shares the outer graph's checkpointer.

    Args:
        dag: how to find and run the steps.
        run: name of the node that runs a step.
        state: schema of the subgraph's state; keys that steps write need a reducer.
        inputs: schema of the part of the outer state that it reads.
        output: schema of the part of the outer state that it writes.
    """

    def start_ready(state: Any) -> list[Send]:
        needs = dag.needs(state)
        outcomes = dag.outcomes(state)
        if dag.stop_on_failure and "failed" in outcomes.values():
            return []
        ready = find_ready(needs, outcomes)
        return [Send(run, dag.prepare(state, step)) for step in ready]

    async def schedule(state: Any) -> Command[Any]:
        """Start what has become ready; once nothing is, conclude. No nodes of their own: each is a
        checkpoint."""
        if ready := start_ready(state):
            return Command(goto=ready)
        return Command(update=dag.conclude(state), goto=END)

    builder = StateGraph(
        state, context_schema=RunContext, input_schema=inputs, output_schema=output
    )
    builder.add_node(run, dag.run)
    builder.add_node("schedule", schedule, destinations=(run, END))
    builder.add_conditional_edges(
        START, lambda state: start_ready(state) or "schedule", [run, "schedule"]
    )
    builder.add_edge(run, "schedule")
    return builder.compile()


def find_ready(needs: Needs[Step], outcomes: Mapping[Step, Outcome]) -> list[Step]:
    """Return the steps that have not run and whose needs are all done."""
    done = {step for step, outcome in outcomes.items() if outcome == "done"}
    return [
        step for step, wanted in needs.items() if step not in outcomes and done.issuperset(wanted)
    ]


def find_skipped(needs: Needs[Step], outcomes: Mapping[Step, Outcome]) -> list[Step]:
    """Return the steps that will not run because a step they need, directly or indirectly,
    failed."""
    lost = {step for step, outcome in outcomes.items() if outcome == "failed"}
    for step in sort_steps(needs):
        if step not in outcomes and not lost.isdisjoint(needs[step]):
            lost.add(step)
    return [step for step in needs if step in lost and step not in outcomes]


def sort_steps(needs: Needs[Step]) -> list[Step]:
    """Return the steps in topological order: each after the steps it needs.

    Raises:
        ValueError: a step needs an unknown step or, directly or indirectly, itself.
    """
    unknown = {step for wanted in needs.values() for step in wanted} - set(needs)
    if unknown:
        raise ValueError(f"no such step: {', '.join(sorted(map(str, unknown)))}")
    return list(TopologicalSorter(needs).static_order())


def join_chains(needs: Needs[Step]) -> list[list[Step]]:
    """Group the steps into chains that can each be run in one go.

    A step joins the preceding chain if it needs nothing but the last step of that chain, and no
    other step needs that one directly. Dependencies implied by others do not count. Chains are
    ordered by their first steps.
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
    """Return each step's needs without those implied by other needs (transitive reduction)."""
    everything: dict[Step, set[Step]] = {}
    direct: dict[Step, set[Step]] = {}
    for step in sort_steps(needs):
        through = {far for near in needs[step] for far in everything[near]}
        direct[step] = set(needs[step]) - through
        everything[step] = set(needs[step]) | through
    return direct
