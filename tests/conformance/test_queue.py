"""Conformance of every task queue, with its workers."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from concertino import TaskBusy, UnknownTask
from concertino.graphs.conclusion import build_output, record_output
from concertino.graphs.registry import WORKFLOWS, Agent, Workflow, register
from concertino.settings import get_settings
from concertino.state import Check, TaskState
from concertino.store.open import open_store
from concertino.work.queues import QueueFull, QueueStopping
from pydantic import BaseModel

from tests.conformance.queues import QUEUES, SOON, Office, Opener
from tests.model_server import PATIENCE


class Nothing(BaseModel):
    """No inputs."""


@dataclass
class Player:
    """Plays the tasks of these tests; it can be made to wait."""

    played: list[str] = field(default_factory=list)
    """The questions of the tasks, once for each time that a task was started."""
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self, state: TaskState) -> TaskState:
        self.played.append(state["question"])
        self.has_begun.set()
        await self.may_end.wait()
        check = Check(name="played", passed=True, detail="to the end")
        return record_output("wait", build_output("waiting", "It was.", [check]), summary="played")

    async def wait(self) -> None:
        """Wait until a task is being played."""
        async with asyncio.timeout(PATIENCE):
            await self.has_begun.wait()
        self.has_begun.clear()


@pytest.fixture
def player() -> Iterator[Player]:
    """Register the workflow `waiting` for the test, and return its player."""
    before, player = dict(WORKFLOWS), Player()
    text = {"en": "waits.", "zh": "等待。"}
    register(
        Workflow(
            name="waiting",
            description=text,
            inputs=Nothing,
            agents=(Agent("wait", text, player.play),),
            checks={"played": {"en": "played", "zh": "做完"}},
        )
    )
    yield player
    WORKFLOWS.clear()
    WORKFLOWS.update(before)


@pytest.fixture(params=QUEUES)
def opened(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Opener]:
    with ExitStack() as stack:
        yield QUEUES[request.param](monkeypatch, stack, tmp_path)


async def accept(office: Office, *questions: str) -> list[str]:
    return [await office.accept(question, "waiting") for question in questions]


async def statuses(office: Office, *tasks: str) -> list[str]:
    return [(await office.ledger.get_own_task(None, task)).status for task in tasks]


async def check_one_end(office: Office, task_id: str, status: str) -> None:
    """Check that a task has ended exactly once, with this status, and that its events show it."""
    assert (await office.result_of(task_id)).status == status
    events = await office.events_of(task_id)
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert [event.data["type"] for event in events].count("done") == 1
    assert events[-1].data["type"] == "done"
    assert await office.ledger.get_due_job(task_id) is None


async def test_what_is_accepted_is_carried_out(opened: Opener, player: Player) -> None:
    player.may_end.set()
    async with opened() as office:
        [task] = await accept(office, "one")
        await check_one_end(office, task, "verified")
        assert await office.queue.count_waiting() == 0
        assert player.played == ["one"]


async def test_tasks_are_begun_in_the_order_they_came(opened: Opener, player: Player) -> None:
    async with opened() as office:
        tasks = await accept(office, "one")
        await player.wait()
        tasks += await accept(office, "two", "three")
        assert await statuses(office, *tasks) == ["running", "queued", "queued"]
        player.may_end.set()
        for task in tasks:
            await check_one_end(office, task, "verified")
        assert player.played == ["one", "two", "three"]


async def test_a_full_queue_takes_nothing_more_until_there_is_room(
    opened: Opener, player: Player
) -> None:
    async with opened() as office:
        assert office.queue.capacity == 2
        tasks = await accept(office, "one")
        await player.wait()  # what has begun takes no place
        tasks += await accept(office, "two", "three")
        assert await office.queue.count_waiting() == 2
        with pytest.raises(QueueFull) as full:
            await accept(office, "four")
        assert full.value.wait > 0
        await office.queue.cancel(tasks[-1], None)
        assert await office.queue.count_waiting() == 1
        tasks += await accept(office, "five")

        player.may_end.set()
        for task in (*tasks[:2], tasks[-1]):
            await check_one_end(office, task, "verified")
        assert await office.queue.count_waiting() == 0


async def test_a_place_that_is_not_used_is_free_again(opened: Opener, player: Player) -> None:
    async with opened() as office:
        for _ in range(5):
            with suppress(RuntimeError):
                async with office.queue.reserve_place():
                    raise RuntimeError
        assert await office.queue.count_waiting() == 0


async def test_a_task_that_waits_is_cancelled_and_never_begun(
    opened: Opener, player: Player
) -> None:
    async with opened() as office:
        [first] = await accept(office, "one")
        await player.wait()
        [second] = await accept(office, "two")
        await office.queue.cancel(second, None)
        await check_one_end(office, second, "cancelled")
        player.may_end.set()
        await check_one_end(office, first, "verified")
        [third] = await accept(office, "three")
        await check_one_end(office, third, "verified")
        assert player.played == ["one", "three"]


async def test_a_task_at_work_is_cancelled_and_the_next_one_begun(
    opened: Opener, player: Player
) -> None:
    async with opened() as office:
        first, second = await accept(office, "one", "two")
        await player.wait()
        await office.queue.cancel(first, None)
        await check_one_end(office, first, "cancelled")
        player.may_end.set()
        await check_one_end(office, second, "verified")


async def test_cancelling_what_has_ended_changes_nothing(opened: Opener, player: Player) -> None:
    player.may_end.set()
    async with opened() as office:
        [task] = await accept(office, "one")
        await check_one_end(office, task, "verified")
        await office.queue.cancel(task, None)
        await check_one_end(office, task, "verified")


async def test_what_is_unknown_cannot_be_cancelled(opened: Opener, player: Player) -> None:
    async with opened() as office:
        with pytest.raises(UnknownTask):
            await office.queue.cancel("unknown", None)


async def test_a_task_that_another_process_works_on_and_does_not_stop_is_busy(
    opened: Opener, player: Player
) -> None:
    async with opened() as office, open_store(get_settings().place) as elsewhere:
        async with elsewhere.claim("elsewhere") as held:
            await held.add("elsewhere", "elsewhere", {"question": "?"})
            with pytest.raises(TaskBusy):
                await office.queue.cancel("elsewhere", None)
        assert (await elsewhere.get("elsewhere")).final_answer is None


async def test_a_message_too_many_does_no_harm(opened: Opener, player: Player) -> None:
    async with opened() as office:
        [task] = await accept(office, "one")
        for _ in range(3):
            await office.queue.enqueue(task)
        player.may_end.set()
        await check_one_end(office, task, "verified")
        [next_one] = await accept(office, "two")
        await check_one_end(office, next_one, "verified")
        await office.queue.enqueue(task)
        await check_one_end(office, task, "verified")
        assert player.played == ["one", "two"]


async def test_a_drained_queue_takes_nothing_more(opened: Opener, player: Player) -> None:
    async with opened() as office:
        assert not office.queue.stopping
        await office.queue.drain(SOON)
        assert office.queue.stopping
        assert office.notifier.closed
        with pytest.raises(QueueStopping):
            await accept(office, "two")
        await office.queue.drain(SOON)  # a second time changes nothing


async def test_the_next_start_takes_up_what_was_left(opened: Opener, player: Player) -> None:
    async with opened() as office:
        tasks = await accept(office, "one", "two")
        await player.wait()
    async with open_store(get_settings().place) as store:
        assert {task.status for task in await store.list_latest(9)} == {"queued"}

    player.may_end.set()
    async with opened() as office:
        for task in tasks:
            await check_one_end(office, task, "verified")
        assert await office.queue.count_waiting() == 0
    assert sorted(player.played) == ["one", "one", "two"], "what was broken off is begun again"


async def test_what_could_come_to_a_checkpoint_is_not_done_again(
    opened: Opener, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as office:
        [task] = await accept(office, "one")
        await player.wait()
        asyncio.get_running_loop().call_later(SOON / 5, player.may_end.set)
        monkeypatch.setattr("tests.conformance.queues.SOON", PATIENCE)
    async with opened() as office:
        await check_one_end(office, task, "verified")
    assert player.played == ["one"]
