"""Task store in one SQLite file or in memory, for a single machine."""

import asyncio
import os
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiosqlite
from filelock import AsyncFileLock, Timeout
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from ..errors import ConcertinoError, TaskBusy
from ..language.messages import say
from .base import (
    BUSY_SECONDS,
    Interruption,
    Row,
    Session,
    TaskStore,
    Value,
    advance_checkpoint_clock,
    drop_null,
)
from .serializer import serializer

DATABASE = "tasks.sqlite"
LOCKS = "locks"
"""Folder of the claims' lock files, and name of the lock for creating and deleting them."""
POLL_SECONDS = 0.005
"""Seconds between attempts to acquire a lock."""


class AscendingSaver(AsyncSqliteSaver):
    """LangGraph's checkpointer, safe for processes whose clocks differ."""

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return advance_checkpoint_clock(await super().aget_tuple(config))


class SqliteStore(TaskStore):
    """Checkpoints and index over one connection, shared in turn by its tasks. Locks are files: they
    are released when a process dies, but not while it is paused."""

    checkpointer: AscendingSaver

    def __init__(self, connection: aiosqlite.Connection, home: Path | None) -> None:
        self.checkpointer = AscendingSaver(connection, serde=serializer())
        self._connection = connection
        self._home = home
        self.lasting = home is not None
        self._session = SqliteSession(connection)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        async with self.checkpointer.lock:
            try:
                yield self._session
                await self._connection.commit()
            except BaseException:
                await self._connection.rollback()
                raise

    async def read(self, query: str, values: Sequence[Value] = ()) -> list[Row]:
        return await self._session.read(query, values)

    async def define(self, script: str) -> None:
        async with self.hold_lock(DATABASE):
            await self._connection.executescript(script)

    @asynccontextmanager
    async def hold_lock(self, name: str) -> AsyncIterator[TaskStore]:
        async with self._locks[name]:  # only one waiter per process polls the file
            if self._home is None:
                yield self
                return
            path = self._home / f"{name}.lock"
            lock = AsyncFileLock(path, timeout=BUSY_SECONDS, poll_interval=POLL_SECONDS)
            try:
                await lock.acquire()
            except Timeout:
                raise ConcertinoError(say("store.busy", name=name)) from None
            try:
                yield self
            finally:
                await lock.release()

    @asynccontextmanager
    async def claim(
        self,
        task_id: str,
        interrupt: Callable[[Interruption], object] = lambda why: None,
        nudge: asyncio.Event | None = None,
    ) -> AsyncIterator[TaskStore]:
        if self._home is None:
            yield self
            return
        path = self._get_lock_path(task_id)
        path.parent.mkdir(exist_ok=True)
        lock = AsyncFileLock(path, timeout=0)
        try:
            async with self.hold_lock(LOCKS):  # nobody opens a file that is being deleted
                await lock.acquire()
        except Timeout:
            raise TaskBusy(say("task.busy", task_id=task_id)) from None
        try:
            yield self
        finally:
            try:
                with suppress(ConcertinoError, OSError):  # Windows keeps files that are open
                    async with self.hold_lock(LOCKS):
                        path.unlink()
            finally:
                await lock.release()

    async def find_unclaimed(self, task_ids: Collection[str]) -> set[str]:
        return {task_id for task_id in task_ids if await self._is_free(task_id)}

    async def ask_to_stop(self, task_id: str) -> None:
        """Do nothing: lock files cannot carry the request."""

    async def list_task_tables(self) -> list[str]:
        rows = await self.read(
            "select m.name as name from sqlite_master as m join pragma_table_info(m.name) as c "
            "where m.type = 'table' and c.name = 'task_id' and m.name != 'writes'"
        )
        return [row["name"] for row in rows]

    async def prune_checkpoints(self, thread_id: str) -> None:
        older = (
            "thread_id = ? and checkpoint_id < "
            "(select max(checkpoint_id) from checkpoints where thread_id = ?)"
        )
        async with self.transaction() as db:
            for table in ("checkpoints", "writes"):
                await db.execute(f"delete from {table} where {older}", (thread_id, thread_id))  # noqa: S608

    def _get_lock_path(self, task_id: str) -> Path:
        assert self._home  # noqa: S101  (tasks in memory have no other claimants)
        return self._home / LOCKS / f"{task_id}.lock"

    async def _is_free(self, task_id: str) -> bool:
        if self._home is None or not self._get_lock_path(task_id).exists():
            return True
        try:
            async with self.claim(task_id):
                return True
        except TaskBusy:
            return False


class SqliteSession:
    """Executes statements on a connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute(self, statement: str, values: Sequence[Value] = ()) -> int:
        async with self._connection.execute(statement, _clean(values)) as cursor:
            return cursor.rowcount

    async def read(self, query: str, values: Sequence[Value] = ()) -> list[Row]:
        async with self._connection.execute(query, _clean(values)) as cursor:
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]


def _clean(values: Sequence[Value]) -> list[Value]:
    return [drop_null(value) for value in values]


@asynccontextmanager
async def open_sqlite(home: Path | None) -> AsyncIterator[TaskStore]:
    """Open the store in a folder, or in memory.

    Raises:
        ConcertinoError: the folder cannot be written, the disk is full, or the file is damaged.
    """
    try:
        database = await asyncio.to_thread(_prepare_database, home)
        async with aiosqlite.connect(database, timeout=BUSY_SECONDS) as connection:
            store = SqliteStore(connection, home)
            # SQLite does not wait while another process switches to write-ahead logging.
            async with store.hold_lock(DATABASE):
                await store.checkpointer.setup()
            yield store
    except (sqlite3.Error, OSError) as error:
        raise ConcertinoError(say("store.unusable", home=home, reason=error)) from error


def _prepare_database(home: Path | None) -> str:
    if home is None:
        return ":memory:"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = home / DATABASE
    path.touch(mode=0o600)
    return os.fspath(path)
