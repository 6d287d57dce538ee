"""Confinement of a program: rlimits, Landlock for files, seccomp for system calls.

Denied operations fail with an ordinary ``OSError`` (mostly ``PermissionError``), which a model
can read and learn from. The program cannot undo any of it, and none of it is weaker for root.
"""

import ctypes
import mmap
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any


class JailUnavailable(Exception):
    """This machine cannot confine a program; the message says why and what to install."""


libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2


def check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    check(libc.prctl(option, *padded))


def die_with(parent: int) -> None:
    """End this process when ``parent``, which forked it, ends. No effect outside Linux."""
    if sys.platform != "linux":
        return
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants (subreaper), so that they can be reaped."""
    if sys.platform == "linux":
        prctl(_PR_SET_CHILD_SUBREAPER, 1)


def keep_only(*descriptors: int) -> None:
    """Close every other descriptor of this process."""
    start = 0
    for fd in sorted(descriptors):
        if start < fd:  # an empty range at 0 would close them all
            os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def address_space() -> int:
    """Return this process's address space in bytes; 0 outside Linux, where it is not limited."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * mmap.PAGESIZE


def set_limits(*, cpu_seconds: int, address_space_bytes: int, file_bytes: int = 0) -> None:
    """Lower this process's rlimits permanently; `file_bytes` is the size of the largest file that
    it may write.

    At its CPU limit a program gets SIGXCPU, and SIGKILL a second later if it ignores that.
    """
    limits = {
        resource.RLIMIT_CPU: cpu_seconds + 1,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_NPROC: 0,  # does not bind root: seccomp denies fork
    }
    if sys.platform == "linux":  # elsewhere the kernel ignores or rejects it
        limits[resource.RLIMIT_AS] = address_space_bytes
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (min(cpu_seconds, hard), hard))


class Jail:
    """Landlock and seccomp rules, prepared once so that entering takes only a few system calls.

    Args:
        readable: Folders that a program may read, recursively. Without Landlock in the kernel
            it may open no file at all, see `lazy_imports`.
        writable: The folder in which it may create, change and delete files and folders; None:
            nowhere.

    Raises:
        JailUnavailable: seccomp or libseccomp is missing; there is a writable folder, and the
            kernel has no Landlock.
    """

    def __init__(self, readable: Sequence[str], writable: str | None = None) -> None:
        allowed = [(folder, READ_FILE | READ_FOLDER) for folder in readable]
        if writable is not None:
            allowed.append((writable, _work_rights()))
        self.ruleset = create_ruleset(allowed) if find_landlock_abi() else None
        code = _seccomp_filter(may_open=self.lazy_imports, may_write=writable is not None)
        self._filter = SeccompFilter(code)

    @property
    def lazy_imports(self) -> bool:
        """Whether a program can import a module that is not loaded yet."""
        return self.ruleset is not None

    def enter(self) -> None:
        """Confine this process permanently. Must be the last step of its setup."""
        prctl(_PR_SET_DUMPABLE, 0)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        if self.ruleset is not None:
            restrict(self.ruleset)
        prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._filter.address)

    def prove(self) -> None:
        """Check in a child process that two forbidden operations fail.

        Raises:
            JailUnavailable: the kernel, or the surrounding container, does not confine it.
        """
        pid = os.fork()
        if pid == 0:
            os._exit(0 if self._holds() else 1)
        if os.waitpid(pid, 0)[1] != 0:
            raise JailUnavailable("the kernel (or the container) refuses seccomp filters")

    def _holds(self) -> bool:
        try:
            self.enter()
        except OSError:
            return False
        return _is_refused(lambda: os.listdir("/")) and _is_refused(socket.socket)


def _is_refused(action: Callable[[], object]) -> bool:
    try:
        action()
    except PermissionError:
        return True
    return False


# --- Landlock: files. The three system calls have the same numbers on every architecture.

_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_ADD_RULE = 445
_LANDLOCK_RESTRICT_SELF = 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
READ_FILE, READ_FOLDER, MOVE = 1 << 2, 1 << 3, 1 << 13
_WRITE_FILE, _REMOVE_FOLDER, _REMOVE_FILE, _MAKE_FOLDER, _MAKE_FILE, _TRUNCATE = (
    1 << bit for bit in (1, 4, 5, 7, 8, 14)
)
_ABI_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many bits are defined; 16 since ABI 5


class _RulesetAttr(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),  # ABI 4: TCP bind and connect
        ("scoped", ctypes.c_uint64),  # ABI 6: abstract sockets and signals
    )


class _PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def call_kernel(number: int, *arguments: object) -> int:
    """Make a system call that the C library has no function for."""
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return check(libc.syscall(ctypes.c_long(number), *plain))


