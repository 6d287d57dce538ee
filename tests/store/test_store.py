"""How Postgres keeps a stale holder from writing; what every store does alike is in
`tests/conformance`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from concertino import TaskBusy
from concertino.errors import ConcertinoError, StoreUnavailable
from concertino.store.base import TaskStore
from concertino.store.open import open_store
from langgraph.checkpoint.base import empty_checkpoint
from pydantic import SecretStr

from tests.model_server import PATIENCE, SECRET, use
from tests.scale import schema

TASK: Any = {"question": "What do 12 pens cost?", "inputs": {}}


@pytest.fixture
async def store() -> AsyncIterator[TaskStore]:
    with schema() as address:
        async with open_store(SecretStr(address)) as opened:
            yield opened


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, CONCERTINO_LEASE_SECONDS="0.3")


@pytest.fixture
def silence(short_leases: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lease is renewed in time."""
    monkeypatch.setattr("concertino.store.postgres.RENEWALS_PER_LEASE", 0.01)


async def test_a_holder_that_is_not_heard_of_loses_its_task_and_writes_nothing_more(
    silence: None, store: TaskStore
) -> None:
    config: Any = {"configurable": {"thread_id": "task", "checkpoint_ns": ""}}
    working, replaced = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with store.claim("task") as held:
            await held.add("task", "task", TASK)
            working.set()
            await replaced.wait()
            at: Any = {"configurable": {**config["configurable"], "checkpoint_id": "1"}}
            late = (
                held.update("task", "verified", None, "late"),
                held.checkpointer.aput(config, empty_checkpoint(), {}, {}),
                held.checkpointer.aput_writes(at, [("channel", "late")], "step"),
            )
            for write in late:
                with pytest.raises(TaskBusy):
                    await write
            async with held.hold_lock("bandit") as alone:
                with pytest.raises(TaskBusy):
                    await alone.update("task", "verified", None, "late")

    holding = asyncio.create_task(hold())
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
        await working.wait()
        taken: TaskStore | None = None
        while taken is None:
            with suppress(TaskBusy):
                taken = await stack.enter_async_context(store.claim("task"))
        replaced.set()
        await holding
        assert (await store.get("task")).status == "running"
        assert await store.checkpointer.aget_tuple(config) is None
        assert await store.read("select * from checkpoint_writes") == []
        await taken.update("task", "verified", None, "36")
        await taken.checkpointer.aput(config, empty_checkpoint(), {}, {})
    assert (await store.get("task")).final_answer == "36"


async def test_a_lease_is_renewed_as_long_as_its_holder_lives(
    short_leases: None, store: TaskStore
) -> None:
    expires = "select expires from leases where task_id = 'task'"
    async with store.claim("task") as held, asyncio.timeout(PATIENCE):
        [first] = await store.read(expires)
        while await store.read(expires) == [first]:
            pass
        await held.add("task", "task", TASK)
    assert await store.read("select * from leases") == []


async def test_a_holder_hears_at_once_that_it_should_stop(store: TaskStore) -> None:
    nudge, stops = asyncio.Event(), asyncio.Queue[str]()
    async with store.claim("task", stops.put_nowait, nudge), asyncio.timeout(PATIENCE):
        await store.ask_to_stop("task")
        nudge.set()
        assert await stops.get() == "cancelled"


async def test_a_transaction_of_a_paused_process_does_not_keep_its_task_from_others(
    silence: None, store: TaskStore
) -> None:
    async def pause() -> None:
        async with store.claim("task") as held, held.transaction() as db:
            while not await store.find_unclaimed(["task"]):
                await store.read("select pg_sleep(0.05)")
            async with store.claim("task"):
                await db.execute("update tasks set status = 'late'")

    async with asyncio.timeout(PATIENCE):
        with pytest.raises((StoreUnavailable, TaskBusy)):
            await pause()


@pytest.mark.parametrize(
    "address",
    [
        f"mysql://me:{SECRET}@host/base",
        f"postgresql://me:{SECRET}/x@host:y/base",
        f"postgresql://me:{SECRET}@127.0.0.1:1/base",
    ],
)
async def test_an_address_without_a_database_is_told_without_its_password(address: str) -> None:
    with pytest.raises(ConcertinoError, match="CONCERTINO_DATABASE_URL") as raised:
        async with open_store(SecretStr(address)):
            pass
    assert SECRET not in str(raised.value)
