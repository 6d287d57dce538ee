"""Opening and renaming beneath a folder, so that neither `..` nor a link leads out of it, whoever
renames what meanwhile."""

import ctypes
import errno
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

_OPENAT2 = 437
"""Number of the system call, the same on every processor."""
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
LOCK_TRIES = 500
"""Times that a locked folder is tried."""
PAUSE_SECONDS = 0.01
_NOT_SUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


@contextmanager
def open_folder(root: int, names: Sequence[str]) -> Iterator[int]:
    """Open a folder below another one without following a link.

    Raises:
        OSError: it cannot be opened; `ELOOP` if one of the names is a link.
    """
    folder = _open_folder(root, names)
    try:
        yield folder
    finally:
        os.close(folder)


def _open_folder(root: int, names: Sequence[str]) -> int:
    if not has_openat2():
        return _open_by_steps(root, names)
    try:
        return _openat2(root, "/".join(names) or ".")
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return _open_by_steps(root, names)  # the whole path is too long for one call


@cache
def has_openat2() -> bool:
    """Return whether the kernel can resolve a path beneath a folder by itself."""
    if sys.platform != "linux":
        return False
    here = os.open(".", _folder_flags())
    try:
        os.close(_openat2(here, "."))
    except OSError:
        return False
    finally:
        os.close(here)
    return True


def _openat2(root: int, path: str) -> int:
    how = _OpenHow(_folder_flags(), 0, _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS)
    found: int = _libc().syscall(
        ctypes.c_long(_OPENAT2),
        ctypes.c_int(root),
        ctypes.c_char_p(os.fsencode(path)),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    return _check(found, path)


def _open_by_steps(root: int, names: Sequence[str]) -> int:
    folder = os.dup(root)
    for name in names:
        try:
            deeper = _open_step(folder, name)
        finally:
            os.close(folder)
        folder = deeper
    return folder


def _open_step(folder: int, name: str) -> int:
    try:
        return os.open(name, _folder_flags() | os.O_NOFOLLOW, dir_fd=folder)
    except NotADirectoryError:
        if is_link(folder, name):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from None
        raise


def is_link(folder: int, name: str) -> bool:
    """Return whether a name in an open folder is a symbolic link."""
    try:
        os.readlink(name, dir_fd=folder)
    except OSError:
        return False
    return True


def lock_folder(folder: int) -> None:
    """Keep other tasks, of this process or another one, from changing files in an open folder,
    until it is closed.

    Raises:
        BlockingIOError: another program has locked it, and does not let go.
    """
    import fcntl  # Windows has none

    for tries_left in reversed(range(LOCK_TRIES)):
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not tries_left:
                raise
            time.sleep(PAUSE_SECONDS)
        except OSError:
            return  # a file system without locks


def rename_to_new(folder: int, old: str, new: str) -> None:
    """Rename within an open folder.

    Raises:
        FileExistsError: the new name is taken.
    """
    if not _renameat2(folder, old, new, _RENAME_NOREPLACE):
        os.link(old, new, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        os.unlink(old, dir_fd=folder)


def exchange(folder: int, one: str, other: str) -> bool:
    """Exchange two names within an open folder in one step. Returns False if that is impossible."""
    return _renameat2(folder, one, other, _RENAME_EXCHANGE)


def _renameat2(folder: int, old: str, new: str, flag: int) -> bool:
    function = find_renameat2()
    if function is None:
        return False
    try:
        _check(function(folder, os.fsencode(old), folder, os.fsencode(new), flag), old)
    except OSError as error:
        if error.errno in _NOT_SUPPORTED:
            return False
        raise
    return True


def find_renameat2() -> Any:
    """Return the C library's `renameat2`, which older and other ones do not have."""
    return getattr(_libc(), "renameat2", None) if sys.platform == "linux" else None


def _check(result: int, path: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _folder_flags() -> int:
    # Not a constant of the module: Windows, where there is no workspace, has no such flags.
    return os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
