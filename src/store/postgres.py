"""Task store in a Postgres database, for many processes on many machines.

A process working on a task holds a *lease*: a row with a unique fencing token, renewed while the
process lives. Once a lease has expired, another process may take over the task with a new token.
Every write for a task, including checkpoints, checks its token in the same transaction, which locks
the row until it ends. So a process that was presumed dead and wakes up late cannot write.
"""

import asyncio
import os
import re
import socket
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection, Error, InterfaceError, OperationalError, ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import IdleInTransactionSessionTimeout
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import SecretStr

from ..errors import ConcertinoError, StoreUnavailable, TaskBusy
from ..language.messages import say
from ..settings import get_settings
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

MAX_CONNECTIONS = 10
"""Maximum open connections per process."""
CONNECT_SECONDS = 10
POLL_SECONDS = 0.02
"""Seconds between attempts to acquire a lock."""
RENEWALS_PER_LEASE = 3
"""Renewals of a lease within its lifetime."""

CONNECTION_ERRORS = (OperationalError, InterfaceError, IdleInTransactionSessionTimeout)
"""Errors that mean a connection is no longer usable."""

LEASE_SCHEMA = """
create sequence if not exists lease_tokens;
create table if not exists leases (
    task_id text primary key,
    token bigint not null,
    holder text not null,
    expires timestamptz not null,
    stop boolean not null
) without rowid;
"""

Connection = AsyncConnection[DictRow]
ConnectionSource = AsyncConnectionPool[Connection] | Connection
NamedLocks = defaultdict[str, asyncio.Lock]


@dataclass(frozen=True)
class Lease:
    """The right to work on a task."""

    task_id: str
    token: int

    async def check(self, connection: Connection) -> None:
        """Check that the lease is held, and lock its row until the transaction ends.

        Raises:
            TaskBusy: another process has the task.
        """
        found = await connection.execute(
            "select 1 from leases where task_id = %s and token = %s for share",
            (self.task_id, self.token),
        )
        if await found.fetchone() is None:
            raise TaskBusy(say("task.busy", task_id=self.task_id))


