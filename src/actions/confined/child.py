"""The confined process in which `run.run_confined` lets a job run.

What a job reads before it enters the jail is what this package wrote or checked; what it does
with somebody else's bytes or SQL it does inside. It answers with a line of JSON and raw bytes.
"""

import importlib
import json
import os
import resource
import sys
import sysconfig
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...language.messages import say, use_language
from ...tools.sandbox.jail import Jail, JailUnavailable, address_space, die_with, set_limits
from ..errors import ActionError, TooLarge, Unavailable

Enter = Callable[[], None]
Job = Callable[[dict[str, Any], list[bytes], Enter], tuple[dict[str, Any], bytes]]


def main(parent: str) -> None:
    """Read a request from standard input, run its job, and write the answer."""
    die_with(int(parent))
    order = json.loads(sys.stdin.buffer.readline())
    blobs = [sys.stdin.buffer.read(size) for size in order["sizes"]]
    with use_language(order["language"]):
        try:
            answer, raw = _run(order, blobs)
        except ActionError as error:
            answer, raw = {"error": type(error).__name__, "message": str(error)}, b""
        except ImportError as error:
            missing = say("act.not_installed", reason=error)
            answer, raw = {"error": Unavailable.__name__, "message": missing}, b""
        except MemoryError:
            too_large = say("act.confined.memory")
            answer, raw = {"error": TooLarge.__name__, "message": too_large}, b""
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + raw)
    sys.stdout.flush()
    os._exit(0)


def _run(order: dict[str, Any], blobs: list[bytes]) -> tuple[dict[str, Any], bytes]:
    module, _, name = order["job"].partition(":")
    job: Job = getattr(importlib.import_module(module), name)
    say("act.confined.memory")  # reads the texts while files can be opened
    memory = address_space() + order["memory_bytes"]
    limits = {"cpu_seconds": order["cpu_seconds"], "file_bytes": order["file_bytes"]}
    limits["address_space_bytes"] = memory
    enter = _build_entrance(limits, order["writable"], required=order["required"])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
    return job(order["request"], blobs, enter)


def _build_entrance(limits: dict[str, int], writable: str | None, *, required: bool) -> Enter:
    """Return what confines this process for good."""
    try:
        jail = Jail(_find_readable_folders(), writable)
        jail.prove()
    except JailUnavailable as problem:
        if required:
            raise Unavailable(say("sandbox.unavailable", reason=problem)) from problem
        jail = None

    def enter() -> None:
        set_limits(**limits)
        if jail is not None:
            jail.enter()

    return enter


def _find_readable_folders() -> list[str]:
    """Return folders of libraries, which are loaded when first used, and this package's own."""
    installed = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    own = str(Path(__file__).parents[2])
    standard = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    folders = [own, *standard, *installed, *zoneinfo.TZPATH]
    return sorted({os.path.realpath(folder) for folder in folders if os.path.isdir(folder)})
