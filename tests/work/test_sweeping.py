"""Tasks that were accepted and then lost by whoever should have them are found again."""

from typing import Any

import pytest
from concertino.work.ledger import Ledger
from concertino.work.queues import LocalQueue
from concertino.work.sweeping import resend_lost_tasks

from tests.model_server import PENS
from tests.service.conftest import Client

TASK = {"question": PENS, "workflow": "solve_math"}
WAIT = {"Prefer": "wait=60"}


class Stop(BaseException):
    """Ends what goes on for ever."""


async def sent(*looks: list[str] | Exception) -> list[str]:
    """What is sent again where each look finds so much."""
    found = iter(looks)
    again: list[str] = []

    async def unheld() -> list[str]:
        look = next(found, None)
        if look is None:
            raise Stop
        if isinstance(look, Exception):
            raise look
        return look

    async def send(task_id: str) -> None:
        again.append(task_id)

    with pytest.raises(Stop):
        await resend_lost_tasks(0, unheld, send)
    return again


async def test_a_task_is_sent_again_when_it_is_in_nobody_s_hands_twice_in_a_row() -> None:
    assert await sent(["a", "b"], ["b", "c"], ["a"], []) == ["b"]


async def test_a_look_that_fails_is_not_the_last_one() -> None:
    assert await sent(["a"], RuntimeError("no database"), ["a"]) == ["a"]


def test_a_task_whose_message_was_lost_is_done_all_the_same(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("concertino.work.queues.LOST_SECONDS", 0.01)
    enqueue = LocalQueue.enqueue
    lost: list[str] = []

    async def lose_the_first(queue: LocalQueue, task_id: str) -> None:
        if lost:
            await enqueue(queue, task_id)
        lost.append(task_id)

    monkeypatch.setattr(LocalQueue, "enqueue", lose_the_first)
    result = client().post("/tasks", json=TASK, headers=WAIT).json()

    assert result["status"] == "verified"
    assert set(lost) == {result["task_id"]}


def test_a_task_whose_end_could_not_be_stored_comes_to_it_later(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("concertino.work.queues.LOST_SECONDS", 0.01)
    finish = Ledger.finish
    failures = [OSError("the disk is full")]

    async def fail_at_first(ledger: Ledger, *of_a_run: Any) -> None:
        if failures:
            raise failures.pop()
        await finish(ledger, *of_a_run)

    monkeypatch.setattr(Ledger, "finish", fail_at_first)
    result = client().post("/tasks", json=TASK, headers=WAIT).json()

    assert result["status"] == "verified"
    assert not failures
