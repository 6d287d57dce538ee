"""What the planner sees: the workspace, the actions, and what was done so far."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from ...actions.catalogue import ACTIONS
from ...actions.errors import ActionError
from ...actions.files.ignored import list_visible
from ...actions.spec import Action
from ...actions.workspace import Entry, Workspace
from ...language.messages import Language, say
from ...state import CallResult, FileEffect

MAX_FILES = 30
"""Most files listed."""
BEGINNING_CHARS = 240
"""Characters shown of the beginning of a small text file."""
MAX_BEGINNINGS = 4
"""Most files of which the beginning is shown."""
SMALL_BYTES = 20_000
"""Largest file of which the beginning is shown, in bytes."""
RECENT_RESULTS = 3
"""Number of latest results shown at length."""
RECENT_CHARS = 600
EARLIER_CHARS = 80
DIFF_CHARS = 300
_PATH = re.compile(r"(?:[\w.~-]*/)+[\w.-]*\w|[\w-]+(?:\.[\w-]+)*\.\w{1,5}\b", re.ASCII)
_TEXTS = (".txt", ".md", ".log", ".py")


def list_entries(workspace: Workspace) -> list[Entry]:
    """Return the workspace's files and folders, at most one more than are shown. Blocking."""
    return list(islice(list_visible(workspace, ".", recursive=True), MAX_FILES + 1))


def find_paths(text: str) -> list[str]:
    """Return what looks like a path or a file's name in a text."""
    suffixes = {suffix for action in ACTIONS.values() for suffix in action.suffixes}
    found = dict.fromkeys(_PATH.findall(text))
    return [word for word in found if "/" in word or word.lower().endswith((*suffixes, *_TEXTS))]


def is_named(path: str, task: str) -> bool:
    """Return whether a task names a path, in any folder."""
    return path.rpartition("/")[2] in task


def format_files(
    workspace: Workspace, entries: Sequence[Entry], question: str, language: Language
) -> str:
    """Return a listing of the workspace, with the beginnings of the files that the user names or,
    where there are few, of all. Blocking: call it in a thread."""
    files = [entry for entry in entries if entry.kind == "file"]
    named = [file for file in files if is_named(file.path, question)]
    shown = named or files
    begun = {file.path for file in shown[:MAX_BEGINNINGS]}
    lines = [_format_entry(workspace, entry, entry.path in begun, language) for entry in entries]
    more = [say("act.more_files", language)] if len(entries) > MAX_FILES else []
    return "\n".join([*lines[:MAX_FILES], *more]) or say("act.no_files", language)


def _format_entry(workspace: Workspace, entry: Entry, begun: bool, language: Language) -> str:
    if entry.kind == "folder":
        return f"{entry.path}/"
    line = say("act.file", language, path=entry.path, size=entry.size)
    if not begun or entry.kind != "file" or entry.size > SMALL_BYTES:
        return line
    try:
        text = workspace.read_bytes(entry.path).decode()
    except (ActionError, OSError, UnicodeDecodeError):
        return line
    if "\0" in text:
        return line
    beginning = text.strip()[:BEGINNING_CHARS]
    more = "…" if len(text.strip()) > BEGINNING_CHARS else ""
    return f"{line}{say('act.colon', language)}\n{beginning}{more}"


def format_actions(actions: Iterable[Action[Any, Any]], language: Language) -> str:
    """Return one line for each action: name, parameters, what it does."""
    colon = say("act.colon", language)
    return "\n".join(
        f"- {action.name}({', '.join(action.params.model_fields)}){colon}"
        f"{action.description[language]}"
        for action in actions
    )


def format_results(results: Sequence[CallResult], language: Language) -> str:
    """Return the results, the latest at length, earlier ones in one short line."""
    lines = []
    for place, result in enumerate(results):
        recent = place >= len(results) - RECENT_RESULTS
        lines.append(_format_result(result, RECENT_CHARS if recent else EARLIER_CHARS, language))
    return "\n".join(lines) or "-"


def _format_diff(effect: FileEffect) -> str:
    """Return the changed lines of a file, without the head and the lines around them."""
    lines = [line for line in effect.diff.splitlines() if line[:1] in ("+", "-")]
    shown = [line for line in lines if not line.startswith(("+++", "---"))]
    return "\n".join([effect.path, *shown])[:DIFF_CHARS]


def _format_result(result: CallResult, limit: int, language: Language) -> str:
    about = ", ".join(str(value)[:60] for value in result.params.values())
    status = say(f"act.status.{result.status}", language)
    preview = "\n".join([result.preview, *map(_format_diff, result.effects)])
    if len(preview) > limit:
        preview = f"{preview[:limit]}… (+{len(preview) - limit})"
    return f"{result.id} {result.action}({about}): {status}, {preview}"
