"""Opens the store at a place; the drivers are independent of each other."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from pydantic import SecretStr

from ..errors import ConcertinoError
from ..language.messages import say
from .base import SCHEMA, Place, TaskStore
from .effects import SCHEMA as EFFECTS_SCHEMA


@asynccontextmanager
async def open_store(place: Place) -> AsyncIterator[TaskStore]:
    """Open the task store in a folder, created on first use and readable only by the user, or in a
    Postgres database; with None, in memory, lost when closed.

    Raises:
        ConcertinoError: the folder cannot be written, the disk is full, the file is damaged, or
            the database cannot be used.
    """
    async with _open_backend(place) as store:
        await store.define(SCHEMA + EFFECTS_SCHEMA)
        yield store


def _open_backend(place: Place) -> AbstractAsyncContextManager[TaskStore]:
    if isinstance(place, SecretStr):
        try:
            from .postgres import open_postgres
        except ImportError as error:
            raise ConcertinoError(say("store.not_installed", reason=error)) from error
        return open_postgres(place)
    from .sqlite import open_sqlite

    return open_sqlite(place)
