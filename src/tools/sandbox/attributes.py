"""Modes, owners and times of files, which Landlock leaves open to a confined process.

Its calls are handed to the supervisor (seccomp's user notification). That looks up the file
itself, and changes it if it lies in the process's own folders. The file is held open from before
it is judged until it is changed, so nothing can be put in its place.
"""

import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from .jail import check, libc

_RECEIVE, _SEND, _IS_VALID = 0xC0502100, 0xC0182101, 0x40082102
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")  # id, thread, flags, number, architecture, address
_RESPONSE = struct.Struct("=QqiI")
_CURRENT_FOLDER = -100
_NO_FOLLOW, _EMPTY_PATH = 0x100, 0x1000
_SETUID_OR_SETGID = 0o6000
_LONGEST_PATH = 4096
_TIMES_BYTES = 32


class _Call(NamedTuple):
    """A call, with where the file is named."""

    name: str
    thread: int
    rest: tuple[int, ...]
    """The arguments after the file's."""
    folder: int = _CURRENT_FOLDER
    """Descriptor of the file itself, or of the folder that the path starts from."""
    path: int = 0
    """Address of the path; 0 without."""
    flags: int = 0


def _read_call(name: str, thread: int, arguments: Sequence[int]) -> _Call:
    first = ctypes.c_int32(arguments[0] & 0xFFFFFFFF).value
    match name:
        case "fchmod" | "fchown":
            return _Call(name, thread, tuple(arguments[1:]), folder=first)
        case "chmod" | "chown" | "lchown":
            flags = _NO_FOLLOW if name == "lchown" else 0
            return _Call(name, thread, tuple(arguments[1:]), path=arguments[0], flags=flags)
        case "fchmodat":
            return _Call(name, thread, tuple(arguments[2:]), folder=first, path=arguments[1])
        case "fchownat":
            rest, flags = tuple(arguments[2:4]), arguments[4]
        case _:
            rest, flags = (arguments[2],), arguments[3]
    return _Call(name, thread, rest, folder=first, path=arguments[1], flags=flags)


def carry_out(listener: int, names: Mapping[int, str], own: Sequence[str]) -> None:
    """Answer one call.

    Args:
        listener: Seccomp's descriptor, which is readable.
        names: Names of system calls by number.
        own: Folders, without links, in which files may be changed.
    """
    received = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, received)
    except OSError:  # the process has ended in the meantime
        return
    ident, thread, _, number, _, _, *arguments = _NOTIFICATION.unpack(received)
    try:
        _change(listener, ident, _read_call(names[number], thread, arguments), own)
        failure = 0
    except OSError as error:
        failure = error.errno or errno.EPERM
    try:
        fcntl.ioctl(listener, _SEND, _RESPONSE.pack(ident, 0, -failure, 0))
    except OSError:
        return


def _change(listener: int, ident: int, call: _Call, own: Sequence[str]) -> None:
    with ExitStack() as opened:
        file = _open_file(call, opened)
        fcntl.ioctl(listener, _IS_VALID, struct.pack("=Q", ident))  # its number is not reused
        held = f"/proc/self/fd/{file}"
        where = os.readlink(held)
        if not any(where == folder or where.startswith(f"{folder}/") for folder in own):
            raise PermissionError(errno.EPERM, "outside")
        if call.name.endswith(("chmod", "chmodat")):
            _change_mode(held, call.rest[0])
        elif "chown" in call.name:
            _keep_owner(file, *call.rest[:2])
        else:
            times = _read_times(call.thread, call.rest[0]) if call.rest[0] else None
            check(libc.utimensat(_CURRENT_FOLDER, held.encode(), times, 0))


def _open_file(call: _Call, opened: ExitStack) -> int:
    """Open the file as the calling thread sees it, without touching it."""
    path = _read_path(call) if call.path else b""
    if call.path and not path and not call.flags & _EMPTY_PATH:
        raise FileNotFoundError(errno.ENOENT, "empty path")
    start = "cwd" if call.folder == _CURRENT_FOLDER else f"fd/{call.folder}"
    try:
        base = os.open(f"/proc/{call.thread}/{start}", os.O_PATH)
    except FileNotFoundError:
        raise OSError(errno.EBADF, "no such descriptor") from None
    opened.callback(os.close, base)
    if not path:
        return base
    follow = os.O_NOFOLLOW if call.flags & _NO_FOLLOW else 0
    file = os.open(path, os.O_PATH | follow, dir_fd=base)
    opened.callback(os.close, file)
    return file


def _read_path(call: _Call) -> bytes:
    path, end, _ = _read_memory(call.thread, call.path, _LONGEST_PATH).partition(b"\0")
    if not end:
        raise OSError(errno.ENAMETOOLONG, "no end")
    return path


def _read_times(thread: int, address: int) -> bytes:
    times = _read_memory(thread, address, _TIMES_BYTES)
    if len(times) < _TIMES_BYTES:
        raise OSError(errno.EFAULT, "no times")
    return times


def _read_memory(thread: int, address: int, size: int) -> bytes:
    """Return at most `size` bytes of a thread's memory: fewer where it ends."""
    memory = os.open(f"/proc/{thread}/mem", os.O_RDONLY)
    try:
        return os.pread(memory, size, address)
    except (OverflowError, OSError):
        raise OSError(errno.EFAULT, "bad address") from None
    finally:
        os.close(memory)


def _change_mode(held: str, mode: int) -> None:
    if mode & _SETUID_OR_SETGID:
        raise PermissionError(errno.EPERM, "a file that runs as its owner")
    os.chmod(held, mode & 0o1777)


def _keep_owner(file: int, user: int, group: int) -> None:
    """Succeed if the file belongs to them already, as when a copy keeps its owner."""
    status = os.fstat(file)
    unchanged = 0xFFFFFFFF
    if user & unchanged not in (unchanged, status.st_uid):
        raise PermissionError(errno.EPERM, "another owner")
    if group & unchanged not in (unchanged, status.st_gid):
        raise PermissionError(errno.EPERM, "another group")
