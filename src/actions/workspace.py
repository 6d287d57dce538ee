"""The task's folder, out of which nothing leads: no `..`, no absolute path, no link."""

import errno
import hashlib
import os
import re
import secrets
import stat
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from ..kb.decode import replace_surrogates
from ..language.messages import say
from .beneath import exchange, lock_folder, open_folder, rename_to_new
from .errors import (
    ActionError,
    Conflict,
    Denied,
    InvalidCall,
    NotFound,
    TooLarge,
    Transient,
    Unavailable,
)
from .paths import find_name, find_near, is_plain, show_path, split_path

MAX_FILE_BYTES = 64 << 20
"""Largest file that is read or written as a whole, in bytes."""
MAX_COMPARED = 5_000
"""Most entries among which similar paths are looked for."""
MAX_NAMED = 8
"""Most entries named when none is similar."""

TEMPORARY = ".concertino-"
"""Beginning of the names of files that are being written; a kill may leave one."""
_TEMPORARY_NAME = re.compile(rf"{re.escape(TEMPORARY)}[0-9a-f]{{16}}")
_PERMISSIONS = 0o777

Kind = Literal["file", "folder", "link", "other"]


class Entry(NamedTuple):
    """An entry of a folder."""

    path: str
    """Relative to the workspace, with `/`."""
    kind: Kind
    size: int
    """Bytes; 0 for what is not a file."""


class StoredFile(NamedTuple):
    """A regular file as it is on the disk."""

    content: bytes
    mode: int
    """Permissions."""
    modified: float
    """When its content was changed last, in seconds since 1970."""


@dataclass(frozen=True)
class Change:
    """One file to write, replace or delete."""

    path: str
    before: bytes | None
    """Content that it replaces; None: there must be no file."""
    after: bytes | None
    """New content; None deletes the file."""
    mode: int | None = None
    """Permissions afterwards; None: as before, or the usual ones of a new file."""


def digest(content: bytes | None) -> str | None:
    """Return the SHA-256 of a content in hexadecimal; None for no file."""
    return None if content is None else hashlib.sha256(content).hexdigest()


def _skip_nothing(entry: Entry) -> bool:
    return False