class PostgresStore(TaskStore):
    """Checkpoints and index.

    Args:
        source: a pool of connections, or a single one.
        seconds: lifetime of a lease without renewal.
        turns: local lock per name, so that only one connection of this process waits for it.
        lease: lease required for all writes; None for none.
    """

    def __init__(
        self,
        source: ConnectionSource,
        seconds: float,
        turns: NamedLocks,
        lease: Lease | None = None,
    ) -> None:
        self.checkpointer = FencedSaver(self, source)
        self._source = source
        self._seconds = seconds
        self._turns = turns
        self._lease = lease
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def acquire_connection(self) -> AsyncIterator[Connection]:
        """Acquire a connection for exclusive use."""
        try:
            if isinstance(self._source, AsyncConnectionPool):
                async with self._source.connection() as connection:
                    yield connection
            else:
                async with self._turn:
                    yield self._source
        except CONNECTION_ERRORS as error:
            raise _explain_unreachable(error) from error

    @asynccontextmanager
    async def begin_write(self) -> AsyncIterator[Connection]:
        """Begin a transaction during which the lease is held."""
        async with self.acquire_connection() as connection, connection.transaction():
            if self._lease:
                await self._lease.check(connection)
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        async with self.begin_write() as connection:
            yield PostgresSession(connection)

    async def read(self, query: str, values: Sequence[Value] = ()) -> list[Row]:
        async with self.acquire_connection() as connection:
            return await PostgresSession(connection).read(query, values)

    async def setup(self) -> None:
        """Create the tables of checkpoints and leases."""
        await self.define(LEASE_SCHEMA)
        async with self._hold_advisory_lock("schema") as connection:
            await AsyncPostgresSaver(connection).setup()

    async def define(self, script: str) -> None:
        # Creating the same table twice concurrently fails, even with "if not exists".
        async with self._hold_advisory_lock("schema") as connection:
            await connection.execute(translate_schema(script).encode(), prepare=False)

    @asynccontextmanager
    async def hold_lock(self, name: str) -> AsyncIterator[TaskStore]:
        async with self._hold_advisory_lock(name) as connection:
            yield PostgresStore(connection, self._seconds, self._turns, self._lease)

    @asynccontextmanager
    async def _hold_advisory_lock(self, name: str) -> AsyncIterator[Connection]:
        """Hold the named lock and yield its connection. If the server closes the connection, as it
        does when this process is paused, the lock is lost and writes through it fail."""
        key = "hashtextextended(current_schema() || '.' || %s, 0)"
        async with self._turns[name], self.acquire_connection() as connection:
            try:
                async with asyncio.timeout(BUSY_SECONDS):
                    # Poll: a waiter inside Postgres blocks the building of indexes, which may be
                    # what it is waiting for.
                    while not await _fetch_value(connection, f"pg_try_advisory_lock({key})", name):  # noqa: ASYNC110
                        await asyncio.sleep(POLL_SECONDS)
            except TimeoutError:
                raise ConcertinoError(say("store.busy", name=name)) from None
            try:
                await connection.execute(f"set idle_session_timeout = '{BUSY_SECONDS}s'")
                yield connection
            finally:
                with suppress(Error):  # a broken connection has lost the lock
                    await connection.execute("reset idle_session_timeout")
                    await _fetch_value(connection, f"pg_advisory_unlock({key})", name)

    @asynccontextmanager
    async def claim(
        self,
        task_id: str,
        interrupt: Callable[[Interruption], object] = lambda why: None,
        nudge: asyncio.Event | None = None,
    ) -> AsyncIterator[TaskStore]:
        lease = await self._acquire_lease(task_id)
        beating = asyncio.create_task(self._renew_lease(lease, interrupt, nudge or asyncio.Event()))
        try:
            yield PostgresStore(self._source, self._seconds, self._turns, lease)
        finally:
            beating.cancel()
            with suppress(StoreUnavailable):  # otherwise it expires
                await self._update_leases(
                    "delete from leases where task_id = %s and token = %s", task_id, lease.token
                )

    async def find_unclaimed(self, task_ids: Collection[str]) -> set[str]:
        if not task_ids:
            return set()
        async with self.acquire_connection() as connection:
            held = await connection.execute(
                "select task_id from leases where task_id = any(%s) and expires > now()",
                (list(task_ids),),
            )
            return set(task_ids) - {row["task_id"] for row in await held.fetchall()}

    async def ask_to_stop(self, task_id: str) -> None:
        await self._update_leases("update leases set stop = true where task_id = %s", task_id)

    async def list_task_tables(self) -> list[str]:
        rows = await self.read(
            "select table_name as name from information_schema.columns where table_schema = "
            "current_schema() and column_name = 'task_id' "
            "and table_name not in ('checkpoint_writes', 'leases')"
        )
        return [row["name"] for row in rows]

    async def prune_checkpoints(self, thread_id: str) -> None:
        async with self.acquire_connection() as connection:
            await AsyncPostgresSaver(connection).aprune([thread_id])

    async def _acquire_lease(self, task_id: str) -> Lease:
        taken = await self._update_leases(
            "insert into leases values (%s, nextval('lease_tokens'), %s, now() + %s * interval "
            "'1 second', false) on conflict (task_id) do update set token = excluded.token, "
            "holder = excluded.holder, expires = excluded.expires, stop = false "
            "where leases.expires < now() returning token",
            *(task_id, f"{socket.gethostname()}:{os.getpid()}", self._seconds),
        )
        if taken is None:
            raise TaskBusy(say("task.busy", task_id=task_id))
        return Lease(task_id, taken["token"])

    async def _renew_lease(
        self, lease: Lease, interrupt: Callable[[Interruption], object], nudge: asyncio.Event
    ) -> None:
        """Renew a lease until it is lost; call `interrupt` on its loss or a user's cancellation."""
        renewed = time.monotonic()
        while time.monotonic() < renewed + self._seconds:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds / RENEWALS_PER_LEASE):
                    await nudge.wait()
            nudge.clear()
            began = time.monotonic()
            with suppress(StoreUnavailable):
                found = await self._update_leases(
                    "update leases set expires = now() + %s * interval '1 second' "
                    "where task_id = %s and token = %s returning stop",
                    *(self._seconds, lease.task_id, lease.token),
                )
                if found is None:
                    break
                renewed = began
                if found["stop"]:
                    interrupt("cancelled")
        interrupt("lost")

    async def _update_leases(self, statement: str, *values: str | float) -> Row | None:
        """Change the leases; return the statement's first row, if any."""
        async with self.acquire_connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchone() if cursor.description else None


