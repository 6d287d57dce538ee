"""Which tests a change can affect, told from the sources alone, and running those: `make check`,
or `make check BASE=branch` for what differs from another branch than `main`.

A test belongs to a change if what it imports, directly or by way of other modules, has changed;
names in strings count too, since a test patches and starts things by name. What is no Python
belongs to the tests of its room and to those that name it. Where that is more than there is time
for, the nearest run: those that changed themselves, those of the same room, then by the number of
imports between.
"""

import ast
import os
import re
import subprocess
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PACKAGE = "concertino"
TIME = 200.0
"""Seconds of tests, one after the other, that fit into a check."""
SECONDS = {
    "tests/cli/test_main.py": 35,
    "tests/conformance/test_queue.py": 20,
    "tests/conformance/test_store.py": 20,
    "tests/conformance/test_workflows.py": 40,
    "tests/kb/test_many_processes.py": 25,
    "tests/learning/test_bandit.py": 60,
    "tests/learning/test_settle.py": 20,
    "tests/models/test_weights.py": 50,
    "tests/service/test_live.py": 15,
    "tests/service/test_schema.py": 30,
    "tests/service/test_tasks_api.py": 15,
    "tests/tasks/test_api.py": 30,
    "tests/tasks/test_replay.py": 30,
    "tests/tools/sandbox/test_sandbox.py": 45,
    "tests/work/test_kills.py": 30,
    "tests/work/test_workers.py": 120,
}
"""How long the slow files take, about; the others take `USUALLY`."""
USUALLY = 5.0
SLOW = re.compile(r"tests/(page/|end_to_end/|work/test_(kills|workers)\.py)")
"""Tests that run where they have changed themselves, or what they are for has."""
PAGE = "src/service/page/"
OF_THE_PAGE = re.compile(r"tests/(page/|service/test_page_)")
STARTS_THE_COMMAND = {"start_command", "COMMAND"}
"""Names by which a test starts the command line in a process of its own."""
NO_TESTS = 5
"""pytest's exit code where nothing was selected."""

_DOTTED = re.compile(rf"\b{PACKAGE}(?:\.\w+)+")


@dataclass(frozen=True)
class Chosen:
    """The tests of a change."""

    run: list[str]
    left_out: list[str]


