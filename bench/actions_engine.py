"""What the engine of the action loop costs and saves, without a model.

    python -m bench.actions_engine

Five independent reads of 300 ms in one plan, beside the same one after the other; and the time of a
call that does nothing, of one that writes a file, and of a round with a single call, on SQLite,
beside steps of a bare LangGraph subgraph with the same checkpointer. The planner's decisions are
given, everything else is as in the product.
"""

import argparse
import asyncio
import operator
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any
from unittest.mock import patch

from concertino.actions.catalogue import ACTIONS
from concertino.actions.spec import Action, ActionContext, Data, Outcome, Params
from concertino.agents.act import planner
from concertino.agents.act.desk import Desk
from concertino.settings import get_settings
from concertino.state import Call, Done, MiniPlan, Planned, SingleAction
from concertino.store.open import open_store
from concertino.tasks.api import astream_task
from langchain_core.language_models import FakeListChatModel
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from typing_extensions import TypedDict

READ_SECONDS = 0.3
STEPS = 5
"""Calls in a plan."""


class Wait(Params):
    """How long to wait, and a number that makes calls differ."""

    seconds: float
    number: int


class Waited(Data):
    """Nothing."""


def wait(params: Wait, context: ActionContext) -> Outcome[Waited]:
    """Read something slow."""
    time.sleep(params.seconds)
    return Outcome(Waited())


SLOW_READ = Action(
    name="slow_read",
    description={"en": "Read something slow.", "zh": "读取。"},
    params=Wait,
    data=Waited,
    effect="read",
    run=wait,
)


def wait_calls(seconds: float, *, chained: bool = False) -> list[Call]:
    """Return calls that wait, each after the one before if `chained`."""
    return [
        Call(
            id=f"r{number}",
            action=SLOW_READ.name,
            params={"seconds": seconds, "number": number},
            depends_on=[f"r{number - 1}"] if chained and number > 1 else [],
        )
        for number in range(1, STEPS + 1)
    ]


def write_calls() -> list[Call]:
    """Return calls that write a small file each."""
    return [
        Call(
            id=f"r{number}",
            action="file_write",
            params={"path": f"{number}.txt", "overwrite": False, "content": "12 apples\n"},
        )
        for number in range(1, STEPS + 1)
    ]


@contextmanager
def decide(rounds: Sequence[Sequence[Call]]) -> Iterator[None]:
    """Have the planner want these calls, one round after the other."""

    async def plan(desk: Desk, offered: Sequence[Any]) -> Planned:
        known = {result.id for result in desk.results}
        for calls in rounds:
            if calls[0].id in known:
                continue
            if len(calls) == 1:
                return SingleAction(reasoning="", call=calls[0])
            return MiniPlan(reasoning="", goal="all of it", steps=list(calls))
        return Done(reasoning="", outcome="complete", evidence=["r1"], message="It is done.")

    with (
        patch.dict(ACTIONS, {SLOW_READ.name: SLOW_READ}),
        patch.object(planner, "_plan", plan),
        patch.object(planner, "shortlist_actions", lambda *_, **__: list(ACTIONS.values())),
    ):
        yield


class Times:
    """Seconds of one task, in all and of its parts."""

    def __init__(self) -> None:
        self.whole = 0.0
        self.performing: list[float] = []
        """From the beginning of each plan's performance to its end, checkpoints included."""
        self.calls: list[float] = []
        """What the node of a call takes, without LangGraph's part."""
        self.rounds: list[float] = []
        """From one plan to the next."""


async def time_task(rounds: Sequence[Sequence[Call]]) -> Times:
    """Play a task with these calls."""
    times = Times()
    with tempfile.TemporaryDirectory() as folder, decide(rounds):
        started = time.perf_counter()
        performing = planned = 0.0
        async for event in astream_task(
            "Measure",
            workflow="act",
            workspace=folder,
            model=FakeListChatModel(responses=["{}"]),
            inputs={"max_rounds": 40},
            max_iterations=100,
        ):
            now = time.perf_counter()
            match event:
                case {"type": "node_start", "node": "perform"}:
                    performing = now
                case {"type": "node_end", "node": "perform"}:
                    times.performing.append(now - performing)
                case {"type": "node_end", "node": "run_call"}:
                    times.calls.append(event["seconds"])
                case {"type": "node_end", "node": "planner"}:
                    if planned:
                        times.rounds.append(now - planned)
                    planned = now
        times.whole = time.perf_counter() - started
    return times


