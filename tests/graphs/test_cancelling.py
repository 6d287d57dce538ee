"""A task that is cancelled in the middle of a plan leaves no process and no unrecorded effect."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from concertino.tasks.api import alist_tasks, aresume_task, arun_task, aundo_task
from concertino.tools.sandbox import default_sandbox, find_command_obstacle

from tests.model_server import PATIENCE
from tests.scripted_model import ScriptedModel, done, next_action, plan

Scripted = Callable[..., ScriptedModel]

pytestmark = pytest.mark.skipif(
    find_command_obstacle() is not None, reason="needs commands that can be confined"
)

FOREVER = "SELECT count(*) FROM range(1000000000000) a, range(1000000) b WHERE a.range > 1"
PROGRAM = ("python_run", {"code": "while True: pass"})
QUERY = ("table_query", {"sql": FOREVER})
COMMAND = ("shell_run", {"command": "python3 job.py"})
WRITE = {"path": "note.txt", "overwrite": False, "content": "12"}
SOON = 10
"""Seconds, fewer than any of these calls may take."""
JOB = """
import os, time
os.remove("old.txt")
with open("made.txt", "w") as file:
    file.write("half")
if os.fork() == 0:
    os.setsid()
time.sleep(1000)
"""


@pytest.fixture(autouse=True)
def offer_all_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("concertino.agents.act.shortlist.MAX_ACTIONS", 100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "job.py").write_text(JOB)
    (root / "old.txt").write_text("old")
    (root / "sales.csv").write_text("city,amount\nParis,12\n")
    (root / "old.txt").chmod(0o755)
    return root


EARLIER: set[int] = set()
"""Processes that earlier tests have left running, such as servers of worker processes."""


@pytest.fixture(autouse=True)
def note_earlier_processes() -> None:
    EARLIER.clear()
    EARLIER.update(find_processes())


def find_processes() -> dict[int, str]:
    """All descendants of this process, with their command lines, but the sandbox's server and what
    ran before."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                if status[0] != "Z":
                    parents[int(entry.name)] = int(status[1])
    mine = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= more
    mine -= {os.getpid(), default_sandbox().server_pid or 0, *EARLIER}
    return {pid: _read_command(pid) for pid in mine}


def _read_command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


async def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come about; {find_processes()}"
        await asyncio.sleep(0.01)


async def cancel_when(work: Coroutine[Any, Any, Any], condition: Callable[[], bool]) -> None:
    """Begin a task, and cancel it once something is true."""
    running = asyncio.ensure_future(work)
    await wait_until(lambda: condition() or running.done())
    assert not running.done(), running.result()["call_results"]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def act(
    scripted: Scripted, folder: Path, *calls: tuple[str, dict[str, Any]]
) -> tuple[ScriptedModel, Coroutine[Any, Any, Any]]:
    """A task that plans these calls, and its model."""
    model = scripted(
        act_next=[next_action(n) for n in ("shell_run", "file_write", "plan", "done")],
        act_params=[{"command": "true"}, WRITE],
        act_plan=[plan(*calls)],
        act_done=[done("Some of it was done.", "r1", outcome="partial")],
    )
    work = arun_task(
        "Query the table sales.csv, compute with Python, run the program job.py, write a new file",
        workflow="act",
        workspace=folder,
        model=model,
        inputs={"plans": True},
        approve=lambda asked: "approve all",
    )
    return model, work


@pytest.mark.parametrize(
    ("call", "sign"),
    [(PROGRAM, "confined.child"), (QUERY, "confined.child"), (COMMAND, "python3 job.py")],
)
async def test_no_process_stays_behind(
    scripted: Scripted, folder: Path, call: tuple[str, dict[str, Any]], sign: str
) -> None:
    def runs() -> bool:
        return (folder / "note.txt").exists() and sign in " ".join(find_processes().values())

    assert not find_processes()
    _, work = act(scripted, folder, call)
    await cancel_when(work, runs)
    await wait_until(lambda: not find_processes(), SOON)


async def test_all_calls_of_a_plan_end_and_what_was_done_is_recorded_and_undone(
    scripted: Scripted, folder: Path
) -> None:
    def all_run() -> bool:
        texts = " ".join(find_processes().values())
        return (folder / "made.txt").exists() and "actions.confined.child" in texts

    _, work = act(scripted, folder, QUERY, COMMAND)
    await cancel_when(work, all_run)
    await wait_until(lambda: not find_processes(), SOON)
    assert (folder / "note.txt").read_text() == "12"
    assert not (folder / "old.txt").exists()

    [task] = await alist_tasks()
    undone = await aundo_task(task.task_id)
    assert (set(undone["restored"]), undone["left"]) == ({"note.txt", "made.txt", "old.txt"}, [])
    assert set(os.listdir(folder)) == {"job.py", "old.txt", "sales.csv"}
    assert os.access(folder / "old.txt", os.X_OK)


async def test_a_cancelled_command_is_not_run_again_and_its_changes_are_told(
    scripted: Scripted, folder: Path
) -> None:
    model, work = act(scripted, folder, COMMAND)
    await cancel_when(work, lambda: (folder / "made.txt").exists())
    (folder / "job.py").write_text("open('again.txt', 'w')")
    [task] = await alist_tasks()
    result = await aresume_task(task.task_id, model=model)
    assert result["status"] == "unverified"
    assert [call["error_class"] for call in result["call_results"]] == [None, None, "cancelled"]
    paths = {effect["path"] for effect in result["effects"]}
    assert paths == {"note.txt", "made.txt", "old.txt"}
    assert not (folder / "again.txt").exists()