class Workspace:
    """Files below one folder, by relative path. Blocking: call it in a thread.

    All methods raise `NotFound` (naming similar paths), `Denied` (out of bounds: a link, `..`, an
    absolute path, a hard link to write), `InvalidCall` (not a regular file), `TooLarge`, or
    `Conflict`.
    """

    root: Path
    """The folder itself, for programs that are confined to it. Actions use the methods."""

    def __init__(self, root: Path) -> None:
        if os.open not in os.supports_dir_fd:
            raise Unavailable(say("act.files.system"))
        self.root = root
        try:
            self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(say("act.files.no_workspace", path=show_path(str(root)))) from error
        weakref.finalize(self, os.close, self._root)

    def list_entries(
        self,
        path: str = ".",
        *,
        recursive: bool = False,
        skip: Callable[[Entry], bool] = _skip_nothing,
    ) -> Iterator[Entry]:
        """Yield the entries of a folder in a fixed order, those of the folders in it after it.

        Args:
            path: The folder.
            recursive: Whether to go into the folders in it as well.
            skip: Says which entries to leave out; a folder left out is not gone into.
        """
        names = self._resolve(path)
        folders = deque([names])
        while folders:
            here = folders.popleft()
            try:
                for name, entry in self._list_folder(here):
                    if skip(entry):
                        continue
                    if recursive and entry.kind == "folder":
                        folders.append([*here, name])
                    yield entry
            except OSError:
                if here is names:
                    with self._explain(path):
                        raise
                # A folder that vanished meanwhile, or that may not be read, holds back no other.

    def find_kind(self, path: str) -> Kind | None:
        """Return what is at a path, or None if nothing is."""
        names = self._resolve(path)
        if not names:
            return "folder"
        with self._explain(path):
            try:
                with open_folder(self._root, names[:-1]) as folder:
                    status = os.stat(names[-1], dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return None
        return _find_kind(status.st_mode)

    def read_bytes(self, path: str) -> bytes:
        """Return the content of a file."""
        return self.read_file(path).content

    def read_file(self, path: str) -> StoredFile:
        """Return a file."""
        with self._explain(path), self._open_parent(path) as (folder, name):
            content, status = _read_file(folder, name, path)
        return StoredFile(content, status.st_mode & _PERMISSIONS, status.st_mtime)

    def find_content(self, path: str) -> bytes | None:
        """Return the content of a file, or None if there is no file."""
        with self._explain(path):
            try:
                with self._open_parent(path) as (folder, name):
                    return _read_file(folder, name, path)[0]
            except FileNotFoundError:
                return None

    def find_mode(self, path: str) -> int | None:
        """Return the permissions of a file, or None if there is no file."""
        with self._explain(path):
            try:
                with self._open_parent(path) as (folder, name):
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                return None
        return status.st_mode & _PERMISSIONS

    def remove_leftovers(self, path: str, is_ours: Callable[[bytes], bool]) -> None:
        """Remove what a process that was killed while it changed a file has left beside it.

        Args:
            path: The file.
            is_ours: Says of a content whether that process has written or replaced it; a file
                with any other content stays.
        """
        with suppress(ActionError, OSError), self._open_parent(path) as (folder, _):
            lock_folder(folder)  # whoever writes here now holds it
            for name in filter(_TEMPORARY_NAME.fullmatch, os.listdir(folder)):
                if is_ours(_read_file(folder, name, name)[0]):
                    os.unlink(name, dir_fd=folder)

    def apply(self, change: Change) -> None:
        """Carry out a change: atomically, and only if the file is still as it was read. Creates
        missing folders."""
        if change.after is not None and len(change.after) > MAX_FILE_BYTES:
            raise _too_large(change.path, len(change.after))
        with self._explain(change.path):
            if change.before is None and change.after is not None:
                self._make_folders(split_path(change.path)[:-1])
            try:
                with self._open_parent(change.path) as (folder, name):
                    _apply(folder, name, change)
            except FileNotFoundError as error:
                if change.before is not None:
                    raise Conflict(say("act.files.changed", path=show_path(change.path))) from error
                if change.after is not None:
                    raise

    def _resolve(self, path: str) -> list[str]:
        """Return the names of a path as they are on the disk; what does not exist, as it is
        written."""
        names = split_path(path)
        if is_plain(path):
            return names
        found: list[str] = []
        with suppress(OSError):
            for name in names:
                with open_folder(self._root, found) as folder:
                    found.append(find_name(folder, name) or name)
        return [*found, *names[len(found) :]]

    @contextmanager
    def _open_parent(self, path: str) -> Iterator[tuple[int, str]]:
        """Open the folder that a file is in; yields it, and the file's name in it."""
        names = self._resolve(path)
        if not names or path.endswith("/"):
            raise InvalidCall(say("act.files.is_folder", path=show_path(path)))
        with open_folder(self._root, names[:-1]) as folder:
            yield folder, names[-1]

    def _make_folders(self, names: Sequence[str]) -> None:
        found = self._resolve("/".join(names))
        for depth, name in enumerate(found):
            with open_folder(self._root, found[:depth]) as folder, suppress(FileExistsError):
                os.mkdir(name, dir_fd=folder)
                os.fsync(folder)

    def _list_folder(self, names: Sequence[str]) -> Iterator[tuple[str, Entry]]:
        with open_folder(self._root, names) as folder:
            for name in sorted(os.listdir(folder)):
                with suppress(FileNotFoundError):  # it may be gone by now
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    kind = _find_kind(status.st_mode)
                    path = replace_surrogates("/".join([*names, name]))
                    yield name, Entry(path, kind, status.st_size if kind == "file" else 0)

    @contextmanager
    def _explain(self, path: str) -> Iterator[None]:
        """Raise an error of the file system as one that says what to do."""
        shown = show_path(path)
        try:
            yield
        except FileNotFoundError as error:
            raise self._not_found(path) from error
        except NotADirectoryError as error:
            raise InvalidCall(say("act.files.not_folder", path=shown)) from error
        except PermissionError as error:
            raise Denied(say("act.files.no_permission", path=shown)) from error
        except BlockingIOError as error:
            raise Transient(say("act.files.busy", path=shown)) from error
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EXDEV):
                raise Denied(say("act.files.link", path=shown)) from error
            if error.errno == errno.ENAMETOOLONG:
                raise InvalidCall(say("act.files.bad_name", path=shown)) from error
            raise

    def _not_found(self, path: str) -> NotFound:
        entries = islice(self.list_entries(recursive=True), MAX_COMPARED)
        paths = [entry.path for entry in entries if entry.kind in ("file", "folder")]
        near = find_near(path, paths)
        if not paths:
            return NotFound(say("act.files.not_found_empty", path=show_path(path)))
        text = "act.files.not_found" if near else "act.files.not_found_here"
        named = ", ".join(map(show_path, near or paths[:MAX_NAMED]))
        return NotFound(say(text, path=show_path(path), near=named))


def _find_kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"


