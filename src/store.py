"""Where tasks are kept: LangGraph's checkpoints and an index of the tasks, in one SQLite file."""

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

import aiosqlite
from filelock import AsyncFileLock, Timeout
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from pydantic import BaseModel, ConfigDict

from .errors import ConcertinoError, TaskBusy, UnknownTask
from .messages import say
from .state import Contract, Exchange, Status, TaskInput

DATABASE = "tasks.sqlite"
BUSY_SECONDS = 60
"""How long a process waits for others that write."""
POLL_SECONDS = 0.005
"""How often it looks whether they are done."""

_SCHEMA = """
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
"""

TaskStatus = Status | Literal["queued", "cancelled"]
"""What the index says of a task; the two more are the service's."""


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


@dataclass(frozen=True)
class TaskStore:
    """The index beside the checkpoints, over one connection."""

    checkpointer: AsyncSqliteSaver
    connection: aiosqlite.Connection
    home: Path | None
    """None for tasks that are kept in memory."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[None]:
        """Be the only one, of all processes on this storage, to do what has that name. It is for
        short work: others wait.

        Raises:
            ConcertinoError: others held on to it for too long.
        """
        if self.home is None:
            async with self._turn:
                yield
            return
        path = self.home / f"{name}.lock"
        lock = AsyncFileLock(path, timeout=BUSY_SECONDS, poll_interval=POLL_SECONDS)
        try:
            await lock.acquire()
        except Timeout as error:
            raise ConcertinoError(say("store.unusable", home=self.home, reason=error)) from None
        try:
            yield
        finally:
            await lock.release()

    async def keep_latest(self, thread_id: str) -> None:
        """Delete all checkpoints of a thread but its latest."""
        older = (
            "thread_id = ? and checkpoint_id < "
            "(select max(checkpoint_id) from checkpoints where thread_id = ?)"
        )
        async with self.transaction() as db:
            for table in ("checkpoints", "writes"):
                await db.execute(f"delete from {table} where {older}", (thread_id, thread_id))  # noqa: S608

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Statements that are written together or not at all, and between those of no other."""
        async with self.checkpointer.lock:
            try:
                yield self.connection
                await self.connection.commit()
            except BaseException:
                await self.connection.rollback()
                raise

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
        async with self.transaction():
            await self.insert(task_id, thread_id, task, status=status, owner=owner)

    async def insert(
        self,
        task_id: str,
        thread_id: str,
        task: TaskInput,
        *,
        status: TaskStatus,
        owner: str | None,
    ) -> None:
        """`add` within a transaction."""
        now, options = _now(), json.dumps(task)
        await self.connection.execute(
            "insert into tasks (task_id, thread_id, question, workflow, options, status, created, "
            "updated, owner) values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (task_id) do nothing",
            (
                *(task_id, thread_id, task["question"], task.get("workflow")),
                *(options, status, now, now, owner),
            ),
        )

    async def update(
        self, task_id: str, status: TaskStatus, workflow: str | None, answer: str | None
    ) -> None:
        """Enter a task's new status, and the workflow that was played."""
        async with self.transaction():
            await self.amend(task_id, status, workflow, answer)

    async def amend(
        self, task_id: str, status: TaskStatus, workflow: str | None, answer: str | None
    ) -> None:
        """`update` within a transaction."""
        await self.connection.execute(
            "update tasks set status = ?, workflow = coalesce(?, workflow), final_answer = ?, "
            "updated = ? where task_id = ?",
            (status, workflow, answer, _now(), task_id),
        )

    async def exchanges(self, thread_id: str, owner: str | None = None) -> list[Exchange]:
        """The thread's tasks that are its owner's and have an answer, oldest first.

        Raises:
            UnknownTask: there is none.
        """
        query = (
            "select question, workflow, options, final_answer from tasks where thread_id = ? "
            "and owner is ? and final_answer is not null order by created, rowid"
        )
        async with self.connection.execute(query, (thread_id, owner)) as cursor:
            rows = await cursor.fetchall()
        if not rows:
            raise UnknownTask(say("task.unknown_thread", thread_id=thread_id))
        return [
            Exchange(
                question=question,
                workflow=workflow,
                inputs=json.loads(options).get("inputs") or {},
                answer=answer,
            )
            for question, workflow, options, answer in rows
        ]

    async def task_input(self, task_id: str) -> TaskInput:
        """What a task was started with."""
        query = "select options from tasks where task_id = ?"
        async with self.connection.execute(query, (task_id,)) as cursor:
            row = await cursor.fetchone()
        return cast("TaskInput", json.loads(row[0])) if row else {}

    async def get(self, task_id: str) -> TaskSummary:
        """One task of the index.

        Raises:
            UnknownTask: it is not stored here.
        """
        rows = await self._select("where task_id = ?", task_id)
        if not rows:
            raise UnknownTask(say("task.unknown", task_id=task_id))
        return rows[0]

    async def latest(self, limit: int) -> list[TaskSummary]:
        """The latest tasks, newest first; one whose process died is told as interrupted."""
        return await self.select("order by created desc, rowid desc limit ?", limit)

    async def select(self, clause: str, *values: str | int | None) -> list[TaskSummary]:
        """The tasks of a `where` and `order by` clause; one whose process died is told as
        interrupted."""
        return [
            task.model_copy(update={"status": "interrupted"})
            if task.status == "running" and await self._is_free(task.task_id)
            else task
            for task in await self._select(clause, *values)
        ]

    async def _is_free(self, task_id: str) -> bool:
        try:
            async with self.claim(task_id):
                return True
        except TaskBusy:
            return False

    @asynccontextmanager
    async def claim(self, task_id: str) -> AsyncIterator[None]:
        """Hold the task for this process; a process that dies lets go of it.

        Raises:
            TaskBusy: another run holds it.
        """
        if self.home is None:
            yield
            return
        folder = self.home / "locks"
        folder.mkdir(exist_ok=True)
        lock = AsyncFileLock(folder / f"{task_id}.lock", timeout=0)
        try:
            async with lock:
                yield
        except Timeout:
            raise TaskBusy(say("task.busy", task_id=task_id)) from None

    async def _select(self, clause: str, *values: str | int | None) -> list[TaskSummary]:
        query = f"select {', '.join(TaskSummary.model_fields)} from tasks {clause}"  # noqa: S608
        async with self.connection.execute(query, values) as cursor:
            names = [column[0] for column in cursor.description]
            return [
                TaskSummary.model_validate(dict(zip(names, row, strict=True)))
                async for row in cursor
            ]


