"""The table in the checkpointer: exact with many processes, over kills and restarts, and small."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from concertino import InvalidTask, UnknownTask, list_tasks, resume_task, run_task
from concertino.errors import ConcertinoError
from concertino.learning.bandit import (
    BANDIT_GRAPH,
    MAX_RECENT,
    PAGE_COUNT,
    PRUNE_EVERY,
    THREAD,
    Bandit,
    record_rewards,
)
from concertino.learning.contracts import ArmValue
from concertino.settings import get_settings
from concertino.store.base import Place, TaskStore
from concertino.store.open import open_store
from langgraph.checkpoint.base import id as checkpoint_ids

from tests.learning.sender import event
from tests.model_server import use
from tests.scale import schema

ROOT = Path(__file__).parents[2]
PROCESSES = 8
REWARDS = int(os.environ.get("REWARDS", "40"))
"""That each process sends; the full measure is 1000."""
KILLS = int(os.environ.get("KILLS", "4"))
PATIENCE = 120 + REWARDS


Sender = Callable[[str, int, int], "subprocess.Popen[str]"]


@pytest.fixture
def sender(place: Place) -> Iterator[Sender]:
    """Starts processes that send these events and print the number of each that was
    acknowledged."""
    running: list[subprocess.Popen[str]] = []

    def start(name: str, first: int, last: int) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.learning.sender", name, str(first), str(last)]
        running.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*"))


@pytest.fixture(params=["sqlite", "postgres"])
def place(
    request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """Where the tasks are, for this process and those that it starts."""
    with ExitStack() as stack:
        if request.param == "postgres":
            use(monkeypatch, CONCERTINO_DATABASE_URL=stack.enter_context(schema()))
        yield get_settings().place


@pytest.fixture
async def store(place: Place) -> AsyncIterator[TaskStore]:
    async with open_store(place) as opened:
        yield opened


async def the_arm(store: TaskStore) -> ArmValue:
    [arm] = (await Bandit.read(store.checkpointer)).list_values("open")
    return arm


async def test_a_reward_sent_again_after_thousands_of_others_and_a_restart_counts_once(
    place: Place,
) -> None:
    async with open_store(place) as store:
        await record_rewards(store, event("first", 1.0))
        for start in range(0, 3000, 500):
            await record_rewards(store, *(event(f"t{start + n}", 0.5) for n in range(500)))
    async with open_store(place) as store:
        before = await the_arm(store)
        await record_rewards(
            store, event("first", 1.0), *(event(f"t{n}", 0.9) for n in range(3000))
        )
        assert await the_arm(store) == before
        assert before.count == 3001


async def test_a_persons_word_corrects_a_reward_thousands_of_others_later(store: TaskStore) -> None:
    await record_rewards(store, event("rated", 0.0))
    await record_rewards(store, *(event(f"t{n}", 0.5) for n in range(2 * MAX_RECENT - 1)))
    await record_rewards(store, *(event(f"u{n}", 0.5) for n in range(2 * MAX_RECENT)))
    await record_rewards(store, event("rated", 1.0, revision=1))
    await record_rewards(store, event("rated", 0.0))

    arm = await the_arm(store)
    assert arm.count == 4 * MAX_RECENT
    assert arm.value == pytest.approx((1 + 0.5 * (arm.count - 1)) / arm.count)


async def test_the_table_is_the_state_of_a_reserved_thread(store: TaskStore) -> None:
    await record_rewards(store, event("a", 1.0), event("b", 0.0, workflow="solve_math"))

    graph = BANDIT_GRAPH.copy({"checkpointer": store.checkpointer})
    state = (await graph.aget_state({"configurable": {"thread_id": THREAD}})).values
    assert {key: (arm.count, arm.value) for key, arm in state["arms"].items()} == {
        "open/rag_qa": (1, 1.0),
        "open/solve_math": (1, 0.0),
    }


def test_the_reserved_thread_is_no_task_of_anybodys(place: Place) -> None:
    async def begin() -> None:
        async with open_store(place) as store:
            await record_rewards(store, event("a", 1.0))

    asyncio.run(begin())
    assert list_tasks() == []
    with pytest.raises(UnknownTask):
        resume_task(THREAD)
    with pytest.raises((UnknownTask, InvalidTask)):
        run_task("shorter, please", thread_id=THREAD)


async def test_it_takes_little_room_however_often_it_is_changed(
    store: TaskStore, home: Path
) -> None:
    for number in range(3 * PRUNE_EVERY):
        await record_rewards(store, event(f"t{number}", 0.5))
    await record_rewards(store, *(event(f"u{number}", 0.5) for number in range(20_000)))
    for number in range(3 * PRUNE_EVERY):
        await record_rewards(store, event(f"v{number}", 0.5))

    threads = [
        kept.config["configurable"]["thread_id"] async for kept in store.checkpointer.alist(None)
    ]
    assert threads.count(THREAD) <= PRUNE_EVERY
    assert len(threads) - threads.count(THREAD) <= PAGE_COUNT
    assert size(home) < 20e6


def test_rewards_of_many_processes_are_all_counted(place: Place, sender: Sender) -> None:
    senders = [sender(f"p{n}-", 0, REWARDS) for n in range(PROCESSES)]
    assert [
        process.communicate(timeout=PATIENCE) and process.returncode for process in senders
    ] == [0] * PROCESSES

    async def arm() -> ArmValue:
        async with open_store(place) as store:
            return await the_arm(store)

    counted = asyncio.run(arm())
    assert counted.count == PROCESSES * REWARDS
    assert counted.value == pytest.approx(0.5)


def test_a_kill_loses_no_reward_that_was_acknowledged_and_sending_again_counts_none_twice(
    place: Place, sender: Sender
) -> None:
    async def counted() -> int:
        async with open_store(place) as store:
            return (await the_arm(store)).count

    done = 0
    for killed in range(KILLS):
        process = sender("t", 0, 10_000)
        assert process.stdout
        wanted = done + 3 * killed + 1
        for line in process.stdout:  # it sends again what its predecessors have sent
            if int(line) >= wanted:
                break
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0].split()
        done = int(rest[-1]) if rest else wanted
        assert asyncio.run(counted()) - (done + 1) in (0, 1)


async def test_no_reward_is_lost_where_each_process_has_a_clock_behind_those_before(
    store: TaskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [event(f"t{n}", 0.5) for n in range(3 * MAX_RECENT)]
    for start in range(0, len(events), MAX_RECENT // 2):

        def behind(seconds: int = start) -> int:
            return time.time_ns() - seconds * 10**9

        monkeypatch.setattr(checkpoint_ids, "_last_v6_timestamp", None)
        monkeypatch.setattr(checkpoint_ids, "time", SimpleNamespace(time_ns=behind))
        await record_rewards(store, *events[start : start + MAX_RECENT // 2])
        await store.prune_checkpoints(THREAD)
        assert (await the_arm(store)).count == start + MAX_RECENT // 2
    await record_rewards(store, *events)
    assert (await the_arm(store)).count == len(events)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_others_that_hold_on_to_the_table_for_too_long_are_told(
    store: TaskStore, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("concertino.store.sqlite.BUSY_SECONDS", 0)
    async with open_store(place) as other, other.hold_lock("bandit"):
        with pytest.raises(ConcertinoError):
            await record_rewards(store, event("a", 1.0))
