"""A small process with SymPy loaded that forks once per call.

There are three kinds of process, each trusted less than the one before:

``server``
    Loads the libraries, then accepts calls and forks. It never reads a request: programs
    inherit its memory, so it must not contain anyone's data.
``supervisor``
    One per call. Reads the request, forks the program, drains its pipes, answers.
``program``
    Confined by `jail`. Its only outputs are two pipes of raw bytes, whose size is capped.

The client keeps one end of a socket pair, whose other end is this process's standard input, and
sends a new socket over it for every call. There is no named socket to connect to. Requests and
answers are JSON, prefixed with a four-byte length.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import resource
import select
import signal
import site
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Collection, Sequence
from typing import NoReturn

from .jail import Jail, JailUnavailable, address_space, adopt_orphans, die_with, keep_only
from .supervisor import Cell, supervise

_LIBRARIES = ("sympy", "mpmath", "math_verify", "latex2sympy2_extended", "antlr4")
_MODULES = (
    *("bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum"),
    *("fractions", "functools", "heapq", "itertools", "json", "math", "numbers", "operator"),
    *("random", "re", "statistics", "string", "textwrap", "typing"),
    *("math_verify", "mpmath", "sympy", "sympy.abc", "sympy.ntheory"),
    *("sympy.parsing.latex", "sympy.parsing.sympy_parser"),
    "concertino.tools.algebra.entry",
)
_OR_ELSE = (
    "or set CONCERTINO_ALLOW_UNCONFINED_SANDBOX=1 to run programs with resource limits only, "
    "which lets them read and change whatever you can"
)
_MOST_AT_ONCE = 2 * (os.cpu_count() or 1)


def main(arguments: Sequence[str]) -> NoReturn:
    """Run the fork server.

    Args:
        arguments: Process id of the client, "required" or "optional" confinement, folders of
            libraries.
    """
    parent, confinement, *libraries = arguments
    control = socket.socket(fileno=0)
    try:
        cell = _prepare(libraries, required=confinement == "required")
    except JailUnavailable as problem:
        _greet(control, problem=f"{problem}; {_OR_ELSE}")
        os._exit(1)
    except Exception as problem:
        _greet(control, problem=f"{type(problem).__name__}: {problem}")
        os._exit(1)
    _greet(control, confined=cell.jail is not None)
    serve(control, int(parent), cell)


def _greet(control: socket.socket, *, confined: bool = False, problem: str | None = None) -> None:
    control.sendall(json.dumps({"confined": confined, "problem": problem}).encode() + b"\n")


def _prepare(libraries: Sequence[str], *, required: bool) -> Cell:
    sys.set_int_max_str_digits(0)
    site.setquit()  # exit() and quit(), which `python -S` does not define
    sys.stdout.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)  # type: ignore[union-attr]
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    _leave_for_nowhere()
    adopt_orphans()
    for name in _MODULES:
        importlib.import_module(name)
    _warm_up()
    folders = _find_readable_folders(libraries)
    jail = _jail(folders, required=required)
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page it marks
    return Cell(jail, (*libraries, *folders), address_space())


def _jail(readable: Sequence[str], *, required: bool) -> Jail | None:
    try:
        jail = Jail(readable)
        jail.prove()
    except JailUnavailable:
        if required:
            raise
        return None
    if not jail.lazy_imports:
        _import_all_of_sympy()
    return jail


def _leave_for_nowhere() -> None:
    """Change to a deleted folder, in which no file can be read, created or left behind."""
    with contextlib.suppress(OSError):
        folder = tempfile.mkdtemp(prefix="concertino-")
        os.chdir(folder)
        os.rmdir(folder)


def _find_readable_folders(libraries: Sequence[str]) -> list[str]:
    """Return the folders of the standard library and of installed packages.

    For packages found elsewhere (a source tree on PYTHONPATH) only their own folder is
    readable, not its neighbours.
    """
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    for name in _LIBRARIES:
        package = os.path.dirname(str(sys.modules[name].__file__))
        home = os.path.dirname(package)
        installed = os.path.basename(home) in {"site-packages", "dist-packages"}
        folders.add(home if installed else package)
    return sorted(filter(os.path.isdir, folders))


def _warm_up() -> None:
    """Call common functions: SymPy imports many modules and fills caches on first use."""
    sympy, math_verify = map(importlib.import_module, ("sympy", "math_verify"))
    importlib.import_module("concertino.tools.algebra.entry").warm_up()
    x = sympy.Symbol("x")
    sympy.integrate(x * sympy.sin(x), x)
    sympy.solve([x**2 - 2], [x])
    sympy.simplify(sympy.sin(x) ** 2 + sympy.cos(x) ** 2)
    sympy.limit(sympy.sin(x) / x, x, 0)
    sympy.summation(1 / x**2, (x, 1, sympy.oo))
    sympy.Matrix([[1, 2], [3, 4]]).eigenvals()
    sympy.latex(sympy.sympify("x**2/2 + sqrt(2)"))
    sympy.sstr(sympy.sqrt(2).evalf(50), full_prec=True)
    math_verify.verify(math_verify.parse(r"$\frac{1}{2}$"), math_verify.parse("$0.5$"))
    sympy.core.random.seed(0)  # otherwise results differ between servers


def _import_all_of_sympy() -> None:
    """Import all of SymPy, for programs that cannot open files and so cannot import it later."""
    skipped = ("tests", "benchmarks", "pyglet", "sympy.this", "galgebra", "testing")
    path = sys.modules["sympy"].__path__
    for module in pkgutil.walk_packages(path, "sympy.", onerror=lambda _: None):
        if not any(part in module.name for part in skipped):
            with contextlib.suppress(Exception):
                importlib.import_module(module.name)


def serve(control: socket.socket, parent: int, cell: Cell) -> NoReturn:
    """Fork a supervisor for every socket received, until the client has ended.

    At most `_MOST_AT_ONCE` run at a time; further calls wait in the socket's buffer.
    """
    supervisors: set[int] = set()
    child_ended = _open_child_signal()
    poll = select.poll()
    poll.register(child_ended, select.POLLIN)
    client = _watch_process(parent)
    if client is not None:
        poll.register(client, select.POLLIN)
    while True:
        poll.register(control, select.POLLIN if len(supervisors) < _MOST_AT_ONCE else 0)
        events = dict(poll.poll())
        if client in events or events.get(control.fileno(), 0) & (select.POLLHUP | select.POLLERR):
            _end(supervisors)
        if child_ended.fileno() in events:
            child_ended.recv(4096)
            _reap(supervisors)
        if control.fileno() in events:
            _, sockets, _, _ = socket.recv_fds(control, 1, 1)
            if not sockets:
                _end(supervisors)
            with contextlib.suppress(OSError):  # fork failed: the client sees an EOF
                supervisors.add(_fork_supervisor(sockets[0], cell))
            os.close(sockets[0])


def _open_child_signal() -> socket.socket:
    """Return a socket that becomes readable when a child has ended."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    return reader


def _watch_process(pid: int) -> int | None:
    """Return a descriptor that becomes readable when a process has ended; None if unsupported.

    The client's end also closes `control`, unless a child forked by it still holds it open.
    """
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _reap(supervisors: set[int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            supervisors.discard(pid)


def _end(supervisors: Collection[int]) -> NoReturn:
    """Kill the supervisors and so (see `die_with`) their programs, reap them, and exit."""
    for pid in supervisors:
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, 0)[0]:
            pass
    os._exit(0)


def _fork_supervisor(connection: int, cell: Cell) -> int:
    server = os.getpid()
    if pid := os.fork():
        return pid
    try:
        die_with(server)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(1, 0)  # the server's control socket is not for us
        keep_only(0, 1, 2, connection, *cell.descriptors)
        supervise(socket.socket(fileno=connection), cell)
    finally:
        os._exit(0)
