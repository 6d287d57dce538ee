"""The client of the fork server: starts it when needed, sends it calls, survives its death."""

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from ...errors import ConcertinoError
from ...language.messages import say
from .boot import build_command

_log = logging.getLogger(__name__)


class SandboxUnavailable(ConcertinoError):
    """Programs cannot be confined here; the message says what to install or configure."""

    def __init__(self, reason: str) -> None:
        super().__init__(say("sandbox.unavailable", reason=reason))


class SandboxLimits(BaseModel, frozen=True):
    """Resource limits of one program."""

    cpu_seconds: int = Field(default=5, ge=1)
    """CPU time, in whole seconds."""
    wall_seconds: float = Field(default=10, gt=0)
    """Wall time from its start, in seconds. Waiting for a free slot does not count."""
    memory_bytes: int = Field(default=1 << 30, ge=1 << 24)
    """Address space in addition to the loaded libraries' (about 100 MB), in bytes."""
    output_bytes: int = Field(default=65536, ge=1)
    """Bytes of standard output above which it is stopped, and at which the value is cut."""


class SandboxResult(BaseModel, frozen=True):
    """The result of a program."""

    status: Literal["ok", "error", "timeout", "memory", "output", "crashed"]
    """``ok``: ran to its end, or exited with code 0. ``error``: raised, or does not compile.
    ``timeout``, ``memory``, ``output``: exceeded that limit. ``crashed``: its process ended
    without a result (a segmentation fault, ``os._exit``, or the fork server was killed)."""
    stdout: str = ""
    """Standard output until it ended or was stopped; cut, with a mark, at ``output_bytes``."""
    value: str | None = None
    """The requested variable as text: strings as they are, ``sympy.sstr`` if SymPy is involved,
    else ``repr``. ``None`` if it does not exist or the status is not ``ok``."""
    latex: str | None = None
    """LaTeX of the same variable if it is mathematical."""
    error: str | None = None
    """Type and message, and the line of the program if one raised; about 1000 characters."""
    seconds: float = 0
    """Wall time of the program, in seconds."""


class Sandbox:
    """Runs Python in a confined process, one per program, forked from a server with SymPy loaded.

    The server is started by the first call and stopped by `close`, with this object, or with
    the interpreter. One sandbox serves any number of threads and event loops. A process forked
    from this one gets its own server.

    Args:
        allow_unconfined: If programs cannot be confined, run them with resource limits only
            (the user's choice, ``CONCERTINO_ALLOW_UNCONFINED_SANDBOX``).
    """

    def __init__(self, *, allow_unconfined: bool = False) -> None:
        self._allow_unconfined = allow_unconfined
        self._lock = threading.Lock()
        self._starting: Future[_Server] | None = None
        self._stop: weakref.finalize[[Future[_Server]], Sandbox] | None = None
        _sandboxes.add(self)

    async def run(
        self,
        code: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        result: str | None = "answer",
        limits: SandboxLimits | None = None,
    ) -> SandboxResult:
        """Run a program. Cancellation kills it.

        Args:
            code: Python source. SymPy and common modules are preloaded but must be imported.
            inputs: JSON data, passed as global variables.
            result: Global variable to report at the end.
            limits: Resource limits; None means the defaults of `SandboxLimits`.

        Raises:
            SandboxUnavailable: programs cannot be confined on this machine.
        """
        request = {
            "code": code,
            "inputs": dict(inputs or {}),
            "result": result,
            "limits": (limits or SandboxLimits()).model_dump(),
        }
        body = json.dumps(request).encode()
        for _ in range(2):  # retry once if the server died during the first attempt
            server = await self._server()
            answer = await server.call(body)
            if answer is not None:
                return SandboxResult.model_validate_json(answer)
            if server.stopped:
                break
        return SandboxResult(status="crashed", error="the sandbox itself was stopped")

    def close(self) -> None:
        """Stop the server and all its programs. A later call starts another server."""
        with self._lock:
            stop, self._stop, self._starting = self._stop, None, None
        if stop is not None:
            stop()

    @property
    def server_pid(self) -> int | None:
        """Process id of the running fork server."""
        starting = self._starting
        return starting.result().process.pid if starting and _is_usable(starting) else None

    async def _server(self) -> "_Server":
        with self._lock:
            starting = self._starting
            if starting is None or (starting.done() and not _is_usable(starting)):
                starting = self._starting = Future()
                starting.set_running_or_notify_cancel()  # one waiter must not cancel the others
                work = (starting, self._allow_unconfined, self._stop)
                self._stop = weakref.finalize(self, _stop_when_started, starting)
                threading.Thread(target=_start, args=work, daemon=True).start()
        return await asyncio.wrap_future(starting)

    def _forget_after_fork(self) -> None:
        starting = self._starting
        stop = self._stop
        self._lock = threading.Lock()
        self._starting = None
        self._stop = None
        if stop is not None:
            stop.detach()
        if starting is not None and starting.done() and starting.exception() is None:
            starting.result().forget()


