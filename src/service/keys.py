"""Creation, verification and revocation of API keys.

A key has 256 random bits, so storing its SHA-256 is enough: such a key cannot be guessed from its
digest, and a slow password hash would only delay every request.
"""

import hashlib
import hmac
import secrets
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from ..errors import ConcertinoError
from ..graphs.intake import clean_text
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
    """Purpose of the key."""
    requests_per_minute: int | None
    """Rate limit; None uses the settings' limit."""
    tokens_per_day: int | None
    """Budget of tokens (prompt and output) per day (UTC); None is unlimited."""
    created: datetime
    revoked: datetime | None


class UnknownKey(ConcertinoError, LookupError):
    """No key with that id exists."""


class Keys:
    """The API keys, in the tasks' database."""

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
        """Create a key.

        Returns:
            The key's text, which is not stored.

        Raises:
            InvalidTask: the name is not valid text.
        """
        key_id = secrets.token_hex(4)
        secret = secrets.token_urlsafe(32)
        text = f"{PREFIX}_{key_id}_{secret}"
        row = (key_id, clean_text(name), _hash_key(text), requests_per_minute, tokens_per_day)
        async with self._tasks.transaction() as db:
            await db.execute(
                "insert into keys values (?, ?, ?, ?, ?, ?, null)", (*row, timestamp())
            )
        return text

    async def find(self, text: str) -> Key | None:
        """Return the key with this text; None if it is unknown or revoked."""
        _, _, rest = text.partition("_")
        row = await self._fetch_row("where key_id = ? and revoked is null", rest.partition("_")[0])
        digest = row.pop("digest") if row else ""
        # Compared even if no such key exists, so that both cases take the same time.
        same = hmac.compare_digest(_hash_key(text), digest)
        return Key.model_validate(row) if row and same else None

    async def has_active_key(self) -> bool:
        """Return whether any key is not revoked."""
        return await self._fetch_row("where revoked is null limit 1") is not None

    async def list_keys(self) -> list[Key]:
        """List all keys, including revoked ones, oldest first."""
        query = f"select {', '.join(Key.model_fields)} from keys order by rowid"  # noqa: S608
        return [Key.model_validate(row) for row in await self._tasks.read(query)]

    async def revoke(self, key_id: str) -> None:
        """Revoke a key; its tasks and documents stay.

        Raises:
            UnknownKey: no key with that id exists.
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
