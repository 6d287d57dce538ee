"""The engine for DAGs: ready steps run in parallel, and steps that cannot run are skipped."""

import asyncio
import operator
from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from concertino.context import RunContext
from concertino.graphs.dag import (
    Dag,
    Outcome,
    build_dag,
    find_ready,
    find_skipped,
    join_chains,
    reduce_needs,
    sort_steps,
)
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from typing_extensions import TypedDict

Needs = dict[int, list[int]]


class Walk(TypedDict, total=False):
    """State of a DAG whose steps only record that they ran."""

    needs: Needs
    failing: list[int]
    ran: Annotated[list[tuple[int, Outcome]], operator.add]
    skipped: list[int]


class Killed(BaseException):
    """Ends a run as if its process had been killed."""


class StepTask(TypedDict):
    step: int
    fails: bool


class Walker:
    """Compiles the DAG in a state, and records the order in which steps began and ended."""

    def __init__(self, *, stop_on_failure: bool = False) -> None:
        self.log: list[tuple[str, int]] = []
        self.breaks: set[int] = set()
        """Steps during which the process is killed, once."""
        self.graph = build_dag(
            Dag(
                needs=lambda state: state["needs"],
                outcomes=lambda state: dict(state.get("ran", [])),
                prepare=lambda state, step: {"step": step, "fails": step in state["failing"]},
                run=self.run,
                conclude=self.conclude,
                stop_on_failure=stop_on_failure,
            ),
            run="run_step",
            state=Walk,
            inputs=Walk,
            output=Walk,
        )

    async def run(self, task: StepTask) -> Walk:
        self.log.append(("began", task["step"]))
        await asyncio.sleep(0)
        if task["step"] in self.breaks:
            self.breaks.discard(task["step"])
            raise Killed
        self.log.append(("ended", task["step"]))
        return {"ran": [(task["step"], "failed" if task["fails"] else "done")]}

    def conclude(self, state: Walk) -> Walk:
        return {"skipped": find_skipped(state["needs"], dict(state.get("ran", [])))}

    async def walk(self, needs: Needs, failing: list[int] | None = None) -> Mapping[str, Any]:
        return await self.graph.ainvoke({"needs": needs, "failing": failing or []})


@st.composite
def dags(draw: st.DrawFn) -> Needs:
    """Draw up to eight steps in random order, each of which needs up to three of the earlier
    ones."""
    steps = draw(st.permutations(range(draw(st.integers(1, 8)))))
    return {
        step: draw(st.lists(st.sampled_from(steps[:place]), unique=True, max_size=3))
        if place
        else []
        for place, step in enumerate(steps)
    }


def everything_before(needs: Needs, step: int) -> set[int]:
    return set(needs[step]).union(*(everything_before(needs, need) for need in needs[step]))


@given(dags())
async def test_every_step_runs_once_and_after_all_that_it_needs(needs: Needs) -> None:
    walker = Walker()
    found = await walker.walk(needs)
    assert sorted(step for step, _ in found["ran"]) == sorted(needs)
    for step, wanted in needs.items():
        for need in wanted:
            assert walker.log.index(("ended", need)) < walker.log.index(("began", step))


@given(dags(), st.data())
async def test_all_that_does_not_need_a_failed_step_runs_and_the_rest_is_skipped(
    needs: Needs, data: st.DataObject
) -> None:
    failing = data.draw(st.lists(st.sampled_from(sorted(needs)), unique=True))
    found = await Walker().walk(needs, failing)
    lost = {step for step in needs if everything_before(needs, step) & set(failing)}
    assert set(found["skipped"]) == lost
    assert {step for step, _ in found["ran"]} == set(needs) - lost


async def test_steps_that_are_ready_run_side_by_side() -> None:
    walker = Walker()
    await walker.walk({1: [], 2: [], 3: [1, 2]})
    assert walker.log[:2] == [("began", 1), ("began", 2)]


async def test_the_results_of_a_failed_steps_siblings_stay() -> None:
    found = await Walker(stop_on_failure=True).walk({1: [], 2: [], 3: [1], 4: [2]}, failing=[1])
    assert sorted(found["ran"]) == [(1, "failed"), (2, "done")]


async def test_what_does_not_need_the_failed_step_goes_on_unless_a_failure_stops_it() -> None:
    found = await Walker().walk({1: [], 2: [], 3: [1], 4: [2]}, failing=[1])
    assert sorted(found["ran"]) == [(1, "failed"), (2, "done"), (4, "done")]


async def test_after_a_kill_only_what_had_not_ended_runs_again() -> None:
    walker = Walker()
    walker.breaks = {3}
    builder = StateGraph(Walk, context_schema=RunContext)
    builder.add_node("dag", walker.graph)
    builder.add_edge(START, "dag")
    builder.add_edge("dag", END)
    graph = builder.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "walk"}}
    start: Any = {"needs": {1: [], 2: [1], 3: [2]}, "failing": []}
    with pytest.raises(Killed):
        await graph.ainvoke(start, config, durability="sync")
    found = await graph.ainvoke(None, config, durability="sync")
    assert [step for step, _ in found["ran"]] == [1, 2, 3]
    assert [step for what, step in walker.log if what == "began"] == [1, 2, 3, 3]


def test_a_step_is_ready_once_all_that_it_needs_is_done() -> None:
    needs = {"a": [], "b": ["a"], "c": ["a", "b"], "d": []}
    assert find_ready(needs, {}) == ["a", "d"]
    assert find_ready(needs, {"a": "done"}) == ["b", "d"]
    assert find_ready(needs, {"a": "failed", "d": "done"}) == []


def test_a_step_that_does_not_exist_or_needs_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="no such step: x, y"):
        sort_steps({"a": ["y"], "b": ["x"]})
    with pytest.raises(ValueError, match="cycle"):
        sort_steps({"a": ["b"], "b": ["a"]})


@pytest.mark.parametrize(
    ("depends_on", "expected"),
    [
        ([[]], [[1]]),
        ([[], [1], [2]], [[1, 2, 3]]),
        ([[], [1], [1, 2]], [[1, 2, 3]]),
        ([[], [], [1, 2]], [[1], [2], [3]]),
        ([[], [1], [1], [2, 3]], [[1], [2], [3], [4]]),
        ([[], [], [1], [2], [3, 4]], [[1, 3], [2, 4], [5]]),
        ([[], [1], [1], []], [[1], [2], [3], [4]]),
    ],
)
def test_steps_that_only_follow_each_other_become_one_chain(
    depends_on: list[list[int]], expected: list[list[int]]
) -> None:
    assert join_chains(dict(enumerate(depends_on, 1))) == expected


@given(dags())
def test_a_need_that_follows_from_another_is_left_out_and_nothing_else(needs: Needs) -> None:
    direct = reduce_needs(needs)
    for step in needs:
        assert everything_before({k: list(v) for k, v in direct.items()}, step) == (
            everything_before(needs, step)
        )
        for need in direct[step]:
            others = direct[step] - {need}
            assert not any(need in everything_before(needs, other) for other in others)
