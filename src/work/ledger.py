"""What the service keeps of its tasks beside their checkpoints: queue, events, who asked for what.

All in the database of the tasks, so that what belongs together is written together: a task is
accepted with its place in the queue, and it ends with its last event and without one.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from ..errors import UnknownTask
from ..language.messages import say
from ..state import FINAL, TaskInput, TaskStatus
from ..store.base import (
    Row,
    Session,
    TaskStore,
    TaskSummary,
    Value,
    build_owner_condition,
    insert_task,
    timestamp,
    update_task,
)
from ..tasks.events import Event
from ..tasks.result import TaskResult
from .spending import Spending

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
create table if not exists trace_contexts (
    task_id text primary key,
    trace text not null
);
create table if not exists submissions (
    owner text not null,
    key text not null,
    digest text not null,
    task_id text not null,
    created text not null,
    primary key (owner, key)
) without rowid;
create table if not exists tokens_used (
    owner text not null,
    day text not null,
    tokens integer not null,
    primary key (owner, day)
) without rowid;
create index if not exists tasks_of_an_owner_by_status on tasks (owner, status);
"""

KEY_LIFETIME = timedelta(days=1)
"""How long an idempotency key is remembered."""

_JOBS = (
    "select task_id, owner, model, answer, trace from jobs join tasks using (task_id) "
    "left join trace_contexts using (task_id) where place is not null"
)
"""What the service has to do."""
_NEXT_PLACE = "(select coalesce(max(place), 0) + 1 from jobs)"


