"""The service's records of tasks besides checkpoints: queue, events, submissions, token usage.

All are in the tasks' database, so related changes share a transaction: a task is accepted together
with its place in the queue; when it ends, its last event is stored and its place removed.
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
    build_search_condition,
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
"""Retention time of an idempotency key."""

_JOBS = (
    "select task_id, owner, model, answer, trace from jobs join tasks using (task_id) "
    "left join trace_contexts using (task_id) where place is not null"
)
"""Query for the jobs in the queue."""
_NEXT_PLACE = "(select coalesce(max(place), 0) + 1 from jobs)"


@dataclass(frozen=True)
class Job:
    """A task that the service has to run or resume."""

    task_id: str
    owner: str | None
    model: str | None = None
    answers: Mapping[str, str] | None = None
    """The user's answers, by interrupt id."""
    trace: str | None = None
    """W3C trace context of the originating request, if requests are traced."""


@dataclass(frozen=True)
class Submission:
    """The idempotency key and digest of a request."""

    key: str
    digest: str
    """SHA-256 of the request body (hex)."""


@dataclass(frozen=True)
class StoredEvent:
    """An event with its number, which increases by one within a task."""

    id: int
    data: Event


class KeyReused(Exception):
    """An idempotency key was reused with a different body."""


class Ledger:
    """The service's tables, in the task store's database."""

    def __init__(self, tasks: TaskStore) -> None:
        self.tasks = tasks

    async def setup(self) -> None:
        """Create the tables and delete expired idempotency keys."""
        await self.tasks.define(SCHEMA)
        async with self.tasks.transaction() as db:
            oldest = (datetime.now(UTC) - KEY_LIFETIME).isoformat(timespec="seconds")
            await db.execute("delete from submissions where created < ?", (oldest,))

    async def submit(
        self, job: Job, thread_id: str, task: TaskInput, submission: Submission | None
    ) -> str:
        """Store and enqueue a task in one transaction.

        Returns:
            The task's id; for a known submission, the id of the earlier task.

        Raises:
            KeyReused: the submission's key was used with a different body.
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
        """Return the id of the task that a submission already created, if any.

        Raises:
            KeyReused: its key was used with a different body.
        """
        async with self.tasks.transaction() as db:
            return await _find_earlier(db, owner, submission)

    async def requeue_task(self, job: Job, seen: TaskStatus) -> bool:
        """Enqueue a task that was stopped or waited for an answer.

        Returns:
            False if its status is no longer `seen`: another request was faster.
        """
        # A task whose process died is reported as interrupted but stored as running.
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
        """Return a task's pending job; None if there is none."""
        row = await self._fetch_row(f"{_JOBS} and task_id = ?", task_id)
        return _build_job(row) if row else None

    async def recover_tasks(self) -> list[str]:
        """Requeue tasks abandoned by an earlier process; return all queued task ids, in order."""
        begun = await self.tasks.read(f"{_JOBS} and status = 'running'")
        for task_id in await self.tasks.find_unclaimed([row["task_id"] for row in begun]):
            await self.set_status(task_id, "queued")
        return await self._list_in_queue()

    async def list_unheld(self, held: Collection[str] = ()) -> list[str]:
        """List the ids of queued tasks that no process has claimed, in order.

        Args:
            held: ids of tasks to leave out, as already queued or running.
        """
        in_line = [task_id for task_id in await self._list_in_queue() if task_id not in held]
        free = await self.tasks.find_unclaimed(in_line)
        return [task_id for task_id in in_line if task_id in free]

    async def count_in_queue(self, status: Literal["queued", "running"]) -> int:
        """Count the tasks in the queue that are waiting (`queued`) or running (`running`)."""
        row = await self._fetch_row(
            "select count(*) as number from jobs join tasks using (task_id) "
            "where place is not null and status = ?",
            status,
        )
        return row["number"] if row else 0

    async def get_model(self, task_id: str) -> str | None:
        """Return the model requested for the task."""
        row = await self._fetch_row("select model from jobs where task_id = ?", task_id)
        return row["model"] if row else None

    async def set_status(self, task_id: str, status: TaskStatus) -> None:
        """Store the status of a task that has not ended."""
        async with self.tasks.transaction() as db:
            await _set_status(db, task_id, status)

    async def put_back(self, job: Job, spending: Spending) -> None:
        """Set a stopped task back to `queued` and charge its owner."""
        async with self.tasks.transaction() as db:
            await _set_status(db, job.task_id, "queued")
            await _charge(db, job.owner, spending)

    async def charge(self, owner: str | None, spending: Spending) -> None:
        """Charge an owner for the tokens not yet charged."""
        async with self.tasks.transaction() as db:
            await _charge(db, owner, spending)

    async def record(self, job: Job, event: Event, spending: Spending | None = None) -> int:
        """Store an event and charge the task's owner for the tokens spent so far.

        Returns:
            The event's number.
        """
        async with self.tasks.transaction() as db:
            number = await _append(db, job.task_id, event)
            if spending:
                await _charge(db, job.owner, spending)
            return number

    async def finish(
        self, job: Job, events: Sequence[Event], result: TaskResult, spending: Spending
    ) -> None:
        """Store the outcome of a run, remove the task from the queue and charge its owner."""
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
        """Delete the events of tasks that ended more than `days` ago, except the last one, which
        has the result and from which later events are numbered."""
        oldest = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        marks = ", ".join("?" * len(FINAL))
        gone = f"select task_id from tasks where updated < ? and status in ({marks})"  # noqa: S608
        async with self.tasks.transaction() as db:
            await db.execute(
                f"delete from events where task_id in ({gone}) and id < "  # noqa: S608
                "(select max(e.id) from events as e where e.task_id = events.task_id)",
                (oldest, *FINAL),
            )

    async def list_events(self, task_id: str, after: int = 0) -> list[StoredEvent]:
        """List a task's events numbered above `after`, in order."""
        rows = await self.tasks.read(
            "select id, data from events where task_id = ? and id > ? order by id", (task_id, after)
        )
        return [StoredEvent(row["id"], json.loads(row["data"])) for row in rows]

    async def get_last_event_number(self, task_id: str) -> int:
        """Return the number of a task's latest event; 0 if it has none."""
        row = await self._fetch_row(
            "select max(id) as number from events where task_id = ?", task_id
        )
        return (row and row["number"]) or 0

    async def get_last_result(self, task_id: str) -> TaskResult | None:
        """Return the result of the task's latest run, if the service ran it."""
        row = await self._fetch_row(
            "select data from events where task_id = ? order by id desc limit 1", task_id
        )
        last = json.loads(row["data"]) if row else {}
        return TaskResult.model_validate(last["result"]) if "result" in last else None

    async def get_own_task(self, owner: str | None, task_id: str) -> TaskSummary:
        """Return a task of the given owner.

        Raises:
            UnknownTask: the owner has no such task, whether or not another owner has.
        """
        whose, values = build_owner_condition(owner)
        found = await self._select_tasks(f"where task_id = ? and {whose}", task_id, *values)
        if not found:
            raise UnknownTask(say("task.unknown", task_id=task_id))
        return found[0]

    async def list_page(
        self,
        owner: str | None,
        status: TaskStatus | None,
        before: int | None,
        limit: int,
        query: str = "",
    ) -> tuple[list[TaskSummary], int | None]:
        """Return a page of an owner's tasks that have all words of a query, newest first, and the
        next page's `before`."""
        whose, owners = build_owner_condition(owner)
        found, patterns = build_search_condition(query)
        conditions = [whose, found]
        values = list[Value]([*owners, *patterns])
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
        """Return the tokens (prompt and output) charged to an owner today (UTC)."""
        row = await self._fetch_row(
            "select tokens from tokens_used where owner = ? and day = ?", owner, _format_today()
        )
        return row["tokens"] if row else 0

    async def _select_tasks(self, clause: str, *values: Value) -> list[TaskSummary]:
        """Select tasks, with those whose worker died reported as `queued`."""
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
    """Charge an owner, as the last step of a transaction.

    If the transaction fails before this, it is rolled back and the tokens are still owed.
    """
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
