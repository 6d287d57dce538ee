"""API keys: made, checked, revoked.

A key is 256 random bits, so its SHA-256 is all that has to be kept: nobody can guess such a key
from its digest, and what a slow password hash would add, every request would pay for.
"""

import hashlib
import hmac
import secrets
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from ..errors import ConcertinoError
from ..language.messages import say
from ..store.base import Row, TaskStore, timestamp

SCHEMA = """
create table if not exists keys (
    key_id text primary key,
    name text not null,
    digest text not null,
    requests_per_minute integer,
    tokens_per_day integer,
    created text not null,
    revoked text
);
"""

PREFIX = "concertino"


class Key(BaseModel):
    """An API key, without its secret."""

    model_config = ConfigDict(frozen=True)

    key_id: str
    name: str
    """What it is for."""
    requests_per_minute: int | None
    """None takes the settings'."""
    tokens_per_day: int | None
    """What its tasks may cost a day (UTC), read and written; None: as much as they do."""
    created: datetime
    revoked: datetime | None


class UnknownKey(ConcertinoError, LookupError):
    """No key of that id is stored."""


class Keys:
    """The keys in the database of the tasks."""

    def __init__(self, tasks: TaskStore) -> None:
        self._tasks = tasks

    async def setup(self) -> None:
        await self._tasks.define(SCHEMA)

    async def create(
        self,
        name: str,
        requests_per_minute: int | None = None,
        tokens_per_day: int | None = None,
    ) -> str:
        """Make a key.

        Returns:
            Its text, which is kept nowhere.
        """
        key_id = secrets.token_hex(4)
        secret = secrets.token_urlsafe(32)
        text = f"{PREFIX}_{key_id}_{secret}"
        async with self._tasks.transaction() as db:
            await db.execute(
                "insert into keys values (?, ?, ?, ?, ?, ?, null)",
                (key_id, name, _hash_key(text), requests_per_minute, tokens_per_day, timestamp()),
            )
        return text

    async def find(self, text: str) -> Key | None:
        """The key that this is the text of, unless it was revoked."""
        _, _, rest = text.partition("_")
        row = await self._fetch_row("where key_id = ? and revoked is null", rest.partition("_")[0])
        digest = row.pop("digest") if row else ""
        # Compared even where there is no such key, so that both take the same time.
        same = hmac.compare_digest(_hash_key(text), digest)
        return Key.model_validate(row) if row and same else None

    async def has_active_key(self) -> bool:
        """Whether there is a key that was not revoked."""
        return await self._fetch_row("where revoked is null limit 1") is not None

    async def list_keys(self) -> list[Key]:
        """Every key, the revoked ones too, oldest first."""
        query = f"select {', '.join(Key.model_fields)} from keys order by rowid"  # noqa: S608
        return [Key.model_validate(row) for row in await self._tasks.read(query)]

    async def revoke(self, key_id: str) -> None:
        """Refuse a key from now on; its tasks and documents stay.

        Raises:
            UnknownKey: there is none of that id.
        """
        async with self._tasks.transaction() as db:
            done = await db.execute(
                "update keys set revoked = coalesce(revoked, ?) where key_id = ?",
                (timestamp(), key_id),
            )
        if not done:
            raise UnknownKey(say("keys.unknown", key_id=key_id))

    async def _fetch_row(self, clause: str, *values: str) -> Row | None:
        rows = await self._tasks.read(f"select * from keys {clause}", values)  # noqa: S608
        return rows[0] if rows else None


def _hash_key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
