"""The record of a task's effects: an intent before each, and its result after it."""

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from .base import Session, TaskStore, timestamp

SCHEMA = """
create table if not exists effects (
    task_id text not null,
    call_id text not null,
    state text not null,
    record text not null,
    created text not null,
    updated text not null,
    primary key (task_id, call_id)
);
"""


class EffectRow(BaseModel):
    """One row."""

    model_config = ConfigDict(frozen=True)

    call_id: str
    state: Literal["intent", "done", "undone"]
    """`intent`: it was about to happen; whether it did is not known."""
    record: dict[str, Any]
    """Written by `actions/effects.py`."""


class EffectLog:
    """The effects of one task."""

    def __init__(self, store: TaskStore, task_id: str) -> None:
        self._store = store
        self._task_id = task_id

    async def begin(self, call_id: str, record: dict[str, Any]) -> None:
        """Record an intent, before the effect. An earlier one of the same call is replaced."""
        async with self._store.transaction() as db:
            now = timestamp()
            await db.execute(
                "insert into effects values (?, ?, 'intent', ?, ?, ?) "
                "on conflict (task_id, call_id) do update set state = excluded.state, "
                "record = excluded.record, updated = excluded.updated",
                (self._task_id, call_id, _dump(record), now, now),
            )

    async def finish(self, call_id: str, record: dict[str, Any]) -> None:
        """Record that the effect has happened, with its result."""
        await self._set(call_id, "done", record)

    async def mark_undone(self, call_id: str, record: dict[str, Any]) -> None:
        """Record that the effect was taken back."""
        await self._set(call_id, "undone", record)

    async def find(self, call_id: str) -> EffectRow | None:
        """Return the row of a call, or None."""
        rows = await self._read("and call_id = ?", call_id)
        return rows[0] if rows else None

    async def list_rows(self) -> list[EffectRow]:
        """Return all rows, in the order of their intents."""
        return await self._read("order by rowid")

    async def _read(self, clause: str, *values: str) -> list[EffectRow]:
        rows = await self._store.read(
            f"select call_id, state, record from effects where task_id = ? {clause}",  # noqa: S608
            (self._task_id, *values),
        )
        return [EffectRow(**{**row, "record": json.loads(row["record"])}) for row in rows]

    async def _set(self, call_id: str, state: str, record: dict[str, Any]) -> None:
        async with self._store.transaction() as db:
            await _update(db, self._task_id, call_id, state, record)


async def _update(
    db: Session, task_id: str, call_id: str, state: str, record: dict[str, Any]
) -> None:
    await db.execute(
        "update effects set state = ?, record = ?, updated = ? where task_id = ? and call_id = ?",
        (state, _dump(record), timestamp(), task_id, call_id),
    )


def _dump(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)
