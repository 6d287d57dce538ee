"""Readers of a reply: while they wait, and when they leave."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from ...state import FINAL
from ...store.base import TaskSummary
from ..dependencies import Service

T = TypeVar("T")


class ReaderLeft(Exception):
    """The client has closed its connection."""


async def wait_while_read(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Wait for work as long as the client does.

    Raises:
        ReaderLeft: the client has gone; the work is cancelled.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_wait_for_leaving(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ReaderLeft
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()


async def _wait_for_leaving(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def abandon_task(service: Service, task: TaskSummary) -> None:
    """Cancel a task whose reader has left, unless it has ended or waits for its user."""
    now = await service.ledger.get_own_task(task.owner, task.task_id)
    if now.status not in FINAL and now.status != "needs_input":
        await service.queue.cancel(task.task_id, task.owner)