@dataclass(frozen=True)
class Job:
    """A task that the service has to carry on."""

    task_id: str
    owner: str | None
    model: str | None = None
    answers: Mapping[str, str] | None = None
    """What the person said, by the id of the interrupt that it answers."""
    trace: str | None = None
    """The W3C trace context of the request that asked for it, where requests are traced."""


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
    """The service's tables, in the database of the tasks' store."""

    def __init__(self, tasks: TaskStore) -> None:
        self.tasks = tasks

    async def setup(self) -> None:
        """Make the tables, and forget old idempotency keys."""
        await self.tasks.define(SCHEMA)
        async with self.tasks.transaction() as db:
            oldest = (datetime.now(UTC) - KEY_LIFETIME).isoformat(timespec="seconds")
            await db.execute("delete from submissions where created < ?", (oldest,))

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
                if earlier := await _find_earlier(db, job.owner, submission):
                    return earlier
                await db.execute(
                    "insert into submissions values (?, ?, ?, ?, ?)",
                    (job.owner or "", submission.key, submission.digest, job.task_id, timestamp()),
                )
            await insert_task(db, job.task_id, thread_id, task, status="queued", owner=job.owner)
            await _enqueue_job(db, job)
        return job.task_id

    async def find_submitted(self, owner: str | None, submission: Submission) -> str | None:
        """The task that a submission has made already.

        Raises:
            KeyReused: its key is known with another body.
        """
        async with self.tasks.transaction() as db:
            return await _find_earlier(db, owner, submission)

    async def requeue_task(self, job: Job, seen: TaskStatus) -> bool:
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
            if changed:
                await _enqueue_job(db, job)
            return bool(changed)

    async def get_due_job(self, task_id: str) -> Job | None:
        """What has to be done on a task; None: nothing."""
        row = await self._fetch_row(f"{_JOBS} and task_id = ?", task_id)
        return _build_job(row) if row else None

    async def recover_tasks(self) -> list[str]:
        """All that an earlier process began or did not begin, in order, to be begun by this one."""
        begun = await self.tasks.read(f"{_JOBS} and status = 'running'")
        for task_id in await self.tasks.find_unclaimed([row["task_id"] for row in begun]):
            await self.set_status(task_id, "queued")
        return await self._list_in_queue()

    async def list_unheld(self, held: Collection[str] = ()) -> list[str]:
        """What is left to do, in order, and in nobody's hands.

        Args:
            held: tasks that are known to be in somebody's.
        """
        in_line = [task_id for task_id in await self._list_in_queue() if task_id not in held]
        free = await self.tasks.find_unclaimed(in_line)
        return [task_id for task_id in in_line if task_id in free]

    async def count_in_queue(self, status: Literal["queued", "running"]) -> int:
        """How many tasks wait, or are being worked on."""
        row = await self._fetch_row(
            "select count(*) as number from jobs join tasks using (task_id) "
            "where place is not null and status = ?",
            status,
        )
        return row["number"] if row else 0

    async def get_model(self, task_id: str) -> str | None:
        """The model that was asked for with the task."""
        row = await self._fetch_row("select model from jobs where task_id = ?", task_id)
        return row["model"] if row else None

    async def set_status(self, task_id: str, status: TaskStatus) -> None:
        """Enter how a task stands that has not ended."""
        async with self.tasks.transaction() as db:
            await _set_status(db, task_id, status)

    async def put_back(self, job: Job, spending: Spending) -> None:
        """Let a task that was stopped wait to be carried on, and charge its owner."""
        async with self.tasks.transaction() as db:
            await _set_status(db, job.task_id, "queued")
            await _charge(db, job.owner, spending)

    async def charge(self, owner: str | None, spending: Spending) -> None:
        """Add to an owner's tokens what is owed."""
        async with self.tasks.transaction() as db:
            await _charge(db, owner, spending)

    async def record(self, job: Job, event: Event, spending: Spending | None = None) -> int:
        """Keep an event, and charge the task's owner for what has been spent until then.

        Returns:
            Its number.
        """
        async with self.tasks.transaction() as db:
            number = await _append(db, job.task_id, event)
            if spending:
                await _charge(db, job.owner, spending)
            return number

    async def finish(
        self, job: Job, events: Sequence[Event], result: TaskResult, spending: Spending
    ) -> None:
        """Enter how a run of a task ended, and charge its owner for the rest; there is nothing
        left to do on it."""
        task_id = job.task_id
        async with self.tasks.transaction() as db:
            for event in events:
                await _append(db, task_id, event)
            await update_task(db, task_id, result.status, result.workflow, result.final_answer)
            await db.execute(
                "update jobs set place = null, answer = null where task_id = ?", (task_id,)
            )
            await db.execute("delete from trace_contexts where task_id = ?", (task_id,))
            await _charge(db, job.owner, spending)

    async def prune(self, days: int) -> None:
        """Delete the events of tasks that ended so many days ago; their results stay."""
        oldest = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        marks = ", ".join("?" * len(FINAL))
        gone = f"select task_id from tasks where updated < ? and status in ({marks})"  # noqa: S608
        async with self.tasks.transaction() as db:
            await db.execute(f"delete from events where task_id in ({gone})", (oldest, *FINAL))  # noqa: S608

    async def list_events(self, task_id: str, after: int = 0) -> list[StoredEvent]:
        """A task's events after that number."""
        rows = await self.tasks.read(
            "select id, data from events where task_id = ? and id > ? order by id", (task_id, after)
        )
        return [StoredEvent(row["id"], json.loads(row["data"])) for row in rows]

    async def get_last_result(self, task_id: str) -> TaskResult | None:
        """The result with which the task's latest run ended, where the service ran it."""
        row = await self._fetch_row(
            "select data from events where task_id = ? order by id desc limit 1", task_id
        )
        last = json.loads(row["data"]) if row else {}
        return TaskResult.model_validate(last["result"]) if "result" in last else None

    async def get_own_task(self, owner: str | None, task_id: str) -> TaskSummary:
        """A task of that owner's.

        Raises:
            UnknownTask: there is none; it says nothing about those of others.
        """
        whose, values = build_owner_condition(owner)
        found = await self._select_tasks(f"where task_id = ? and {whose}", task_id, *values)
        if not found:
            raise UnknownTask(say("task.unknown", task_id=task_id))
        return found[0]

    async def list_page(
        self, owner: str | None, status: TaskStatus | None, before: int | None, limit: int
    ) -> tuple[list[TaskSummary], int | None]:
        """Some of an owner's tasks, newest first, and where the next page begins."""
        whose, owners = build_owner_condition(owner)
        conditions = [whose]
        values = list[Value](owners)
        if status:
            conditions.append("status = ?")
            values.append(status)
        if before is not None:
            conditions.append("rowid < ?")
            values.append(before)
        clause = f"where {' and '.join(conditions)} order by rowid desc limit ?"
        tasks = await self._select_tasks(clause, *values, limit)
        if len(tasks) < limit:
            return tasks, None
        row = await self._fetch_row("select rowid from tasks where task_id = ?", tasks[-1].task_id)
        return tasks, row["rowid"] if row else None

    async def get_tokens_today(self, owner: str) -> int:
        """Tokens, read and written, that an owner's tasks have cost this day (UTC)."""
        row = await self._fetch_row(
            "select tokens from tokens_used where owner = ? and day = ?", owner, _format_today()
        )
        return row["tokens"] if row else 0

    async def _select_tasks(self, clause: str, *values: Value) -> list[TaskSummary]:
        """Tasks as they stand; one whose worker died is waiting for another."""
        return [
            task.model_copy(update={"status": "queued"})
            if task.status == "interrupted" and await self.get_due_job(task.task_id)
            else task
            for task in await self.tasks.select(clause, *values)
        ]

    async def _list_in_queue(self) -> list[str]:
        rows = await self.tasks.read(
            "select task_id from jobs where place is not null order by place"
        )
        return [row["task_id"] for row in rows]

    async def _fetch_row(self, query: str, *values: Value) -> Row | None:
        rows = await self.tasks.read(query, values)
        return rows[0] if rows else None