def _read_file(folder: int, name: str, path: str) -> tuple[bytes, os.stat_result]:
    """Return the content and the status of a regular file in an open folder."""
    _check_regular(os.stat(name, dir_fd=folder, follow_symlinks=False), path)
    # Should it have become a pipe since, opening it without O_NONBLOCK would wait for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with open(os.open(name, flags, dir_fd=folder), "rb") as file:
        status = os.fstat(file.fileno())
        _check_regular(status, path)
        if status.st_size > MAX_FILE_BYTES:
            raise _too_large(path, status.st_size)
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise _too_large(path, len(content))
    return content, status


def _check_regular(status: os.stat_result, path: str) -> None:
    kind = _find_kind(status.st_mode)
    if kind == "link":
        raise Denied(say("act.files.link", path=show_path(path)))
    if kind != "file":
        text = "act.files.is_folder" if kind == "folder" else "act.files.is_special"
        raise InvalidCall(say(text, path=show_path(path)))


def _too_large(path: str, size: int) -> TooLarge:
    limit = MAX_FILE_BYTES >> 20
    return TooLarge(say("act.files.too_large", path=show_path(path), size=size, limit=limit))


def _apply(folder: int, name: str, change: Change) -> None:
    """Carry out a change of a file in an open folder."""
    lock_folder(folder)
    status = _check_unchanged(folder, name, change)
    if change.before is None and change.after is None:
        return
    temporary = f"{TEMPORARY}{secrets.token_hex(8)}"
    if change.after is None:
        _delete(folder, name, temporary, change)
    else:
        _write(folder, name, temporary, change, status)
    os.fsync(folder)


def _check_unchanged(folder: int, name: str, change: Change) -> os.stat_result | None:
    """Return the status of a file that is still as before; None if there is none, as before.

    Raises:
        Conflict: it is not as before.
        Denied: it may not be written.
    """
    content, status = None, None
    with suppress(FileNotFoundError):
        content, status = _read_file(folder, name, change.path)
    if content != change.before:
        text = "act.files.exists" if change.before is None else "act.files.changed"
        raise Conflict(say(text, path=show_path(change.path)))
    if status and status.st_nlink > 1:
        raise Denied(say("act.files.hard_link", path=show_path(change.path)))
    if status and not status.st_mode & 0o222:
        raise Denied(say("act.files.read_only", path=show_path(change.path)))
    return status


def _delete(folder: int, name: str, temporary: str, change: Change) -> None:
    # Out of everyone's way first: what is looked at is then what is deleted.
    rename_to_new(folder, name, temporary)
    try:
        _check_unchanged(folder, temporary, change)
    except BaseException:
        rename_to_new(folder, temporary, name)
        raise
    os.unlink(temporary, dir_fd=folder)


def _write(
    folder: int, name: str, temporary: str, change: Change, status: os.stat_result | None
) -> None:
    written = _create(folder, temporary, status, change.mode)
    number = os.fstat(written).st_ino
    try:
        with open(written, "wb") as file:
            file.write(change.after or b"")
            file.flush()
            os.fsync(written)
        if status is None:
            _put_new(folder, name, temporary, change)
        else:
            _put_in_place(folder, name, temporary, change)
    except BaseException:
        with suppress(FileNotFoundError):
            if os.stat(temporary, dir_fd=folder, follow_symlinks=False).st_ino == number:
                os.unlink(temporary, dir_fd=folder)
        raise


def _create(folder: int, name: str, like: os.stat_result | None, mode: int | None) -> int:
    """Create a file, with the owner and the mode of another one if it is to replace it, unless it
    is to have a mode of its own."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(name, flags, 0o600 if like else 0o666, dir_fd=folder)
    if like:
        with suppress(PermissionError):
            os.fchown(file, like.st_uid, like.st_gid)
    if mode is not None:
        os.fchmod(file, mode & _PERMISSIONS)
    elif like:
        os.fchmod(file, stat.S_IMODE(like.st_mode))
    return file


def _put_new(folder: int, name: str, temporary: str, change: Change) -> None:
    try:
        rename_to_new(folder, temporary, name)
    except FileExistsError as error:
        raise Conflict(say("act.files.exists", path=show_path(change.path))) from error


def _put_in_place(folder: int, name: str, temporary: str, change: Change) -> None:
    """Put a file in the place of another one, or leave all as it is if that one has changed."""
    if not exchange(folder, temporary, name):
        _check_unchanged(folder, name, change)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        return
    try:
        _check_unchanged(folder, temporary, change)  # what was just replaced
    except BaseException:
        exchange(folder, temporary, name)
        raise
    os.unlink(temporary, dir_fd=folder)
