"""What a command may do: the folders of the system it may read, and its system calls.

It may change its own folders (the workspace and a temporary one) and nothing else. Left open,
since the kernel has no means to close them: it can ask whether a path exists anywhere, with its
size and times, and where a link points; it can write through a hard link that somebody else has
put into the workspace.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from functools import cache
from glob import glob
from typing import Any

from .jail import (
    MOVE,
    READ_FILE,
    READ_FOLDER,
    JailUnavailable,
    export_filter,
    find_landlock_abi,
    import_seccomp,
)

_OLDEST_ABI = 6
"""Landlock that keeps signals inside: with it everything a command has started is ended at once."""

_EXECUTE, _WRITE = 1 << 0, 1 << 1
_REMOVE_FOLDER, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_FOLDER, _MAKE_FILE, _MAKE_FIFO, _MAKE_LINK = 1 << 7, 1 << 8, 1 << 10, 1 << 12
_TRUNCATE = 1 << 14
_USE = _EXECUTE | READ_FILE | READ_FOLDER
_OWN = (
    *(_USE, _WRITE, _REMOVE_FOLDER, _REMOVE_FILE, _MAKE_FOLDER, _MAKE_FILE),
    *(_MAKE_FIFO, _MAKE_LINK, MOVE, _TRUNCATE),
)

_PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_CONFIGURATION = (
    *("/etc/ld.so.*", "/etc/localtime", "/etc/nsswitch.conf", "/etc/mime.types", "/etc/magic"),
    *("/etc/python3*", "/etc/perl", "/etc/java-*", "/etc/fonts", "/etc/ssl/openssl.cnf"),
    *("/proc/cpuinfo", "/proc/meminfo"),
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def list_paths(own: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the paths that a command may use, with the rights below each.

    Args:
        own: The folders that it may change.
    """
    for path in filter(os.path.exists, _PROGRAMS):
        yield path, _USE
    for pattern in _CONFIGURATION:
        for path in glob(pattern):
            yield path, READ_FILE | READ_FOLDER if os.path.isdir(path) else READ_FILE
    for path in filter(os.path.exists, _DEVICES):
        yield path, READ_FILE | _WRITE
    for path in own:
        yield path, sum(_OWN)


