"""Undoing a task: restore the files that it has changed."""

import asyncio
from pathlib import Path

from ..actions.effects import undo
from ..actions.versions import Versions
from ..actions.workspace import Workspace
from ..errors import InvalidTask
from ..language.messages import default_language, say
from ..settings import get_settings
from ..store.base import TaskStore
from ..store.effects import EffectLog
from .play import check_workspace


async def undo_effects(store: TaskStore, task_id: str) -> dict[str, list[str]]:
    """Restore the files that a task has changed.

    Returns:
        `restored`: paths that are as before the task. `left`: paths that somebody has changed
        since, and that were left alone.

    Raises:
        UnknownTask: the task is not stored here.
        TaskBusy: it is still running.
        InvalidTask: it has no workspace, or that is gone.
    """
    await store.get(task_id)
    folder = (await store.task_input(task_id)).get("workspace")
    if not folder:
        raise InvalidTask(say("act.workspace.none"))
    async with store.claim(task_id) as own:
        workspace = await asyncio.to_thread(Workspace, check_workspace(Path(folder)))
        versions = Versions(get_settings().effects_of(task_id) / "versions")
        log = EffectLog(own, task_id)
        restored, left = await undo(log, workspace, versions, default_language())
    return {"restored": restored, "left": left}


async def is_undone(store: TaskStore, task_id: str) -> bool:
    """Return whether a task has changed files, and all of them were restored."""
    rows = await EffectLog(store, task_id).list_rows()
    return bool(rows) and all(row.state == "undone" for row in rows)
