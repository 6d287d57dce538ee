"""Runs questions through several workflows, so that their traces show the best one for each.

Each run is recorded when it starts and ends, in a file next to the questions. So a stopped replay
continues where it was: finished runs are not repeated, and unfinished ones are resumed.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from ..errors import InvalidTask, TaskBusy, UnknownTask
from ..language.messages import say
from ..settings import get_settings
from ..state import Contract, TaskInput
from ..store.open import open_store
from ..tasks.events import Event

UNFINISHED = frozenset({"started", "failed", "interrupted"})


class ReplayQuestion(Contract):
    """A line of the questions file."""

    question: str = Field(min_length=1)
    inputs: dict[str, Any] = Field(default_factory=dict)
    workflows: list[str] = Field(default_factory=list)
    """Workflows to try; empty uses those passed to `replay`."""
    answer: str | None = Field(None, pattern=r"\S")
    """The correct answer, if known: a value, or words that a correct text contains."""


class ReplayRun(NamedTuple):
    """One run of a question through one workflow."""

    asked: ReplayQuestion
    workflow: str
    number: int
    """Number of this run for the same question and workflow, from 1."""

    @property
    def key(self) -> str:
        """Stable id of the run, unaffected by lines added to the questions file."""
        parts = [self.asked.question, self.asked.inputs, self.workflow, self.number]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class ReplayNote(Contract):
    """A line of the notes file."""

    run: str
    task_id: str
    status: str
    """`started`, or the task's final status."""


RunCallback = Callable[[int, int, ReplayRun, str], object]
"""Called after each run with the number finished, the total, the run and its status."""


async def replay(
    path: Path,
    workflows: Sequence[str] = (),
    times: int = 1,
    *,
    model: str | None = None,
    ended: RunCallback | None = None,
) -> dict[str, int]:
    """Run each question of a JSONL file through each of the workflows. If a line gives the correct
    answer, the reward includes whether it was found.

    Args:
        workflows: workflows to try; empty tries all that accept the question. A line may name its
            own.
        times: runs per question and workflow.
        model: a model or provider by name; None uses the settings.
        ended: called after each run.

    Returns:
        Number of runs by status, including earlier replays of the file.

    Raises:
        InvalidTask: a line is invalid; nothing has been run.
        TaskBusy: the file is being replayed by another process.
        ConcertinoError: tasks cannot be stored.
    """
    runs = _plan_runs(_read(path), workflows, times)
    outcomes: dict[str, int] = {}
    with _open_notes(path.with_name(f"{path.name}.runs")) as notes:
        for done, run in enumerate(runs, start=1):
            status = await _play_run(run, notes, model)
            outcomes[status] = outcomes.get(status, 0) + 1
            if ended:
                ended(done, len(runs), run, status)
    return outcomes


class _ReplayNotes:
    """Record of all runs so far, in an append-only file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._latest: dict[str, ReplayNote] = {}
        for line in path.read_bytes().splitlines() if path.exists() else []:
            with suppress(ValidationError):  # the last line may be incomplete
                noted = ReplayNote.model_validate_json(line)
                self._latest[noted.run] = noted

    def find(self, run: ReplayRun) -> ReplayNote | None:
        return self._latest.get(run.key)

    def add(self, run: ReplayRun, task_id: str, status: str) -> None:
        noted = ReplayNote(run=run.key, task_id=task_id, status=status)
        with self._path.open("ab") as file:
            file.write(b"\n" + noted.model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        self._latest[noted.run] = noted


async def _play_run(run: ReplayRun, notes: _ReplayNotes, model: str | None) -> str:
    """Start or continue a run and return its final status."""
    from .api import aresume_task, arun_task

    noted = notes.find(run)
    if noted and noted.status not in UNFINISHED:
        return noted.status
    result: dict[str, Any] | None = None
    if noted:
        with suppress(UnknownTask):
            result = await aresume_task(noted.task_id, model=model)

    def note_start(event: Event) -> None:
        if event["type"] == "started":
            notes.add(run, event["task_id"], "started")

    result = result or await arun_task(
        run.asked.question,
        workflow=run.workflow,
        inputs=run.asked.inputs,
        model=model,
        on_event=note_start,
    )
    if run.asked.answer is not None:
        await _compare_answer(result, run.asked.answer)
    notes.add(run, result["task_id"], result["status"])
    return str(result["status"])


async def _compare_answer(result: dict[str, Any], answer: str) -> None:
    """Record in a task's reward whether its answer is correct: an equivalent value, or a text that
    contains the answer as separate words or numbers."""
    from ..context import get_sandbox
    from ..tools.answers import is_same_answer
    from .ending import record_comparison

    if value := result["answer"]:
        correct = await is_same_answer(get_sandbox(), value["exact"], answer)
    else:
        words = re.escape(answer.strip())
        alone = rf"(?<![0-9A-Za-z])(?<![0-9][.,]){words}(?![0-9A-Za-z]|[.,][0-9])"
        correct = bool(re.search(alone, result["final_answer"] or "", re.IGNORECASE))
    async with open_store(get_settings().place) as store:
        await record_comparison(store, result["task_id"], correct=correct)


def _plan_runs(
    asked: Sequence[ReplayQuestion], workflows: Sequence[str], times: int
) -> list[ReplayRun]:
    """Return all runs, grouped by question.

    Raises:
        InvalidTask: there is no such workflow, or none that accepts the inputs.
    """
    from ..graphs.coordinator import check_input, check_workflow
    from ..graphs.registry import WORKFLOWS

    runs = []
    for one in asked:
        task: TaskInput = {"question": one.question, "inputs": one.inputs}
        check_input(task)
        for name in one.workflows or workflows or WORKFLOWS:
            flow = WORKFLOWS[check_workflow(name) or name]
            if set(one.inputs) <= set(flow.inputs.model_fields) and flow.may_be_chosen(
                {"question": one.question, "inputs": one.inputs}
            ):
                runs += [ReplayRun(one, name, number) for number in range(1, times + 1)]
    return runs


def _read(path: Path) -> list[ReplayQuestion]:
    """Read the questions file.

    Raises:
        InvalidTask: the file cannot be read, or a line is not a valid question.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidTask(say("replay.unreadable", path=path, reason=error)) from error
    asked = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                asked.append(ReplayQuestion.model_validate_json(line))
            except ValidationError as error:
                raise InvalidTask(say("replay.bad_line", path=path, number=number)) from error
    return asked


@contextmanager
def _open_notes(path: Path) -> Iterator[_ReplayNotes]:
    """Open the notes exclusively for this process.

    Raises:
        TaskBusy: another process has them open.
    """
    try:
        with FileLock(f"{path}.lock", timeout=0):
            yield _ReplayNotes(path)
    except Timeout as error:
        raise TaskBusy(say("replay.busy", path=path)) from error
