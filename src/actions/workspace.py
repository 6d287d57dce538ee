"""The task's folder, out of which nothing leads: no `..`, no absolute path, no link."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

MAX_FILE_BYTES = 64 << 20
"""Largest file that is read or written as a whole, in bytes."""

Kind = Literal["file", "folder", "link", "other"]


class Entry(NamedTuple):
    """An entry of a folder."""

    path: str
    """Relative to the workspace, with `/`."""
    kind: Kind
    size: int
    """Bytes; 0 for what is not a file."""


@dataclass(frozen=True)
class Change:
    """One file to write, replace or delete."""

    path: str
    before: bytes | None
    """Content that it replaces; None: there must be no file."""
    after: bytes | None
    """New content; None deletes the file."""


def digest(content: bytes | None) -> str | None:
    """Return the SHA-256 of a content in hexadecimal; None for no file."""
    return None if content is None else hashlib.sha256(content).hexdigest()


class Workspace:
    """Files below one folder, by relative path. Blocking: call it in a thread.

    All methods raise `NotFound` (naming similar paths), `Denied` (out of bounds: a link, `..`, an
    absolute path, a hard link to write), `InvalidCall` (not a regular file), `TooLarge`, or
    `Conflict`.
    """

    root: Path
    """The folder itself, for programs that are confined to it. Actions use the methods."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def list_entries(self, path: str = ".", *, recursive: bool = False) -> Iterator[Entry]:
        """Yield the entries of a folder in a fixed order."""
        raise NotImplementedError

    def read_bytes(self, path: str) -> bytes:
        """Return the content of a file."""
        raise NotImplementedError

    def find_content(self, path: str) -> bytes | None:
        """Return the content of a file, or None if there is no file."""
        raise NotImplementedError

    def apply(self, change: Change) -> None:
        """Carry out a change: atomically, and only if the file is still as it was read. Creates
        missing folders."""
        raise NotImplementedError