class FencedSaver(AsyncPostgresSaver):
    """LangGraph's checkpointer, which writes only while the store's lease is held and is safe for
    processes whose clocks differ."""

    def __init__(self, store: PostgresStore, source: ConnectionSource) -> None:
        super().__init__(source, serde=serializer())
        self._store = store

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        async with self._store.acquire_connection() as connection:
            return advance_checkpoint_clock(await self._build_saver(connection).aget_tuple(config))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        # Text values of channels are stored as JSON, where Postgres does not allow U+0000.
        values = {name: drop_null(value) for name, value in checkpoint["channel_values"].items()}
        storable: Checkpoint = {**checkpoint, "channel_values": values}
        async with self._store.begin_write() as connection:
            saver = self._build_saver(connection)
            return await saver.aput(config, storable, metadata, new_versions)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        async with self._store.begin_write() as connection:
            await self._build_saver(connection).aput_writes(config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        async with self._store.begin_write() as connection:
            await self._build_saver(connection).adelete_thread(thread_id)

    def _build_saver(self, connection: Connection) -> AsyncPostgresSaver:
        return AsyncPostgresSaver(connection, serde=self.serde)


class PostgresSession:
    """Executes statements on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, statement: str, values: Sequence[Value] = ()) -> int:
        cursor = await self._connection.execute(*_translate_statement(statement, values))
        return cursor.rowcount

    async def read(self, query: str, values: Sequence[Value] = ()) -> list[Row]:
        cursor = await self._connection.execute(*_translate_statement(query, values))
        return await cursor.fetchall()


@asynccontextmanager
async def open_postgres(url: SecretStr) -> AsyncIterator[TaskStore]:
    """Open the store in the database at a URL.

    Raises:
        ConcertinoError: the URL is invalid, or the database cannot be used.
    """
    address = _validate_address(url.get_secret_value())
    seconds = get_settings().lease_seconds

    async def configure(connection: Connection) -> None:
        # Locks of a paused process are released before another can take over its lease.
        await connection.execute(
            f"set idle_in_transaction_session_timeout = {round(seconds * 1000)}".encode()
        )

    settings = {"autocommit": True, "row_factory": dict_row, "connect_timeout": CONNECT_SECONDS}
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        address,
        kwargs=settings,
        min_size=1,
        max_size=MAX_CONNECTIONS,
        open=False,
        configure=configure,
        check=AsyncConnectionPool.check_connection,  # a restart of Postgres closes them all
    )
    try:
        async with await AsyncConnection.connect(address, connect_timeout=CONNECT_SECONDS):
            pass  # the pool itself does not report why connecting fails
        async with pool:
            store = PostgresStore(pool, seconds, defaultdict(asyncio.Lock))
            await store.setup()
            yield store
    except Error as error:
        raise _explain_unreachable(error) from error


def _explain_unreachable(error: Exception) -> StoreUnavailable:
    reason = " ".join(str(error).split())  # libpq tells of each address on a line of its own
    return StoreUnavailable(say("store.unreachable", reason=reason))


def _validate_address(address: str) -> str:
    """Return the address if it is valid; the error omits details, since it may hold a password."""
    try:
        if not address.startswith(("postgresql://", "postgres://")):
            raise ProgrammingError
        conninfo_to_dict(address)
    except ProgrammingError:
        raise ConcertinoError(say("store.database_url")) from None
    return address


def translate_schema(script: str) -> str:
    """Translate SQLite table definitions to Postgres, adding the `rowid` that SQLite has
    implicitly."""
    script = re.sub(r"\binteger\b", "bigint", script)
    script = re.sub(r"\breal\b", "double precision", script)
    numbered = ",\n    rowid bigint generated always as identity\n);"
    return re.sub(r"\n\)( without rowid)?;", lambda end: "\n);" if end[1] else numbered, script)


def _translate_statement(statement: str, values: Sequence[Value]) -> tuple[bytes, list[Value]]:
    """Return a statement with Postgres's placeholders, and its values without U+0000."""
    return statement.replace("?", "%s").encode(), [drop_null(value) for value in values]


async def _fetch_value(connection: Connection, expression: str, *values: Value) -> Any:
    cursor = await connection.execute(f"select {expression} as value".encode(), values)
    row = await cursor.fetchone()
    return row["value"] if row else None
