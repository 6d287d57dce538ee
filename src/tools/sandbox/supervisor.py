"""Serve one call: read the request, fork the program, watch it, answer.

The program is trusted only for its output and report, where it could claim nothing that it could
not print. Everything else (its duration, why it ended, the framing) is determined here.
"""

import contextlib
import json
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from . import program
from .jail import Jail, die_with, keep_only, set_limits

_Limits = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """The environment that every program runs in.

    Attributes:
        jail: ``None`` if the user has allowed running without one.
        libraries: Folders whose paths must not appear in error messages.
        base_bytes: Address space of the loaded libraries, in bytes.
    """

    jail: Jail | None
    libraries: Sequence[str]
    base_bytes: int

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors that must stay open until a program has entered the jail."""
        return () if self.jail is None or self.jail.ruleset is None else (self.jail.ruleset,)


def supervise(connection: socket.socket, cell: Cell) -> None:
    """Serve the call that arrives on ``connection``. Descriptors 0, 1 and 2 are /dev/null."""
    request = _receive(connection)
    limits: _Limits = request["limits"]
    started = time.monotonic()
    running = _start(request, cell)
    try:
        stopped = running.watch(connection, started + limits["wall_seconds"])
        report = running.report() if stopped is None else _failure(*stopped)
        if report is None:
            report = _post_mortem(*running.end(), limits)
        seconds = time.monotonic() - started
        _send(connection, {**report, "stdout": running.get_stdout(), "seconds": seconds})
    finally:
        running.end()


def _receive(connection: socket.socket) -> dict[str, Any]:
    with connection.makefile("rb") as stream:
        size = int.from_bytes(stream.read(4), "big")
        request: dict[str, Any] = json.loads(stream.read(size))
    return request


def _send(connection: socket.socket, answer: Mapping[str, Any]) -> None:
    body = json.dumps(answer).encode()
    connection.sendall(len(body).to_bytes(4, "big") + body)


def _start(request: Mapping[str, Any], cell: Cell) -> "_ProgramProcess":
    printed, stdout = os.pipe()
    reported, report = os.pipe()
    supervisor = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            die_with(supervisor)
            os.dup2(stdout, 1)
            keep_only(0, 1, 2, report, *cell.descriptors)
            _become_program(request, cell, report)
        finally:
            os._exit(1)
    os.close(stdout)
    os.close(report)
    size = request["limits"]["output_bytes"]
    # Two texts of `size`, which JSON can expand sixfold, and an error message.
    return _ProgramProcess(pid, _Pipe(printed, size), _Pipe(reported, 12 * size + 65536))


def _become_program(request: Mapping[str, Any], cell: Cell, report: int) -> NoReturn:
    limits: _Limits = request["limits"]
    os.setsid()
    set_limits(
        cpu_seconds=limits["cpu_seconds"],
        address_space_bytes=cell.base_bytes + limits["memory_bytes"],
    )
    if cell.jail is not None:
        cell.jail.enter()
    text = program.run(
        request["code"],
        request["inputs"],
        request["result"],
        text_bytes=limits["output_bytes"],
        libraries=cell.libraries,
    )
    with os.fdopen(report, "wb") as pipe:
        pipe.write(text)
    os.close(1)  # so that the supervisor need not wait for this process's teardown
    os._exit(0)


class _Pipe:
    """Data read from a pipe, up to ``size`` bytes plus the chunk that exceeded it."""

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.size = size
        self.content = bytearray()

    @property
    def over(self) -> bool:
        return len(self.content) > self.size

    def read(self) -> bool:
        """Read available data; return ``False`` at the end."""
        chunk = os.read(self.fd, 65536)
        self.content += chunk
        return bool(chunk)


class _ProgramProcess:
    """A program's process and its two pipes."""

    def __init__(self, pid: int, stdout: _Pipe, report: _Pipe) -> None:
        self._pid = pid
        self._stdout = stdout
        self._report = report
        self._ended: tuple[int, resource.struct_rusage] | None = None

    def watch(self, connection: socket.socket, deadline: float) -> tuple[str, str] | None:
        """Drain the pipes until both are closed.

        Returns:
            Status and message if the program was stopped before that.

        Raises:
            ConnectionError: the caller has disconnected.
        """
        pipes = {pipe.fd: pipe for pipe in (self._stdout, self._report)}
        poll = select.poll()
        for fd in (connection.fileno(), *pipes):
            poll.register(fd, select.POLLIN)
        while pipes:
            left = deadline - time.monotonic()
            if left <= 0:
                return "timeout", "TimeoutError: the program took too long"
            for fd, _ in poll.poll(left * 1000):
                if fd == connection.fileno():
                    raise ConnectionAbortedError
                if not pipes[fd].read():
                    poll.unregister(fd)
                    del pipes[fd]
                elif pipes[fd].over:
                    return "output", f"the program printed more than {pipes[fd].size} bytes"
        return None

    def report(self) -> program.Report | None:
        """Return the program's report, or ``None`` if there is no valid one."""
        try:
            # The program may have written this itself: parsing long integers could take ages.
            report = json.loads(self._report.content, parse_int=str)
            return {
                "status": {"ok": "ok", "error": "error", "memory": "memory"}[report["status"]],
                "value": _text_or_none(report["value"]),
                "latex": _text_or_none(report["latex"]),
                "error": _text_or_none(report["error"]),
            }
        except (ValueError, TypeError, LookupError, RecursionError):
            return None

    def get_stdout(self) -> str:
        """Return standard output as text, cut at the limit."""
        pipe = self._stdout
        text = pipe.content[: pipe.size].decode("utf-8", "replace")
        return f"{text}\n[cut at {pipe.size} bytes]" if pipe.over else text

    def end(self) -> tuple[int, resource.struct_rusage]:
        """Kill the process group if it still runs; return its exit code (or -signal) and usage."""
        if self._ended is None:
            for kill, target in ((os.killpg, self._pid), (os.kill, self._pid)):
                with contextlib.suppress(ProcessLookupError):
                    kill(target, signal.SIGKILL)
            _, status, usage = os.wait4(self._pid, 0)
            self._ended = os.waitstatus_to_exitcode(status), usage
        return self._ended


def _text_or_none(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError
    return value.encode("utf-8", "replace").decode()


def _failure(status: str, error: str) -> program.Report:
    return {"status": status, "value": None, "latex": None, "error": error}


def _post_mortem(code: int, usage: resource.struct_rusage, limits: _Limits) -> program.Report:
    """Report why a program ended without a report of its own."""
    allowed = limits["cpu_seconds"]
    if code == -signal.SIGXCPU or usage.ru_utime + usage.ru_stime >= allowed:
        return _failure("timeout", f"TimeoutError: more than {allowed} s of processor time")
    if code == -signal.SIGSEGV:
        return _failure("crashed", "the interpreter crashed, perhaps by a too deep recursion")
    return _failure("crashed", "the program ended without a result")
