"""Running many programs in one call of the sandbox."""

import json
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from ..state import Answer
from ..tools.sandbox import Sandbox, SandboxLimits
from .watching import PRELUDE, watch_program

BATCH = 32
"""Programs in one call."""
_LIMITS = SandboxLimits(cpu_seconds=20, wall_seconds=60, output_bytes=1_000_000)

_RUN_ALL = f"""
import json
from concertino.tools.algebra.entry import build_outcome
found = []
for program in programs:
    space = {{"__name__": "__main__"}}
    try:
        exec({PRELUDE!r}, space)
        exec(program, space)
        found.append({{"path": "".join(space["_path"]), **json.loads(build_outcome(space))}})
    except Exception as error:
        found.append({{"error": f"{{type(error).__name__}}: {{error}}"[:200]}})
outcomes = json.dumps(found)
"""


class Ran(BaseModel):
    """What came of a program that ran to its end."""

    model_config = ConfigDict(frozen=True)

    path: str
    """Its decisions, see `watching.py`."""
    answer: Answer
    facts: dict[str, str]


class Failed(BaseModel):
    """Why a program did not run to its end."""

    model_config = ConfigDict(frozen=True)

    error: str


async def run_programs(sandbox: Sandbox, programs: Sequence[str]) -> list[Ran | Failed]:
    """Run programs, watched, and return what came of each, in order. What a program does cannot
    change the result of another call; within a call of `BATCH` it can, as they share a process.

    Raises:
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    found: list[Ran | Failed] = []
    for start in range(0, len(programs), BATCH):
        found += await _run_batch(sandbox, programs[start : start + BATCH])
    return found


async def _run_batch(sandbox: Sandbox, programs: Sequence[str]) -> list[Ran | Failed]:
    watched = [watch_program(program) for program in programs]
    ran = await sandbox.run(
        _RUN_ALL, inputs={"programs": watched}, result="outcomes", limits=_LIMITS
    )
    failed = Failed(error=ran.error or ran.status)
    try:
        rows = json.loads(ran.value or "")
    except ValueError:
        return [failed] * len(programs)
    if not isinstance(rows, list) or len(rows) != len(programs):
        return [failed] * len(programs)
    return [_read_row(row) for row in rows]


def _read_row(row: object) -> Ran | Failed:
    for kind in (Ran, Failed):
        try:
            return kind.model_validate(row)
        except ValidationError:
            continue
    return Failed(error="unreadable")
