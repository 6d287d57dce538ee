"""What is learned at the end of a task: rewarded once, traced, and mended after a kill."""

import asyncio
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from concertino import aresume_stream, list_tasks, resume_task, run_task, solve_math_problem
from concertino.errors import ConcertinoError, StoreUnavailable, TaskBusy
from concertino.graphs.coordinator import build_graph
from concertino.learning import bandit
from concertino.learning.bandit import Bandit
from concertino.learning.contracts import Arm, TraceRecord
from concertino.learning.trace import Trace
from concertino.settings import get_settings
from concertino.store.base import TaskStore
from concertino.store.open import open_store
from concertino.tasks import ending, play
from concertino.tasks.ending import rate, record_comparison
from filelock import FileLock
from langgraph.graph.state import CompiledStateGraph

from tests.model_server import PENS, ModelServer, start_command
from tests.scripted_model import ScriptedModel, comprehension, decision

Scripted = Callable[..., ScriptedModel]


def arms() -> dict[str, Arm]:
    async def read() -> list[Arm]:
        async with open_store(get_settings().home) as store:
            return (await Bandit.read(store.checkpointer)).arms

    return {f"{arm.task_type}/{arm.workflow}": arm for arm in asyncio.run(read())}


def counted() -> int:
    return sum(arm.count for arm in arms().values())


def ended() -> bool:
    """Whether the graph of the only task is at its end."""
    tasks = list_tasks()
    return bool(tasks) and state_of(tasks[0].task_id).get("status") == "verified"


def traced() -> list[TraceRecord]:
    return Trace.of(get_settings()).read().records


def state_of(task_id: str) -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        async with open_store(get_settings().home) as store:
            config = {"configurable": {"thread_id": task_id}}
            values: dict[str, Any] = (
                await build_graph(store.checkpointer).aget_state(config)  # type: ignore[arg-type]
            ).values
            return values

    return asyncio.run(read())


def in_store(act: Callable[[TaskStore], Any]) -> None:
    async def run() -> None:
        async with open_store(get_settings().home) as store:
            await act(store)

    asyncio.run(run())


def test_a_task_that_has_ended_is_rewarded_counted_and_traced(scripted: Scripted) -> None:
    result = run_task(PENS, model=scripted())

    reward = result["reward"]
    assert {term["name"] for term in reward["quality_terms"]} >= {"status", "ran", "second_route"}
    assert {term["name"] for term in reward["cost_terms"]} >= {"tokens", "seconds", "calls"}
    assert reward["reward"] == pytest.approx(reward["quality"] - 0.2 * reward["cost"])
    assert state_of(result["task_id"])["reward"].model_dump() == reward

    [arm] = arms().values()
    assert (arm.workflow, arm.count) == ("solve_math", 1)
    assert arm.value == pytest.approx(reward["reward"])
    [record] = traced()
    assert (record.task_id, record.status, record.chosen) == (
        result["task_id"],
        "verified",
        "solve_math",
    )
    assert record.reward
    assert record.reward.model_dump() == reward
    assert record.question == PENS
    assert record.named is None
    assert record.routing
    assert [move.action for move in record.moves if move.action][:2] == [
        "solve_math",
        "comprehension",
    ]


def test_a_workflow_that_the_person_named_is_no_choice_to_learn_from(scripted: Scripted) -> None:
    solve_math_problem(PENS, model=scripted())
    assert arms() == {}
    assert traced()[0].named == "solve_math"
    assert traced()[0].reward


def test_a_task_that_is_taken_up_after_its_end_counts_once(scripted: Scripted) -> None:
    result = run_task(PENS, model=scripted())
    again = resume_task(result["task_id"], model=scripted())
    assert again["reward"] == result["reward"]
    assert [arm.count for arm in arms().values()] == [1]
    [file] = (get_settings().home / "traces").glob("*.jsonl")
    assert len(file.read_text().splitlines()) == 1


def test_what_failed_is_worth_nothing_until_it_is_taken_up_again(scripted: Scripted) -> None:
    failed = run_task(PENS, model=scripted(planning=[RuntimeError("gone")]))
    assert (failed["status"], failed["reward"]["quality"]) == ("failed", 0)
    [arm] = arms().values()
    assert arm.value < 0

    ended = resume_task(failed["task_id"], model=scripted())
    assert ended["status"] == "verified"
    [arm] = arms().values()
    assert arm.count == 1
    assert arm.value == pytest.approx(ended["reward"]["reward"])
    assert [record.status for record in traced()] == ["verified"]