def _build_job(row: Row) -> Job:
    answers = json.loads(row["answer"]) if row["answer"] else None
    return Job(row["task_id"], row["owner"], row["model"], answers, row["trace"])


async def _find_earlier(db: Session, owner: str | None, submission: Submission) -> str | None:
    rows = await db.read(
        "select digest, task_id from submissions where owner = ? and key = ?",
        (owner or "", submission.key),
    )
    if rows and rows[0]["digest"] != submission.digest:
        raise KeyReused
    return rows[0]["task_id"] if rows else None


async def _enqueue_job(db: Session, job: Job) -> None:
    await db.execute(
        f"insert into jobs values (?, ?, ?, {_NEXT_PLACE}) on conflict (task_id) do update "  # noqa: S608
        "set answer = excluded.answer, place = excluded.place",
        (job.task_id, job.model, json.dumps(job.answers) if job.answers else None),
    )
    if job.trace:
        await db.execute(
            "insert into trace_contexts values (?, ?) on conflict (task_id) do update "
            "set trace = excluded.trace",
            (job.task_id, job.trace),
        )


async def _append(db: Session, task_id: str, event: Event) -> int:
    statement = (
        "insert into events select ?, coalesce(max(id), 0) + 1, ? from events "
        "where task_id = ? returning id"
    )
    data = json.dumps(event, ensure_ascii=False)
    (row,) = await db.read(statement, (task_id, data, task_id))
    return int(row["id"])


async def _set_status(db: Session, task_id: str, status: TaskStatus) -> None:
    await db.execute(
        "update tasks set status = ?, updated = ? where task_id = ?",
        (status, timestamp(), task_id),
    )


async def _charge(db: Session, owner: str | None, spending: Spending) -> None:
    """The last step of a transaction: until here a run that breaks off leaves all of it undone,
    and the tokens are still owed."""
    tokens = spending.owed
    if owner and tokens:
        await db.execute(
            "insert into tokens_used values (?, ?, ?) on conflict (owner, day) do update "
            "set tokens = tokens_used.tokens + excluded.tokens",
            (owner, _format_today(), tokens),
        )
    spending.settle(tokens)


def _format_today() -> str:
    return datetime.now(UTC).date().isoformat()
