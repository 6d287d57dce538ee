"""What every store of tasks does alike, and how Postgres keeps a stale holder from writing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from concertino import TaskBusy
from concertino.errors import ConcertinoError, StoreUnavailable
from concertino.store.base import Place, TaskStore
from concertino.store.open import open_store
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import END, START, StateGraph
from pydantic import SecretStr

from tests.model_server import PATIENCE, SECRET, use
from tests.scale import schema

KINDS = ("memory", "sqlite", "postgres")
TASK: Any = {"question": "What do 12 pens cost?", "inputs": {}}
ROWS = """
create table if not exists rows (
    name text primary key,
    number integer
);
"""


@pytest.fixture
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TaskStore]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(open_store(_place(request.param, tmp_path, stack)))


def _place(kind: str, folder: Path, stack: AsyncExitStack) -> Place:
    match kind:
        case "postgres":
            return SecretStr(stack.enter_context(schema()))
        case "sqlite":
            return folder / "store"
    return None


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, CONCERTINO_LEASE_SECONDS="0.3")


@pytest.fixture
def silence(short_leases: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lease is renewed in time."""
    monkeypatch.setattr("concertino.store.postgres.RENEWALS_PER_LEASE", 0.01)


everywhere = pytest.mark.parametrize("store", KINDS, indirect=True)
shared = pytest.mark.parametrize("store", KINDS[1:], indirect=True)
in_postgres = pytest.mark.parametrize("store", ["postgres"], indirect=True)


@everywhere
async def test_a_transaction_is_written_whole_or_not_at_all(store: TaskStore) -> None:
    await store.define(ROWS)
    async with store.transaction() as db:
        assert await db.execute("insert into rows values (?, ?)", ("a", 1)) == 1
    with suppress(RuntimeError):
        async with store.transaction() as db:
            await db.execute("insert into rows values (?, ?)", ("b", 2))
            raise RuntimeError

    assert await store.read("select name, number from rows") == [{"name": "a", "number": 1}]


@everywhere
async def test_rows_are_numbered_in_the_order_they_came(store: TaskStore) -> None:
    await store.define(ROWS)
    await store.define(ROWS)  # a second time changes nothing
    async with store.transaction() as db:
        for name in "cab":
            await db.execute("insert into rows values (?, ?)", (name, 1))

    rows = await store.read("select name from rows order by rowid desc limit ?", (2,))
    assert [row["name"] for row in rows] == ["b", "a"]


@everywhere
async def test_tasks_are_listed_newest_first_and_one_that_died_is_interrupted(
    store: TaskStore,
) -> None:
    for name in ("first", "second"):
        await store.add(name, name, TASK)
    await store.update("second", "verified", "solve_math", "36 \0")

    second, first = await store.list_latest(5)
    assert (first.task_id, second.task_id) == ("first", "second")
    assert first.status == "interrupted"
    assert (second.status, second.workflow) == ("verified", "solve_math")
    assert (second.final_answer or "").startswith("36")
    assert [each["answer"] for each in await store.list_exchanges("second")] == [
        second.final_answer
    ]


@everywhere
async def test_one_at_a_time_does_what_has_the_same_name(store: TaskStore) -> None:
    inside, most = 0, 0

    async def work(name: str) -> None:
        nonlocal inside, most
        async with store.hold_lock(name) as alone, alone.transaction():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(work("one") for _ in range(20)))
    assert most == 1


@shared
async def test_a_task_has_one_holder(store: TaskStore) -> None:
    async with store.claim("task"):
        assert await store.find_unclaimed(["task", "other"]) == {"other"}
        with pytest.raises(TaskBusy):
            async with store.claim("task"):
                pass
    assert await store.find_unclaimed(["task", "other"]) == {"task", "other"}


@everywhere
async def test_of_a_thread_the_latest_checkpoint_can_be_kept_alone(store: TaskStore) -> None:
    builder = StateGraph(dict)
    builder.add_node("first", lambda state: {"steps": 1})
    builder.add_node("second", lambda state: {"steps": 2, "list": [1, 2]})
    builder.add_edge(START, "first")
    builder.add_edge("first", "second")
    builder.add_edge("second", END)
    graph = builder.compile(checkpointer=store.checkpointer)
    config: Any = {"configurable": {"thread_id": "thread"}}
    result = await graph.ainvoke({}, config)

    assert len([each async for each in store.checkpointer.alist(config)]) > 1
    await store.prune_checkpoints("thread")
    assert len([each async for each in store.checkpointer.alist(config)]) == 1
    assert (await graph.aget_state(config)).values == result


@in_postgres
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


@in_postgres
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


@in_postgres
async def test_a_holder_hears_at_once_that_it_should_stop(store: TaskStore) -> None:
    nudge, told = asyncio.Event(), asyncio.Queue[str]()
    async with store.claim("task", told.put_nowait, nudge), asyncio.timeout(PATIENCE):
        await store.ask_to_stop("task")
        nudge.set()
        assert await told.get() == "cancelled"


@in_postgres
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
    with pytest.raises(ConcertinoError, match="CONCERTINO_DATABASE_URL") as told:
        async with open_store(SecretStr(address)):
            pass
    assert SECRET not in str(told.value)