def test_a_task_that_waits_for_its_person_has_not_ended(scripted: Scripted) -> None:
    model = scripted(
        comprehension=[comprehension(missing=["the price"]), comprehension()],
        coordinator=[decision("comprehension"), decision("need_input", "what price?")],
    )
    asked = run_task(PENS, model=model)
    assert (asked["status"], asked["reward"]) == ("needs_input", None)
    assert traced() == []


def test_a_rating_corrects_what_the_task_has_taught(scripted: Scripted) -> None:
    result = run_task(PENS, model=scripted())
    task_id = result["task_id"]
    in_store(lambda store: rate(store, task_id, 1))
    [arm] = arms().values()
    assert arm.count == 1
    assert arm.value < 0.1
    in_store(lambda store: rate(store, task_id, 5))

    [arm] = arms().values()
    [record] = traced()
    assert record.reward
    assert arm.count == 1
    assert arm.value == pytest.approx(record.reward.reward)
    assert {t.name: t.value for t in record.reward.quality_terms}["rating"] == 1.0
    assert record.model == "ScriptedModel"
    assert record.reward.cost == result["reward"]["cost"]
    assert state_of(task_id)["reward"] == record.reward
    assert resume_task(task_id, model=scripted())["status"] == "verified"


def the_rating(task_id: str) -> float:
    """As table, trace and state have it, which agree."""
    [arm], [record], state = arms().values(), traced(), state_of(task_id)
    assert record.reward == state["reward"]
    assert arm.value == pytest.approx(record.reward.reward)
    return {term.name: term.value for term in record.reward.quality_terms}["rating"]


