"""Playing a task: whoever stops reading has ended the run, and limits are those that were set."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from concertino import arun_task, astream_task, run_task, solve_math_problem
from concertino.settings import get_settings
from concertino.store.base import TaskStore
from concertino.tasks.api import alist_tasks
from concertino.tasks.events import Event
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from pydantic import PrivateAttr

from tests.scripted_model import ScriptedModel, decision
from tests.tasks.test_api import PENS, Scripted


class EndlessModel(ScriptedModel):
    """Answers by its script, but never ends the report; it keeps how that call ended."""

    _ended: list[str] = PrivateAttr(default_factory=list)

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **other: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        generation = self._generate(messages, stop, None, **other).generations[0]
        yield ChatGenerationChunk(message=AIMessageChunk(str(generation.message.content)))
        if "worked solutions" in str(messages[0].content):
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)  # the end of a call takes a moment too
                self._ended.append("broken off")


async def test_a_reader_who_leaves_ends_the_run_before_the_database_is_closed(
    scripted: Scripted, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = EndlessModel(script=scripted(coordinator=[decision("execution")]).script)
    ended_when_entered: list[list[str]] = []

    async def update(*given: Any) -> None:
        ended_when_entered.append([*model._ended])
        await enter(*given)

    enter = TaskStore.update
    monkeypatch.setattr(TaskStore, "update", update)
    events = astream_task(PENS, workflow="solve_math", model=model)
    async for event in events:
        if event["type"] == "token":
            break
    await events.aclose()  # type: ignore[attr-defined]
    assert ended_when_entered == [["broken off"]]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    (task,) = await alist_tasks()
    assert task.status == "interrupted"


async def test_a_reader_that_is_cancelled_ends_the_run_too(scripted: Scripted) -> None:
    model = EndlessModel(script=scripted(coordinator=[decision("execution")]).script)
    writing = asyncio.Event()

    def watch(event: Event) -> None:
        if event["type"] == "token":
            writing.set()

    run = asyncio.create_task(arun_task(PENS, workflow="solve_math", model=model, on_event=watch))
    await writing.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert model._ended == ["broken off"]


def test_restating_a_follow_up_is_no_round(scripted: Scripted) -> None:
    first = run_task(PENS, workflow="solve_math", model=scripted())
    model = scripted(
        restate=[{"task": "What do 12 pens at 3 dollars cost?"}],
        coordinator=[decision("execution")],
    )
    second = run_task(
        "And again?",
        workflow="solve_math",
        thread_id=first["thread_id"],
        max_iterations=1,
        model=model,
    )
    assert second["final_answer"] == "36"
    assert second["total_iterations"] == 1


def test_the_limit_of_rounds_is_the_settings_for_the_synchronous_call_too(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCERTINO_MAX_ITERATIONS", "1")
    get_settings.cache_clear()
    result = solve_math_problem(PENS, model=scripted(coordinator=[decision("execution")]))
    assert result["total_iterations"] == 1
