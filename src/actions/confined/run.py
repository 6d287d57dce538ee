"""Work on somebody else's bytes in a process of its own: without files, network or more memory
than it is given, and killed when its time is over."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from ...language.messages import default_language, say
from ...settings import get_settings
from .. import errors
from ..threads import end_with_caller
from ..workspace import MAX_FILE_BYTES

MEMORY_BYTES = 1 << 30
"""Memory of a job in addition to what its libraries take."""
_MOST_ANSWERED = MAX_FILE_BYTES + (16 << 20)

# The packages without their `__init__` files, which import much that a job does not need.
_BOOT = """\
import os, sys, types
for name in ("concertino", *(f"concertino.{room}" for room in
        ("actions", "kb", "tools", "tools.sandbox"))):
    package = types.ModuleType(name)
    package.__path__ = [os.path.join(sys.argv[1], *name.split(".")[1:])]
    sys.modules[name] = package
sys.path += sys.argv[3:]
from concertino.actions.confined.child import main
main(sys.argv[2])
"""
_FLAGS = ("-s", "-P", "-S", "-B")
_ERRORS: dict[str, type[errors.ActionError]] = {
    kind.__name__: kind for kind in errors.ActionError.__subclasses__()
}


def run_confined(
    job: str,
    request: Mapping[str, Any],
    blobs: Sequence[bytes] = (),
    *,
    seconds: float = 25,
    memory_bytes: int = MEMORY_BYTES,
    writable: Path | None = None,
) -> tuple[dict[str, Any], bytes]:
    """Run a job and return its answer: plain data, and bytes. Blocking.

    Args:
        job: `module:function`, in full; see `child.Job`.
        request: Plain data for the job.
        blobs: Contents of files for the job.
        seconds: Time after which it is killed.
        memory_bytes: Memory in addition to what its libraries take.
        writable: The folder that it may change; None: none.

    Raises:
        ActionError: what the job raised; `TimedOut`, `TooLarge`; `Unavailable` if nothing can be
            confined here.
    """
    order = {
        "job": job,
        "request": request,
        "sizes": [len(blob) for blob in blobs],
        "language": default_language(),
        "cpu_seconds": int(seconds) + 1,
        "memory_bytes": memory_bytes,
        "file_bytes": MAX_FILE_BYTES if writable else 0,
        "writable": str(writable.resolve()) if writable else None,
        "required": not get_settings().allow_unconfined_sandbox,
    }
    with tempfile.TemporaryFile() as source:
        source.writelines([json.dumps(order).encode(), b"\n", *blobs])
        source.seek(0)
        return _read_answer(_run_child(source, seconds))


def _run_child(source: IO[bytes], seconds: float) -> bytes:
    arguments = (str(Path(__file__).parents[2]), str(os.getpid()), *filter(None, sys.path))
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
        [sys.executable, *_FLAGS, "-c", _BOOT, *arguments],
        stdin=source,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},  # the jail has no threads
        cwd="/",
        start_new_session=True,
    )
    over = threading.Event()

    def stop() -> None:
        over.set()
        process.kill()

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        with end_with_caller(process):
            answer = process.stdout.read(_MOST_ANSWERED + 1) if process.stdout else b""
    finally:
        timer.cancel()
        process.kill()
        process.communicate()
    if over.is_set():
        raise errors.TimedOut(say("act.confined.time", seconds=round(seconds)))
    if len(answer) > _MOST_ANSWERED:
        raise errors.TooLarge(say("act.confined.memory"))
    return answer


def _read_answer(answer: bytes) -> tuple[dict[str, Any], bytes]:
    head, _, raw = answer.partition(b"\n")
    try:
        data: dict[str, Any] = json.loads(head)
    except ValueError as error:  # it crashed, or ran into its limit of memory within a library
        raise errors.TooLarge(say("act.confined.crashed")) from error
    if "error" in data:
        raise _ERRORS.get(data["error"], errors.ActionError)(str(data["message"]))
    return data, raw
