"""Where tasks are kept: LangGraph's checkpoints, and an index of the tasks beside them.

What is here is the same for every database: SQL that all of them understand, with `?` for a value.
What differs is in `sqlite.py` (the default: one file, or memory) and `postgres.py` (many machines).
"""

import asyncio
import json
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
"""How long a process waits for others that write."""

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
"""

Value = str | int | None
Row = dict[str, Any]
"""By the name of the column."""

Interruption = Literal["lost", "cancelled"]
"""Why whoever works on a task has to stop: another process has it now, or a person has asked."""

Place = Path | SecretStr | None
"""A folder, the address of a Postgres database, or memory."""


class Session(Protocol):
    """The statements of one transaction."""

    async def execute(self, statement: str, values: Sequence[Value] = ()) -> int:
        """Carry out a statement.

        Returns:
            The number of rows that it changed.
        """

    async def read(self, query: str, values: Sequence[Value] = ()) -> list[Row]:
        """The rows that a statement gives."""


class TaskSummary(BaseModel):
    """One line of the index."""

    model_config = ConfigDict(frozen=True)

    task_id: str
    thread_id: str
    """The id of the task that began its thread."""
    question: str
    workflow: str | None
    status: TaskStatus
    final_answer: str | None
    created: datetime
    updated: datetime
    owner: str | None
    """The API key it belongs to, by its id; None is whoever uses this machine."""


class TaskStore(ABC):
    """The checkpoints and the index; a subclass for each database.

    Tables have a column `rowid` that grows with each row, unless they are made `without rowid`.
    """

    checkpointer: BaseCheckpointSaver[str]
    lasting = True
    """Whether what is in it outlives this process."""

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Session]:
        """Statements that are written together or not at all."""

    @abstractmethod
    async def read(self, query: str, values: Sequence[Value] = ()) -> list[Row]:
        """What is stored now."""

    @abstractmethod
    async def define(self, script: str) -> None:
        """Make tables and indexes that are not there yet, written as for SQLite, with the bracket
        that closes a table at the beginning of a line."""

    @abstractmethod
    def hold_lock(self, name: str) -> AbstractAsyncContextManager["TaskStore"]:
        """Be the only one, of all processes on this storage, to do what has that name. It is for
        short work: others wait.

        Returns:
            The store to do it with: what is written through that one is refused once the right to
            do it was lost.

        Raises:
            ConcertinoError: others held on to it for too long.
        """

    @abstractmethod
    def claim(
        self,
        task_id: str,
        interrupt: Callable[[Interruption], object] = lambda why: None,
        nudge: asyncio.Event | None = None,
    ) -> AbstractAsyncContextManager["TaskStore"]:
        """Hold the task for this process; a process that dies lets go of it.

        Args:
            interrupt: called when whoever holds it has to stop.
            nudge: set to have it looked at once whether that is so.

        Returns:
            The store to work on it with: what is written through that one, checkpoints too, is
            refused once another process holds the task.

        Raises:
            TaskBusy: another run holds it, or has taken it over.
        """

    @abstractmethod
    async def find_unclaimed(self, task_ids: Collection[str]) -> set[str]:
        """Those of the tasks that no process works on."""

    @abstractmethod
    async def ask_to_stop(self, task_id: str) -> None:
        """Let whoever holds the task know that a person wants it stopped, where that is possible
        from here."""

    @abstractmethod
    async def prune_checkpoints(self, thread_id: str) -> None:
        """Delete all checkpoints of a thread but its latest."""

    async def add(
        self,
        task_id: str,
        thread_id: str,
        task: TaskInput,
        *,
        status: TaskStatus = "running",
        owner: str | None = None,
    ) -> None:
        """Enter a new task, with all that is needed to start it again."""
        async with self.transaction() as db:
            await insert_task(db, task_id, thread_id, task, status=status, owner=owner)

    async def update(
        self, task_id: str, status: TaskStatus, workflow: str | None, answer: str | None
    ) -> None:
        """Enter a task's new status, and the workflow that was played."""
        async with self.transaction() as db:
            await update_task(db, task_id, status, workflow, answer)

    async def list_exchanges(self, thread_id: str, owner: str | None = None) -> list[Exchange]:
        """The thread's tasks that are its owner's and have an answer, oldest first.

        Raises:
            UnknownTask: there is none.
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
        """Keep what a person thinks of a result; a later opinion replaces it."""
        async with self.transaction() as db:
            await db.execute(
                "insert into ratings values (?, ?, ?, ?) on conflict (task_id) do update set "
                "rating = excluded.rating, comment = excluded.comment, created = excluded.created",
                (task_id, rating, comment, timestamp()),
            )

    async def rating(self, task_id: str) -> int | None:
        """What its person thinks of a task, 1 to 5."""
        rows = await self.read("select rating from ratings where task_id = ?", (task_id,))
        return rows[0]["rating"] if rows else None

    async def task_input(self, task_id: str) -> TaskInput:
        """What a task was started with."""
        rows = await self.read("select options from tasks where task_id = ?", (task_id,))
        return cast("TaskInput", json.loads(rows[0]["options"])) if rows else {}

    async def get(self, task_id: str) -> TaskSummary:
        """One task of the index.

        Raises:
            UnknownTask: it is not stored here.
        """
        found = await self._select("where task_id = ?", task_id)
        if not found:
            raise UnknownTask(say("task.unknown", task_id=task_id))
        return found[0]

    async def list_latest(self, limit: int) -> list[TaskSummary]:
        """The latest tasks, newest first; one whose process died is told as interrupted."""
        return await self.select("order by created desc, rowid desc limit ?", limit)

    async def select(self, clause: str, *values: Value) -> list[TaskSummary]:
        """The tasks of a `where` and `order by` clause; one whose process died is told as
        interrupted."""
        tasks = await self._select(clause, *values)
        free = await self.find_unclaimed(
            [task.task_id for task in tasks if task.status == "running"]
        )
        return [
            task.model_copy(update={"status": "interrupted"}) if task.task_id in free else task
            for task in tasks
        ]

    async def _select(self, clause: str, *values: Value) -> list[TaskSummary]:
        query = f"select {', '.join(TaskSummary.model_fields)} from tasks {clause}"  # noqa: S608
        return [TaskSummary.model_validate(row) for row in await self.read(query, values)]


async def insert_task(
    db: Session,
    task_id: str,
    thread_id: str,
    task: TaskInput,
    *,
    status: TaskStatus,
    owner: str | None,
) -> None:
    """`TaskStore.add` within a transaction."""
    now, options = timestamp(), json.dumps(task)
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
    """`TaskStore.update` within a transaction."""
    await db.execute(
        "update tasks set status = ?, workflow = coalesce(?, workflow), final_answer = ?, "
        "updated = ? where task_id = ?",
        (status, workflow, answer, timestamp(), task_id),
    )


def build_owner_condition(owner: str | None) -> tuple[str, tuple[str, ...]]:
    """A condition for rows of that owner, with its value: `owner = null` is never true."""
    return ("owner is null", ()) if owner is None else ("owner = ?", (owner,))


def checkpoint_config(task_id: str) -> RunnableConfig:
    """The name under which LangGraph's checkpointer keeps a task."""
    return {"configurable": {"thread_id": task_id}}


def timestamp() -> str:
    """This moment, as the tables have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def advance_checkpoint_clock(found: CheckpointTuple | None) -> CheckpointTuple | None:
    """Have this process give the next checkpoints ids above that of the one it found.

    The highest id is taken for a thread's latest checkpoint, and LangGraph makes ids of the clock,
    ascending within one process. Behind the clock of another one they would never be read.
    """
    if found:
        time, last = checkpoint_ids.UUID(found.checkpoint["id"]).time, "_last_v6_timestamp"
        setattr(checkpoint_ids, last, max(time, getattr(checkpoint_ids, last) or 0))
    return found
