"""Questions run through several workflows; what was stopped goes on where it was."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from concertino import list_tasks
from concertino.errors import InvalidTask, TaskBusy
from concertino.learning.labels import gather
from concertino.learning.trace import Trace
from concertino.settings import get_settings
from concertino.tasks import api as tasks
from concertino.tasks.replay import ReplayRun, _open_notes, replay
from filelock import FileLock

from tests.model_server import PENS, ModelServer, start_command

Serve = Callable[..., ModelServer]
BOTH = ("solve_math", "rag_qa")


def questions(tmp_path: Path, *lines: dict[str, Any]) -> Path:
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


async def test_each_question_goes_through_each_workflow_and_leaves_a_trace(
    serve: Serve, tmp_path: Path
) -> None:
    serve()
    progress: list[tuple[int, int, str, str]] = []

    def ended(done: int, total: int, run: ReplayRun, status: str) -> None:
        progress.append((done, total, run.workflow, status))

    outcomes = await replay(questions(tmp_path, {"question": PENS}), BOTH, ended=ended)

    assert outcomes == {"verified": 1, "no_answer": 1}
    assert progress == [(1, 2, "solve_math", "verified"), (2, 2, "rag_qa", "no_answer")]
    [question] = gather(Trace.of(get_settings()).read().records).questions
    assert question.label == "solve_math"
    assert set(question.rewards) == set(BOTH)


@pytest.mark.parametrize(
    ("answer", "right"),
    [("36", (1.0, 0.0)), ("72/2", (1.0, 0.0)), ("6", (0.0, 0.0)), ("NO ANSWER", (0.0, 1.0))],
)
async def test_rewards_take_in_whether_the_answer_of_the_line_was_found(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, right: tuple[float]
) -> None:
    serve()
    monkeypatch.setattr(
        "concertino.tasks.api.arun_task",
        with_text(tasks.arun_task, rag_qa="There is no answer: 136, 36.5, 3,600."),
    )
    await replay(questions(tmp_path, {"question": PENS, "answer": answer}), BOTH)
    found = {each.workflow: each.reward for each in Trace.of(get_settings()).read().records}
    values = [
        term.value
        for name in BOTH
        if (reward := found[name])
        for term in reward.quality_terms
        if term.name == "reference"
    ]
    assert tuple(values) == right


def with_text(run: Callable[..., Any], **texts: str) -> Callable[..., Any]:
    """Tasks whose workflow answers with that text, where one is given."""

    async def arun_task(*given: Any, **named: Any) -> dict[str, Any]:
        result: dict[str, Any] = await run(*given, **named)
        text = texts.get(named["workflow"])
        return {**result, "final_answer": text} if text else result

    return arun_task


async def test_what_has_ended_is_not_run_again(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    path = questions(tmp_path, {"question": PENS, "workflows": ["solve_math"]})
    await replay(path)
    asked = server.asked.total()

    assert await replay(path) == {"verified": 1}
    assert server.asked.total() == asked
    assert await replay(path, times=2) == {"verified": 2}
    assert len(list_tasks()) == 2


def test_a_killed_replay_goes_on_with_the_task_it_was_at(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    path = questions(
        tmp_path, {"question": PENS}, {"question": "What do 12 pens at 3 dollars cost?"}
    )
    held = server.hold("reasoning")
    command = ["replay", str(path), "--workflow", "solve_math"]
    killed = start_command(*command)
    held.wait()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    with path.with_name("questions.jsonl.runs").open("ab") as notes:
        notes.write(b'\n{"run": "torn')

    out, err = start_command(*command).communicate()
    assert out.startswith("2 runs: verified 2."), err
    assert len(list_tasks()) == 2
    assert server.asked["execution"] == 2


async def test_a_run_that_failed_is_tried_again(serve: Serve, tmp_path: Path) -> None:
    serve(comprehension=[ValueError("no luck")])
    path = questions(tmp_path, {"question": PENS, "workflows": ["solve_math"]})
    assert await replay(path) == {"failed": 1}

    serve()
    assert await replay(path) == {"verified": 1}
    assert len(list_tasks()) == 1


async def test_a_task_that_is_gone_is_run_anew(serve: Serve, tmp_path: Path) -> None:
    serve()
    path = questions(tmp_path, {"question": PENS, "workflows": ["solve_math"]})
    asked = replay_run()
    with _open_notes(path.with_name("questions.jsonl.runs")) as notes:
        notes.add(asked, "gone", "started")
    assert await replay(path) == {"verified": 1}


def replay_run() -> ReplayRun:
    from concertino.tasks.replay import ReplayQuestion

    return ReplayRun(ReplayQuestion(question=PENS, workflows=["solve_math"]), "solve_math", 1)


async def test_workflows_that_do_not_take_a_question_are_left_out(tmp_path: Path) -> None:
    path = questions(tmp_path, {"question": PENS, "inputs": {"grade": 3}})
    assert await replay(path, ["summarize_url", "rag_qa"]) == {}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("What is 2 + 2?", "Line 2 of .* is no question"),
        ('{"text": "What is 2 + 2?"}', "Line 2"),
        ('{"question": ""}', "Line 2"),
        ('{"question": "2 + 2?", "answer": " "}', "Line 2"),
        ('{"question": "2 + 2?", "workflows": ["sums"]}', "no workflow `sums`"),
        ('{"question": "2 + 2?", "inputs": {"colour": "red"}}', "colour"),
    ],
)
async def test_a_line_that_cannot_be_run_is_told_before_anything_runs(
    tmp_path: Path, line: str, message: str
) -> None:
    path = questions(tmp_path, {"question": PENS})
    path.write_text(path.read_text() + line, encoding="utf-8")
    with pytest.raises(InvalidTask, match=message):
        await replay(path)
    assert list_tasks() == []


async def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidTask, match="UTF-8"):
        await replay(path)


async def test_two_processes_do_not_replay_the_same_file(tmp_path: Path) -> None:
    path = questions(tmp_path, {"question": PENS})
    with (
        FileLock(tmp_path / "questions.jsonl.runs.lock"),
        pytest.raises(TaskBusy, match="goes on where it was"),
    ):
        await replay(path)
