"""Effects, exactly once: recorded before they happen and after, finished after a crash, undone on
request.

A process may die at any point. Before a file is touched, the intent is recorded with the contents
before and after. Who finds an intent without a result looks at each file: as after, it has
happened; as before, it is done now; neither, somebody else has changed it, and it is left alone.

What a command will change is not known before. Its intent has all files of the workspace instead,
and what it has changed is found by comparing, whether it ended, was stopped, or died.
"""

import asyncio
import difflib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..language.messages import Language, say
from ..state import CallResult, FileEffect
from ..store.effects import EffectLog, EffectRow
from .errors import ActionError, Conflict
from .snapshot import Snapshot, find_changes, take_snapshot
from .versions import Versions
from .workspace import Change, StoredFile, Workspace, digest

MAX_DIFF_CHARS = 2000
"""Longest diff kept in a result, in characters."""
MAX_COMPARED_BYTES = 200_000
"""Longest text that is compared line by line, in bytes: the time grows with its square."""


class PlannedChange(BaseModel):
    """A change in an intent; the contents are kept in `Versions` by their digests."""

    model_config = ConfigDict(frozen=True)

    path: str
    before: str | None
    after: str | None
    before_mode: int | None = None
    """Permissions of the file before."""
    mode: int | None = None
    """Permissions of the file afterwards; None: as before, or the usual ones."""


class SeenFile(BaseModel):
    """A file that was there before a command ran; its content is kept in `Versions`."""

    model_config = ConfigDict(frozen=True)

    digest: str
    mode: int


class Intent(BaseModel):
    """What a call is about to do."""

    model_config = ConfigDict(frozen=True)

    action: str
    params: dict[str, Any]
    digest: str
    """Digest of the request, see `policy.Request`."""
    changes: list[PlannedChange] = []
    data: dict[str, Any] = {}
    """What the action found, reported once the changes are made."""
    seen: dict[str, SeenFile] | None = None
    """Files of the workspace before a command, by path; None: too many to compare, or not looked
    at yet."""
    latest: float | None = None
    """When the command must have ended at the latest, in seconds since 1970."""
    result: CallResult | None = None
    """Set once the effect has happened."""


async def begin(
    log: EffectLog,
    versions: Versions,
    workspace: Workspace,
    call_id: str,
    intent: Intent,
    changes: Sequence[Change],
) -> Intent:
    """Record an intent with the contents that it changes.

    Returns:
        The intent with its changes.
    """
    kept = await asyncio.to_thread(_keep, versions, workspace, changes)
    whole = intent.model_copy(update={"changes": kept})
    await log.begin(call_id, whole.model_dump(mode="json"))
    return whole


def _keep(
    versions: Versions, workspace: Workspace, changes: Sequence[Change]
) -> list[PlannedChange]:
    return [
        PlannedChange(
            path=change.path,
            before=versions.keep(change.before),
            after=versions.keep(change.after),
            before_mode=None if change.before is None else workspace.find_mode(change.path),
            mode=change.mode,
        )
        for change in changes
    ]


def keep_snapshot(versions: Versions, snapshot: Snapshot | None) -> dict[str, SeenFile] | None:
    """Keep the contents of a snapshot's files. Blocking: call it in a thread."""
    if snapshot is None:
        return None
    return {
        path: SeenFile(digest=str(versions.keep(file.content)), mode=file.mode)
        for path, file in snapshot.items()
        if isinstance(file, StoredFile)
    }


def find_made(
    intent: Intent, workspace: Workspace, versions: Versions, *, died: bool
) -> list[PlannedChange]:
    """Return what a command has changed since its intent. Blocking: call it in a thread.

    Args:
        died: whether nobody saw it end: then files that were changed after it must have ended are
            somebody else's.
    """
    now = take_snapshot(workspace) if intent.seen is not None else None
    if intent.seen is None or now is None:
        return []
    seen = {
        path: StoredFile(versions.load(file.digest) or b"", file.mode, 0)
        for path, file in intent.seen.items()
    }
    changes = find_changes(seen, now)
    if died:
        changes = [change for change in changes if not _is_later(now.get(change.path), intent)]
    return [
        PlannedChange(
            path=change.path,
            before=versions.keep(change.before),
            after=versions.keep(change.after),
            before_mode=seen[change.path].mode if change.path in seen else None,
            mode=change.mode,
        )
        for change in changes
    ]


def _is_later(file: StoredFile | str | None, intent: Intent) -> bool:
    return (
        isinstance(file, StoredFile) and intent.latest is not None and file.modified > intent.latest
    )