@asynccontextmanager
async def open_store(home: Path | None) -> AsyncIterator[TaskStore]:
    """Open the tasks in a folder, made on first use and readable by the user alone; without a
    folder, a store in memory that is gone when closed.

    Raises:
        ConcertinoError: the folder cannot be written, the disk is full, or the file is damaged.
    """
    try:
        async with aiosqlite.connect(_database(home), timeout=BUSY_SECONDS) as connection:
            checkpointer = AsyncSqliteSaver(connection, serde=_serializer())
            # SQLite does not wait for a database that is being switched to its write-ahead log.
            async with _alone(home):
                await checkpointer.setup()
                await connection.executescript(_SCHEMA)
            yield TaskStore(checkpointer, connection, home)
    except (sqlite3.Error, OSError) as error:
        raise ConcertinoError(say("store.unusable", home=home, reason=error)) from error


@asynccontextmanager
async def _alone(home: Path | None) -> AsyncIterator[None]:
    if home is None:
        yield
        return
    async with AsyncFileLock(home / f"{DATABASE}.lock", timeout=BUSY_SECONDS):
        yield


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _database(home: Path | None) -> str:
    if home is None:
        return ":memory:"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = home / DATABASE
    path.touch(mode=0o600)
    return os.fspath(path)


def _serializer() -> JsonPlusSerializer:
    """Checkpoints hold the models of the state, and no other class is made from them."""
    models = [(model.__module__, model.__name__) for model in Contract.__subclasses__()]
    return JsonPlusSerializer(allowed_msgpack_modules=models)
