"""Fixtures: an empty place for each kind of store, and the store opened there."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from concertino.store.base import Place, TaskStore
from concertino.store.open import open_store

from tests.conformance.stores import STORES


@pytest.fixture
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Return an empty place of the requested kind, which can be opened more than once."""
    async with AsyncExitStack() as stack:
        yield STORES[request.param](tmp_path, stack)


@pytest.fixture
async def store(place: Place) -> AsyncIterator[TaskStore]:
    async with open_store(place) as opened:
        yield opened
