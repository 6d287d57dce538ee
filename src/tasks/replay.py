"""Runs questions through several workflows, so that their traces tell which one is best for each.

A run is noted when it starts and when it ends, beside the file of questions. So a replay that was
stopped goes on where it was: what has ended is not done again, and what was under way is resumed.
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
    """A line of the file of questions."""

    question: str = Field(min_length=1)
    inputs: dict[str, Any] = Field(default_factory=dict)
    workflows: list[str] = Field(default_factory=list)
    """Empty takes those that the replay is told to try."""
    answer: str | None = Field(None, pattern=r"\S")
    """The right one, where it is known: a value, or words that are in a right text."""


class ReplayRun(NamedTuple):
    """A question, once through one workflow."""

    asked: ReplayQuestion
    workflow: str
    number: int
    """Of the runs of this question through this workflow, from 1."""

    @property
    def key(self) -> str:
        """Is the same for the same run, also after lines were added to the file."""
        parts = [self.asked.question, self.asked.inputs, self.workflow, self.number]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class ReplayNote(Contract):
    """A line of the notes."""

    run: str
    task_id: str
    status: str
    """`started`, or what the task ended with."""


RunCallback = Callable[[int, int, ReplayRun, str], object]
"""Called after each run with how many have ended, how many there are, the run and its status."""


async def replay(
    path: Path,
    workflows: Sequence[str] = (),
    times: int = 1,
    *,
    model: str | None = None,
    ended: RunCallback | None = None,
) -> dict[str, int]:
    """Run each question of a JSONL file through each of the workflows. Where a line gives the right
    answer, the reward takes in whether it was found.

    Args:
        workflows: those to try; empty tries all that take the question. A line may name its own.
        times: how often each.
        model: a model or provider by name; None takes the settings'.
        ended: is told of each run.

    Returns:
        How many runs ended how, those of earlier replays of the file included.

    Raises:
        InvalidTask: a line cannot be worked on; nothing has been run then.
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
    """What has been run so far, in a file that is only added to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._latest: dict[str, ReplayNote] = {}
        for line in path.read_bytes().splitlines() if path.exists() else []:
            with suppress(ValidationError):  # the last line may be torn
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
    """Start a run, or go on with it, and say how it ended."""
    from .api import aresume_task, arun_task

    noted = notes.find(run)
    if noted and noted.status not in UNFINISHED:
        return noted.status
    result: dict[str, Any] | None = None
    if noted:
        with suppress(UnknownTask):
            result = await aresume_task(noted.task_id, model=model)

    def started(event: Event) -> None:
        if event["type"] == "started":
            notes.add(run, event["task_id"], "started")

    result = result or await arun_task(
        run.asked.question,
        workflow=run.workflow,
        inputs=run.asked.inputs,
        model=model,
        on_event=started,
    )
    if run.asked.answer is not None:
        await _compare_answer(result, run.asked.answer)
    notes.add(run, result["task_id"], result["status"])
    return str(result["status"])


async def _compare_answer(result: dict[str, Any], answer: str) -> None:
    """Let a task's reward take in whether its answer is the right one: a value that means the same,
    or a text that has it in words or numbers of its own."""
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
    """All runs, those of one question one after the other.

    Raises:
        InvalidTask: there is no such workflow, or none that takes the inputs.
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
    """The lines of the file.

    Raises:
        InvalidTask: it cannot be read, or one of them is no question.
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
    """The notes, which no other process adds to meanwhile.

    Raises:
        TaskBusy: another one does.
    """
    try:
        with FileLock(f"{path}.lock", timeout=0):
            yield _ReplayNotes(path)
    except Timeout as error:
        raise TaskBusy(say("replay.busy", path=path)) from error