async def carry_out(
    workspace: Workspace, versions: Versions, changes: Iterable[PlannedChange], language: Language
) -> AsyncIterator[FileEffect]:
    """Make the changes that have not been made yet, one after the other, and read each back.

    Raises:
        Conflict: a file is neither as before nor as after.
    """
    for change in changes:
        yield await asyncio.to_thread(_make_change, workspace, versions, change, language)


def _make_change(
    workspace: Workspace, versions: Versions, change: PlannedChange, language: Language
) -> FileEffect:
    before = versions.load(change.before)
    after = versions.load(change.after)
    found = digest(workspace.find_content(change.path))
    if found not in (change.before, change.after):
        raise Conflict(say("act.changed_meanwhile", language, path=change.path))
    if found != change.after:
        workspace.apply(Change(change.path, before, after, change.mode))
    if digest(workspace.find_content(change.path)) != change.after:
        raise Conflict(say("act.not_read_back", language, path=change.path))
    return _describe(change, before, after, language)


def describe_made(
    versions: Versions, changes: Sequence[PlannedChange], language: Language
) -> list[FileEffect]:
    """Return changes that have been made as effects. Blocking: call it in a thread."""
    return [
        _describe(change, versions.load(change.before), versions.load(change.after), language)
        for change in changes
    ]


def clear_up(workspace: Workspace, versions: Versions, changes: Sequence[PlannedChange]) -> None:
    """Remove what a killed process has left beside the files that it was changing. Blocking: call
    it in a thread."""
    names = {name for change in changes for name in (change.before, change.after)}

    def is_ours(content: bytes) -> bool:
        return digest(content) in names or any(
            (versions.load(name) or b"").startswith(content) for name in names
        )

    for path in {change.path.rpartition("/")[0]: change.path for change in changes}.values():
        workspace.remove_leftovers(path, is_ours)


def _describe(
    change: PlannedChange, before: bytes | None, after: bytes | None, language: Language
) -> FileEffect:
    return FileEffect(
        path=change.path,
        before=change.before,
        after=change.after,
        diff=format_diff(Change(change.path, before, after), language),
    )


async def undo(
    log: EffectLog, workspace: Workspace, versions: Versions, language: Language
) -> tuple[list[str], list[str]]:
    """Take back the effects of a task, the latest first.

    Returns:
        Paths that are as they were, and paths that were left alone because somebody has changed
        them since.
    """
    restored: list[str] = []
    left: list[str] = []
    for row in reversed(await log.list_rows()):
        if row.state == "undone":
            continue
        mine = await asyncio.to_thread(_undo_row, row, workspace, versions)
        restored += mine[0]
        left += mine[1]
        if not mine[1]:
            await log.mark_undone(row.call_id, row.record)
    return list(dict.fromkeys(restored)), list(dict.fromkeys(left))


def _undo_row(
    row: EffectRow, workspace: Workspace, versions: Versions
) -> tuple[list[str], list[str]]:
    restored: list[str] = []
    left: list[str] = []
    intent = Intent.model_validate(row.record)
    changes = intent.changes or find_made(intent, workspace, versions, died=True)
    clear_up(workspace, versions, changes)
    for change in reversed(changes):
        try:
            mine = _undo_change(change, workspace, versions)
        except ActionError:  # there is a folder or a link now
            mine = False
        (restored if mine else left).append(change.path)
    return restored, left


def _undo_change(change: PlannedChange, workspace: Workspace, versions: Versions) -> bool:
    """Take back one change. Returns False if somebody has changed the file since."""
    found = digest(workspace.find_content(change.path))
    if found == change.after != change.before:
        old = versions.load(change.before)
        new = versions.load(change.after)
        workspace.apply(Change(change.path, new, old, change.before_mode))
        return True
    return found == change.before


def format_diff(change: Change, language: Language) -> str:
    """Return a change as a unified diff, shortened; one line if it is not text."""
    old = change.before or b""
    new = change.after or b""
    summary = say("act.large_change", language, path=change.path, before=len(old), after=len(new))
    if max(len(old), len(new)) > MAX_COMPARED_BYTES:
        return summary
    try:
        before = old.decode()
        after = new.decode()
    except UnicodeDecodeError:
        return summary
    lines = difflib.unified_diff(
        before.splitlines(),
        after.splitlines(),
        change.path if change.before is not None else "/dev/null",
        change.path if change.after is not None else "/dev/null",
        lineterm="",
        n=1,
    )
    text = "\n".join(lines)
    return text if len(text) <= MAX_DIFF_CHARS else f"{text[:MAX_DIFF_CHARS]}\n…"
