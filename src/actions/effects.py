"""Effects, exactly once: recorded before they happen and after, finished after a crash, undone on
request.

A process may die at any point. Before a file is touched, the intent is recorded with the contents
before and after. Who finds an intent without a result looks at each file: as after, it has
happened; as before, it is done now; neither, somebody else has changed it, and it is left alone.
"""

import asyncio
import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..language.messages import Language, say
from ..state import CallResult, FileEffect
from ..store.effects import EffectLog, EffectRow
from .errors import Conflict
from .versions import Versions
from .workspace import Change, Workspace, digest

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
    result: CallResult | None = None
    """Set once the effect has happened."""

    def with_made(self, effects: Sequence[FileEffect]) -> "Intent":
        """Return the intent of an action that acts by itself, with the changes that it has made."""
        made = [PlannedChange(path=e.path, before=e.before, after=e.after) for e in effects]
        return self.model_copy(update={"changes": made})


async def begin(
    log: EffectLog, versions: Versions, call_id: str, intent: Intent, changes: Sequence[Change]
) -> Intent:
    """Record an intent with the contents that it changes.

    Returns:
        The intent with its changes.
    """
    kept = await asyncio.to_thread(_keep, versions, changes)
    whole = intent.model_copy(update={"changes": kept})
    await log.begin(call_id, whole.model_dump(mode="json"))
    return whole


def _keep(versions: Versions, changes: Sequence[Change]) -> list[PlannedChange]:
    return [
        PlannedChange(
            path=change.path,
            before=versions.keep(change.before),
            after=versions.keep(change.after),
        )
        for change in changes
    ]


async def carry_out(
    workspace: Workspace, versions: Versions, changes: Iterable[PlannedChange], language: Language
) -> list[FileEffect]:
    """Make the changes that have not been made yet, and read each back.

    Raises:
        Conflict: a file is neither as before nor as after.
    """
    return [
        await asyncio.to_thread(_make_change, workspace, versions, change, language)
        for change in changes
    ]


def _make_change(
    workspace: Workspace, versions: Versions, change: PlannedChange, language: Language
) -> FileEffect:
    before = versions.load(change.before)
    after = versions.load(change.after)
    found = digest(workspace.find_content(change.path))
    if found not in (change.before, change.after):
        raise Conflict(say("act.changed_meanwhile", language, path=change.path))
    if found != change.after:
        workspace.apply(Change(change.path, before, after))
    if digest(workspace.find_content(change.path)) != change.after:
        raise Conflict(say("act.not_read_back", language, path=change.path))
    return _describe(change, before, after, language)


async def describe_made(
    versions: Versions, changes: Sequence[Change], language: Language
) -> list[FileEffect]:
    """Keep the contents of changes that have been made, and return them as effects."""
    kept = await asyncio.to_thread(_keep, versions, changes)
    pairs = zip(kept, changes, strict=True)
    return [_describe(planned, made.before, made.after, language) for planned, made in pairs]


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
    for change in reversed(Intent.model_validate(row.record).changes):
        found = digest(workspace.find_content(change.path))
        if found == change.after != change.before:
            back = Change(change.path, versions.load(change.after), versions.load(change.before))
            workspace.apply(back)
        elif found != change.before:
            left.append(change.path)
            continue
        restored.append(change.path)
    return restored, left


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