def test_a_rating_that_comes_while_another_one_is_counted_counts_in_its_stead(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id, learn = run_task(PENS, model=scripted())["task_id"], ending.settle

    async def meanwhile(store: TaskStore, *given: Any) -> Any:
        monkeypatch.setattr(ending, "settle", learn)
        await store.rate(task_id, 5)
        return await learn(store, *given)

    monkeypatch.setattr(ending, "settle", meanwhile)
    in_store(lambda store: rate(store, task_id, 1))
    assert the_rating(task_id) == 1.0


def test_a_rating_waits_for_who_holds_a_task_that_has_ended(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = run_task(PENS, model=scripted())["task_id"]

    async def rate_while_held(store: TaskStore) -> None:
        async with AsyncExitStack() as holder:
            await holder.enter_async_context(store.claim(task_id))

            async def released(seconds: float) -> None:
                await holder.aclose()

            monkeypatch.setattr(ending.asyncio, "sleep", released)
            assert await rate(store, task_id, 5)

    in_store(rate_while_held)
    assert the_rating(task_id) == 1.0


def test_a_run_that_was_out_of_time_teaches_as_a_failed_one_until_it_is_resumed(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def out_of_time(updates: AsyncIterator[Any], seconds: float) -> AsyncGenerator[Any, None]:
        async for path, mode, data in updates:
            yield path, mode, data
            if mode == "updates" and "comprehension" in data:
                raise TimeoutError

    with monkeypatch.context() as slow:
        slow.setattr(play, "_limit_time", out_of_time)
        stopped = run_task(PENS, model=scripted())
    assert (stopped["status"], stopped["reward"]["quality"]) == ("interrupted", 0)
    [arm] = arms().values()
    assert (arm.workflow, arm.count) == ("solve_math", 1)
    assert arm.value < 0

    resumed = resume_task(stopped["task_id"], model=scripted())
    assert resumed["status"] == "verified"
    [arm] = arms().values()
    assert (arm.count, arm.value) == (1, pytest.approx(resumed["reward"]["reward"]))


def test_a_reference_and_a_rating_hold_beside_each_other(scripted: Scripted) -> None:
    task_id = run_task(PENS, model=scripted())["task_id"]
    in_store(lambda store: record_comparison(store, task_id, correct=False))
    in_store(lambda store: rate(store, task_id, 4))
    [record] = traced()
    assert record.reward
    terms = {term.name: term.value for term in record.reward.quality_terms}
    assert (terms["reference"], terms["rating"]) == (0.0, 0.75)


def test_a_task_in_memory_leaves_no_trace(scripted: Scripted, home: Path) -> None:
    result = run_task(PENS, model=scripted(), storage="memory")
    assert result["reward"]["quality"] == 1
    assert not home.exists()


def test_a_trace_that_cannot_be_written_fails_no_task(
    scripted: Scripted, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.mkdir()
    (home / "traces").write_text("in the way")
    result = run_task(PENS, model=scripted())
    assert result["status"] == "verified"
    assert [arm.count for arm in arms().values()] == [1]
    assert "not in the trace" in caplog.text


def test_a_table_that_cannot_be_written_fails_no_task_and_is_made_up_for(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def full(*given: Any, **named: Any) -> None:
        raise OSError("no room")

    with monkeypatch.context() as broken:
        broken.setattr(bandit, "record_rewards", full)
        result = run_task(PENS, model=scripted())
    assert (result["status"], result["reward"]) == ("verified", None)
    assert "not counted" in caplog.text
    [record] = traced()
    assert record.reward

    assert resume_task(result["task_id"], model=scripted())["reward"]
    assert [arm.count for arm in arms().values()] == [1]


@pytest.mark.parametrize("error", [TaskBusy, StoreUnavailable])
def test_a_task_whose_lease_or_database_is_lost_is_rewarded_when_it_is_taken_up_again(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, error: type[ConcertinoError]
) -> None:
    async def lost(*given: Any, **named: Any) -> None:
        raise error("gone")

    with monkeypatch.context() as broken:
        broken.setattr(bandit, "record_rewards", lost)
        with pytest.raises(error):
            run_task(PENS, model=scripted())
    [task] = list_tasks()
    assert resume_task(task.task_id, model=scripted())["reward"]
    assert [arm.count for arm in arms().values()] == [1]


@pytest.mark.parametrize("mode", ["hashed", "off"])
def test_texts_stay_out_of_the_trace_where_the_settings_say_so(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, mode: str, home: Path
) -> None:
    monkeypatch.setenv("CONCERTINO_TRACE_TEXTS", mode)
    get_settings.cache_clear()
    run_task(PENS, model=scripted())
    [record] = traced()
    written = "".join(file.read_text() for file in (home / "traces").glob("*.jsonl"))
    assert "12 pens" not in written
    assert "36" not in str(record.final_answer)
    assert (record.question is None) == (mode == "off")
    assert record.features
    assert record.reward


@pytest.mark.parametrize("waiting_for", ["bandit.lock", "traces/.lock"])
def test_a_kill_in_the_middle_is_mended_when_the_task_is_taken_up_again(
    serve: Callable[..., ModelServer], home: Path, waiting_for: str
) -> None:
    serve()
    lock = home / waiting_for
    lock.parent.mkdir(parents=True)
    with FileLock(lock):
        process = start_command("run", PENS)
        wanted = 1 if "traces" in waiting_for else 0
        while not ended() or counted() < wanted:
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert (traced(), counted()) == ([], wanted)
    [task] = list_tasks()
    assert task.status == "interrupted"

    result = resume_task(task.task_id)
    assert result["status"] == "verified"
    [arm] = arms().values()
    assert (arm.count, arm.value) == (1, pytest.approx(result["reward"]["reward"], abs=0.2))
    assert len(traced()) == 1


def test_a_kill_before_the_state_has_the_reward_is_mended_too(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*given: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as deadly:
        deadly.setattr(CompiledStateGraph, "aupdate_state", killed)
        with pytest.raises(KeyboardInterrupt):
            run_task(PENS, model=scripted())
    [task] = list_tasks()
    result = resume_task(task.task_id, model=scripted())
    assert state_of(task.task_id)["reward"].model_dump() == result["reward"]
    assert [arm.count for arm in arms().values()] == [1]
    assert len(traced()) == 1


async def test_streams_end_with_the_reward(scripted: Scripted) -> None:
    result = await asyncio.to_thread(run_task, PENS, model=scripted())
    events = [event async for event in aresume_stream(result["task_id"], model=scripted())]
    assert events[-1]["type"] == "done"
    assert events[-1]["result"]["reward"] == result["reward"]