class Bare(TypedDict, total=False):
    """State of the bare graph."""

    done: Annotated[list[int], operator.add]


def build_bare(checkpointer: Any) -> Any:
    """Compile LangGraph's own way to do five things side by side in a subgraph."""

    async def step(state: dict[str, Any]) -> Bare:
        return {"done": [state["number"]]}

    async def join(state: Bare) -> Bare:
        return {}

    inner = StateGraph(Bare)
    inner.add_node("step", step)
    inner.add_node("join", join)
    inner.add_conditional_edges(
        START, lambda state: [Send("step", {"number": n}) for n in range(STEPS)], ["step"]
    )
    inner.add_edge("step", "join")
    inner.add_edge("join", END)
    outer = StateGraph(Bare)
    outer.add_node("perform", inner.compile())
    outer.add_edge(START, "perform")
    outer.add_edge("perform", END)
    return outer.compile(checkpointer=checkpointer)


async def time_bare(thread: str) -> float:
    """Return the seconds of the bare subgraph, with the same checkpointer."""
    started = ended = 0.0
    async with open_store(get_settings().home) as store:
        async for namespace, event in build_bare(store.checkpointer).astream(
            {"done": []},
            {"configurable": {"thread_id": thread}},
            stream_mode="debug",
            subgraphs=True,
            durability="sync",
        ):
            if not namespace and event["type"] == "task":
                started = time.perf_counter()
            elif not namespace and event["type"] == "task_result":
                ended = time.perf_counter()
    return ended - started


class Series:
    """What was measured, each kind once in every repetition, so that all have the same weather."""

    def __init__(self) -> None:
        self.bare: list[float] = []
        self.together: list[Times] = []
        self.apart: list[Times] = []
        self.nothing: list[Times] = []
        self.writing: list[Times] = []
        self.single: list[Times] = []

    async def repeat(self, number: int) -> None:
        """Measure each kind once."""
        self.bare.append(await time_bare(f"bare{number}"))
        self.nothing.append(await time_task([wait_calls(0)]))
        self.writing.append(await time_task([write_calls()]))
        self.single.append(await time_task([[call] for call in wait_calls(0)]))
        self.together.append(await time_task([wait_calls(READ_SECONDS)]))
        self.apart.append(await time_task([wait_calls(READ_SECONDS, chained=True)]))

    def list_rows(self) -> list[tuple[str, str]]:
        """Return the table's rows."""
        together, apart, nothing = (
            statistics.median(times.performing[0] for times in runs)
            for runs in (self.together, self.apart, self.nothing)
        )
        wholes = [statistics.median(t.whole for t in runs) for runs in (self.apart, self.together)]
        bare = statistics.median(self.bare)
        rounds = statistics.median(s for times in self.single for s in times.rounds)
        calls = statistics.median(s for times in self.single for s in times.calls)
        return [
            ("five reads of 300 ms in one plan, s", f"{together:.3f}"),
            ("the same one after the other, s", f"{apart:.3f}"),
            ("ratio", f"{apart / together:.2f}"),
            ("ratio of the whole tasks", f"{wholes[0] / wholes[1]:.2f}"),
            ("a call that does nothing, in a plan of five, ms", f"{1000 * nothing / STEPS:.1f}"),
            ("a step of five in a bare LangGraph subgraph, ms", f"{1000 * bare / STEPS:.1f}"),
            ("a call that writes a file, in a plan of five, ms", format_ms(self.writing, STEPS)),
            ("a single call that does nothing, ms", format_ms(self.single, 1)),
            ("the engine's own part of it, ms", f"{1000 * calls:.1f}"),
            ("a round of planning and a single call, ms", f"{1000 * rounds:.1f}"),
        ]


async def measure(repeats: int) -> list[tuple[str, str]]:
    """Return the table's rows."""
    await time_task([wait_calls(0)])  # loads what is loaded once
    series = Series()
    for number in range(repeats):
        await series.repeat(number)
    return series.list_rows()


def format_ms(runs: Sequence[Times], calls: int) -> str:
    """Return the median milliseconds of a call."""
    seconds = statistics.median(s for times in runs for s in times.performing)
    return f"{1000 * seconds / calls:.1f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="concertino-engine-") as home,
        patch.dict("os.environ", CONCERTINO_HOME=home),
    ):
        get_settings.cache_clear()
        rows = asyncio.run(measure(options.repeats))
    print("| what | median |\n| --- | --- |")
    for what, value in rows:
        print(f"| {what} | {value} |")


if __name__ == "__main__":
    main()
