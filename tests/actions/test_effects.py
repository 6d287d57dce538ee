"""Effects: recorded before and after, finished after a crash, taken back on request."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from concertino.actions.effects import Intent, begin, carry_out, clear_up, format_diff, undo
from concertino.actions.errors import Conflict
from concertino.actions.versions import Versions
from concertino.actions.workspace import Change, Workspace
from concertino.state import FileEffect
from concertino.store.effects import EffectLog
from concertino.store.open import open_store

INTENT = Intent(action="file_write", params={}, digest="d")


class Place:
    """A workspace with its log and versions."""

    def __init__(self, root: Path, log: EffectLog, versions: Versions) -> None:
        self.root = root
        self.workspace = Workspace(root)
        self.log = log
        self.versions = versions

    async def intend(self, call: str, *changes: Change) -> Intent:
        return await begin(self.log, self.versions, self.workspace, call, INTENT, changes)

    async def make(self, intent: Intent) -> list[str]:
        return [effect.path for effect in await self.carry_out(intent)]

    async def carry_out(self, intent: Intent) -> list[FileEffect]:
        made = carry_out(self.workspace, self.versions, intent.changes, "en")
        return [effect async for effect in made]

    async def undo(self) -> tuple[list[str], list[str]]:
        return await undo(self.log, self.workspace, self.versions, "en")

    def read(self) -> dict[str, str]:
        return {
            path.relative_to(self.root).as_posix(): path.read_text()
            for path in self.root.rglob("*")
            if path.is_file()
        }


@pytest_asyncio.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "a.txt").write_text("one")
    async with open_store(tmp_path / "home") as store:
        yield Place(root, EffectLog(store, "task"), Versions(tmp_path / "versions"))


WRITES = (Change("a.txt", b"one", b"two"), Change("new/b.txt", None, b"b"))


async def test_changes_are_made_read_back_and_described(place: Place) -> None:
    made = await place.carry_out(await place.intend("r1", *WRITES))
    assert place.read() == {"a.txt": "two", "new/b.txt": "b"}
    assert [effect.path for effect in made] == ["a.txt", "new/b.txt"]
    assert "-one\n+two" in made[0].diff


async def test_an_intent_found_after_a_crash_is_finished_wherever_it_stopped(place: Place) -> None:
    intent = await place.intend("r1", *WRITES)
    await place.make(intent.model_copy(update={"changes": intent.changes[:1]}))
    row = await place.log.find("r1")
    assert row is not None
    assert row.state == "intent"
    again = Intent.model_validate(row.record)
    assert await place.make(again) == ["a.txt", "new/b.txt"]
    assert await place.make(again) == ["a.txt", "new/b.txt"], "done already: nothing happens twice"
    assert place.read() == {"a.txt": "two", "new/b.txt": "b"}


async def test_a_file_that_somebody_else_changed_meanwhile_is_left_alone(place: Place) -> None:
    intent = await place.intend("r1", *WRITES)
    (place.root / "a.txt").write_text("theirs")
    with pytest.raises(Conflict, match=r"a\.txt"):
        await place.make(intent)
    assert place.read() == {"a.txt": "theirs"}


async def test_undo_restores_what_was_written_deleted_and_created(place: Place) -> None:
    await place.make(await place.intend("r1", *WRITES))
    await place.make(await place.intend("r2", Change("a.txt", b"two", None)))
    restored, left = await place.undo()
    assert (set(restored), left) == ({"a.txt", "new/b.txt"}, [])
    assert place.read() == {"a.txt": "one"}
    assert await place.undo() == ([], []), "there is nothing left to undo"


async def test_undo_leaves_alone_what_somebody_has_changed_since(place: Place) -> None:
    await place.make(await place.intend("r1", *WRITES))
    (place.root / "a.txt").write_text("theirs")
    assert await place.undo() == (["new/b.txt"], ["a.txt"])
    assert place.read() == {"a.txt": "theirs"}


async def test_undo_gives_files_their_permissions_back(place: Place) -> None:
    (place.root / "a.txt").chmod(0o750)
    await place.make(await place.intend("r1", Change("a.txt", b"one", None)))
    await place.undo()
    assert (place.root / "a.txt").stat().st_mode & 0o777 == 0o750


async def test_undo_leaves_alone_what_has_become_something_else(place: Place) -> None:
    await place.make(await place.intend("r1", *WRITES))
    (place.root / "a.txt").unlink()
    (place.root / "a.txt").symlink_to("/etc/passwd")
    assert await place.undo() == (["new/b.txt"], ["a.txt"])


def find_leftovers(place: Place) -> list[str]:
    return sorted(path.read_text() for path in place.root.rglob(".concertino-*"))


async def test_what_a_killed_process_left_beside_a_file_is_removed_and_nothing_else(
    place: Place,
) -> None:
    intent = await place.intend("r1", *WRITES)
    for number, content in enumerate(["", "tw", "one", "theirs"]):
        (place.root / f".concertino-{number:016x}").write_text(content)
    (place.root / ".concertino-notes").write_text("two")
    clear_up(place.workspace, place.versions, intent.changes)
    assert find_leftovers(place) == ["theirs", "two"]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (Change("a", None, "新\n".encode()), "+新"),
        (Change("a", b"\xff\x00", b"\xfe"), "a: 2 → 1 bytes"),
        (Change("a", b"x" * 300_000, b"y"), "a: 300000 → 1 bytes"),
    ],
)
def test_a_diff_is_of_text_and_short(change: Change, shown: str) -> None:
    assert shown in format_diff(change, "en")


def test_the_log_lists_rows_in_the_order_of_their_intents(tmp_path: Path) -> None:
    async def play() -> list[Any]:
        async with open_store(tmp_path / "home") as store:
            log = EffectLog(store, "task")
            for call in ("r2", "r10", "r1"):
                await log.begin(call, {"n": call})
            await log.finish("r10", {"n": "done"})
            await EffectLog(store, "another").begin("r5", {})
            return [(row.call_id, row.state) for row in await log.list_rows()]

    assert asyncio.run(play()) == [("r2", "intent"), ("r10", "done"), ("r1", "intent")]
