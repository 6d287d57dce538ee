"""Task storage: LangGraph's checkpoints and an index of the tasks.

This module is common to all databases: portable SQL with `?` as placeholder. The differences are in
`sqlite.py` (the default: one file, or memory) and `postgres.py` (many machines).
"""

import asyncio
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.checkpoint.base import id as checkpoint_ids
from pydantic import BaseModel, ConfigDict, SecretStr

from ..errors import UnknownTask
from ..language.messages import say
from ..state import Exchange, TaskInput, TaskStatus

BUSY_SECONDS = 60
"""Seconds a process waits for other writers."""

SCHEMA = """
create table if not exists tasks (
    task_id text primary key,
    thread_id text not null,
    question text not null,
    workflow text,
    options text not null,
    status text not null,
    final_answer text,
    created text not null,
    updated text not null,
    owner text
);
create index if not exists tasks_of_a_thread on tasks (thread_id);
create index if not exists tasks_of_an_owner on tasks (owner);
create table if not exists ratings (
    task_id text primary key,
    rating integer not null,
    comment text,
    created text not null
);
create table if not exists task_names (
    task_id text primary key,
    name text not null
);
create table if not exists thread_names (
    thread_id text primary key,
    name text not null
);
"""

Value = str | int | None
Row = dict[str, Any]
"""Values by column name."""

Interruption = Literal["lost", "cancelled"]
"""Why work on a task must stop: another process has taken it over, or a user cancelled it."""

Place = Path | SecretStr | None
"""A folder, the URL of a Postgres database, or None for memory."""


