"""Conformance of every task store."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from concertino import TaskBusy, UnknownTask
from concertino.state import (
    Answer,
    Attempt,
    Check,
    Contract,
    CoordinatorDecision,
    Output,
    Record,
    Turn,
    Usage,
)
from concertino.store.base import Place, TaskStore, build_owner_condition
from concertino.store.open import open_store
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel

from tests.conformance.stores import SHARED, STORES

TASK: Any = {"question": "What do 12 pens cost?", "inputs": {}}
ROWS = """
create table if not exists rows (
    name text primary key,
    number integer
);
"""
EVERY_SCRIPT = "‘12 支钢笔’ 🖋 naïve \u202e \ud7ff\U0010ffff"

everywhere = pytest.mark.parametrize("place", STORES, indirect=True)
shared = pytest.mark.parametrize("place", SHARED, indirect=True)


class Stranger(BaseModel):
    """A class that is not part of the state."""

    text: str = "made"


def at(thread_id: str) -> Any:
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""}}


async def put(store: TaskStore, thread_id: str, **values: Any) -> Any:
    """Write a checkpoint with these values, and return its config."""
    checkpoint = empty_checkpoint()
    checkpoint["channel_values"] = values
    versions: Any = dict.fromkeys(values, checkpoint["id"])  # of its own, like the checkpoint's
    checkpoint["channel_versions"] = versions
    return await store.checkpointer.aput(at(thread_id), checkpoint, {}, versions)


async def values_in(store: TaskStore, thread_id: str) -> dict[str, Any]:
    found = await store.checkpointer.aget_tuple(at(thread_id))
    assert found
    return found.checkpoint["channel_values"]


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
async def test_a_transaction_reads_what_it_has_written(store: TaskStore) -> None:
    await store.define(ROWS)
    async with store.transaction() as db:
        await db.execute("insert into rows values (?, ?)", ("a", 1))
        assert await db.read("select number from rows where name = ?", ("a",)) == [{"number": 1}]
        assert await db.execute("update rows set number = 2 where name = ?", ("b",)) == 0


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
async def test_defining_again_keeps_what_is_there(store: TaskStore) -> None:
    await store.define(ROWS)
    async with store.transaction() as db:
        await db.execute("insert into rows values (?, ?)", ("a", 1 << 53))
    await asyncio.gather(*(store.define(ROWS) for _ in range(5)))

    assert await store.read("select name, number from rows") == [{"name": "a", "number": 1 << 53}]


@everywhere
async def test_a_task_is_what_was_entered_and_then_what_became_of_it(store: TaskStore) -> None:
    await store.add("second", "first", {**TASK, "workflow": None}, status="queued", owner="a")
    entered = await store.get("second")
    assert (entered.task_id, entered.thread_id) == ("second", "first")
    assert (entered.question, entered.workflow) == (TASK["question"], None)
    assert (entered.status, entered.final_answer, entered.owner) == ("queued", None, "a")
    assert entered.created == entered.updated
    assert entered.created.tzinfo

    await store.update("second", "verified", "solve_math", "36")
    await store.update("second", "failed", None, None)
    ended = await store.get("second")
    assert (ended.status, ended.workflow, ended.final_answer) == ("failed", "solve_math", None)
    assert ended.created == entered.created
    assert ended.updated >= entered.updated


@everywhere
async def test_a_task_is_entered_once(store: TaskStore) -> None:
    await store.add("task", "task", TASK, owner="a")
    await store.update("task", "verified", "solve_math", "36")
    await store.add("task", "other", {"question": "Another?"}, owner="b")

    assert (await store.get("task")).final_answer == "36"
    assert (await store.get("task")).owner == "a"
    assert await store.task_input("task") == TASK


@everywhere
async def test_what_starts_a_task_is_kept_as_it_was_given(store: TaskStore) -> None:
    given: Any = {
        "question": EVERY_SCRIPT,
        "workflow": "rag_qa",
        "inputs": {"urls": ["https://lake.test/湖"], "top_k": 4, "deep": {"是": None}},
        "max_iterations": 7,
        "earlier": [{"question": "?", "workflow": None, "inputs": {}, "answer": "36"}],
    }
    await store.add("task", "task", given)
    assert await store.task_input("task") == given
    assert (await store.get("task")).question == EVERY_SCRIPT


@everywhere
async def test_what_is_not_stored_is_unknown(store: TaskStore) -> None:
    await store.add("task", "task", TASK)
    for name in ("", "other", "TASK", "task'--", "%", EVERY_SCRIPT):
        with pytest.raises(UnknownTask):
            await store.get(name)
        with pytest.raises(UnknownTask):
            await store.list_exchanges(name)
        assert await store.task_input(name) == {}
        assert await store.rating(name) is None
        assert await store.find_unclaimed([name]) == {name}
        assert await store.checkpointer.aget_tuple(at(name)) is None
        await store.update(name, "verified", None, "36")
        await store.ask_to_stop(name)
        await store.prune_checkpoints(name)
    assert [task.task_id for task in await store.list_latest(9)] == ["task"]
    with pytest.raises(UnknownTask):
        await store.list_exchanges("task")  # it has no answer yet


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
async def test_tasks_are_selected_by_what_a_clause_says(store: TaskStore) -> None:
    for number, status in enumerate(("queued", "verified", "queued"), 1):
        await store.add(str(number), "1", TASK, status=status)

    queued = await store.select("where status = ? order by rowid", "queued")
    assert [task.task_id for task in queued] == ["1", "3"]
    assert [task.task_id for task in await store.list_latest(1)] == ["3"]
    assert await store.select("where thread_id = ?", "2") == []


@everywhere
async def test_a_thread_s_exchanges_are_those_with_an_answer_oldest_first(
    store: TaskStore,
) -> None:
    for name, answer in (("first", "36"), ("second", None), ("third", EVERY_SCRIPT)):
        await store.add(name, "first", {"question": name, "inputs": {"of": name}})
        await store.update(name, "verified" if answer else "failed", "solve_math", answer)
    await store.add("stranger", "stranger", TASK)
    await store.update("stranger", "verified", None, "7")

    assert await store.list_exchanges("first") == [
        {"question": name, "workflow": "solve_math", "inputs": {"of": name}, "answer": answer}
        for name, answer in (("first", "36"), ("third", EVERY_SCRIPT))
    ]


@everywhere
async def test_each_owner_sees_what_is_its_own(store: TaskStore) -> None:
    for owner in (None, "a", "b"):
        name = f"of {owner}"
        await store.add(name, "thread", TASK, owner=owner)
        await store.update(name, "verified", None, name)

    for owner in (None, "a", "b"):
        whose, values = build_owner_condition(owner)
        assert [t.task_id for t in await store.select(f"where {whose}", *values)] == [f"of {owner}"]
        exchanges = await store.list_exchanges("thread", owner)
        assert [exchange["answer"] for exchange in exchanges] == [f"of {owner}"]
    with pytest.raises(UnknownTask):
        await store.list_exchanges("thread", "c")


@everywhere
async def test_the_later_rating_of_a_task_counts(store: TaskStore) -> None:
    await store.add("task", "task", TASK)
    await store.rate("task", 2, "too long")
    await store.rate("task", 5)

    assert await store.rating("task") == 5
    assert await store.read("select comment from ratings") == [{"comment": None}]


@everywhere
async def test_a_text_of_any_script_comes_back_and_a_null_character_at_most_is_left_out(
    store: TaskStore,
) -> None:
    await store.define(ROWS)
    async with store.transaction() as db:
        await db.execute("insert into rows values (?, ?)", (EVERY_SCRIPT, None))
        await db.execute("insert into rows values (?, ?)", ("be\0fore", 1))

    rows = await store.read("select name, number from rows order by number")
    names = {row["number"]: row["name"] for row in rows}
    assert names[None] == EVERY_SCRIPT
    assert names[1] in ("be\0fore", "before")  # Postgres's texts cannot hold it
    assert await store.read("select number from rows where name = ?", ("be\0fore",)) == [
        {"number": 1}
    ]


@everywhere
async def test_a_checkpoint_takes_any_text(store: TaskStore) -> None:
    for text in (EVERY_SCRIPT, "be\0fore"):
        await put(store, "task", text=text, listed=[text])
        found = await values_in(store, "task")
        assert found["text"] in (text, text.replace("\0", ""))
        assert found["listed"] == [text]


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


@everywhere
async def test_what_fails_alone_lets_the_next_one_in(store: TaskStore) -> None:
    with suppress(RuntimeError):
        async with store.hold_lock("one"):
            raise RuntimeError
    async with store.hold_lock("one") as alone:
        await alone.add("task", "task", TASK)
    assert (await store.get("task")).status == "running"


@everywhere
async def test_whoever_holds_a_task_writes_to_the_store_it_is_of(store: TaskStore) -> None:
    async with store.claim("task") as held:
        await held.add("task", "task", TASK)
        await put(held, "task", text="half way")
        assert (await store.get("task")).status == "running"
        await held.update("task", "verified", None, "36")
    assert (await store.get("task")).final_answer == "36"
    assert await values_in(store, "task") == {"text": "half way"}


@shared
async def test_a_task_has_one_holder(store: TaskStore) -> None:
    async with store.claim("task"):
        assert await store.find_unclaimed(["task", "other"]) == {"other"}
        with pytest.raises(TaskBusy):
            async with store.claim("task"):
                pass
    assert await store.find_unclaimed(["task", "other"]) == {"task", "other"}


@shared
async def test_of_two_that_want_a_task_at_once_one_gets_it(place: Place) -> None:
    got, refused, over = 0, asyncio.Semaphore(0), asyncio.Event()

    async def want(store: TaskStore) -> None:
        nonlocal got
        try:
            async with store.claim("task"):
                got += 1
                await over.wait()
        except TaskBusy:
            refused.release()

    async with open_store(place) as here, open_store(place) as there:
        wanting = [asyncio.create_task(want(store)) for store in (here, there, here, there)]
        for _ in wanting[1:]:
            await refused.acquire()
        over.set()
        await asyncio.gather(*wanting)
        assert got == 1
        assert await there.find_unclaimed(["task"]) == {"task"}


@shared
async def test_who_fails_with_a_task_lets_go_of_it(place: Place) -> None:
    async with open_store(place) as here, open_store(place) as there:
        with suppress(RuntimeError):
            async with here.claim("task"):
                assert await there.find_unclaimed(["task"]) == set()
                raise RuntimeError
        async with there.claim("task") as held:
            await held.add("task", "task", TASK)


@shared
async def test_what_is_written_through_one_opening_is_there_through_another(place: Place) -> None:
    async with open_store(place) as here:
        assert here.lasting
        await here.add("task", "task", TASK, owner="a")
        await put(here, "task", text=EVERY_SCRIPT)
        async with open_store(place) as there:
            assert (await there.get("task")).owner == "a"
            assert await values_in(there, "task") == {"text": EVERY_SCRIPT}
    async with open_store(place) as again:
        assert (await again.get("task")).status == "running"


@shared
async def test_a_running_task_in_another_s_hands_is_running(place: Place) -> None:
    async with open_store(place) as here, open_store(place) as there:
        async with here.claim("task") as held:
            await held.add("task", "task", TASK)
            assert [task.status for task in await there.list_latest(1)] == ["running"]
        assert [task.status for task in await there.list_latest(1)] == ["interrupted"]


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


@everywhere
async def test_keeping_the_latest_of_a_thread_leaves_the_others_as_they_are(
    store: TaskStore,
) -> None:
    for thread in ("one", "two"):
        for number in range(3):
            await put(store, thread, number=number)
    await store.prune_checkpoints("one")

    assert len([each async for each in store.checkpointer.alist(at("one"))]) == 1
    assert len([each async for each in store.checkpointer.alist(at("two"))]) == 3
    assert await values_in(store, "one") == await values_in(store, "two") == {"number": 2}


def contracts() -> Iterator[Contract]:
    """Yield examples of the classes that states contain."""
    answer = Answer(exact="36", text="36 \U0001f58b", latex="36")
    decision = CoordinatorDecision(
        reasoning="因为", next_action="execution", instructions="", should_continue=True
    )
    yield Attempt(route="program", answer=answer, working="answer = 36", facts={"价": "3"})
    yield Record(round=1, actor="coordinator", summary="", decision=decision, source="forced")
    yield Turn(actor="execution", summary="36", fingerprint="f", usage=Usage(calls=1, seconds=0.5))
    yield Output(
        workflow="rag_qa",
        status="unverified",
        text=EVERY_SCRIPT,
        checks=[Check(name="length", passed=False, detail="")],
        data={"parts": [1, 2.5, None, {"是": True}]},
    )


@everywhere
async def test_a_checkpoint_gives_back_the_state_s_models_as_themselves(store: TaskStore) -> None:
    for written in contracts():
        await put(store, "task", found=written, several=[written], named={"a": written})
        assert await values_in(store, "task") == {
            "found": written,
            "several": [written],
            "named": {"a": written},
        }


@everywhere
async def test_no_other_class_is_made_from_a_checkpoint(store: TaskStore) -> None:
    await put(store, "task", found=Stranger(text="harmless"), several=[Stranger()])
    found = await values_in(store, "task")

    assert not isinstance(found["found"], Stranger)
    assert not any(isinstance(each, Stranger) for each in found["several"])


@everywhere
async def test_checkpoints_that_follow_one_another_have_growing_ids(store: TaskStore) -> None:
    ids = []
    for number in range(5):
        written = await put(store, "task", number=number)
        found = await store.checkpointer.aget_tuple(at("task"))
        assert found
        assert (
            found.config["configurable"]["checkpoint_id"]
            == (written["configurable"]["checkpoint_id"])
        )
        ids.append(found.checkpoint["id"])
    assert ids == sorted(set(ids))
    assert await values_in(store, "task") == {"number": 4}


async def search(store: TaskStore, query: str) -> list[str]:
    return [task.task_id for task in await store.list_latest(9, query)]


@everywhere
async def test_tasks_are_found_by_words_in_question_answer_and_names(store: TaskStore) -> None:
    for name, question in (("a", "What do 12 Pens cost?"), ("b", "12 支钢笔 100% _!"), ("c", "?")):
        await store.add(name, "a" if name == "c" else name, {"question": question})
    await store.update("b", "verified", None, "36 元")
    await store.name_task("c", "Stationery, 文具")
    await store.name_thread("a", "Shopping")

    assert await search(store, "") == ["c", "b", "a"]
    assert await search(store, "  PENS what ") == ["a"]
    assert await search(store, "12") == ["b", "a"]
    assert await search(store, "钢笔 元") == ["b"]
    assert await search(store, "station 文具") == ["c"]
    assert await search(store, "shopping") == ["c", "a"]
    assert await search(store, "shopping pens") == ["a"]
    for signs in ("%", "_", "!", "100% _!"):
        assert await search(store, signs) == ["b"], "signs of patterns are ordinary here"
    for nothing in ("pens 文具", "'", "\\", "p%s", "\0x"):
        assert await search(store, nothing) == []


@everywhere
async def test_a_name_is_replaced_and_taken_away(store: TaskStore) -> None:
    for name in ("a", "b"):
        await store.add(name, "a", TASK)
    for given in ("first", EVERY_SCRIPT):
        await store.name_task("b", given)
        await store.name_thread("a", f"thread {given}")
    named, other = await store.get("b"), await store.get("a")
    assert (named.name, other.name) == (EVERY_SCRIPT, None)
    assert named.thread_name == other.thread_name == f"thread {EVERY_SCRIPT}"

    await store.name_task("b", None)
    await store.name_thread("a", None)
    assert ((await store.get("b")).name, (await store.get("b")).thread_name) == (None, None)


@everywhere
async def test_a_deleted_task_leaves_nothing_and_the_others_stay_as_they_are(
    store: TaskStore,
) -> None:
    await store.define("create table if not exists notes (\n    task_id text not null\n);\n")
    for name in ("a", "b"):
        await store.add(name, "a", TASK)
        await store.update(name, "verified", None, name)
        await store.rate(name, 4)
        await store.name_task(name, name)
        await put(store, name, text=name)
        async with store.transaction() as db:
            await db.execute("insert into notes values (?)", (name,))
    await store.name_thread("a", "both")

    async with store.claim("a") as held:
        await held.delete("a")
    with pytest.raises(UnknownTask):
        await store.get("a")
    assert await store.rating("a") is None
    assert await store.checkpointer.aget_tuple(at("a")) is None
    assert [row["task_id"] for row in await store.read("select task_id from notes")] == ["b"]
    left = await store.get("b")
    assert (left.name, left.thread_name, await store.rating("b")) == ("b", "both", 4)
    assert await values_in(store, "b") == {"text": "b"}
    assert len(await store.list_exchanges("a")) == 1

    async with store.claim("b") as held:
        await held.delete("b")
    assert await store.read("select name from thread_names") == []
    async with store.claim("a") as held:
        await held.delete("a")  # a second time changes nothing


async def test_claims_in_a_folder_leave_no_file_behind(tmp_path: Path) -> None:
    async with open_store(tmp_path) as here, open_store(tmp_path) as there:
        async with here.claim("task"):
            assert await there.find_unclaimed(["task"]) == set()
            assert [path.name for path in (tmp_path / "locks").iterdir()] == ["task.lock"]
        assert await there.find_unclaimed(["task", "other"]) == {"task", "other"}
        assert not list((tmp_path / "locks").iterdir())


@shared
async def test_many_that_take_turns_never_hold_a_task_together(place: Place) -> None:
    inside = 0

    async def take(store: TaskStore) -> None:
        nonlocal inside
        for _ in range(10):
            with suppress(TaskBusy):
                async with store.claim("task"):
                    inside += 1
                    assert inside == 1
                    await asyncio.sleep(0)
                    inside -= 1

    async with open_store(place) as here, open_store(place) as there:
        await asyncio.gather(*(take(store) for store in (here, there, here, there)))
