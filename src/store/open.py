"""Opening the store that a place names; the drivers know nothing of one another."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from pydantic import SecretStr

from ..errors import ConcertinoError
from ..language.messages import say
from .base import SCHEMA, Place, TaskStore


@asynccontextmanager
async def open_store(place: Place) -> AsyncIterator[TaskStore]:
    """Open the tasks in a folder, made on first use and readable by the user alone, or in a
    Postgres database; without either, a store in memory that is gone when closed.

    Raises:
        ConcertinoError: the folder cannot be written, the disk is full, the file is damaged, or
            the database cannot be used.
    """
    async with _open_backend(place) as store:
        await store.define(SCHEMA)
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
