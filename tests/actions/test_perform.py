"""Performing one call: what it changed is recorded whether it ended, failed, or was killed."""

import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from concertino.actions.artifacts import Artifacts
from concertino.actions.effects import undo
from concertino.actions.perform import Performer
from concertino.actions.shell import actions as shell
from concertino.actions.spec import ActionContext
from concertino.actions.versions import Versions
from concertino.actions.workspace import Workspace
from concertino.state import Approval, Call, CallResult, Verdict
from concertino.store.effects import EffectLog
from concertino.store.open import open_store
from concertino.tools.sandbox import CommandLimits, find_command_obstacle

confined = pytest.mark.skipif(
    find_command_obstacle() is not None, reason="needs commands that can be confined"
)
COMMAND = "sh -c 'echo more >> a.txt; chmod 700 old.sh; rm old.sh; echo new > b.txt'"


class Killed(BaseException):
    """Ends a call as if its process had been killed."""


class KilledLog(EffectLog):
    """A log of a process that dies when it would record a result."""

    async def finish(self, call_id: str, record: dict[str, Any]) -> None:
        raise Killed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "a.txt").write_text("one\n")
    (root / "old.sh").write_text("old")
    (root / "old.sh").chmod(0o755)
    return root


@pytest_asyncio.fixture
async def performer(tmp_path: Path, folder: Path) -> AsyncIterator[Performer]:
    async with open_store(tmp_path / "home") as store:
        yield Performer(
            context=ActionContext(Workspace(folder), "en"),
            log=EffectLog(store, "task"),
            versions=Versions(tmp_path / "versions"),
            artifacts=Artifacts(tmp_path / "artifacts"),
            mode="workspace",
            verdicts=[],
            question="",
        )


def call(action: str, **params: Any) -> Call:
    return Call(id="r1", action=action, params=params)


async def ask(performer: Performer, wanted: Call) -> Approval:
    asked = await performer.perform(wanted)
    assert isinstance(asked, Approval)
    return asked


def answer(performer: Performer, approval: Approval, approved: bool) -> Performer:
    verdict = Verdict(digest=approval.digest, approved=approved)
    return replace(performer, verdicts=[*performer.verdicts, verdict])


async def end(performer: Performer, wanted: Call) -> CallResult:
    result = await performer.perform(wanted)
    assert isinstance(result, CallResult)
    return result


def list_changed(result: CallResult) -> set[str]:
    return {effect.path for effect in result.effects}


async def die(performer: Performer, wanted: Call) -> None:
    """Perform a call in a process that dies before it has recorded the result."""
    mortal = KilledLog(performer.log._store, "task")
    with pytest.raises(Killed):
        await replace(performer, log=mortal).perform(wanted)


async def restore(performer: Performer) -> set[str]:
    context = performer.context
    restored, left = await undo(performer.log, context.workspace, performer.versions, "en")
    assert not left
    return set(restored)


@pytest.mark.parametrize("action", ["file_move", "file_copy"])
async def test_a_file_that_is_moved_or_copied_keeps_its_permissions(
    performer: Performer, folder: Path, action: str
) -> None:
    await end(performer, call(action, path="old.sh", to="bin/new.sh"))
    assert os.access(folder / "bin/new.sh", os.X_OK)
    await restore(performer)
    assert os.access(folder / "old.sh", os.X_OK)
    assert not (folder / "bin/new.sh").exists()


async def test_where_one_of_several_files_cannot_be_changed_the_others_are_recorded(
    performer: Performer, folder: Path
) -> None:
    (folder / "d").mkdir()
    for name in ("1", "2"):
        (folder / "d" / name).write_text(name)
    (folder / "d" / "2").chmod(0o444)
    result = await end(performer, call("file_move", path="d", to="e"))
    assert result.status == "denied"
    assert list_changed(result) == {"e/1", "e/2", "d/1"}
    assert await restore(performer) == {"e/1", "e/2", "d/1", "d/2"}
    assert sorted(os.listdir(folder / "d")) == ["1", "2"]


@confined
async def test_a_command_that_was_stopped_has_its_changes_recorded(
    performer: Performer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "_LIMITS", CommandLimits(wall_seconds=0.5))
    wanted = call("shell_run", command="sh -c 'echo new > b.txt; sleep 1000'")
    result = await end(answer(performer, await ask(performer, wanted), True), wanted)
    assert (result.error_class, list_changed(result)) == ("timeout", {"b.txt"})
    await restore(performer)
    assert not (folder / "b.txt").exists()


@confined
async def test_a_command_whose_process_died_is_asked_about_with_what_it_changed(
    performer: Performer, folder: Path
) -> None:
    wanted = call("shell_run", command=COMMAND)
    allowed = answer(performer, await ask(performer, wanted), True)
    await die(allowed, wanted)
    again = await ask(allowed, wanted)
    assert "+more" in again.diff
    result = await end(answer(allowed, again, False), wanted)
    assert (result.status, list_changed(result)) == ("denied", {"a.txt", "b.txt", "old.sh"})
    await restore(performer)
    assert (folder / "a.txt").read_text() == "one\n"
    assert os.access(folder / "old.sh", os.X_OK)


@confined
async def test_a_command_that_is_run_again_is_undone_to_before_its_first_run(
    performer: Performer, folder: Path
) -> None:
    wanted = call("shell_run", command="sh -c 'echo more >> a.txt'")
    allowed = answer(performer, await ask(performer, wanted), True)
    await die(allowed, wanted)
    await end(answer(allowed, await ask(allowed, wanted), True), wanted)
    assert (folder / "a.txt").read_text() == "one\nmore\nmore\n"
    await restore(performer)
    assert (folder / "a.txt").read_text() == "one\n"


@confined
async def test_what_a_person_wrote_after_a_command_died_is_not_taken_for_its_change(
    performer: Performer, folder: Path
) -> None:
    wanted = call("shell_run", command=COMMAND)
    await die(answer(performer, await ask(performer, wanted), True), wanted)
    (folder / "mine.txt").write_text("mine")
    os.utime(folder / "mine.txt", (time.time() + 3600,) * 2)
    assert await restore(performer) == {"a.txt", "b.txt", "old.sh"}
    assert (folder / "mine.txt").read_text() == "mine"
