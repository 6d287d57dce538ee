"""What the service keeps of its tasks beside their checkpoints: queue, events, who asked for what.

All in the database of the tasks, so that what belongs together is written together: a task is
accepted with its place in the queue, and it ends with its last event and without one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import UnknownTask
from ..messages import say
from ..state import TaskInput
from ..store import TaskStatus, TaskStore, TaskSummary
from ..tasks import Event

SCHEMA = """
create table if not exists jobs (
    task_id text primary key,
    model text,
    answer text,
    place integer
);
create index if not exists jobs_in_line on jobs (place) where place is not null;
create table if not exists events (
    task_id text not null,
    id integer not null,
    data text not null,
    primary key (task_id, id)
) without rowid;
create table if not exists submissions (
    owner text not null,
    key text not null,
    digest text not null,
    task_id text not null,
    created text not null,
    primary key (owner, key)
) without rowid;
create table if not exists ratings (
    task_id text primary key,
    rating integer not null,
    comment text,
    created text not null
);
create table if not exists tokens_used (
    owner text not null,
    day text not null,
    tokens integer not null,
    primary key (owner, day)
) without rowid;
create index if not exists tasks_of_an_owner_by_status on tasks (owner, status);
"""

KEPT = "-1 day"
"""How long an idempotency key is remembered."""

_NEXT_PLACE = "(select coalesce(max(place), 0) + 1 from jobs)"


@dataclass(frozen=True)
class Job:
    """A task that the service has to carry on."""

    task_id: str
    owner: str | None
    model: str | None = None
    answers: Mapping[str, str] | None = None
    """What the person said, by the id of the interrupt that it answers."""


@dataclass(frozen=True)
class Submission:
    """A request that must not be carried out twice."""

    key: str
    digest: str
    """Of its body."""


@dataclass(frozen=True)
class StoredEvent:
    """An event with its number, which grows by one within a task."""

    id: int
    data: Event


class KeyReused(Exception):
    """An idempotency key came with another body than the first time."""


class Ledger:
    """The service's tables, over the connection of the tasks' store."""

    def __init__(self, tasks: TaskStore) -> None:
        self.tasks = tasks

    async def setup(self) -> None:
        """Make the tables, and forget old idempotency keys."""
        await self.tasks.connection.executescript(SCHEMA)
        async with self.tasks.transaction() as db:
            await db.execute(
                "delete from submissions where created < datetime('now', ?)",
                (KEPT,),
            )

    async def submit(
        self, job: Job, thread_id: str, task: TaskInput, submission: Submission | None
    ) -> str:
        """Accept a task, whole or not at all.

        Returns:
            Its id; that of the earlier task where the submission is known.

        Raises:
            KeyReused: the submission's key is known with another body.
        """
        async with self.tasks.transaction() as db:
            if submission:
                if earlier := await self._earlier(job.owner, submission):
                    return earlier
                await db.execute(
                    "insert into submissions values (?, ?, ?, ?, datetime('now'))",
                    (job.owner or "", submission.key, submission.digest, job.task_id),
                )
            await self.tasks.insert(job.task_id, thread_id, task, status="queued", owner=job.owner)
            await self._line_up(job)
        return job.task_id

    async def known(self, owner: str | None, submission: Submission) -> str | None:
        """The task that a submission has made already.

        Raises:
            KeyReused: its key is known with another body.
        """
        async with self.tasks.checkpointer.lock:
            return await self._earlier(owner, submission)

    async def line_up_again(self, job: Job, seen: TaskStatus) -> bool:
        """Let the service carry on a task that was stopped or has waited for an answer.

        Returns:
            False where its status is no longer the one that was seen: another was quicker.
        """
        # One that another process died over is told as interrupted and stored as running.
        stored = ("running", "interrupted") if seen == "interrupted" else (seen, seen)
        async with self.tasks.transaction() as db:
            changed = await db.execute(
                "update tasks set status = 'queued' where task_id = ? and status in (?, ?)",
                (job.task_id, *stored),
            )
            if changed.rowcount:
                await self._line_up(job)
            return bool(changed.rowcount)

    async def waiting(self) -> list[Job]:
        """All that is left to do, in order: what an earlier process began, and what it did not."""
        async with self.tasks.transaction() as db:
            await db.execute(
                "update tasks set status = 'queued' where task_id in "
                "(select task_id from jobs where place is not null)"
            )
        query = (
            "select task_id, owner, model, answer from jobs join tasks using (task_id) "
            "where place is not null order by place"
        )
        async with self.tasks.connection.execute(query) as cursor:
            return [
                Job(task_id, owner, model, json.loads(answer) if answer else None)
                async for task_id, owner, model, answer in cursor
            ]

    async def model_of(self, task_id: str) -> str | None:
        """The model that was asked for with the task."""
        row = await self._row("select model from jobs where task_id = ?", task_id)
        return row[0] if row else None

    async def mark(self, task_id: str, status: TaskStatus) -> None:
        """Enter how a task stands that has not ended."""
        async with self.tasks.transaction() as db:
            await self._mark(db, task_id, status)

    async def record(self, job: Job, event: Event) -> int:
        """Keep an event, and count what it cost its owner.

        Returns:
            Its number.
        """
        async with self.tasks.transaction() as db:
            await self._charge(db, job.owner, event.get("usage") or {})
            return await self._append(db, job.task_id, event)

    async def finish(
        self, task_id: str, events: Sequence[Event], result: Mapping[str, Any]
    ) -> None:
        """Enter how a run of a task ended; there is nothing left to do on it."""
        async with self.tasks.transaction() as db:
            for event in events:
                await self._append(db, task_id, event)
            await self.tasks.amend(
                task_id, result["status"], result["workflow"], result["final_answer"]
            )
            await db.execute(
                "update jobs set place = null, answer = null where task_id = ?", (task_id,)
            )

    async def events(self, task_id: str, after: int = 0) -> list[StoredEvent]:
        """A task's events after that number."""
        query = "select id, data from events where task_id = ? and id > ? order by id"
        async with self.tasks.connection.execute(query, (task_id, after)) as cursor:
            return [StoredEvent(number, json.loads(data)) async for number, data in cursor]

    async def last_result(self, task_id: str) -> dict[str, Any] | None:
        """The result with which the task's latest run ended, where the service ran it."""
        row = await self._row(
            "select data from events where task_id = ? order by id desc limit 1", task_id
        )
        last: Event = json.loads(row[0]) if row else {}
        return last.get("result")

    async def own(self, owner: str | None, task_id: str) -> TaskSummary:
        """A task of that owner's.

        Raises:
            UnknownTask: there is none; it says nothing about those of others.
        """
        found = await self.tasks.select("where task_id = ? and owner is ?", task_id, owner)
        if not found:
            raise UnknownTask(say("task.unknown", task_id=task_id))
        return found[0]

    async def page(
        self, owner: str | None, status: TaskStatus | None, before: int | None, limit: int
    ) -> tuple[list[TaskSummary], int | None]:
        """Some of an owner's tasks, newest first, and where the next page begins."""
        clause, values = "where owner is ?", [owner]
        conditions: list[str | int | None] = [*values]
        if status:
            clause += " and status = ?"
            conditions.append(status)
        if before is not None:
            clause += " and rowid < ?"
            conditions.append(before)
        tasks = await self.tasks.select(f"{clause} order by rowid desc limit ?", *conditions, limit)
        if len(tasks) < limit:
            return tasks, None
        row = await self._row("select rowid from tasks where task_id = ?", tasks[-1].task_id)
        return tasks, row[0] if row else None

    async def rate(self, task_id: str, rating: int, comment: str | None) -> None:
        """Keep what a person thinks of a result; a later opinion replaces it."""
        async with self.tasks.transaction() as db:
            await db.execute(
                "insert or replace into ratings values (?, ?, ?, datetime('now'))",
                (task_id, rating, comment),
            )

    async def rating(self, task_id: str) -> int | None:
        row = await self._row("select rating from ratings where task_id = ?", task_id)
        return row[0] if row else None

    async def tokens_today(self, owner: str) -> int:
        """Tokens, read and written, that an owner's tasks have cost this day (UTC)."""
        row = await self._row(
            "select tokens from tokens_used where owner = ? and day = ?", owner, _today()
        )
        return row[0] if row else 0

    async def _earlier(self, owner: str | None, submission: Submission) -> str | None:
        row = await self._row(
            "select digest, task_id from submissions where owner = ? and key = ?",
            owner or "",
            submission.key,
        )
        if row and row[0] != submission.digest:
            raise KeyReused
        return row[1] if row else None

    async def _line_up(self, job: Job) -> None:
        await self.tasks.connection.execute(
            f"insert into jobs values (?, ?, ?, {_NEXT_PLACE}) on conflict (task_id) do update "  # noqa: S608
            "set answer = excluded.answer, place = excluded.place",
            (job.task_id, job.model, json.dumps(job.answers) if job.answers else None),
        )

    async def _mark(self, db: Any, task_id: str, status: TaskStatus) -> None:
        await db.execute(
            "update tasks set status = ?, updated = ? where task_id = ?",
            (status, datetime.now(UTC).isoformat(timespec="seconds"), task_id),
        )

    async def _append(self, db: Any, task_id: str, event: Event) -> int:
        statement = (
            "insert into events select ?, coalesce(max(id), 0) + 1, ? from events "
            "where task_id = ? returning id"
        )
        data = json.dumps(event, ensure_ascii=False)
        async with db.execute(statement, (task_id, data, task_id)) as cursor:
            (number,) = await cursor.fetchone()
            return int(number)

    async def _charge(self, db: Any, owner: str | None, usage: Mapping[str, int]) -> None:
        tokens = usage.get("prompt_tokens", 0) + usage.get("output_tokens", 0)
        if owner and tokens:
            await db.execute(
                "insert into tokens_used values (?, ?, ?) on conflict (owner, day) do update "
                "set tokens = tokens + excluded.tokens",
                (owner, _today(), tokens),
            )

    async def _row(self, query: str, *values: str | int) -> Any:
        async with self.tasks.connection.execute(query, values) as cursor:
            return await cursor.fetchone()


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
