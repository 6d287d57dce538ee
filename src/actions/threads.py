"""Waiting for work that a cancellation must not leave half done: processes that blocking functions
have started, and effects that have begun."""

import asyncio
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

Process = subprocess.Popen[bytes]


class _Children:
    """The child processes of one call, which may run in a thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[Process] = set()
        self._stopped = False

    def add(self, process: Process) -> None:
        with self._lock:
            self._running.add(process)
            if self._stopped:
                process.kill()

    def remove(self, process: Process) -> None:
        with self._lock:
            self._running.discard(process)

    def stop(self) -> None:
        """Kill the children and wait until they are gone; those to come are killed at once."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            process.kill()
            process.wait()


_children: ContextVar[_Children | None] = ContextVar("children", default=None)


async def run_in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function in a thread. Cancellation kills the processes that it has started
    with `end_with_caller`; the thread itself cannot be stopped, and its result is dropped."""
    children = _Children()
    token = _children.set(children)
    try:
        return await asyncio.to_thread(function, *args, **kwargs)
    except asyncio.CancelledError:
        children.stop()
        raise
    finally:
        _children.reset(token)


@contextmanager
def end_with_caller(process: Process) -> Iterator[None]:
    """Have a process killed if the call during which it runs is cancelled."""
    children = _children.get()
    if children is None:
        yield
        return
    children.add(process)
    try:
        yield
    finally:
        children.remove(process)


async def finish_anyway(work: Coroutine[Any, Any, T]) -> T:
    """Await work that must not stop in the middle. If the caller is cancelled meanwhile, the work
    goes on to its end, and then the cancellation is raised."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except Exception:  # noqa: S110  (raised below, unless the caller was cancelled)
            pass
    if cancelled is not None:
        task.exception()  # told to nobody: the caller is gone
        raise cancelled
    return task.result()
