"""What is in a workspace before a command runs, so that what it changes is found, recorded and
undone, however it ends."""

from collections.abc import Mapping

from .errors import ActionError
from .workspace import TEMPORARY, Change, Entry, StoredFile, Workspace

MAX_FILES = 2000
MAX_BYTES = 64 << 20
"""Largest workspace that is compared, or copied for a program, in files and in bytes."""

Snapshot = dict[str, StoredFile | str]
"""Files by path; for what is not a file that can be read, its kind."""


def take_snapshot(workspace: Workspace) -> Snapshot | None:
    """Return what is in a workspace; None if it is too much. Blocking: call it in a thread."""
    found: Snapshot = {}
    left = MAX_BYTES
    for entry in workspace.list_entries(recursive=True, skip=_is_temporary):
        if entry.kind == "folder":
            continue
        left -= entry.size
        if left < 0 or len(found) == MAX_FILES:
            return None
        found[entry.path] = entry.kind
        if entry.kind == "file":
            try:
                found[entry.path] = workspace.read_file(entry.path)
            except (ActionError, OSError):
                continue  # it may not be read, or is gone
    return found


def _is_temporary(entry: Entry) -> bool:
    return entry.path.rpartition("/")[2].startswith(TEMPORARY)


def find_changes(before: Mapping[str, StoredFile | str], after: Snapshot) -> list[Change]:
    """Return the changes that lead from one snapshot to a later one."""
    changes = []
    for path in sorted(before.keys() | after):
        old = before.get(path)
        new = after.get(path)
        content = new.content if isinstance(new, StoredFile) else None
        replaced = old.content if isinstance(old, StoredFile) else None
        if content != replaced:
            mode = new.mode if isinstance(new, StoredFile) else None
            changes.append(Change(path, replaced, content, mode))
    return changes
