"""The execution subgraph: chains of steps, side by side where the plan allows it."""

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from ..agents.math.execution import (
    ExecutionInput,
    ExecutionOutput,
    ExecutionState,
    conclude,
    ready,
    run_chain,
    schedule,
)
from ..context import RunContext


def build() -> CompiledStateGraph[ExecutionState, RunContext, ExecutionInput, ExecutionOutput]:
    """Compile the subgraph; it shares the outer graph's checkpointer."""
    builder = StateGraph(
        ExecutionState,
        context_schema=RunContext,
        input_schema=ExecutionInput,
        output_schema=ExecutionOutput,
    )
    builder.add_node("schedule", schedule)
    builder.add_node("run_chain", run_chain)
    builder.add_node("conclude", conclude)
    builder.add_edge(START, "schedule")
    builder.add_conditional_edges("schedule", ready, ["run_chain", "conclude"])
    builder.add_edge("run_chain", "schedule")
    builder.add_edge("conclude", END)
    return builder.compile()
