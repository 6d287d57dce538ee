"""The execution subgraph: runs the plan's chains of steps, in parallel where the plan allows it."""

from collections.abc import Mapping
from typing import Any

from langgraph.graph.state import CompiledStateGraph

from ..agents.math.execution import (
    ChainTask,
    ExecutionInput,
    ExecutionOutput,
    ExecutionState,
    collect_results,
    plan_of,
    prepare_chain,
    run_chain,
)
from ..context import RunContext
from .dag import Dag, Outcome, build_dag, join_chains


def build_execution() -> CompiledStateGraph[Any, RunContext, Any, Any]:
    """Compile the subgraph. A chain is identified by its first step.

    After a failed chain no other is started, because without it there is no answer.
    """
    dag = Dag(
        needs=chain_needs,
        outcomes=_outcomes,
        prepare=_prepare,
        run=run_chain,
        conclude=collect_results,
        stop_on_failure=True,
    )
    return build_dag(
        dag, run="run_chain", state=ExecutionState, inputs=ExecutionInput, output=ExecutionOutput
    )


def chain_needs(state: ExecutionInput) -> dict[int, set[int]]:
    """Return each chain of the plan with the chains whose results it uses."""
    needs = _step_needs(state)
    chain_of = {step: chain[0] for chain in join_chains(needs) for step in chain}
    found: dict[int, set[int]] = {chain: set() for chain in chain_of.values()}
    for step, chain in chain_of.items():
        found[chain] |= {chain_of[need] for need in needs[step]} - {chain}
    return found


def _prepare(state: ExecutionState, first: int) -> ChainTask:
    chain = next(chain for chain in join_chains(_step_needs(state)) if chain[0] == first)
    return prepare_chain(state, chain)


def _step_needs(state: ExecutionInput) -> dict[int, list[int]]:
    return {step.id: step.depends_on for step in plan_of(state).steps}


def _outcomes(state: ExecutionState) -> Mapping[int, Outcome]:
    results = state.get("results", [])
    return {result.step_ids[0]: "done" if result.ok else "failed" for result in results}
