"""What keeps a service well over months: old events go, and no task can end it again and again."""

import asyncio
import sqlite3
from pathlib import Path

from concertino.settings import get_settings
from concertino.store.open import open_store
from concertino.work.ledger import Job, Ledger
from concertino.work.runner import MAX_VAIN_STARTS, count_vain_starts

from tests.model_server import PENS
from tests.service.conftest import Client
from tests.service.streams import events_in

TASK = {"question": PENS, "workflow": "solve_math"}
WAIT = {"Prefer": "wait=60"}
LONG_AGO = "2001-01-01T00:00:00+00:00"


def test_a_task_that_ends_its_process_each_time_is_given_up_and_can_be_resumed(
    client: Client, home: Path
) -> None:
    async def begun_in_vain() -> None:
        async with open_store(get_settings().place) as store:
            ledger, job = Ledger(store), Job("killer", None)
            await ledger.setup()
            await ledger.submit(job, "killer", {"question": PENS, "workflow": "solve_math"}, None)
            for _ in range(MAX_VAIN_STARTS):
                await ledger.record(job, {"type": "started", "task_id": "killer"})
                await ledger.record(job, {"type": "node_start", "node": "receive", "run": "1"})

    asyncio.run(begun_in_vain())
    service = client()
    [*_, error, done] = events_in(service.get("/tasks/killer/events").text.splitlines())
    assert done.data["result"]["status"] == "failed"
    assert f"{MAX_VAIN_STARTS} times" in error.data["error"]

    assert service.post("/tasks/killer/resume", json={}).status_code == 202
    [*_, done] = events_in(service.get("/tasks/killer/events").text.splitlines())
    assert done.data["result"]["status"] == "verified"


def test_only_starts_without_a_step_forward_count() -> None:
    started, step = {"type": "started"}, {"type": "node_end"}
    beginning = {"type": "node_start"}
    assert count_vain_starts([]) == 0
    assert count_vain_starts([started, beginning] * 3) == 3
    assert count_vain_starts([started, beginning, step] * 3) == 0
    assert count_vain_starts([*[started, beginning, step] * 3, started]) == 1


async def test_events_of_tasks_that_ended_long_ago_are_deleted_and_nothing_else(
    home: Path,
) -> None:
    async with open_store(get_settings().place) as store:
        ledger = Ledger(store)
        await ledger.setup()
        for name, status, updated in (
            ("old", "verified", LONG_AGO),
            ("new", "verified", None),
            ("waiting", "needs_input", LONG_AGO),
        ):
            job = Job(name, None)
            await ledger.submit(job, name, {"question": PENS}, None)
            await ledger.record(job, {"type": "started"})
            await ledger.record(job, {"type": "done"})
            async with store.transaction() as db:
                await db.execute(
                    "update tasks set status = ?, updated = coalesce(?, updated) where task_id = ?",
                    (status, updated, name),
                )
        await ledger.prune(30)

        kept = {
            name: [event.id for event in await ledger.list_events(name)]
            for name in ("old", "new", "waiting")
        }
        number = await ledger.record(Job("old", None), {"type": "started"})
    assert kept == {"old": [2], "new": [1, 2], "waiting": [1, 2]}
    assert number == 3, "later events are numbered from there"


def test_a_task_without_its_events_is_still_told(client: Client, home: Path) -> None:
    first = client()
    task = first.post("/tasks", json=TASK, headers=WAIT).json()
    first.__exit__(None, None, None)
    with sqlite3.connect(home / "tasks.sqlite") as db:
        db.execute("update tasks set updated = ?", (LONG_AGO,))
    db.close()

    service = client()
    shown = service.get(task["links"]["self"]).json()
    [reset, done] = events_in(service.get(task["links"]["events"]).text.splitlines())
    assert (shown["status"], shown["report"]) == ("verified", task["report"])
    assert (reset.type, reset.id, done.type) == ("reset", None, "done")
    assert done.data["result"]["status"] == "verified"


def test_a_reader_whose_place_is_no_longer_known_is_told_so_and_gets_the_end(
    client: Client, home: Path
) -> None:
    service = client()
    task = service.post("/tasks", json=TASK, headers=WAIT).json()

    def read(after: int) -> list[str]:
        answer = service.get(task["links"]["events"], headers={"Last-Event-ID": str(after)})
        return [event.type for event in events_in(answer.text.splitlines())]

    whole = read(0)
    last = len(whole)
    assert read(last + 7) == ["reset", *whole], "it never was one of this task's"
    assert read(3) == whole[3:]
    with sqlite3.connect(home / "tasks.sqlite") as db:
        db.execute("delete from events where id < ?", (last,))
    db.close()
    assert read(0) == read(3) == read(last - 2) == ["reset", "done"]
    assert read(last - 1) == ["done"], "it has missed nothing"
    assert read(last) == []
    with sqlite3.connect(home / "tasks.sqlite") as db:
        db.execute("delete from events")  # as an earlier version did
    db.close()
    assert read(3) == ["reset", "done"]
