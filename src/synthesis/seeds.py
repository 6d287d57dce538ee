"""Seeds: solved problems with their programs, from the stored tasks and from files.

What cannot be read is told line by line and task by task; nothing else is lost by it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import ValidationError

from ..agents.turns import format_problem
from ..language.detect import detect_language
from ..learning.contracts import TraceRecord
from ..learning.trace import HASH_PREFIX
from ..state import Attempt, Contract, TaskState, output_of
from ..store.base import TaskStore, checkpoint_config
from .contracts import Seed

WORKFLOW = "solve_math"
MAX_LINE_BYTES = 200_000
"""Longest line of a file; a longer one is no problem with its program."""

Fault = Literal[
    "half",
    "too_long",
    "not_json",
    "no_object",
    "missing",
    "invalid",
    "hashed",
    "not_verified",
    "no_state",
    "no_program",
]
"""Why something is no seed."""


class NoSeed(Contract):
    """A line or a task that is no seed."""

    place: str
    """`file:line`, or the task's id."""
    fault: Fault
    detail: str = ""
    """The fields concerned."""


def read_file(path: Path) -> Iterator[Seed | NoSeed]:
    """Yield the seeds in a JSONL file, and what is none, in order. Blocks.

    A line is an object with `problem` (or `question`), `program` and `answer`, and perhaps `id` and
    `language`; other fields are ignored. Of a file that grows, what stood in it at the beginning is
    read; an unfinished last line is told as half a line.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        left = path.stat().st_size
        number = 0
        while left > 0:
            number += 1
            line = file.readline(min(left, MAX_LINE_BYTES + 1))
            left -= len(line)
            long = len(line) > MAX_LINE_BYTES
            while line and not line.endswith(b"\n") and left > 0:
                line = file.readline(min(left, MAX_LINE_BYTES + 1))
                left -= len(line)
            if not line:
                return  # it was cut off while it was read
            place = f"{path.name}:{number}"
            if long:
                yield NoSeed(place=place, fault="too_long")
            elif line.strip():
                yield _read_line(line, place, path.stem)


def _read_line(line: bytes, place: str, stem: str) -> Seed | NoSeed:
    finished = line.endswith(b"\n")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return NoSeed(place=place, fault="not_json" if finished else "half")
    if not isinstance(row, dict):
        return NoSeed(place=place, fault="no_object")
    problem = row.get("problem", row.get("question"))
    fields = {"problem": problem, "program": row.get("program"), "answer": row.get("answer")}
    if missing := [name for name, value in fields.items() if value in (None, "")]:
        return NoSeed(place=place, fault="missing", detail=", ".join(missing))
    named = row.get("id")
    return _build_seed(
        place,
        id=str(named) if isinstance(named, str | int) else f"{stem}:{place.rpartition(':')[2]}",
        problem=problem,
        program=row["program"],
        answer=_write_answer(row["answer"]),
        language=row.get("language") or detect_language(str(problem)),
    )


def _write_answer(answer: Any) -> Any:
    """Return an answer given as a number as text."""
    number = isinstance(answer, int | float) and not isinstance(answer, bool)
    return str(answer) if number else answer


def _build_seed(place: str, **fields: Any) -> Seed | NoSeed:
    try:
        return Seed(**fields)
    except ValidationError as error:
        wrong = dict.fromkeys(str(each["loc"][0]) for each in error.errors())
        return NoSeed(place=place, fault="invalid", detail=", ".join(wrong))


async def read_task(store: TaskStore, record: TraceRecord) -> Seed | NoSeed:
    """Return the seed in a stored task: its program is in its last checkpoint.

    Args:
        record: the task's line of the trace.
    """
    if record.status != "verified" or record.workflow != WORKFLOW:
        return NoSeed(place=record.task_id, fault="not_verified")
    if not record.question or record.question.startswith(HASH_PREFIX):
        return NoSeed(place=record.task_id, fault="hashed")
    return await read_state(store, record.task_id)


async def read_state(store: TaskStore, task_id: str) -> Seed | NoSeed:
    """Return the seed in a stored task's last checkpoint, whatever the trace keeps of its text."""
    kept = await store.checkpointer.aget_tuple(checkpoint_config(task_id))
    if kept is None:
        return NoSeed(place=task_id, fault="no_state")
    state = cast("TaskState", kept.checkpoint["channel_values"])
    if state.get("status") != "verified":
        return NoSeed(place=task_id, fault="not_verified")
    program = _find_program(state)
    answer = state.get("answer")
    if program is None or answer is None:
        return NoSeed(place=task_id, fault="no_program")
    output = output_of(state, WORKFLOW)
    question = format_problem(state)
    return _build_seed(
        task_id,
        id=task_id,
        problem=question,
        program=program.working,
        answer=answer.written,
        language=state.get("language") or detect_language(question),
        task_id=task_id,
        indicators=[check.name for check in output.checks if check.passed] if output else [],
    )


def _find_program(state: TaskState) -> Attempt | None:
    """Return the program that arrived at the task's answer, the latest if there are several."""
    answer = state.get("answer")
    attempts = [a for a in state.get("attempts", []) if a.route == "program"]
    found = [a for a in attempts if answer and a.answer.written == answer.written]
    return found[-1] if found else None
