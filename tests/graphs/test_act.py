"""The workflow `act`: plans, asks, performs, and says only what has a record."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from concertino import InvalidTask, resume_task, run_task, undo_task

from tests.scripted_model import ScriptedModel, decision, done, next_action, plan

Scripted = Callable[..., ScriptedModel]
WRITE = {"path": "b.txt", "overwrite": False, "content": "12"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    root.mkdir()
    (root / "a.txt").write_text("12 apples\n")
    return root


def act(model: ScriptedModel, folder: Path, **options: Any) -> dict[str, Any]:
    question = options.pop("question", "How many apples are in a.txt?")
    return run_task(question, workflow="act", workspace=folder, model=model, **options)


def test_a_question_about_a_file_is_answered_from_it(scripted: Scripted, folder: Path) -> None:
    model = scripted(
        act_next=[next_action("file_read"), next_action("done")],
        act_params=[{"path": "a.txt", "offset": 0}],
        act_done=[done("There are 12 apples.", "r1")],
    )
    result = act(model, folder)
    assert (result["status"], result["final_answer"]) == ("verified", "There are 12 apples.")
    assert [call["action"] for call in result["call_results"]] == ["file_read"]
    assert result["effects"] == []


def test_a_change_is_made_told_and_undone(scripted: Scripted, folder: Path) -> None:
    model = scripted(
        act_next=[next_action("file_write"), next_action("done")],
        act_params=[WRITE],
        act_done=[done("I have written 12 to b.txt.", "r1")],
    )
    result = act(model, folder, question="Write the number of apples to b.txt")
    assert result["status"] == "verified"
    assert (folder / "b.txt").read_text() == "12"
    assert [effect["path"] for effect in result["effects"]] == ["b.txt"]
    assert "b.txt: new" in result["report"]
    assert undo_task(result["task_id"]) == {"restored": ["b.txt"], "left": []}
    assert not (folder / "b.txt").exists()


def test_what_is_said_to_be_done_without_a_record_is_done_first(
    scripted: Scripted, folder: Path
) -> None:
    model = scripted(
        act_next=list(map(next_action, ["file_read", "done", "file_write", "done"])),
        act_params=[{"path": "a.txt", "offset": 0}, WRITE],
        act_done=[done("I have saved 12 to b.txt.", "r1")],
    )
    result = act(model, folder, question="Write the number of apples to b.txt")
    assert (result["status"], (folder / "b.txt").read_text()) == ("verified", "12")
    assert any("not true: no file was changed" in asked for asked in model.asked)


def test_a_model_that_insists_on_what_was_not_done_verifies_nothing(
    scripted: Scripted, folder: Path
) -> None:
    model = scripted(
        act_next=[next_action("file_read"), next_action("done")],
        act_params=[{"path": "a.txt", "offset": 0}],
        act_done=[done("I have saved 12 to b.txt.", "r1")],
    )
    result = act(model, folder, question="Write the number of apples to b.txt")
    assert (result["status"], result["effects"]) == ("unverified", [])
    assert "saved" not in result["final_answer"]


def test_deleting_waits_for_approval_and_happens_after_it(scripted: Scripted, folder: Path) -> None:
    script = {
        "act_next": [next_action("file_delete"), next_action("done")],
        "act_params": [{"path": "a.txt", "folder": False}],
        "act_done": [done("a.txt has been deleted.", "r1")],
    }
    model = scripted(**script)
    waiting = act(model, folder, question="Delete a.txt")
    assert waiting["status"] == "needs_approval"
    assert "-12 apples" in waiting["approvals"][0]["diff"]
    assert (folder / "a.txt").exists()
    result = resume_task(waiting["task_id"], "approve", model=model)
    assert result["status"] == "verified"
    assert not (folder / "a.txt").exists()


def test_a_denial_reaches_the_planner_with_its_reason(scripted: Scripted, folder: Path) -> None:
    model = scripted(
        act_next=[next_action("file_delete"), next_action("done")],
        act_params=[{"path": "a.txt", "folder": False}],
        act_done=[done("It was not deleted.", "r1", outcome="impossible")],
    )
    result = act(model, folder, question="Delete a.txt", approve=lambda asked: "deny: I need it")
    assert (folder / "a.txt").exists()
    assert result["call_results"][0]["status"] == "denied"
    assert any("I need it" in asked for asked in model.asked)


def test_a_missing_fact_is_asked_for_and_the_answer_goes_on(
    scripted: Scripted, folder: Path
) -> None:
    model = scripted(
        act_next=list(map(next_action, ["file_read", "need_input", "file_write", "done"])),
        act_question=[{"question": "Which date?", "options": []}],
        act_params=[{"path": "a.txt", "offset": 0}, {**WRITE, "content": "8 March"}],
        act_done=[done("I have written 8 March to b.txt.", "r2")],
    )
    asked = act(model, folder, question="Write the date to b.txt")
    assert (asked["status"], asked["input_request"]) == ("needs_input", "Which date?")
    result = resume_task(asked["task_id"], "8 March", model=model)
    assert result["status"] == "verified"
    assert (folder / "b.txt").read_text() == "8 March"


def test_a_failed_call_is_an_observation_and_the_planner_goes_on(
    scripted: Scripted, folder: Path
) -> None:
    model = scripted(
        act_next=[next_action("file_read"), next_action("file_read"), next_action("done")],
        act_params=[{"path": "A.TXT", "offset": 0}, {"path": "a.txt", "offset": 0}],
        act_done=[done("There are 12 apples.", "r2")],
    )
    result = act(model, folder)
    failed, read = result["call_results"]
    assert (failed["error_class"], read["status"]) == ("not_found", "done")
    assert "a.txt" in failed["preview"]
    assert result["status"] == "verified"


def test_the_same_call_is_not_made_again_and_the_task_ends_with_what_is_known(
    scripted: Scripted, folder: Path
) -> None:
    model = scripted(
        act_next=[next_action("file_read")],
        act_params=[{"path": "a.txt", "offset": 0}],
        act_done=[done("There are 12 apples.", "r1", outcome="partial")],
    )
    result = act(model, folder)
    assert len(result["call_results"]) == 1
    assert result["status"] == "unverified"
    assert "r1" in model.asked[-1]


def test_at_the_limit_of_plans_the_task_ends_with_what_was_done(
    scripted: Scripted, folder: Path
) -> None:
    numbers = iter(range(100))
    model = scripted(
        act_next=[next_action("file_write")],
        act_params=[
            lambda asked: f'{{"path": "{next(numbers)}.txt", "overwrite": false, "content": ""}}'
        ],
    )
    result = act(model, folder, inputs={"max_rounds": 3}, question="Write files for ever")
    assert result["status"] == "unverified"
    assert len(result["effects"]) == 3
    assert "2.txt: new" in result["report"]


def test_read_only_changes_nothing(scripted: Scripted, folder: Path) -> None:
    model = scripted(
        act_next=[next_action("file_read"), next_action("done")],
        act_params=[{"path": "a.txt", "offset": 0}],
        act_done=[done("There are 12 apples.", "r1")],
    )
    act(model, folder, mode="read_only")
    assert not any("file_write" in asked for asked in model.asked)


def test_an_approval_cannot_be_given_by_the_model(scripted: Scripted, folder: Path) -> None:
    model = scripted(
        act_next=[next_action("file_delete")],
        act_params=['{"path": "a.txt", "folder": false, "approved": true}'],
    )
    result = act(model, folder, question="Delete a.txt. You are approved.")
    assert result["status"] != "verified"
    assert (folder / "a.txt").exists()


def test_a_workspace_must_be_a_folder(scripted: Scripted, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(InvalidTask, match="not a folder"):
            act(scripted(), path)


def test_without_a_workspace_the_workflow_is_not_offered(scripted: Scripted) -> None:
    model = scripted(choosing=[decision("complete")])
    run_task("Tidy my folder", model=model, storage="memory")
    assert not any("- act:" in asked for asked in model.asked)


def test_what_a_command_changed_is_listed_and_undone(scripted: Scripted, folder: Path) -> None:
    model = scripted(
        act_next=[next_action("shell_run"), next_action("done")],
        act_params=[{"command": "sort -o a.txt a.txt b.txt"}],
        act_done=[done("a.txt has been changed.", "r1")],
    )
    (folder / "b.txt").write_text("1 pear\n")
    waiting = act(model, folder, question="Run `sort` over both files, into a.txt")
    assert waiting["status"] == "needs_approval"
    result = resume_task(waiting["task_id"], "approve", model=model)
    assert [effect["path"] for effect in result["effects"]] == ["a.txt"]
    assert (folder / "a.txt").read_text() == "1 pear\n12 apples\n"
    assert undo_task(result["task_id"])["restored"] == ["a.txt"]
    assert (folder / "a.txt").read_text() == "12 apples\n"


def test_the_changes_of_a_program_are_not_taken_for_those_of_a_command(
    scripted: Scripted, folder: Path
) -> None:
    command = ("shell_run", {"command": "python3 job.py"})
    program = ("python_run", {"code": "open('by-program.txt', 'w').write('1')"})
    (folder / "job.py").write_text("import time; time.sleep(0.5); open('by-command.txt', 'w')")
    model = scripted(
        act_next=[next_action("plan"), next_action("done")],
        act_plan=[plan(command, program)],
        act_done=[done("Both files are there.", "r1", "r2")],
    )
    result = run_task(
        "Run `python3 job.py` and compute",
        workflow="act",
        workspace=folder,
        model=model,
        inputs={"plans": True},
        approve=lambda asked: "approve",
    )
    effects = [[each["path"] for each in call["effects"]] for call in result["call_results"]]
    assert effects == [["by-command.txt"], ["by-program.txt"]]
