"""A task over files with scripted decisions, for `bench.kills_of_actions`: what it does, what its
files are before and after, and how it is played in a process of its own."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from concertino.actions.catalogue import ACTIONS
from concertino.agents.act import planner
from concertino.agents.act.desk import Desk
from concertino.settings import get_settings
from concertino.state import Call, Done, MiniPlan, Planned, SingleAction
from concertino.tasks.api import alist_tasks, aresume_task, arun_task
from langchain_core.language_models import FakeListChatModel

COMMAND = "sh -c 'for n in 1 2 3; do echo $n >> log.txt; sleep 0.03; done; rm old.txt'"
ROUNDS: Sequence[Sequence[tuple[str, dict[str, Any]]]] = (
    [("file_write", {"path": "new/note.txt", "overwrite": False, "content": "12 apples\n"})],
    [
        ("file_move", {"path": "parts", "to": "kept/parts", "overwrite": False}),
        ("file_edit", {"path": "count.txt", "old": "n = 1", "new": "n = 11"}),
        ("value_set", {"path": "app.toml", "key": "server.port", "value": "9090"}),
    ],
    [("shell_run", {"command": COMMAND})],
    [("file_copy", {"path": "run.sh", "to": "bin/run.sh", "overwrite": False})],
    [("file_delete", {"path": "spare.txt", "folder": False})],
)
"""What the planner wants, one round after the other."""
BEFORE = {
    "app.toml": "[server]\nport = 8080  # http\n",
    "count.txt": "n = 1\n",
    "log.txt": "",
    "old.txt": "old\n",
    "run.sh": "echo run\n",
    "spare.txt": "spare\n",
    **{f"parts/{n}.txt": f"part {n}\n" for n in range(8)},
}
AFTER: dict[str, dict[str, str | None]] = {
    "file_write": {"new/note.txt": "12 apples\n"},
    "file_move": {
        **{f"parts/{n}.txt": None for n in range(8)},
        **{f"kept/parts/{n}.txt": f"part {n}\n" for n in range(8)},
    },
    "file_edit": {"count.txt": "n = 11\n"},
    "value_set": {"app.toml": "[server]\nport = 9090  # http\n"},
    "shell_run": {"log.txt": "1\n2\n3\n", "old.txt": None},
    "file_copy": {"bin/run.sh": "echo run\n"},
    "file_delete": {"spare.txt": None},
}
"""What each action makes of the files; None: there is none."""
EXECUTABLE = ("run.sh", "bin/run.sh")


async def plan_by_results(desk: Desk, offered: Sequence[Any]) -> Planned:
    """Return the next round of the script: the results so far tell which."""
    known = len(desk.results)
    for actions in ROUNDS:
        if known < len(actions):
            break
        known -= len(actions)
    else:
        return Done(reasoning="", outcome="complete", evidence=["r1"], message="The files changed.")
    first = len(desk.results) + 1
    calls = [
        Call(id=f"r{first + n}", action=name, params=params)
        for n, (name, params) in enumerate(actions)
    ]
    if len(calls) == 1:
        return SingleAction(reasoning="", call=calls[0])
    return MiniPlan(reasoning="", goal="all of it", steps=calls)


def approve(approvals: list[dict[str, Any]]) -> str:
    """Approve everything but to run again what may have run already."""
    return "deny" if any(a["digest"].endswith(":again") for a in approvals) else "approve"


def play(home: Path, folder: Path, out: Path) -> None:
    """Play or resume the task of a folder, and write its result. Runs in a process of its own."""
    os.environ.update(CONCERTINO_HOME=str(home), LC_ALL="C")
    get_settings.cache_clear()
    with (
        patch.object(planner, "_plan", plan_by_results),
        patch.object(planner, "shortlist_actions", lambda *_, **__: list(ACTIONS.values())),
    ):
        result = asyncio.run(_play(folder))
    out.write_text(json.dumps(result), encoding="utf-8")


async def _play(folder: Path) -> dict[str, Any]:
    model = FakeListChatModel(responses=["{}"])
    question = f"Work on {folder.name}"
    found = [task for task in await alist_tasks(10_000) if task.question == question]
    if not found:
        return await arun_task(
            question, workflow="act", workspace=folder, model=model, approve=approve
        )
    if found[0].status == "needs_approval":
        return await aresume_task(found[0].task_id, "approve", model=model, approve=approve)
    return await aresume_task(found[0].task_id, model=model, approve=approve)


def lay(folder: Path) -> None:
    """Lay the files of a task."""
    for path, text in BEFORE.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (folder / "run.sh").chmod(0o755)


def read(folder: Path) -> dict[str, str]:
    """Return the files of a folder; executable ones are marked."""
    return {
        path.relative_to(folder).as_posix() + ("*" if os.access(path, os.X_OK) else ""): (
            path.read_text()
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def mark(files: dict[str, str]) -> dict[str, str]:
    """Return files as `read` does."""
    return {f"{path}*" if path in EXECUTABLE else path: text for path, text in files.items()}