class _Server:
    """A running fork server: its process and its control socket."""

    def __init__(self, process: "subprocess.Popen[bytes]", control: socket.socket) -> None:
        self.process = process
        self.stopped = False
        self._control = control

    def is_gone(self) -> bool:
        """Return whether the server has ended.

        It never writes after its greeting, so a readable socket means that it has ended.
        """
        try:
            self._control.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    async def call(self, body: bytes) -> bytes | None:
        """Send a request and wait for the answer; ``None`` if the server ended first."""
        ours, theirs = socket.socketpair()
        with theirs:
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            try:
                # The request is buffered in the socket, so the server never waits for us.
                writer.write(len(body).to_bytes(4, "big") + body)
                await self._hand_over(theirs)
                await writer.drain()
                size = int.from_bytes(await reader.readexactly(4), "big")
                return await reader.readexactly(size)
            except (EOFError, OSError):
                return None
            finally:
                writer.transport.abort()  # makes the supervisor kill a program still running

    async def _hand_over(self, theirs: socket.socket) -> None:
        while True:
            try:
                socket.send_fds(self._control, [b"\0"], [theirs.fileno()])
            except BlockingIOError:  # hundreds of calls are waiting before this one
                await asyncio.sleep(0.01)
            else:
                theirs.close()
                return

    def stop(self) -> None:
        """Stop the server and all its calls."""
        if self.stopped:
            return
        self.stopped = True
        with contextlib.suppress(OSError):  # it may be dead already
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        self.process.wait()

    def forget(self) -> None:
        """Release the parent's server in a forked process, without stopping it."""
        self.stopped = True
        self._control.close()
        self.process.returncode = 0  # not our child: nothing to wait for


# The environment of the server, and so of every program. A fixed hash seed makes the order of
# sets, and so SymPy's answers, reproducible.
_ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONHASHSEED": "0"}

_START_SECONDS = 60
_CHECK = f"does `{sys.executable} -c 'import sympy, math_verify'` work?"


def _start(
    starting: "Future[_Server]",
    allow_unconfined: bool,
    stop_previous: Callable[[], object] | None,
) -> None:
    try:
        if stop_previous is not None:
            stop_previous()
        starting.set_result(_launch("optional" if allow_unconfined else "required"))
    except Exception as problem:
        starting.set_exception(problem)


def _launch(confinement: str) -> _Server:
    if not hasattr(os, "fork"):
        raise SandboxUnavailable(f"the sandbox needs Linux (WSL will do); this is {sys.platform}")
    ours, theirs = socket.socketpair()
    libraries = _library_folders()
    arguments = (str(os.getpid()), confinement, *libraries)
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            build_command("forkserver", arguments, libraries=libraries),
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,  # Ctrl-C at the terminal must only reach the client
        )
    server = _Server(process, ours)
    try:
        greeting = _receive_greeting(ours)
        if greeting["problem"]:
            raise SandboxUnavailable(greeting["problem"])
    except BaseException:
        process.kill()
        server.stop()
        raise
    if not greeting["confined"]:
        _log.warning("programs run with resource limits only: they can read and change files")
    return server


def _receive_greeting(control: socket.socket) -> dict[str, Any]:
    control.settimeout(_START_SECONDS)
    line = b""
    while not line.endswith(b"\n"):
        try:
            chunk = control.recv(4096)
        except TimeoutError:
            raise SandboxUnavailable(f"no fork server after {_START_SECONDS} s") from None
        if not chunk:
            raise SandboxUnavailable(f"the fork server did not start; {_CHECK}")
        line += chunk
    control.setblocking(False)
    greeting: dict[str, Any] = json.loads(line)
    return greeting


def _library_folders() -> list[str]:
    """Return the server's import folders; it does not share our ``sys.path``."""
    folders = []
    for name in ("sympy", "mpmath", "math_verify", "latex2sympy2_extended", "antlr4", "pyseccomp"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            file = Path(spec.origin).absolute()
            folders.append(str(file.parents[1] if spec.submodule_search_locations else file.parent))
    return list(dict.fromkeys(folders))


def _is_usable(starting: "Future[_Server]") -> bool:
    return starting.done() and starting.exception() is None and not starting.result().is_gone()


def _stop_when_started(starting: "Future[_Server]") -> None:
    starting.add_done_callback(_stop_started)


def _stop_started(starting: "Future[_Server]") -> None:
    if starting.exception() is None:
        starting.result().stop()


_sandboxes: "weakref.WeakSet[Sandbox]" = weakref.WeakSet()
_default_lock = threading.Lock()
_defaults: dict[bool, Sandbox] = {}


def default_sandbox(*, allow_unconfined: bool = False) -> Sandbox:
    """Return this process's sandbox, created on first use."""
    with _default_lock:
        if allow_unconfined not in _defaults:
            _defaults[allow_unconfined] = Sandbox(allow_unconfined=allow_unconfined)
        return _defaults[allow_unconfined]


def _forget_after_fork() -> None:
    global _default_lock
    _default_lock = threading.Lock()
    for sandbox in _sandboxes:
        sandbox._forget_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