class Sources:
    """The Python of a repository: which file needs which.

    Args:
        files: paths below the root, with `/`.
        read: gives a file's text.
    """

    def __init__(self, files: Iterable[str], read: Callable[[str], str]) -> None:
        self.files, self._read = sorted(files), read
        self._known = frozenset(self.files)
        self._path_of = {_dotted(path): path for path in self.files}

    @property
    def tests(self) -> list[str]:
        return [path for path in self.files if PurePosixPath(path).name.startswith("test_")]

    @cached_property
    def needs(self) -> Mapping[str, set[str]]:
        """The files that each file needs itself."""
        return {path: self._needs(path) - {path} for path in self.files}

    @cached_property
    def _needed_by(self) -> Mapping[str, set[str]]:
        users: defaultdict[str, set[str]] = defaultdict(set)
        for path, needed in self.needs.items():
            for each in needed:
                users[each].add(path)
        return users

    @cached_property
    def strings(self) -> Mapping[str, set[str]]:
        """The texts in each file."""
        return {
            path: {
                node.value
                for node in ast.walk(self._tree(path))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
            for path in self.files
        }

    def distances(self, changed: Iterable[str]) -> dict[str, int]:
        """The files that a change can affect, with the number of imports between."""
        needed_by = self._needed_by
        found = {path: 0 for path in changed if path in self.needs}
        queue = deque(found)
        while queue:
            path = queue.popleft()
            for user in sorted(needed_by[path] - found.keys()):
                found[user] = found[path] + 1
                queue.append(user)
        return found

    def _tree(self, path: str) -> ast.Module:
        return ast.parse(self._read(path), path)

    def _needs(self, path: str) -> set[str]:
        found = {
            self._path_of.get(each) for name in self._named(path) for each in _with_rooms(name)
        }
        folder = PurePosixPath(path).parent
        if folder.parts[0] == "tests":  # pytest reads those by itself
            found |= {str(each / "conftest.py") for each in (folder, *folder.parents)}
        return {each for each in found if each in self._known}

    def _named(self, path: str) -> set[str]:
        names: set[str] = set()
        here = _dotted(path).split(".")
        if PurePosixPath(path).name != "__init__.py":
            here.pop()
        for node in ast.walk(self._tree(path)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                room = here[: len(here) - node.level + 1] if node.level else []
                target = ".".join([*room, *(node.module or "").split(".")]).strip(".")
                names |= {self._home(target, alias.name) for alias in node.names}
                if STARTS_THE_COMMAND & {alias.name for alias in node.names}:
                    names.add(f"{PACKAGE}.cli.main")
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names |= {self._module_in(name) for name in _DOTTED.findall(node.value)}
        return names

    def _home(self, target: str, name: str) -> str:
        """The module that an imported name comes from."""
        if f"{target}.{name}" in self._path_of:
            return f"{target}.{name}"
        return f"{PACKAGE}.{self._public[name]}" if self._is_public(target, name) else target

    def _is_public(self, target: str, name: str) -> bool:
        return target == PACKAGE and name in self._public

    def _module_in(self, name: str) -> str:
        """The longest beginning of a dotted name that is a module."""
        while name and name not in self._path_of:
            name = name.rpartition(".")[0]
        return name if name != PACKAGE else ""

    @cached_property
    def _public(self) -> dict[str, str]:
        """Where the names are that the package loads on first use: its `_HOMES`."""
        if PACKAGE not in self._path_of:
            return {}
        for node in ast.walk(self._tree(self._path_of[PACKAGE])):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOMES":
                homes: dict[str, tuple[str, ...]] = ast.literal_eval(node.value)
                return {name: module for module, names in homes.items() for name in names}
        return {}


def _dotted(path: str) -> str:
    """A file's name as a module."""
    parts = PurePosixPath(path).with_suffix("").parts
    if parts[0] == "src":
        parts = (PACKAGE, *parts[1:])
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _with_rooms(name: str) -> list[str]:
    """A module and the packages that it is in, which are loaded before it."""
    parts = name.split(".")
    return [".".join(parts[:number]) for number in range(1, len(parts) + 1)]


def room_of(path: str) -> str:
    """The room of a file, the same for sources and tests: `agents/math`."""
    return "/".join(PurePosixPath(path).parent.parts[1:])


def choose(changed: Iterable[str], sources: Sources, seconds: float = TIME) -> Chosen:
    """The tests that a change can affect, nearest first, as far as there is time."""
    changed = set(changed)
    near = _by_nearness(changed, sources)
    chosen, left = Chosen([], []), seconds
    for path in near:
        asked_for = path in changed or (path.startswith("tests/page/") and _page_in(changed))
        takes = SECONDS.get(path, USUALLY)
        if path in changed or (takes <= left and (asked_for or not SLOW.match(path))):
            chosen.run.append(path)
            left -= takes
        else:
            chosen.left_out.append(path)
    return chosen


def _page_in(changed: set[str]) -> bool:
    return any(path.startswith(PAGE) for path in changed)


def _by_nearness(changed: set[str], sources: Sources) -> list[str]:
    plain = {path for path in changed if not set(sources.tests) & sources.distances([path]).keys()}
    distances = sources.distances({*changed, *(u for path in plain for u in _users(path, sources))})
    for path in plain:
        distances.update(dict.fromkeys(_in_its_room(path, sources), 0))
    rooms = {room_of(path) for path in changed}
    return sorted(
        (path for path in sources.tests if path in distances),
        key=lambda path: (path not in changed, room_of(path) not in rooms, distances[path], path),
    )


def _users(path: str, sources: Sources) -> set[str]:
    """The sources that name a file which nothing imports: by its name, or as a prompt."""
    here = PurePosixPath(path)
    names = {here.name, "/".join((*here.parts[2:-1], here.stem)) if here.suffix == ".md" else ""}
    return {
        source
        for source, texts in sources.strings.items()
        if any(text.rpartition("/")[2] == here.name or text in names - {""} for text in texts)
    }


def _in_its_room(path: str, sources: Sources) -> list[str]:
    """The tests that stand where a file belongs which nothing imports."""
    if path.startswith(PAGE):
        return [
            test for test in sources.tests if re.match(r"tests/(page/|service/test_page)", test)
        ]
    room = room_of(path)
    return [test for test in sources.tests if room and room_of(test) == room]


def changed_files(base: str) -> list[str]:
    """What differs from where the branch left `base`, untracked files included."""
    start = _git("merge-base", "HEAD", base) or ["HEAD"]
    changed = _git("diff", "--name-only", start[0])
    return sorted({*changed, *_git("ls-files", "--others", "--exclude-standard")})


def _git(*arguments: str) -> list[str]:
    completed = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)  # noqa: S607
    return completed.stdout.splitlines() if completed.returncode == 0 else []


def sources_here() -> Sources:
    """The Python of this repository."""
    files = [path for room in ("src", "tests", "bench") for path in (ROOT / room).rglob("*.py")]
    names = [path.relative_to(ROOT).as_posix() for path in files]
    return Sources(names, lambda path: (ROOT / path).read_text(encoding="utf-8"))


def main() -> int:
    """Run the tests of what has changed."""
    chosen = choose(changed_files(os.environ.get("BASE", "main")), sources_here())
    if not chosen.run:
        print("No test belongs to what has changed.")
        return 0
    options = ["-m", "not embedded", "--numprocesses", "auto", "--maxprocesses", "4"]
    command = [sys.executable, "-m", "pytest", "-q", *options, "--dist", "worksteal", *chosen.run]
    code = subprocess.run(command, cwd=ROOT).returncode
    if chosen.left_out:
        print("Left out, see `make test`:", *chosen.left_out, sep="\n  ")
    return 0 if code == NO_TESTS else code


if __name__ == "__main__":
    sys.exit(main())
