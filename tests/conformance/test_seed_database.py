"""Conformance of the seed database in every task store."""

from decimal import Decimal
from typing import Any

import pytest
from concertino.state import Answer
from concertino.store.base import TaskStore
from concertino.synthesis.contracts import (
    Certificate,
    Essence,
    Invariants,
    NewTask,
    Place,
    Slot,
    Span,
    SuccessPattern,
)
from concertino.synthesis.database import SeedDatabase

from tests.conformance.stores import STORES

everywhere = pytest.mark.parametrize("place", STORES, indirect=True)
GOLD = Answer(exact="36", text="36", latex="36")
TASK: Any = {"question": "What do 12 pens cost?", "inputs": {}}


def make_essence(essence_id: str = "e1", task_id: str | None = None) -> Essence:
    return Essence(
        id=essence_id,
        seed_id="seed",
        task_id=task_id,
        language="zh",
        domain="money",
        query="一共多少元？",
        complexity_level="simple",
        success_pattern=SuccessPattern(
            key_steps=[], execution_pattern="mul", success_indicators=[]
        ),
        problem="12支笔，每支3元，一共多少元？",
        program="answer = 12 * 3",
        slots=[
            Slot(
                name="n1",
                value=Decimal(12),
                kind="whole",
                unit="支",
                low=Decimal(6),
                high=Decimal(24),
                step=Decimal(1),
                writing="digits",
                span=Span(start=0, end=2),
                literals=[Place(span=Span(start=9, end=11), type="int")],
            )
        ],
        kept=[],
        invariants=Invariants(path="", shapes={}, answer_kind="number", answer_unit=None),
        answer=GOLD,
        n_ops=1,
    )


def make_task(number: int, essence_id: str = "e1") -> NewTask:
    return NewTask(
        id=f"t{number}",
        essence_id=essence_id,
        language="zh",
        question=f"{number}支笔，每支3元，一共多少元？",
        values={"n1": Decimal(number)},
        gold=GOLD,
        program=f"answer = {number} * 3",
        level="simple",
    )


@everywhere
async def test_an_essence_is_kept_once(store: TaskStore) -> None:
    database = await SeedDatabase.open(store)
    assert await database.add_essence(make_essence())
    assert not await database.add_essence(make_essence())
    assert await database.list_essences() == ([make_essence()], 0)


@everywhere
async def test_opening_again_keeps_what_is_there(store: TaskStore) -> None:
    await (await SeedDatabase.open(store)).add_essence(make_essence())
    assert (await (await SeedDatabase.open(store)).list_essences())[0] == [make_essence()]


@everywhere
async def test_only_new_tasks_are_added(store: TaskStore) -> None:
    database = await SeedDatabase.open(store)
    tasks = [make_task(12), make_task(15)]
    assert await database.add_tasks(make_essence(), tasks) == tasks
    assert await database.add_tasks(make_essence(), [*tasks, make_task(18)]) == [make_task(18)]
    assert len(await database.list_tasks()) == 3
    assert await database.list_tasks("another") == []


@everywhere
async def test_a_certificate_is_recorded(store: TaskStore) -> None:
    database = await SeedDatabase.open(store)
    await database.add_essence(make_essence())
    await database.record_certificate("e1", Certificate(agreed=2, tried=3), "certified")
    [found] = (await database.list_essences())[0]
    assert (found.status, found.certificate) == ("certified", Certificate(agreed=2, tried=3))


@everywhere
async def test_what_another_version_wrote_is_skipped_and_counted(store: TaskStore) -> None:
    database = await SeedDatabase.open(store)
    await database.add_essence(make_essence())
    async with store.transaction() as db:
        await db.execute(
            "insert into synthesis_essences values (?, ?, ?, ?, ?, ?)",
            ("old", None, "draft", "en", '{"version": 0}', "2020-01-01T00:00:00+00:00"),
        )
        await db.execute(
            "insert into synthesis_tasks values (?, ?, ?, ?, ?, ?)",
            ("old", "e1", None, "en", "{", "2020-01-01T00:00:00+00:00"),
        )
    assert await database.list_essences() == ([make_essence()], 1)
    assert await database.list_tasks() == []


@everywhere
async def test_what_was_made_of_a_task_is_deleted_with_it(store: TaskStore) -> None:
    database = await SeedDatabase.open(store)
    await store.add("a", "a", TASK)
    mine, other = make_essence("e1", "a"), make_essence("e2")
    for essence, number in ((mine, 12), (other, 15)):
        await database.add_essence(essence)
        await database.add_tasks(essence, [make_task(number, essence.id)])
    async with store.claim("a") as own:
        await own.delete("a")
    assert [essence.id for essence in (await database.list_essences())[0]] == ["e2"]
    assert [task.id for task in await database.list_tasks()] == ["t15"]
