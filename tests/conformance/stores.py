"""The task stores under test, each opened empty for a test."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from concertino.store.base import Place
from pydantic import SecretStr

from tests.scale import schema

Opener = Callable[[Path, ExitStack], Place]
"""Creates an empty place for tasks, and pushes its cleanup on the stack."""

STORES: dict[str, Opener] = {
    "memory": lambda folder, stack: None,
    "sqlite": lambda folder, stack: folder / "store",
    "postgres": lambda folder, stack: SecretStr(stack.enter_context(schema())),
}
SHARED = [name for name in STORES if name != "memory"]
"""Stores that several processes can open."""
