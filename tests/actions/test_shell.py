"""What a command of the workspace gives back."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from concertino.actions import snapshot
from concertino.actions.catalogue import ACTIONS
from concertino.actions.errors import InvalidCall, NotFound, TimedOut, TooLarge, Unavailable
from concertino.actions.shell import actions as shell
from concertino.actions.shell.actions import ShellData, ShellParams, run_shell
from concertino.actions.spec import ActionContext, Targets
from concertino.actions.workspace import Entry, Workspace
from concertino.language.messages import use_language
from concertino.tools.sandbox import CommandLimits, command, find_command_obstacle

confined = pytest.mark.skipif(
    find_command_obstacle() is not None, reason="needs commands that can be confined"
)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ActionContext]:
    (tmp_path / "notes.txt").write_text("one\ntwo\n")
    (tmp_path / "old.txt").write_text("old")
    with use_language("en"):
        yield ActionContext(Workspace(tmp_path), "en")


async def run(context: ActionContext, text: str) -> ShellData:
    outcome = await run_shell(ShellParams(command=text), context)
    return outcome.data


@confined
async def test_a_command_gives_its_output_and_exit_code(context: ActionContext) -> None:
    data = await run(context, "wc -l notes.txt")
    assert (data.exit_code, data.output) == (0, "2 notes.txt\n")
    assert (data.created, data.changed, data.deleted, data.compared) == ([], [], [], True)
    assert data.format_preview().endswith("no file changed\n2 notes.txt")
    assert (await run(context, "grep three notes.txt")).exit_code == 1


@confined
async def test_the_files_that_it_changed_are_told(context: ActionContext) -> None:
    text = "mkdir d; echo x > d/new; ln -s /etc/passwd link; echo x >> notes.txt; rm old.txt"
    data = await run(context, text)
    assert data.created == ["d/new", "link"]
    assert (data.changed, data.deleted) == (["notes.txt"], ["old.txt"])
    preview = data.format_preview()
    assert "created: d/new, link; changed: notes.txt; deleted: old.txt" in preview
    with use_language("zh"):
        assert (
            "新建：d/new, link; 修改：notes.txt; 删除：old.txt\n（无输出）" in data.format_preview()
        )


@confined
async def test_many_changes_are_counted(context: ActionContext) -> None:
    data = await run(context, "touch $(seq 99)")
    assert len(data.created) == 99
    assert "… +89" in data.format_preview()
    assert len(data.format_preview()) < 600


@confined
@pytest.mark.parametrize(("name", "value"), [("MAX_FILES", 2), ("MAX_BYTES", 20)])
async def test_a_workspace_too_large_to_compare_is_told(
    monkeypatch: pytest.MonkeyPatch, context: ActionContext, name: str, value: int
) -> None:
    monkeypatch.setattr(snapshot, name, value)
    data = await run(context, "seq 20 > more")
    assert (data.compared, data.created) == (False, [])
    assert "too large" in data.format_preview()


@confined
async def test_a_long_output_is_shown_by_its_ends(context: ActionContext) -> None:
    data = await run(context, "seq 9999")
    assert data.output.count("\n") == 9999
    preview = data.format_preview()
    assert len(preview) < 600
    assert preview.endswith("9998\n9999")


@confined
async def test_a_program_that_is_not_there_is_told_with_what_is_near(
    context: ActionContext,
) -> None:
    with pytest.raises(NotFound, match=r"no program sotr here.*sort"):
        await run(context, "sotr notes.txt")


@confined
async def test_an_error_is_told_in_the_tasks_language(context: ActionContext) -> None:
    with pytest.raises(NotFound, match="这里没有程序 sotr"):
        await run(replace(context, language="zh"), "sotr notes.txt")


@confined
async def test_a_file_that_is_no_program_is_told(context: ActionContext) -> None:
    with pytest.raises(InvalidCall, match="through its interpreter"):
        await run(context, "./notes.txt")


@pytest.mark.parametrize("text", ["", "  ", "echo 'open", "''", "echo a\0b"])
async def test_a_command_without_words_is_refused(context: ActionContext, text: str) -> None:
    with pytest.raises(InvalidCall, match="quotation mark"):
        await run(context, text)
    assert ACTIONS["shell_run"].targets(ShellParams(command=text)).argv[:2] == ("sh", "-c")


@confined
async def test_a_stopped_command_is_told_with_what_it_did(
    monkeypatch: pytest.MonkeyPatch, context: ActionContext
) -> None:
    monkeypatch.setattr(shell, "_LIMITS", CommandLimits(wall_seconds=0.5, output_bytes=10_000))
    with pytest.raises(TimedOut, match=r"(?s)was stopped.*created: begun.*half done"):
        await run(context, "touch begun; echo half done; sleep 1000")
    with pytest.raises(TooLarge, match="printed too much"):
        await run(context, "yes")


async def test_without_confinement_the_action_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, context: ActionContext
) -> None:
    monkeypatch.setattr(command, "find_command_obstacle", lambda: "no Landlock")
    with pytest.raises(Unavailable, match="no Landlock"):
        await run(context, "touch new")
    assert "new" not in os.listdir(context.workspace.root)


@confined
async def test_cancellation_ends_the_command(context: ActionContext) -> None:
    ready = context.workspace.root / "ready"

    class Quiet(Workspace):
        def list_entries(self, *args: Any, **options: Any) -> Iterator[Entry]:
            return iter(())

    quiet = ActionContext(Quiet(context.workspace.root), "en")
    os.mkfifo(ready)
    task = asyncio.create_task(run(quiet, "echo $$ > ready; sleep 1000"))
    pid = int(await asyncio.to_thread(ready.read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_policy_sees_the_words_of_the_command() -> None:
    action = ACTIONS["shell_run"]
    assert action.effect == "execute"
    assert action.targets(ShellParams(command="wc 'a b'")) == Targets(argv=("wc", "a b"))
    piped = Targets(argv=("sh", "-c", "a | b"), risky=True)
    assert action.targets(ShellParams(command="a | b")) == piped
