"""Scenarios: whole checks of tasks over files, written as YAML.

A scenario lays a workspace afresh, plays one or more turns of a thread in it, and looks at the
status, the answer, the calls, and the files themselves.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..actions.policy import Mode
from ..errors import ConcertinoError, InvalidTask
from ..language.messages import Language, say
from ..models.structured import format_validation_error
from ..state import Usage
from .api import resume_task, run_task
from .play import Model

DONE = ("verified", "unverified")
VERIFY_SECONDS = 60


class Part(BaseModel):
    """Base of the parts of a scenario: unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Copy(Part):
    """A file to copy into the workspace."""

    source: str = Field(alias="from")
    """Relative to the scenario's file."""
    to: str


class Laid(Part):
    """What lies in the workspace, and beside it."""

    files: dict[str, str] = {}
    """Texts by relative path."""
    copies: list[Copy] = []
    outside: dict[str, str] = {}
    """Files beside the workspace, which must stay out of reach."""
    links: dict[str, str] = {}
    """Symbolic links in the workspace, with their targets."""


class Expected(Part):
    """What must be true after a turn."""

    status: Literal["done", "needs_input", "needs_approval"] | None = None
    answer_contains: list[str] = []
    answer_not_contains: list[str] = []
    actions_contains: list[str] = []
    max_rounds: int | None = None
    max_approvals: int | None = None
    max_errors: int | None = None


class Verify(Part):
    """A check of the files, run in the workspace by this interpreter."""

    python: str


class Turn(Part):
    """What the user says; after a turn that waits, it is the answer."""

    input: str
    expect: Expected = Expected()
    verify: list[Verify] = []


class Scenario(Part):
    """One whole check."""

    version: Literal[1]
    name: str
    language: Language = "en"
    mode: Mode = "workspace"
    approve_all: bool = False
    workspace: Laid = Laid()
    turns: list[Turn] = Field(min_length=1)
    folder: Path = Path()
    """Folder of the scenario's file."""


class ScenarioOutcome(Part):
    """How a scenario went."""

    name: str
    passed: bool
    rounds: int
    """Plans made."""
    calls: int
    """Calls of actions."""
    prompt_tokens: int
    output_tokens: int
    seconds: float
    faults: list[str]
    """Why it failed, one line each."""
    task_ids: list[str]


def load_scenarios(path: Path) -> list[Scenario]:
    """Return the scenarios of a YAML file or of all YAML files in a folder.

    Raises:
        InvalidTask: there is none, or one is malformed.
    """
    files = [path] if path.is_file() else sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")])
    if not files:
        raise InvalidTask(say("scenario.none", path=path))
    return [_load(file) for file in files]


def _load(file: Path) -> Scenario:
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
    except ImportError as error:
        raise ConcertinoError(say("act.not_installed", reason=error)) from error
    try:
        data: dict[str, Any] = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        return Scenario.model_validate({**data, "folder": file.parent})
    except ValidationError as error:
        raise InvalidTask(
            say("scenario.invalid", path=file, reason=format_validation_error(error))
        ) from error
    except (YAMLError, UnicodeDecodeError, TypeError) as error:
        raise InvalidTask(say("scenario.invalid", path=file, reason=error)) from error


def run_scenario(scenario: Scenario, *, model: Model = None) -> ScenarioOutcome:
    """Play a scenario in a temporary folder, and check it."""
    started = time.perf_counter()
    folder = Path(tempfile.mkdtemp(prefix="concertino_scenario-"))
    faults: list[str] = []
    results: list[dict[str, Any]] = []
    try:
        root = lay_workspace(scenario, folder)
        for number, turn in enumerate(scenario.turns, 1):
            result = _play_turn(scenario, turn, results, root, model)
            results.append(result)
            found = [*check_turn(turn.expect, result), *verify_files(turn, root)]
            faults += [f"{number}: {fault}" for fault in found]
            if found:
                break
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _sum_up(scenario.name, results, faults, time.perf_counter() - started)


def lay_workspace(scenario: Scenario, folder: Path) -> Path:
    """Lay the scenario's files.

    Returns:
        The workspace, a folder inside `folder`.
    """
    laid = scenario.workspace
    root = folder / "workspace"
    root.mkdir()
    for path, text in laid.files.items():
        _write(root / path, text)
    for path, text in laid.outside.items():
        _write(folder / path, text)
    for copy in laid.copies:
        (root / copy.to).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(scenario.folder / copy.source, root / copy.to)
    for path, target in laid.links.items():
        (root / path).symlink_to(target)
    return root


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _play_turn(
    scenario: Scenario, turn: Turn, earlier: list[dict[str, Any]], root: Path, model: Model
) -> dict[str, Any]:
    approve = (lambda approvals: "approve") if scenario.approve_all else None
    last = earlier[-1] if earlier else None
    if last and last["status"] in ("needs_input", "needs_approval"):
        return resume_task(last["task_id"], turn.input, model=model, approve=approve)
    return run_task(
        turn.input,
        workflow="act",
        thread_id=last["thread_id"] if last else None,
        workspace=root,
        mode=scenario.mode,
        model=model,
        approve=approve,
    )


def check_turn(expected: Expected, result: dict[str, Any]) -> list[str]:
    """Return what is not as expected after a turn, one line each."""
    said = " ".join(filter(None, [result["final_answer"], result["input_request"]]))
    status = "done" if result["status"] in DONE else result["status"]
    calls = result["call_results"]
    faults = []
    if expected.status and status != expected.status:
        faults.append(f"status {result['status']} ({result['error'] or said[:80]})")
    faults += [
        f"no {text!r} in {said[:160]!r}" for text in expected.answer_contains if text not in said
    ]
    faults += [f"{text!r} in the answer" for text in expected.answer_not_contains if text in said]
    used = {call["action"] for call in calls}
    faults += [f"{name} was not used" for name in expected.actions_contains if name not in used]
    counts = {
        "max_rounds": _count(result, "planner"),
        "max_approvals": _count(result, "approve") + (status == "needs_approval"),
        "max_errors": sum(call["status"] != "done" for call in calls),
    }
    for name, count in counts.items():
        limit = getattr(expected, name)
        if limit is not None and count > limit:
            faults.append(f"{name}: {count} > {limit}")
    return faults


def _count(result: dict[str, Any], actor: str) -> int:
    return sum(record["actor"] == actor for record in result["iteration_history"])


def verify_files(turn: Turn, root: Path) -> list[str]:
    """Run a turn's checks of the files; return what is wrong, one line each."""
    faults = []
    for check in turn.verify:
        ran = subprocess.run(  # noqa: S603  (the scenario's author wrote it)
            [sys.executable, "-c", check.python],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=VERIFY_SECONDS,
            check=False,
        )
        if ran.returncode:
            faults.append((ran.stderr.strip().splitlines() or ["verify"])[-1][:300])
    return faults


def _sum_up(
    name: str, results: list[dict[str, Any]], faults: list[str], seconds: float
) -> ScenarioOutcome:
    last = {result["task_id"]: result for result in results}  # a resumed task counts once
    usage = sum((Usage(**result["usage"]) for result in last.values()), Usage())
    return ScenarioOutcome(
        name=name,
        passed=not faults,
        rounds=sum(_count(result, "planner") for result in last.values()),
        calls=sum(len(result["call_results"]) for result in last.values()),
        prompt_tokens=usage.prompt_tokens,
        output_tokens=usage.output_tokens,
        seconds=round(seconds, 1),
        faults=faults,
        task_ids=list(last),
    )
