"""Running a command of the system, confined to one folder."""

import asyncio
import contextlib
import json
import os
import re
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from ...language.messages import say
from .boot import build_command
from .client import SandboxUnavailable
from .command_rules import compile_command_filter, find_command_obstacle


class CommandLimits(BaseModel, frozen=True):
    """Limits of one command and all that it starts."""

    cpu_seconds: int = Field(default=60, ge=1)
    """CPU time of each process, in whole seconds."""
    wall_seconds: float = Field(default=60, gt=0)
    """Time from its start, in seconds."""
    memory_bytes: int = Field(default=2 << 30, ge=1 << 24)
    """Memory of all processes together, in bytes."""
    processes: int = Field(default=256, ge=1)
    """Processes and threads at one time."""
    file_bytes: int = Field(default=256 << 20, ge=0)
    """Size of the largest file that it may write, in bytes."""
    kept_bytes: int = Field(default=65536, ge=2)
    """Bytes of output that are kept: half from its beginning, half from its end."""
    output_bytes: int = Field(default=64 << 20, ge=1)
    """Bytes of output above which it is stopped."""


Stop = Literal["timeout", "memory", "processes", "output", "killed"]
"""The limit that a command exceeded; `killed`: the process that watches over it was."""


class CommandResult(BaseModel, frozen=True):
    """What became of a command."""

    exit_code: int | None
    """128 and the signal's number if it was killed; None if it was stopped."""
    output: str
    """Standard output and errors as they came, without control characters; cut in the middle."""
    seconds: float
    stopped: Stop | None = None
    """Why it was stopped; None if it ran to its end."""


PROGRAM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")

# HOME and TMPDIR are the temporary folder.
_ENVIRONMENT = {
    "PATH": os.pathsep.join(PROGRAM_FOLDERS),
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "GIT_CONFIG_NOSYSTEM": "1",  # git stops at a file that it may not read
    "PYTHONDONTWRITEBYTECODE": "1",
}


async def run_command(
    argv: Sequence[str], workspace: Path, *, limits: CommandLimits | None = None
) -> CommandResult:
    """Run a command in a folder, the only one that it may change. Cancellation ends it.

    It may read the folder and the system's programs, has no network, no terminal, nothing on
    standard input, and none of this process's environment. Everything that it has started ends
    with it.

    Args:
        argv: The program and its arguments; no shell reads them.
        workspace: The folder.
        limits: None means the defaults of `CommandLimits`.

    Raises:
        SandboxUnavailable: commands cannot be confined on this machine.
        OSError: there is no such program, or it cannot be run.
    """
    request = await asyncio.to_thread(_build_request, argv, workspace, limits or CommandLimits())
    answer = await _ask_supervisor(request)
    if (number := answer.pop("errno", None)) is not None:
        raise OSError(number, os.strerror(number), argv[0])
    if problem := answer.pop("problem", None):
        raise SandboxUnavailable(problem)
    return CommandResult(output=_join_output(answer), **answer)


def _build_request(argv: Sequence[str], workspace: Path, limits: CommandLimits) -> bytes:
    if obstacle := find_command_obstacle():
        raise SandboxUnavailable(obstacle)
    code, numbers = compile_command_filter()
    request = {
        "argv": list(argv),
        "workspace": str(workspace.resolve(strict=True)),
        "limits": limits.model_dump(),
        "environment": _ENVIRONMENT,
        "filter": code.hex(),
        "numbers": numbers,
    }
    return json.dumps(request).encode()


async def _ask_supervisor(request: bytes) -> dict[str, Any]:
    started = time.monotonic()
    ours, theirs = socket.socketpair()
    with theirs, contextlib.ExitStack() as closing:
        closing.callback(ours.close)
        process = await asyncio.create_subprocess_exec(
            *build_command("command_supervisor", [str(os.getpid())]),
            stdin=theirs.fileno(),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={"LANG": "C.UTF-8", "PATH": _ENVIRONMENT["PATH"]},
            cwd="/",
            start_new_session=True,  # Ctrl-C at the terminal must only reach this process
        )
        closing.pop_all()
    try:
        answer = await _exchange(ours, request)
    finally:
        await asyncio.shield(process.wait())
    if not answer:
        seconds = time.monotonic() - started
        return {"exit_code": None, "stopped": "killed", "seconds": seconds, **_NO_OUTPUT}
    content: dict[str, Any] = json.loads(answer)
    return content


async def _exchange(ours: socket.socket, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    try:
        writer.write(len(request).to_bytes(4, "big") + request)
        with contextlib.suppress(ConnectionError):
            return await reader.read()
        return b""
    finally:
        with contextlib.suppress(OSError):  # it has ended
            # Closing is not enough where a process forked from this one has the socket too.
            writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        writer.transport.abort()


_NO_OUTPUT = {"head": "", "tail": "", "omitted_bytes": 0}
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def _join_output(answer: dict[str, Any]) -> str:
    head, tail = (_clean(answer.pop(part)) for part in ("head", "tail"))
    if not (omitted := answer.pop("omitted_bytes")):
        return head
    mark = say("sandbox.omitted", bytes=omitted)
    return f"{head.rstrip('�')}\n{mark}\n{tail.lstrip('�')}"


def _clean(text: str) -> str:
    """Remove what would move a terminal's cursor, colour it or write into its input."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n")).replace("\r", "\n")
    return _CONTROL.sub("", text)
