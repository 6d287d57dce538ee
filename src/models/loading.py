"""What keeps a run from its embedded model: fetching, checking and loading it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

LoadingState = Literal["fetching", "checking", "waiting", "loading", "ready"]
"""`waiting`: another process fetches the file."""
Listener = Callable[[LoadingState, float | None], None]
"""Takes the state, and the part of the file that is done, 0 to 1; None where that is not known."""

_listeners: dict[int, Listener] = {}
_latest: tuple[LoadingState, float | None] = ("ready", None)
_loaders = 0
_counting = threading.Lock()


@contextmanager
def follow_loading(listener: Listener) -> Iterator[None]:
    """Tell a listener how far the process's model is, whoever loads it, until the block ends.

    Nothing is told while it is ready. The listener may be called from any thread.
    """
    key = id(listener)
    _listeners[key] = listener
    if _latest[0] != "ready":
        listener(*_latest)
    try:
        yield
    finally:
        del _listeners[key]


@contextmanager
def mark_loading() -> Iterator[None]:
    """Mark the block as work on a model. When the last such block ends, the model is told as ready.

    Each thread marks its own work: one that was abandoned still tells its progress.
    """
    global _loaders
    with _counting:
        _loaders += 1
    try:
        yield
    finally:
        with _counting:
            _loaders -= 1
            if not _loaders:
                tell_loading("ready")


def tell_loading(state: LoadingState, share: float | None = None) -> None:
    """Tell all listeners a new state; a share in steps of 5 %, as listeners may store it."""
    global _latest
    rounded = None if share is None else int(20 * share) / 20
    if _latest == (state, rounded):
        return
    _latest = state, rounded
    for listener in list(_listeners.values()):
        with suppress(RuntimeError):  # its event loop has just been closed
            listener(state, rounded)