class Session(Protocol):
    """Executes the statements of one transaction."""

    async def execute(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Execute a statement.

        Returns:
            The number of rows changed.
        """

    async def read(self, query: str, values: Sequence[Value] = ()) -> list[Row]:
        """Return the rows of a query."""


class TaskSummary(BaseModel):
    """One entry of the index."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    thread_id: str
    """The id of the first task of the thread."""
    question: str
    workflow: str | None
    status: TaskStatus
    final_answer: str | None
    created: datetime
    updated: datetime
    owner: str | None
    """Id of the API key it belongs to; None for this machine's user."""
    name: str | None = None
    """Name that the user has given to the task."""
    thread_name: str | None = None
    """Name that the user has given to its thread."""


COLUMNS = {name: name for name in TaskSummary.model_fields} | {
    "name": "(select name from task_names as n where n.task_id = tasks.task_id)",
    "thread_name": "(select name from thread_names as n where n.thread_id = tasks.thread_id)",
}
"""SQL of each field of an index entry."""
SEARCHED = ("question", "final_answer", "name", "thread_name")
"""Fields in which a search looks."""


class TaskStore(ABC):
    """The checkpoints and the index; one subclass per database.

    Tables have an ascending column `rowid`, unless created `without rowid`. Rows that belong to a
    task have its id in a column `task_id`, and are deleted with it.
    """

    checkpointer: BaseCheckpointSaver[str]
    lasting = True
    """Whether its contents outlive this process."""

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """Open a transaction."""

    @abstractmethod
    async def read(self, query: str, values: Sequence[Value] = ()) -> list[Row]:
        """Return the rows of a query, outside a transaction."""

    @abstractmethod
    async def define(self, script: str) -> None:
        """Create missing tables and indexes from a script in SQLite's dialect, with the closing
        bracket of each table at the beginning of a line."""

    @abstractmethod
    def hold_lock(self, name: str) -> AbstractAsyncContextManager["TaskStore"]:
        """Hold a named lock across all processes on this storage; only briefly, since others wait.

        Returns:
            The store to use under the lock: it refuses writes once the lock is lost.

        Raises:
            ConcertinoError: others held the lock for too long.
        """

    @abstractmethod
    def claim(
        self,
        task_id: str,
        interrupt: Callable[[Interruption], object] = lambda why: None,
        nudge: asyncio.Event | None = None,
    ) -> AbstractAsyncContextManager["TaskStore"]:
        """Claim the task for this process; the claim ends if the process dies.

        Args:
            interrupt: called when the holder must stop.
            nudge: set it to check at once whether the holder must stop.

        Returns:
            The store to use for the task: it refuses writes, including checkpoints, once another
            process has claimed the task.

        Raises:
            TaskBusy: another run holds the task or has taken it over.
        """

    @abstractmethod
    async def find_unclaimed(self, task_ids: Collection[str]) -> set[str]:
        """Return the tasks that no process is working on."""

    @abstractmethod
    async def ask_to_stop(self, task_id: str) -> None:
        """Tell the task's holder that a user wants it stopped, if the storage supports it."""

    @abstractmethod
    async def list_task_tables(self) -> list[str]:
        """Return the tables with a column `task_id`, without those of LangGraph and of claims."""

    @abstractmethod
    async def prune_checkpoints(self, thread_id: str) -> None:
        """Delete all checkpoints of a thread except the latest."""

    async def add(
        self,
        task_id: str,
        thread_id: str,
        task: TaskInput,
        *,
        status: TaskStatus = "running",
        owner: str | None = None,
    ) -> None:
        """Store a new task with everything needed to restart it."""
        async with self.transaction() as db:
            await insert_task(db, task_id, thread_id, task, status=status, owner=owner)

    async def update(
        self, task_id: str, status: TaskStatus, workflow: str | None, answer: str | None
    ) -> None:
        """Store a task's new status, the workflow played and the answer."""
        async with self.transaction() as db:
            await update_task(db, task_id, status, workflow, answer)

    async def delete(self, task_id: str) -> None:
        """Delete a task that this process has claimed, with all that is stored of it."""
        await self.checkpointer.adelete_thread(task_id)
        tables = await self.list_task_tables()
        async with self.transaction() as db:
            for table in tables:
                await db.execute(f"delete from {table} where task_id = ?", (task_id,))  # noqa: S608
            await db.execute(
                "delete from thread_names where thread_id not in (select thread_id from tasks)"
            )

    async def name_task(self, task_id: str, name: str | None) -> None:
        """Name a task; None takes its name away."""
        await self._write_name("task", task_id, name)

    async def name_thread(self, thread_id: str, name: str | None) -> None:
        """Name a thread; None takes its name away."""
        await self._write_name("thread", thread_id, name)

    async def list_exchanges(self, thread_id: str, owner: str | None = None) -> list[Exchange]:
        """Return the owner's answered tasks of a thread, oldest first.

        Raises:
            UnknownTask: there are none.
        """
        whose, values = build_owner_condition(owner)
        query = (
            "select question, workflow, options, final_answer from tasks where thread_id = ? "  # noqa: S608
            f"and {whose} and final_answer is not null order by created, rowid"
        )
        rows = await self.read(query, (thread_id, *values))
        if not rows:
            raise UnknownTask(say("task.unknown_thread", thread_id=thread_id))
        return [
            Exchange(
                question=row["question"],
                workflow=row["workflow"],
                inputs=json.loads(row["options"]).get("inputs") or {},
                answer=row["final_answer"],
            )
            for row in rows
        ]

    async def rate(self, task_id: str, rating: int, comment: str | None = None) -> None:
        """Store a user's rating of a result; a later rating replaces it."""
        async with self.transaction() as db:
            await db.execute(
                "insert into ratings values (?, ?, ?, ?) on conflict (task_id) do update set "
                "rating = excluded.rating, comment = excluded.comment, created = excluded.created",
                (task_id, rating, comment, timestamp()),
            )

    async def rating(self, task_id: str) -> int | None:
        """Return the user's rating of a task, 1 to 5, or None."""
        rows = await self.read("select rating from ratings where task_id = ?", (task_id,))
        return rows[0]["rating"] if rows else None

    async def task_input(self, task_id: str) -> TaskInput:
        """Return a task's initial input; empty for an unknown task."""
        rows = await self.read("select options from tasks where task_id = ?", (task_id,))
        return cast("TaskInput", json.loads(rows[0]["options"])) if rows else {}

    async def get(self, task_id: str) -> TaskSummary:
        """Return a task's index entry.

        Raises:
            UnknownTask: the task is not stored here.
        """
        found = await self._select("where task_id = ?", task_id)
        if not found:
            raise UnknownTask(say("task.unknown", task_id=task_id))
        return found[0]

    async def list_latest(self, limit: int, query: str = "") -> list[TaskSummary]:
        """Return the latest tasks that have all words of a query, newest first; tasks of dead
        processes as `interrupted`."""
        found, values = build_search_condition(query)
        clause = f"where {found} order by created desc, rowid desc limit ?"
        return await self.select(clause, *values, limit)

    async def select(self, clause: str, *values: Value) -> list[TaskSummary]:
        """Return the tasks of a `where` and `order by` clause; tasks of dead processes as
        `interrupted`."""
        tasks = await self._select(clause, *values)
        free = await self.find_unclaimed(
            [task.task_id for task in tasks if task.status == "running"]
        )
        return [
            task.model_copy(update={"status": "interrupted"}) if task.task_id in free else task
            for task in tasks
        ]

    async def _select(self, clause: str, *values: Value) -> list[TaskSummary]:
        columns = ", ".join(f"{sql} as {name}" for name, sql in COLUMNS.items())
        query = f"select {columns} from tasks {clause}"  # noqa: S608
        return [TaskSummary.model_validate(row) for row in await self.read(query, values)]

    async def _write_name(self, kind: str, named: str, name: str | None) -> None:
        table, key = f"{kind}_names", f"{kind}_id"
        async with self.transaction() as db:
            await db.execute(f"delete from {table} where {key} = ?", (named,))  # noqa: S608
            if name is not None:
                await db.execute(f"insert into {table} values (?, ?)", (named, name))  # noqa: S608


async def insert_task(
    db: Session,
    task_id: str,
    thread_id: str,
    task: TaskInput,
    *,
    status: TaskStatus,
    owner: str | None,
) -> None:
    """Implement `TaskStore.add` within a transaction."""
    now = timestamp()
    options = json.dumps(task)
    await db.execute(
        "insert into tasks (task_id, thread_id, question, workflow, options, status, created, "
        "updated, owner) values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (task_id) do nothing",
        (
            *(task_id, thread_id, task["question"], task.get("workflow")),
            *(options, status, now, now, owner),
        ),
    )


async def update_task(
    db: Session, task_id: str, status: TaskStatus, workflow: str | None, answer: str | None
) -> None:
    """Implement `TaskStore.update` within a transaction."""
    await db.execute(
        "update tasks set status = ?, workflow = coalesce(?, workflow), final_answer = ?, "
        "updated = ? where task_id = ?",
        (status, workflow, answer, timestamp(), task_id),
    )


def build_owner_condition(owner: str | None) -> tuple[str, tuple[str, ...]]:
    """Return an SQL condition for the owner's rows and its values: `owner = null` is never true."""
    return ("owner is null", ()) if owner is None else ("owner = ?", (owner,))


def build_search_condition(query: str) -> tuple[str, list[str]]:
    """Return an SQL condition for the tasks that have all words of a query, and its values."""
    words = query.split()
    places = " or ".join(f"lower({COLUMNS[name]}) like lower(?) escape '!'" for name in SEARCHED)
    escaped = (re.sub("[!%_]", r"!\g<0>", word) for word in words)
    condition = " and ".join(f"({places})" for _ in words) or "true"
    return condition, [f"%{word}%" for word in escaped for _ in SEARCHED]


def drop_null(value: Any) -> Any:
    """Return a value without U+0000, which Postgres text cannot hold and no store keeps."""
    return value.replace("\0", "") if isinstance(value, str) else value


def checkpoint_config(task_id: str) -> RunnableConfig:
    """Return the LangGraph config that identifies a task's checkpoints."""
    return {"configurable": {"thread_id": task_id}}


def timestamp() -> str:
    """Return the current UTC time in the format of the tables (ISO 8601, seconds)."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def advance_checkpoint_clock(found: CheckpointTuple | None) -> CheckpointTuple | None:
    """Make this process's next checkpoint ids greater than the id of the given checkpoint.

    The latest checkpoint of a thread is the one with the highest id, and LangGraph derives ids from
    the clock, ascending within one process only. Checkpoints of a process whose clock is behind
    another's would never be read.
    """
    if found:
        time = checkpoint_ids.UUID(found.checkpoint["id"]).time
        last = "_last_v6_timestamp"
        setattr(checkpoint_ids, last, max(time, getattr(checkpoint_ids, last) or 0))
    return found
