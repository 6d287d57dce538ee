"""Tasks that write, move, edit, run and delete are killed (SIGKILL) at random moments and resumed.

    python -m bench.kills_of_actions --kills 200

Each task works on files of its own in a process of its own, which is killed after a random time and
started again, until the task ends. The planner's decisions are scripted, the rest is real: SQLite,
the workspace, confined commands and programs. Then every call that is told as done is compared with
the files, every change with the records, and what undo leaves with what was there at first.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from concertino.settings import get_settings
from concertino.tasks.api import aundo_task

from .killed_task import AFTER, BEFORE, ROUNDS, lay, mark, play, read

PATIENCE = 120
"""Seconds after which a process that was not killed has failed."""


@dataclass
class Counts:
    """What became of all tasks."""

    kills: int = 0
    between: int = 0
    """Kills between an intent and its result."""
    tasks: int = 0
    calls_done: int = 0
    effects: int = 0
    """Files whose change was told."""
    lost: int = 0
    """Changes of files without a record, or that undo did not take back."""
    twice: int = 0
    """Effects that happened twice."""
    untrue: int = 0
    """Calls told as done that are not."""
    unfinished: int = 0
    """Tasks that did not end, or whose calls were not all carried out or explained."""
    asked_again: int = 0
    """Commands killed on their way, asked about, and not run again."""
    leftovers: int = 0
    """Temporary files in a workspace at the end."""
    processes: int = 0
    """Processes that outlived their task."""
    problems: list[str] = field(default_factory=list)


class Killer:
    """Plays tasks in processes that it kills."""

    def __init__(self, home: Path, kills: int, seed: int) -> None:
        self.counts = Counts()
        self._home = home
        self._left = kills
        self._chance = random.Random(seed)  # noqa: S311
        self._usual = 0.0
        self._context = multiprocessing.get_context("forkserver")

    def run(self) -> None:
        """Play tasks until all kills are done."""
        self._play_here()
        # A process finds all modules loaded, so that it is not killed while it loads them.
        names = [name for name in sys.modules if not name.startswith(("_", "bench.kills"))]
        self._context.set_forkserver_preload(names)
        self._play_task("first")  # starts the server that the processes are forked from
        self._play_task("second", measure=True)
        while self.counts.kills < self._left:
            self._play_task(f"task{self.counts.tasks}", killed=True)

    def _play_here(self) -> None:
        """Play a task in this process, which loads all that a task needs."""
        folder = self._home.parent / "here"
        folder.mkdir()
        lay(folder)
        play(self._home, folder, self._home.parent / "here.json")

    def _play_task(self, name: str, *, measure: bool = False, killed: bool = False) -> None:
        folder = self._home.parent / name
        folder.mkdir()
        lay(folder)
        started = time.monotonic()
        while not self._start(folder, killed and self.counts.kills < self._left):
            pass
        if measure:
            self._usual = time.monotonic() - started
        self._judge(folder)
        shutil.rmtree(folder)

    def _start(self, folder: Path, killed: bool) -> bool:
        """Play a task. Returns False if it was killed before it ended."""
        out = self._home.parent / f"{folder.name}.json"
        process = self._context.Process(target=play, args=(self._home, folder, out))
        process.start()
        process.join(self._chance.uniform(0, 1.1 * self._usual) if killed else PATIENCE)
        if process.exitcode is not None:
            if not out.exists():
                raise SystemExit(f"the process of {folder.name} failed")
            return True
        process.kill()
        process.join()
        if not killed:
            raise SystemExit(f"{folder.name} did not end in {PATIENCE} s")
        self.counts.kills += 1
        self.counts.between += self._count_intents() > 0
        return out.exists()

    def _count_intents(self) -> int:
        """Return the number of intents without a result, all of the task that was killed."""
        with contextlib.closing(sqlite3.connect(self._home / "tasks.sqlite")) as db:
            try:
                found = db.execute("select count(*) from effects where state = 'intent'")
                return int(found.fetchone()[0])
            except sqlite3.OperationalError:  # killed before there was a table
                return 0

    def _judge(self, folder: Path) -> None:
        result = json.loads((self._home.parent / f"{folder.name}.json").read_text())
        self.counts.tasks += 1
        self._judge_calls(folder, result)
        self._judge_files(folder, result)
        self.counts.leftovers += len(list(folder.rglob(".concertino-*")))
        self.counts.processes += self._count_processes(folder)
        undone = asyncio.run(aundo_task(result["task_id"]))
        if undone["left"] or read(folder) != mark(BEFORE):
            self._tell("lost", folder, f"undo left {undone['left']} {read(folder)}")

    def _judge_calls(self, folder: Path, result: dict[str, Any]) -> None:
        """Compare what the calls are told to have done with the files."""
        calls = result["call_results"]
        wanted = [name for actions in ROUNDS for name, _ in actions]
        if [call["action"] for call in calls] != wanted or result["status"] == "failed":
            self._tell("unfinished", folder, f"{result['status']} {result['error']}")
        files = {path.rstrip("*"): text for path, text in read(folder).items()}
        for call in calls:
            after = AFTER.get(call["action"], {})
            if call["status"] == "done":
                self.counts.calls_done += 1
                if any(files.get(path) != text for path, text in after.items()):
                    self._tell("untrue", folder, f"{call['action']} {files}")
            elif call["action"] == "shell_run":
                self.counts.asked_again += 1
            else:
                self._tell("unfinished", folder, f"{call['action']}: {call['preview']}")
        if files.get("log.txt", "").count("1\n") > 1 or "111" in files.get("count.txt", ""):
            self._tell("twice", folder, str(files))

    def _judge_files(self, folder: Path, result: dict[str, Any]) -> None:
        """Compare the changes that are told with the files."""
        now, before = read(folder), mark(BEFORE)
        changed = {
            path.rstrip("*") for path in now.keys() | before if now.get(path) != before.get(path)
        }
        told = {effect["path"] for effect in result["effects"]}
        self.counts.effects += len(told)
        if changed != told:
            self._tell("lost", folder, f"changed and not told: {changed ^ told}")

    def _tell(self, kind: str, folder: Path, problem: str) -> None:
        setattr(self.counts, kind, getattr(self.counts, kind) + 1)
        self.counts.problems.append(f"{kind}, {folder.name}: {problem}")

    def _count_processes(self, folder: Path) -> int:
        """Return the number of processes that still work in the folder."""
        found = 0
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                found += entry.name.isdecimal() and (entry / "cwd").readlink() == folder
        return found


def kill_tasks(kills: int, seed: int = 4) -> Counts:
    """Play tasks in a home of their own under so many kills, and return what became of them."""
    with tempfile.TemporaryDirectory(prefix="concertino-kills-") as place:
        home = Path(place) / "home"
        os.environ["CONCERTINO_HOME"] = str(home)
        get_settings.cache_clear()
        killer = Killer(home, kills, seed)
        killer.run()
    return killer.counts


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    started = time.monotonic()
    counts = kill_tasks(options.kills, options.seed)
    print("| what | count |")
    print("| --- | --- |")
    for name in (each.name for each in fields(Counts) if each.name != "problems"):
        print(f"| {name.replace('_', ' ')} | {getattr(counts, name)} |")
    print(f"\n{time.monotonic() - started:.0f} s")
    print("\n".join(counts.problems))
    sys.exit(bool(counts.problems))


if __name__ == "__main__":
    main()
