"""Time per graph step outside model calls, compared with a bare two-node LangGraph loop.

    python -m bench.graph_overhead

Both use the same kind of SQLite checkpointer, written synchronously. Stand-ins for the model and
the sandbox answer at once, so that only the graph's own time is left, including everything that is
streamed to readers.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypedDict
from unittest.mock import patch

from concertino.agents.math import execution, verification
from concertino.context import RunContext
from concertino.graphs.coordinator import build_graph
from concertino.models.client import Reply
from concertino.state import Answer, Comprehension, Diagnosis, Issue, Plan, PlanStep, Usage
from concertino.store.open import open_store
from concertino.tasks.events import STREAM_MODES
from concertino.tools.answers import ProgramOutcome
from langgraph.graph import END, START, StateGraph

ROUNDS = 5


class Loop(TypedDict):
    """State of the bare loop."""

    count: int


async def bare(checkpointer: Any, thread: str) -> int:
    """Run a loop of two nodes, and return its number of steps."""

    async def left(state: Loop) -> Loop:
        return {"count": state["count"] + 1}

    builder = StateGraph(Loop)
    builder.add_node("left", left)
    builder.add_node("right", left)
    builder.add_edge(START, "left")
    builder.add_edge("left", "right")
    builder.add_conditional_edges(
        "right", lambda state: "left" if state["count"] < 4 * ROUNDS else END, ["left", END]
    )
    graph = builder.compile(checkpointer=checkpointer)
    return await _steps(graph, {"count": 0}, thread, ["updates"])


MATH = ("comprehension", "planning", "execution", "verification", "report")
"""Agents of `solve_math`, by module name."""


class Instant:
    """A language model that answers at once, and never lets a result be confirmed."""

    name = "instant"

    def __init__(self) -> None:
        self.answers = 0

    async def generate_text(self, messages: Any, **options: Any) -> Reply[str]:
        self.answers += 1
        return Reply(f"answer = {self.answers}", Usage(calls=1))

    async def generate_structured(self, messages: Any, model: Any, **options: Any) -> Reply[Any]:
        if model is Comprehension:
            value: Any = Comprehension(
                givens=["12 pens"],
                unknowns=["total"],
                constraints=[],
                traps=[],
                missing=[],
                answer_is=[],
                problem_type="word_problem",
            )
        elif model is Plan:
            value = Plan(steps=[PlanStep(id=1, description="add", tool="python", depends_on=[])])
        elif model is Diagnosis:
            value = Diagnosis(
                issues=[Issue(what="?", suggestion="?", type="misread", level="execution")]
            )
        else:
            value = model(
                reasoning="again", next_action="execution", instructions="", should_continue=True
            )
        return Reply(value, Usage(calls=1))


async def concertino(checkpointer: Any, thread: str) -> int:
    """Run a task that never passes, and return its number of steps, including those of the
    subgraph."""
    model = Instant()

    async def run_program(sandbox: Any, program: str) -> ProgramOutcome:
        answer = Answer(exact=str(model.answers), text="", latex="")
        return ProgramOutcome(answer=answer, facts={"total": "36"})

    async def nothing(*args: Any, **options: Any) -> None:
        return None

    async def all_different(sandbox: Any, answers: list[str]) -> list[int]:
        return list(range(len(answers)))

    async def instant(runtime: Any) -> Instant:
        return model

    agents = (
        "coordinator",
        *(f"math.{name}" for name in MATH),
    )
    with ExitStack() as patches:
        for agent in agents:
            patches.enter_context(patch(f"concertino.agents.{agent}.resolve_model", instant))
        patches.enter_context(patch.multiple(execution, run_program=run_program))
        patches.enter_context(
            patch.multiple(
                verification,
                check_substitution=nothing,
                read_answer=nothing,
                group_answers=all_different,
            )
        )
        task = {
            "question": "12 pens at 3 dollars?",
            "workflow": "solve_math",
            "max_iterations": 2 * ROUNDS,
        }
        return await _steps(build_graph(checkpointer), task, thread, STREAM_MODES)


async def _steps(graph: Any, start: Any, thread: str, modes: Any) -> int:
    config = {"configurable": {"thread_id": thread}, "recursion_limit": 1000}
    stream = graph.astream(
        start,
        config,
        context=RunContext(),
        stream_mode=modes,
        durability="sync",
        subgraphs=True,
    )
    return sum([1 async for _, mode, _ in stream if mode == "updates"])


async def measure(times: int) -> dict[str, list[float]]:
    """Measure milliseconds per step of both, run alternately."""
    found: dict[str, list[float]] = {"bare LangGraph": [], "concertino": []}
    for turn in range(times):
        with tempfile.TemporaryDirectory() as home:
            async with open_store(Path(home)) as store:
                for name, run in (("bare LangGraph", bare), ("concertino", concertino)):
                    started = time.perf_counter()
                    steps = await run(store.checkpointer, f"{name} {turn}")
                    found[name].append(1000 * (time.perf_counter() - started) / steps)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=9)
    found = asyncio.run(measure(parser.parse_args().times))
    print("| loop | median ms a step | best |\n| --- | --- | --- |")
    for name, times in found.items():
        print(f"| {name} | {statistics.median(times):.2f} | {min(times):.2f} |")
    ratios = [a / b for a, b in zip(found["concertino"], found["bare LangGraph"], strict=True)]
    print(f"\nconcertino / bare LangGraph: x {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
