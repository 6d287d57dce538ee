"""A small process that has SymPy loaded and forks once per call.

Three kinds of process, each trusted less than the one before:

``server``
    Loads the libraries, then accepts calls and forks. It never reads a request: programs
    inherit its memory, so nobody's data may be in it.
``supervisor``
    One per call. Reads the request, forks the program, drains its pipes, answers.
``program``
    Confined by `jail`. Its only ways out are two pipes of raw bytes, whose size is capped.

The client keeps one end of a socket pair, which is this process's standard input, and sends a
fresh socket over it for every call. There is no name that anyone could connect to. A request
and its answer are JSON after four bytes of length.
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

from .jail import Jail, JailUnavailable, address_space, adopt_orphans, die_with
from .supervisor import Cell, keep_only, supervise

_LIBRARIES = ("sympy", "mpmath", "math_verify", "latex2sympy2_extended", "antlr4")
_MODULES = (
    *("bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum"),
    *("fractions", "functools", "heapq", "itertools", "json", "math", "numbers", "operator"),
    *("random", "re", "statistics", "string", "textwrap", "typing"),
    *("math_verify", "mpmath", "sympy", "sympy.abc", "sympy.ntheory"),
    *("sympy.parsing.latex", "sympy.parsing.sympy_parser"),
)
_OR_ELSE = (
    "or set CONCERTINO_ALLOW_UNCONFINED_SANDBOX=1 to run programs with resource limits only, "
    "which lets them read and change whatever you can"
)
_MOST_AT_ONCE = 2 * (os.cpu_count() or 1)


def main() -> NoReturn:
    """Arguments: pid of the client, "required" or "optional" confinement, library folders."""
    parent, confinement, *libraries = sys.argv[2:]
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
    """Work in a folder that is gone: nothing to read, nothing can be made, nothing left over."""
    with contextlib.suppress(OSError):
        folder = tempfile.mkdtemp(prefix="concertino-")
        os.chdir(folder)
        os.rmdir(folder)


def _find_readable_folders(libraries: Sequence[str]) -> list[str]:
    """The standard library, and the folder of installed packages.

    Packages found elsewhere (a source tree on PYTHONPATH) open their own folder only, not its
    neighbours, which may be anything.
    """
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    for name in _LIBRARIES:
        package = os.path.dirname(str(sys.modules[name].__file__))
        home = os.path.dirname(package)
        installed = os.path.basename(home) in {"site-packages", "dist-packages"}
        folders.add(home if installed else package)
    return sorted(filter(os.path.isdir, folders))


def _warm_up() -> None:
    """Use what programs use most: SymPy imports many modules and fills caches on first use."""
    sympy, math_verify = map(importlib.import_module, ("sympy", "math_verify"))
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
    sympy.core.random.seed(0)  # otherwise each server has its own luck


def _import_all_of_sympy() -> None:
    """For programs that cannot open files: what is not loaded now never will be."""
    skipped = ("tests", "benchmarks", "pyglet", "sympy.this", "galgebra", "testing")
    path = sys.modules["sympy"].__path__
    for module in pkgutil.walk_packages(path, "sympy.", onerror=lambda _: None):
        if not any(part in module.name for part in skipped):
            with contextlib.suppress(Exception):
                importlib.import_module(module.name)


def serve(control: socket.socket, parent: int, cell: Cell) -> NoReturn:
    """Fork a supervisor for every socket that arrives, until the client is gone.

    At most `_MOST_AT_ONCE` run at a time; the rest waits in the socket's own buffer.
    """
    supervisors: set[int] = set()
    bell = _bell()
    poll = select.poll()
    poll.register(bell, select.POLLIN)
    client = _watch_process(parent)
    if client is not None:
        poll.register(client, select.POLLIN)
    while True:
        poll.register(control, select.POLLIN if len(supervisors) < _MOST_AT_ONCE else 0)
        events = dict(poll.poll())
        if client in events or events.get(control.fileno(), 0) & (select.POLLHUP | select.POLLERR):
            _end(supervisors)
        if bell.fileno() in events:
            bell.recv(4096)
            _reap(supervisors)
        if control.fileno() in events:
            _, sockets, _, _ = socket.recv_fds(control, 1, 1)
            if not sockets:
                _end(supervisors)
            with contextlib.suppress(OSError):  # no process to be had: the client sees an EOF
                supervisors.add(_fork_supervisor(sockets[0], cell))
            os.close(sockets[0])


def _bell() -> socket.socket:
    """A socket that becomes readable when a child has ended."""
    bell, hammer = socket.socketpair()
    hammer.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(hammer.detach(), warn_on_full_buffer=False)
    return bell


def _watch_process(pid: int) -> int | None:
    """A descriptor that becomes readable when the process has ended, where there is such a thing.

    The end of the client also closes `control`, unless it has forked a child that still holds it.
    """
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _reap(supervisors: set[int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while pid := os.waitpid(-1, os.WNOHANG)[0]:
            supervisors.discard(pid)


def _end(supervisors: Collection[int]) -> NoReturn:
    """Kill the supervisors, and with them (see `die_with`) their programs; leave no zombie."""
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