def find_landlock_abi() -> int:
    """Return the version of Landlock that the kernel has; 0 without."""
    try:
        return call_kernel(_LANDLOCK_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def _work_rights() -> int:
    """Return the rights to plain files and folders; none to links, sockets, pipes and devices."""
    abi = find_landlock_abi()
    if not abi:
        raise JailUnavailable("the kernel has no Landlock (Linux 5.13 or later)")
    wanted = READ_FILE | READ_FOLDER | _WRITE_FILE | _REMOVE_FOLDER | _REMOVE_FILE
    wanted |= _MAKE_FOLDER | _MAKE_FILE | MOVE | _TRUNCATE
    return wanted & ((1 << _ABI_FILE_RIGHTS.get(abi, 16)) - 1)


def create_ruleset(allowed: Iterable[tuple[str, int]], *, rights: int | None = None) -> int:
    """Create a ruleset that denies rights to files, network and signals outside.

    Args:
        allowed: Paths, with the rights that are left below each.
        rights: The rights to files that are denied elsewhere; None: all that the kernel knows.

    Returns:
        Its descriptor.
    """
    abi = find_landlock_abi()
    handled = (1 << _ABI_FILE_RIGHTS.get(abi, 16)) - 1 if rights is None else rights
    attributes = _RulesetAttr(handled, 0b11, 0b11)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = call_kernel(_LANDLOCK_CREATE_RULESET, ctypes.byref(attributes), size, 0)
    for path, access in allowed:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = _PathBeneathAttr(access, fd)
        call_kernel(_LANDLOCK_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
        os.close(fd)
    return ruleset


def restrict(ruleset: int) -> None:
    """Put a ruleset in force for this process and its descendants, for good."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    call_kernel(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


# --- seccomp: system calls. Everything not listed fails with EPERM.

_ALLOWED = (
    # Memory, within RLIMIT_AS (mmap and mprotect: below).
    *("brk", "munmap", "mremap", "madvise"),
    # Use open descriptors: its two pipes, and library files.
    *("read", "pread64", "write", "lseek", "close", "fstat"),
    # Import a module that is not loaded yet. This is the one leak: the program can query whether
    # any path exists, and its size and times, as seccomp cannot see the path behind a pointer.
    *("stat", "lstat", "newfstatat", "getdents64"),
    # Locks, used even by a single thread.
    "futex",
    # Clocks and sleep.
    *("clock_gettime", "clock_getres", "clock_nanosleep", "gettimeofday", "nanosleep", "time"),
    # Its own signal handlers and alarms (math_verify's timeouts), but no sending.
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
    *("alarm", "setitimer", "getitimer"),
    # Process and user ids; randomness.
    *("getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getrandom"),
    # Exit.
    *("exit", "exit_group"),
)
_WRITING = (
    *("open", "openat", "pwrite64", "writev", "readv", "ftruncate", "fsync", "fdatasync"),
    *("mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2"),
    *("chdir", "getcwd", "access", "faccessat", "faccessat2", "statx", "sendfile"),
)
"""What work on files takes besides; Landlock says where. Not `chmod`, `chown`, `utime` and
`truncate`, which Landlock does not cover."""

_O_TMPFILE = 0o20000000
_OPEN_MORE_THAN_READ = (
    os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_PATH | _O_TMPFILE
    if sys.platform == "linux"
    else 0
)
_F_GETFD, _F_SETFD, _F_GETFL = 1, 2, 3
_WRITE_AND_EXEC = mmap.PROT_WRITE | mmap.PROT_EXEC


class _SockFprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_void_p))


class SeccompFilter:
    """A BPF program in memory, as the kernel takes it."""

    def __init__(self, code: bytes) -> None:
        self._code = ctypes.create_string_buffer(code, len(code))
        self._program = _SockFprog(len(code) // 8, ctypes.addressof(self._code))

    @property
    def address(self) -> int:
        return ctypes.addressof(self._program)


def import_seccomp() -> ModuleType:
    """Return libseccomp's module.

    Raises:
        JailUnavailable: it is missing.
    """
    if sys.platform != "linux":
        raise JailUnavailable(f"seccomp is a part of Linux, and this is {sys.platform}")
    try:
        import pyseccomp
    except ImportError as missing:
        raise JailUnavailable("pyseccomp is missing (pip install pyseccomp)") from missing
    except RuntimeError as missing:
        raise JailUnavailable("libseccomp is missing (apt-get install libseccomp2)") from missing
    module: ModuleType = pyseccomp
    return module


def export_filter(rules: Any) -> bytes:
    """Return libseccomp's rules as a BPF program, 8 bytes per instruction."""
    with os.fdopen(os.memfd_create("filter"), "rb") as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _seccomp_filter(*, may_open: bool, may_write: bool) -> bytes:
    """Compile the allow-list to a BPF program."""
    seccomp = import_seccomp()
    rules = seccomp.SyscallFilter(seccomp.ERRNO(1))  # EPERM

    def allow(name: str, *masked: tuple[int, int, int]) -> None:
        """Allow a call whose arguments match, each given as (index, mask, value)."""
        conditions = [seccomp.Arg(i, seccomp.MASKED_EQ, mask, value) for i, mask, value in masked]
        rules.add_rule(seccomp.ALLOW, name, *conditions)

    for name in _ALLOWED:
        allow(name)
    # Code comes from files only: no memory is ever writable and executable.
    allow("mmap", (2, mmap.PROT_EXEC, 0))
    allow("mmap", (2, _WRITE_AND_EXEC, mmap.PROT_EXEC), (3, mmap.MAP_ANONYMOUS, 0))
    allow("mprotect", (2, mmap.PROT_EXEC, 0))
    if may_write:
        for name in _WRITING:
            allow(name)
    elif may_open:
        allow("open", (1, _OPEN_MORE_THAN_READ, 0))
        allow("openat", (2, _OPEN_MORE_THAN_READ, 0))
    for command in (_F_GETFD, _F_SETFD, _F_GETFL):
        allow("fcntl", (1, 0xFFFFFFFF, command))
    return export_filter(rules)
