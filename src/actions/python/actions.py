"""Programs over the files of the workspace.

A program works in a copy of the workspace, confined to it, so it may read and write files as any
Python does. What it has changed there is what the action asks for; if it fails, nothing is.
"""

import ast
import importlib.util
import os
import re
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import field_validator

from ...language.messages import say, use_language
from ...tools.sandbox.problems import describe_problem
from ..catalogue import register
from ..confined.run import run_confined
from ..errors import ActionError, TooLarge
from ..files.ignored import list_visible
from ..snapshot import MAX_BYTES, MAX_FILES
from ..spec import Action, ActionContext, Data, Outcome, Params
from ..workspace import Change, Entry, Workspace

SECONDS = 20
_MOST_KEPT = 16_000
_PREVIEW = 560
_FENCE = re.compile(r"^```(?:python)?[ \t]*\n|\n```[ \t]*$")
_REST = "})]\"'` \n"
_MOST_REST = 6
_PREFIX = "concertino_program-"
_LEFT_SECONDS = 3600
"""Age of a copy that nobody works in any more; a program runs for less than a minute."""


class PythonRunParams(Params):
    code: str
    """Python with its standard library; files are opened by their paths. It prints the answer."""

    @field_validator("code")
    @classmethod
    def cut_off_rest(cls, code: str) -> str:
        """Leave out what small models add when they close a program: a fence, a bracket of the
        JSON around it."""
        code = _FENCE.sub("", code.strip())
        for length in range(len(code), max(0, len(code) - _MOST_REST), -1):
            if code[length:].strip(_REST):
                break
            if find_syntax_error(code[:length]) is None:
                return code[:length]
        return code


def find_syntax_error(code: str) -> str | None:
    """Return what is wrong with a program's syntax, or None."""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError) as error:
        return describe_problem(error, code, ())
    return None


def find_missing_module(code: str) -> str | None:
    """Return the first module that a program imports at its beginning and that is not installed."""
    for step in ast.parse(code).body:
        names = [alias.name for alias in step.names] if isinstance(step, ast.Import) else []
        if isinstance(step, ast.ImportFrom) and step.module and not step.level:
            names = [step.module]
        for name in names:
            if importlib.util.find_spec(name.partition(".")[0]) is None:
                return name
    return None


class ProgramResult(Data):
    output: str
    """What the program printed."""
    written: list[str]
    """Files that it has created or changed."""
    deleted: list[str]
    instead: str | None = None
    """The program that was run instead: the one given, with the full-width punctuation of the data
    in place of the half-width one, on which it had failed."""

    def format_preview(self) -> str:
        text = self.output.strip()
        cut = "…" if len(text) > _PREVIEW else ""
        lines = [f"{text[:_PREVIEW]}{cut}"] if text else []
        for kind in ("written", "deleted"):
            if paths := getattr(self, kind):
                lines.append(say(f"act.python.{kind}", paths=", ".join(paths[:10])))
        if self.instead:
            lines.append(say("act.python.widened"))
        return "\n".join(lines) or say("act.python.nothing")


def run_python(params: PythonRunParams, context: ActionContext) -> Outcome[ProgramResult]:
    """Run a program. Blocking."""
    with use_language(context.language):
        _remove_leftovers()
        found, changes = _run_in_copy(params.code, context.workspace)
        instead = found["instead"]
        if instead:
            found, changes = _run_in_copy(instead, context.workspace)
        if found["problem"] is not None:
            raise ActionError(_format_failure(found))
    data = ProgramResult(
        output=found["output"][:_MOST_KEPT],
        written=[change.path for change in changes if change.after is not None],
        deleted=[change.path for change in changes if change.after is None],
        instead=instead,
    )
    return Outcome(data, changes)


def _run_in_copy(code: str, workspace: Workspace) -> tuple[dict[str, Any], tuple[Change, ...]]:
    """Run a program in a copy of the workspace; return what it gave and what it changed there,
    which is nothing if it failed."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        before = _lay_copy(workspace, code, folder)
        found, _ = run_confined(
            "concertino.actions.python.run:run_program",
            {"folder": str(folder), "code": code},
            seconds=SECONDS,
            writable=folder,
        )
        failed = found["problem"] is not None
        return found, () if failed else _collect_changes(before, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers() -> None:
    """Remove copies that a killed process has left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _LEFT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _lay_copy(workspace: Workspace, code: str, folder: Path) -> dict[str, bytes]:
    """Copy the workspace, or of a large one the files that the program names."""
    entries = list(list_visible(workspace, recursive=True))
    files = [entry for entry in entries if entry.kind == "file"]
    if not _is_small(files):
        files = [entry for entry in files if entry.path.rpartition("/")[2] in code]
    if not _is_small(files):
        raise TooLarge(say("act.python.large", most=MAX_BYTES >> 20, files=MAX_FILES))
    contents = {entry.path: workspace.read_bytes(entry.path) for entry in files}
    for entry in entries:
        if entry.kind == "folder":
            (folder / entry.path).mkdir(parents=True, exist_ok=True)
    for path, content in contents.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return contents


def _is_small(files: list[Entry]) -> bool:
    return len(files) <= MAX_FILES and sum(entry.size for entry in files) <= MAX_BYTES


def _collect_changes(before: dict[str, bytes], folder: Path) -> tuple[Change, ...]:
    """Return how the folder differs from what was laid there."""
    after: dict[str, bytes] = {}
    left = 2 * MAX_BYTES
    for at, _, names in os.walk(folder):
        for name in names:
            place = Path(at, name)
            left -= place.stat().st_size
            if left < 0 or len(after) > 2 * MAX_FILES:
                raise TooLarge(say("act.python.large", most=MAX_BYTES >> 20, files=MAX_FILES))
            after[place.relative_to(folder).as_posix()] = place.read_bytes()
    changes = (
        Change(path, before.get(path), after.get(path)) for path in sorted({*before, *after})
    )
    return tuple(change for change in changes if change.before != change.after)


def _format_failure(found: dict[str, str]) -> str:
    said = found["output"].strip()[-200:]
    return say("act.python.failed", reason=f"{found['problem']}\n{said}".strip())


register(
    Action(
        name="python_run",
        description={
            "en": "Compute, compare, count, sort, convert or rewrite files with a Python program",
            "zh": "用 Python 程序计算、比较、统计、排序、转换或改写文件",
        },
        params=PythonRunParams,
        data=ProgramResult,
        effect="read",  # in itself; the policy sees the changes that it asks for
        may_change=True,
        run=run_python,
        timeout=SECONDS + 40.0,
    )
)
