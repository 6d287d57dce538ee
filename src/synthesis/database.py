"""The seed database: essences and the tasks made of them, in the tasks' own storage (SQLite, or
Postgres where the service has one).

Rows that come from a stored task have its id in `task_id` and are deleted with it.
"""

import json
from collections.abc import Iterable

from pydantic import ValidationError

from ..store.base import TaskStore, timestamp
from .contracts import Certificate, Essence, NewTask, Status

SCHEMA = """
create table if not exists synthesis_essences (
    essence_id text primary key,
    task_id text,
    status text not null,
    language text not null,
    record text not null,
    created text not null
);
create table if not exists synthesis_tasks (
    id text primary key,
    essence_id text not null,
    task_id text,
    language text not null,
    record text not null,
    created text not null
);
create index if not exists synthesis_tasks_of_an_essence on synthesis_tasks (essence_id);
"""


class SeedDatabase:
    """Essences and tasks in a store."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store

    @classmethod
    async def open(cls, store: TaskStore) -> "SeedDatabase":
        """Return the seed database in a store, creating missing tables."""
        await store.define(SCHEMA)
        return cls(store)

    async def add_essence(self, essence: Essence) -> bool:
        """Add an essence; one with the same skeletons is kept as it is.

        Returns:
            Whether it is new.
        """
        async with self._store.transaction() as db:
            added = await db.execute(
                "insert into synthesis_essences values (?, ?, ?, ?, ?, ?) "
                "on conflict (essence_id) do nothing",
                (
                    *(essence.id, essence.task_id, essence.status, essence.language),
                    *(essence.model_dump_json(), timestamp()),
                ),
            )
        return added > 0

    async def add_tasks(self, essence: Essence, tasks: Iterable[NewTask]) -> list[NewTask]:
        """Add tasks of an essence, in one transaction.

        Returns:
            Those that are new.
        """
        new = []
        async with self._store.transaction() as db:
            for task in tasks:
                added = await db.execute(
                    "insert into synthesis_tasks values (?, ?, ?, ?, ?, ?) "
                    "on conflict (id) do nothing",
                    (
                        *(task.id, essence.id, essence.task_id, task.language),
                        *(task.model_dump_json(), timestamp()),
                    ),
                )
                new += [task] if added > 0 else []
        return new

    async def record_certificate(
        self, essence_id: str, certificate: Certificate, status: Status
    ) -> None:
        """Record an essence's certificate and the status that follows from it."""
        async with self._store.transaction() as db:
            rows = await db.read(
                "select record from synthesis_essences where essence_id = ?", (essence_id,)
            )
            for row in rows:
                essence = json.loads(row["record"])
                changed = {**essence, "certificate": certificate.model_dump(), "status": status}
                await db.execute(
                    "update synthesis_essences set status = ?, record = ? where essence_id = ?",
                    (status, json.dumps(changed, ensure_ascii=False), essence_id),
                )

    async def list_essences(self) -> tuple[list[Essence], int]:
        """Return all essences, oldest first, and the number of those that another version of the
        program has written and this one cannot read."""
        rows = await self._store.read(
            "select record from synthesis_essences order by created, rowid"
        )
        essences = []
        for row in rows:
            try:
                essences.append(Essence.model_validate_json(row["record"]))
            except ValidationError:
                continue
        return essences, len(rows) - len(essences)

    async def list_tasks(self, essence_id: str | None = None) -> list[NewTask]:
        """Return the tasks of an essence, or all, oldest first, without those that cannot be
        read."""
        whose = "" if essence_id is None else "where essence_id = ? "
        rows = await self._store.read(
            f"select record from synthesis_tasks {whose}order by created, rowid",  # noqa: S608
            () if essence_id is None else (essence_id,),
        )
        tasks = []
        for row in rows:
            try:
                tasks.append(NewTask.model_validate_json(row["record"]))
            except ValidationError:
                continue
        return tasks