_ALLOWED = (
    # Memory.
    *("brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "msync", "mincore", "mlock"),
    *("munlock", "mlock2", "membarrier", "get_mempolicy", "set_mempolicy", "mbind"),
    *("pkey_alloc", "pkey_free", "pkey_mprotect", "memfd_create"),
    # Files, which Landlock confines.
    *("read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev"),
    *("pwritev2", "lseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "flock"),
    *("stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat"),
    *("faccessat2", "readlink", "readlinkat", "getdents", "getdents64", "getcwd", "chdir"),
    *("fchdir", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat"),
    *("renameat2", "link", "linkat", "symlink", "symlinkat", "truncate", "ftruncate"),
    *("fallocate", "fsync", "fdatasync", "sync_file_range", "fadvise64", "readahead", "umask"),
    *("copy_file_range", "sendfile", "splice", "tee", "vmsplice"),
    # Pipes and waiting for them. A pair of sockets (below) is a pipe too.
    *("pipe", "pipe2", "poll", "ppoll", "select", "pselect6", "eventfd", "eventfd2"),
    *("epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2"),
    *("sendto", "recvfrom", "sendmsg", "recvmsg", "shutdown", "getsockopt", "setsockopt"),
    *("getsockname", "getpeername"),
    # Processes of its own; Landlock keeps signals inside.
    *("fork", "vfork", "execve", "execveat", "wait4", "waitid", "exit", "exit_group"),
    *("getpid", "getppid", "gettid", "getpgid", "getpgrp", "getsid", "setpgid", "setsid"),
    *("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open"),
    *("pidfd_send_signal", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend"),
    *("rt_sigpending", "rt_sigtimedwait", "sigaltstack", "signalfd", "signalfd4", "pause"),
    *("restart_syscall", "prctl", "arch_prctl", "set_tid_address", "set_robust_list", "rseq"),
    *("get_robust_list", "futex", "futex_waitv", "futex_wake", "futex_wait", "futex_requeue"),
    *("getuid", "geteuid", "getresuid", "getgid", "getegid", "getresgid", "getgroups", "capget"),
    *("getrlimit", "setrlimit", "getrusage", "getpriority", "sched_yield", "sched_getaffinity"),
    *("sched_getparam", "sched_getscheduler", "sched_getattr", "sched_get_priority_max"),
    *("sched_get_priority_min", "sched_rr_get_interval", "getcpu", "times"),
    # Clocks and the machine.
    *("clock_gettime", "clock_getres", "clock_nanosleep", "gettimeofday", "nanosleep", "time"),
    *("alarm", "setitimer", "getitimer", "timer_create", "timer_settime", "timer_gettime"),
    *("timer_getoverrun", "timer_delete", "timerfd_create", "timerfd_settime", "timerfd_gettime"),
    *("uname", "sysinfo", "getrandom"),
)
"""Everything else fails with EPERM: network, tracing, mounting, namespaces, other processes'
priorities, System V memory and message queues (shared by all of a user's processes), watching
folders (Landlock does not confine it), ..."""

ASKED = ("chmod", "fchmod", "fchmodat", "chown", "lchown", "fchown", "fchownat", "utimensat")
"""Calls that the supervisor carries out (`attributes`), since Landlock does not confine them."""

# Callers know another way where the kernel lacks these. A filter cannot see what they are asked.
_MISSING = ("clone3", "openat2", "fchmodat2", "utime", "utimes", "futimesat", "io_uring_setup")
_NOT_SUPPORTED = tuple(
    f"{before}{verb}xattr" for verb in ("get", "set", "list", "remove") for before in ("", "l", "f")
)

_SETUID_OR_SETGID = 0o6000
_MAKES_FILE = os.O_CREAT | (os.O_TMPFILE & ~os.O_DIRECTORY if hasattr(os, "O_TMPFILE") else 0)
_NEW_NAMESPACES = 0x7E020000
_AF_UNIX, _SOCK_STREAM = 1, 1
_ANY = 0xFFFFFFFF
_TERMINAL_QUERIES = (
    *(0x5401, 0x540F, 0x5413, 0x541B, 0x802C542A),  # TCGETS, TIOCGPGRP, TIOCGWINSZ, FIONREAD
    *(0x5421, 0x5450, 0x5451, 0x40049409),  # FIONBIO, FIONCLEX, FIOCLEX, FICLONE
)

# Calls that are allowed if all of some (argument, mask, value) match; one line for each way.
_CONDITIONAL: tuple[tuple[str, tuple[tuple[int, int, int], ...]], ...] = (
    # No file that runs as its owner is made, whoever opens it later.
    ("open", ((1, _MAKES_FILE, 0),)),
    ("open", ((2, _SETUID_OR_SETGID, 0),)),
    ("openat", ((2, _MAKES_FILE, 0),)),
    ("openat", ((3, _SETUID_OR_SETGID, 0),)),
    ("creat", ((1, _SETUID_OR_SETGID, 0),)),
    ("mknod", ((1, _SETUID_OR_SETGID, 0),)),
    ("mknodat", ((2, _SETUID_OR_SETGID, 0),)),
    ("clone", ((0, _NEW_NAMESPACES, 0),)),
    # Connected streams can be neither bound nor sent elsewhere.
    ("socketpair", ((0, _ANY, _AF_UNIX), (1, 0xF, _SOCK_STREAM))),
    ("personality", ((0, _ANY, 0),)),
    ("personality", ((0, _ANY, _ANY),)),
    # Of itself only.
    *((name, ((0, _ANY, 0),)) for name in ("prlimit64", "sched_setaffinity", "sched_setparam")),
    *((name, ((0, _ANY, 0),)) for name in ("sched_setscheduler", "sched_setattr")),
    ("setpriority", ((0, _ANY, 0), (1, _ANY, 0))),
    ("ioprio_set", ((0, _ANY, 1), (1, _ANY, 0))),
    *(("ioctl", ((1, _ANY, request),)) for request in _TERMINAL_QUERIES),
)


def _add_rules(seccomp: Any, rules: Any) -> None:
    def add(action: int, name: str, masked: tuple[tuple[int, int, int], ...] = ()) -> None:
        conditions = [seccomp.Arg(i, seccomp.MASKED_EQ, mask, value) for i, mask, value in masked]
        if seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) >= 0:  # else: not of this processor
            rules.add_rule(action, name, *conditions)

    for name in _ALLOWED:
        add(seccomp.ALLOW, name)
    for name, masked in _CONDITIONAL:
        add(seccomp.ALLOW, name, masked)
    for name in ASKED:
        add(seccomp.NOTIFY, name)
    for name in _MISSING:
        add(seccomp.ERRNO(errno.ENOSYS), name)
    for name in _NOT_SUPPORTED:
        add(seccomp.ERRNO(errno.EOPNOTSUPP), name)


@cache
def compile_command_filter() -> tuple[bytes, dict[str, int]]:
    """Return the BPF program, and the numbers of the calls in `ASKED` and of ``seccomp``."""
    seccomp = import_seccomp()
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    _add_rules(seccomp, rules)
    numbers = {
        name: seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) for name in (*ASKED, "seccomp")
    }
    return export_filter(rules), numbers


@cache
def find_command_obstacle() -> str | None:
    """Return why commands cannot be confined on this machine, or None."""
    try:
        compile_command_filter()
    except JailUnavailable as problem:
        return str(problem)
    if (abi := find_landlock_abi()) < _OLDEST_ABI:
        have = f"this kernel has version {abi}" if abi else "this kernel has none"
        return f"it needs Landlock, version {_OLDEST_ABI} or later (Linux 6.12), and {have}"
    return None
