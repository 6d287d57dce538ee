"""The process that runs one command: confines it, watches it, ends all that it has started.

It belongs to a Landlock domain of its own, out of which no signal leads. So ``kill(-1)`` ends
every process that the command has started, whatever group or session it has moved to, at once and
nothing else. A guard, forked first, does the same when the supervisor itself has been killed.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from .attributes import carry_out
from .census import count_threads, exceeds_memory, list_children, walk_processes
from .command_rules import list_paths
from .jail import (
    MOVE,
    SeccompFilter,
    adopt_orphans,
    call_kernel,
    check,
    create_ruleset,
    die_with,
    keep_only,
    libc,
    restrict,
)

_LOOK_SECONDS = 0.05
_REAP_SECONDS = 5
_LIKELY_OOM_VICTIM = "500"
_NEW_LISTENER, _WAIT_KILLABLE = 1 << 3, 1 << 5
_SECCOMP_SET_MODE_FILTER = 1
_CAPABILITY_VERSION = 0x20080522
_WRITE_OTHERS_FILES = 1 << 1  # CAP_DAC_OVERRIDE: root in a container works on its host's files


def main(arguments: Sequence[str]) -> NoReturn:
    """Run one command and answer.

    Standard input is a socket for the request and the answer. It ends when nobody waits for the
    answer any more.

    Args:
        arguments: Process id of the client.
    """
    client = os.pidfd_open(int(arguments[0]))
    request = _read_request()
    folder = os.path.realpath(tempfile.mkdtemp(prefix="concertino-"))
    try:
        answer = _confine_and_run(request, client, folder)
    except Exception as problem:
        answer = {"problem": f"{type(problem).__name__}: {problem}"}
    _remove_folder(folder)
    with contextlib.suppress(OSError), socket.socket(fileno=0) as connection:
        connection.sendall(json.dumps(answer).encode())
    os._exit(0)


def _read_request() -> dict[str, Any]:
    size = int.from_bytes(_read_exactly(4), "big")
    request: dict[str, Any] = json.loads(_read_exactly(size))
    return request


def _read_exactly(size: int) -> bytes:
    content = b""
    while len(content) < size:
        chunk = os.read(0, size - len(content))
        if not chunk:
            os._exit(0)
        content += chunk
    return content


def _confine_and_run(request: Mapping[str, Any], client: int, folder: str) -> dict[str, Any]:
    adopt_orphans()
    # It is about signals; but moving files between folders is denied where it is not allowed.
    restrict(create_ruleset([("/", MOVE)], rights=MOVE))
    _prove_that_signals_stay_inside()
    guard = _fork_guard(folder)
    own = (os.path.realpath(request["workspace"]), folder)
    try:
        command = _Command(request, own)
        return command.watch(client, guard)
    finally:
        _end_everything()


def _prove_that_signals_stay_inside() -> None:
    """Without this ``kill(-1)`` would end everything the user has started."""
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return
    raise OSError("Landlock does not confine signals")


def _fork_guard(folder: str) -> int:
    """Fork a process that ends everything when this one has died. Returns its id."""
    reader, writer = os.pipe()
    if pid := os.fork():
        os.close(reader)
        os.set_inheritable(writer, False)
        return pid
    os.setsid()
    keep_only(reader)
    os.read(reader, 1)
    with contextlib.suppress(OSError):
        os.kill(-1, signal.SIGKILL)
    _remove_folder(folder)
    os._exit(0)


def _end_everything() -> None:
    """Kill all processes of this domain but this one, and reap them."""
    deadline = time.monotonic() + _REAP_SECONDS  # one may hang in the kernel
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            os.kill(-1, signal.SIGKILL)
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.001)
        except ChildProcessError:
            return


def _remove_folder(folder: str) -> None:
    """Remove a folder of any depth, whatever modes the command has left."""
    for command in ("rm", "-rf"), ("chmod", "-R", "u+rwX"), ("rm", "-rf"):
        if os.path.exists(folder):
            nothing = subprocess.DEVNULL
            arguments = [*command, "--", folder]
            subprocess.run(  # noqa: S603 - our own arguments
                arguments, stdin=nothing, stdout=nothing, stderr=nothing, check=False
            )


class _Output:
    """The beginning and the end of what a command prints."""

    def __init__(self, kept_bytes: int) -> None:
        self._half = kept_bytes // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, chunk: bytes) -> None:
        self.total += len(chunk)
        room = self._half - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        del self._tail[: -self._half]

    def describe(self) -> dict[str, Any]:
        omitted = self.total - len(self._head) - len(self._tail)
        parts = [self._head, self._tail] if omitted else [self._head + self._tail, b""]
        head, tail = (bytes(part).decode("utf-8", "replace") for part in parts)
        return {"head": head, "tail": tail, "omitted_bytes": omitted}


class _Command:
    """The command's main process, and what it has printed."""

    def __init__(self, request: Mapping[str, Any], own: Sequence[str]) -> None:
        self._limits: Mapping[str, Any] = request["limits"]
        self._own = own
        self._names = {n: name for name, n in request["numbers"].items() if name != "seccomp"}
        self._output = _Output(self._limits["kept_bytes"])
        self._code: int | None = None
        self._started = time.monotonic()
        printed, stdout = os.pipe()
        reported, report = os.pipe()
        ours, theirs = socket.socketpair()
        supervisor = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            die_with(supervisor)
            _become_command(request, own, stdout, report, theirs)
        for descriptor in (stdout, report, theirs.detach()):
            os.close(descriptor)
        self._printed, self._reported, self._socket = printed, reported, ours

    def watch(self, client: int, guard: int) -> dict[str, Any]:
        """Run the command to its end; return the answer."""
        # Both end without a byte if it could not be confined.
        listener = self._receive_listener()
        if problem := self._read_problem():
            return problem
        if listener is None:
            return {"problem": "the command's process ended early"}
        stopped = self._serve(client, listener, guard)
        seconds = time.monotonic() - self._started
        if stopped is None:  # the rest is what is left in the pipe
            _end_everything()
            self._drain()
        return {
            "stopped": stopped,
            "exit_code": self._code if stopped is None else None,
            "seconds": seconds,
            **self._output.describe(),
        }

    def _receive_listener(self) -> int | None:
        _, descriptors, _, _ = socket.recv_fds(self._socket, 1, 1)
        self._socket.close()
        return descriptors[0] if descriptors else None

    def _read_problem(self) -> dict[str, Any] | None:
        """Return why the command did not start; the pipe is closed when it has."""
        text = b""
        while chunk := os.read(self._reported, 4096):
            text += chunk
        os.close(self._reported)
        problem: dict[str, Any] | None = json.loads(text) if text else None
        return problem

    def _serve(self, client: int, listener: int, guard: int) -> str | None:
        """Serve the command until it ends; return which limit it exceeded."""
        own_end = os.pidfd_open(self._pid)
        poll = select.poll()
        for descriptor in (0, client, own_end, listener, self._printed):
            poll.register(descriptor, select.POLLIN)
        deadline = self._started + self._limits["wall_seconds"]
        look_at = 0.0
        while True:
            events = dict(poll.poll(_LOOK_SECONDS * 1000))
            if 0 in events or client in events:
                _end_everything()
                return "cancelled"
            if self._printed in events and not self._read():
                poll.unregister(self._printed)
            if events.get(listener, 0) & select.POLLIN:
                carry_out(listener, self._names, self._own)
            elif listener in events:
                poll.unregister(listener)
            now = time.monotonic()
            if self._output.total > self._limits["output_bytes"]:
                return "output"
            if now >= deadline:
                return "timeout"
            if now >= look_at:
                if stopped := self._find_excess(guard):
                    return stopped
                look_at = now + _LOOK_SECONDS
            if own_end in events:
                self._reap()
                return None

    def _read(self) -> bool:
        chunk = os.read(self._printed, 65536)
        self._output.add(chunk)
        return bool(chunk)

    def _drain(self) -> None:
        while self._output.total <= self._limits["output_bytes"] and self._read():
            pass

    def _find_excess(self, guard: int) -> str | None:
        self._reap()
        children = [pid for pid in list_children(os.getpid()) if pid != guard]
        processes = list(walk_processes(children))
        if count_threads(processes) > self._limits["processes"]:
            return "processes"
        if exceeds_memory(processes, self._limits["memory_bytes"]):
            return "memory"
        return None

    def _reap(self) -> None:
        """Reap all children that have ended; remember the exit code of the command."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._pid:
                    code = os.waitstatus_to_exitcode(status)
                    self._code = code if code >= 0 else 128 - code  # as shells say it


def _become_command(
    request: Mapping[str, Any], own: Sequence[str], stdout: int, report: int, theirs: socket.socket
) -> NoReturn:
    """Confine this process, then replace it by the command."""
    try:
        _arrange_descriptors(stdout)
        os.setsid()
        os.chdir(request["workspace"])
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write(_LIKELY_OOM_VICTIM)
        os.nice(5)
        _set_limits(request["limits"])
        ruleset = create_ruleset(list_paths(own))
        _drop_capabilities()
        restrict(ruleset)
        keep_only(0, 1, 2, report, theirs.fileno())
        listener = _load_filter(bytes.fromhex(request["filter"]), request["numbers"]["seccomp"])
        socket.send_fds(theirs, [b"\0"], [listener])
    except Exception as problem:
        _report(report, {"problem": f"{type(problem).__name__}: {problem}"})
    argv, folder = request["argv"], own[1]
    try:
        os.execvpe(  # noqa: S606 - no shell is the point
            argv[0], argv, {**request["environment"], "HOME": folder, "TMPDIR": folder}
        )
    except OSError as error:
        _report(report, {"errno": error.errno})


def _report(report: int, problem: Mapping[str, Any]) -> NoReturn:
    os.write(report, json.dumps(problem).encode())
    os._exit(127)


def _arrange_descriptors(stdout: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (stdout, 1), (stdout, 2)):
        os.dup2(source, target)


def _set_limits(limits: Mapping[str, Any]) -> None:
    values = {
        resource.RLIMIT_CPU: limits["cpu_seconds"],
        resource.RLIMIT_DATA: limits["memory_bytes"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_MEMLOCK: 1 << 20,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in values.items():
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _drop_capabilities() -> None:
    """Give up what makes root special, except access to files that belong to others."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the upper halves
    check(libc.capget(header, sets))
    kept = sets[1] & _WRITE_OTHERS_FILES
    check(libc.capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)))


def _load_filter(code: bytes, number: int) -> int:
    """Put the filter in force; return the descriptor at which calls are handed over."""
    program = SeccompFilter(code)
    flags = _NEW_LISTENER | _WAIT_KILLABLE
    return call_kernel(number, _SECCOMP_SET_MODE_FILTER, flags, ctypes.c_void_p(program.address))
