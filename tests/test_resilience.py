"""What tasks survive: kills, silence, loops, full disks, damaged files; and what never leaks."""

import logging
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from concertino import (
    ConcertinoError,
    InvalidTask,
    TaskBusy,
    aresume_task,
    astream_task,
    list_tasks,
    resume_task,
    solve_math_problem,
)

from tests.model_server import COMMAND, PATIENCE, PENS, SECRET, ModelServer, start_command, use
from tests.scripted_model import ScriptedModel, decision, steps
from tests.scripted_server import ScriptedServer

Scripted = Callable[..., ScriptedModel]

ORDER = ("coordinator", "comprehension", "planning", "execution", "reasoning", "report")
"""Who is asked, in order, for a problem that is solved at the first try."""


Serve = Callable[..., ModelServer]


@pytest.mark.parametrize("agent", ["comprehension", "planning", "execution", "reasoning"])
def test_a_killed_task_goes_on_where_it_was(serve: Serve, agent: str) -> None:
    server = serve()
    hold = server.hold(agent)
    process = start_command("solve", PENS)
    hold.wait()
    process.send_signal(signal.SIGKILL)
    process.communicate()

    [task] = list_tasks()
    assert task.status == "interrupted"
    result = resume_task(task.task_id)

    assert result["status"] == "verified"
    assert result["final_answer"] == "36"
    assert list_tasks()[0].status == "verified"
    assert server.asked == {name: 2 if name == agent else 1 for name in ORDER}
    assert [r["actor"] for r in result["iteration_history"] if not r["decision"]] == [
        "comprehension",
        "planning",
        "execution",
        "verification",
    ]


def test_a_task_that_is_being_worked_on_is_listed_as_running(serve: Serve) -> None:
    server = serve()
    hold = server.hold("planning")
    process = start_command("solve", "--quiet", PENS)
    hold.wait()

    assert [task.status for task in list_tasks()] == ["running"]
    hold.released.set()
    assert process.communicate(timeout=PATIENCE)[0] == "36\n"
    assert [task.status for task in list_tasks()] == ["verified"]


def test_of_two_processes_resuming_a_task_one_is_told_that_it_is_busy(
    serve: Serve, scripted: Scripted
) -> None:
    failed = solve_math_problem(PENS, model=scripted(planning=[RuntimeError("gone")]))
    server = serve()
    hold = server.hold("planning")
    process = start_command("resume", "--quiet", failed["task_id"])
    hold.wait()

    with pytest.raises(TaskBusy, match=failed["task_id"]):
        resume_task(failed["task_id"])
    second = start_command("resume", failed["task_id"])
    _, errors = second.communicate(timeout=PATIENCE)
    assert second.returncode == 1
    assert "another process" in errors

    hold.released.set()
    assert process.communicate(timeout=PATIENCE)[0] == "36\n"
    assert server.asked["planning"] == 1


def test_a_server_that_never_answers_fails_the_task_with_what_to_set(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    server.hold("coordinator")
    use(monkeypatch, CONCERTINO_REQUEST_TIMEOUT="0.3", CONCERTINO_MAX_RETRIES="0")

    result = solve_math_problem(PENS)

    assert result["status"] == "failed"
    assert "CONCERTINO_REQUEST_TIMEOUT" in result["error"]
    assert server.asked == {"coordinator": 1}
    assert list_tasks()[0].status == "failed"


def test_a_server_that_is_gone_fails_the_task_and_says_so(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve().close()
    use(monkeypatch, CONCERTINO_MODEL="m", CONCERTINO_MAX_RETRIES="0")

    result = solve_math_problem(PENS)

    assert result["status"] == "failed"
    assert "cannot be reached" in result["error"]


def test_a_task_out_of_time_is_interrupted_and_can_be_resumed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    server.hold("planning")
    use(monkeypatch, CONCERTINO_TASK_TIMEOUT="3")
    result = solve_math_problem(PENS)

    assert result["status"] == "interrupted"
    assert "CONCERTINO_TASK_TIMEOUT" in result["error"]
    assert "go on from where it stopped" in result["error"]
    assert list_tasks()[0].status == "interrupted"

    use(monkeypatch, CONCERTINO_TASK_TIMEOUT="900")
    finished = {record["actor"] for record in result["iteration_history"]}
    assert resume_task(result["task_id"])["status"] == "verified"
    assert all(server.asked[agent] == 1 for agent in finished)


def test_a_task_out_of_time_before_its_first_step_can_be_resumed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    use(monkeypatch, CONCERTINO_TASK_TIMEOUT="0.000001")
    result = solve_math_problem(PENS)
    assert result["status"] == "interrupted"

    use(monkeypatch, CONCERTINO_TASK_TIMEOUT="900")
    assert resume_task(result["task_id"])["status"] == "verified"


async def test_a_stream_that_its_reader_leaves_is_closed_and_the_task_can_be_resumed(
    scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    model = scripted()
    async with aclosing(astream_task(PENS, model=model)) as events:
        task_id = (await anext(events))["task_id"]
        while (await anext(events))["type"] != "decision":
            pass

    assert [task.status for task in list_tasks()] == ["interrupted"]
    assert (await aresume_task(task_id, model=model))["status"] == "verified"
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize("rounds", [1, 3, 10])
@pytest.mark.parametrize("choice", ["comprehension", "planning", "execution", "dance"])
def test_a_model_that_loops_comes_to_an_end(scripted: Scripted, choice: str, rounds: int) -> None:
    model = scripted(
        coordinator=[decision(choice)], execution=["answer = 1 / 0"], repair=["answer = 1 / 0"]
    )
    result = solve_math_problem(PENS, rounds, model=model, storage="memory")

    assert result["status"] in ("no_answer", "unverified")
    assert result["total_iterations"] <= rounds


def test_the_same_action_with_the_same_result_is_not_legal_a_third_time(
    scripted: Scripted,
) -> None:
    model = scripted(
        coordinator=[decision("execution")], execution=["answer = 1 / 0"], repair=["answer = 1 / 0"]
    )
    history = solve_math_problem(PENS, model=model)["iteration_history"]

    times: Counter[str] = Counter()
    for record, following in pairwise(history):
        if record["actor"] == "execution":
            times[record["fingerprint"]] += 1
            assert "execution" not in following["legal"] or times[record["fingerprint"]] < 2
    assert max(times.values()) == 2


def test_a_new_plan_may_be_executed_after_an_old_one_failed_twice(scripted: Scripted) -> None:
    """The inputs are others, so it would not be the same a third time."""

    def program(text: str) -> str:
        return "answer = 36" if "step 2" in text else "answer = 1 / 0"

    model = scripted(
        coordinator=[decision(a) for a in ("comprehension", "execution", "planning", "execution")],
        planning=[steps([]), steps([], [1])],
        execution=[program],
        repair=["answer = 1 / 0"],
    )
    result = solve_math_problem(PENS, model=model)

    assert result["status"] == "verified"
    assert result["final_answer"] == "36"


def test_a_question_that_is_no_unicode_text_is_refused() -> None:
    """Half a surrogate pair is what Python makes of bytes that are not UTF-8."""
    with pytest.raises(InvalidTask):
        solve_math_problem("12 pens \udcff")
    assert list_tasks() == []


def test_a_home_that_is_a_file_is_told_with_what_to_set(home: Path) -> None:
    home.write_text("in the way")

    with pytest.raises(ConcertinoError, match="CONCERTINO_HOME"):
        solve_math_problem(PENS)
    with pytest.raises(ConcertinoError, match="CONCERTINO_HOME"):
        list_tasks()


def test_a_home_under_something_that_is_no_folder_is_told_with_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, CONCERTINO_HOME="/dev/null/home")

    with pytest.raises(ConcertinoError, match="CONCERTINO_HOME"):
        solve_math_problem(PENS)


@pytest.mark.parametrize("blocks", [1, 500])
def test_a_disk_that_is_full_at_once_or_later_is_told_with_what_to_set(
    serve: Serve, blocks: int
) -> None:
    """A limit on the size of files stands in for the disk; its blocks are of 512 bytes."""
    server = serve()
    limited = f'ulimit -f {blocks}; exec "$0" "$@"'
    ended = subprocess.run(
        ["/bin/sh", "-c", limited, COMMAND, "solve", PENS],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )

    assert ended.returncode == 1
    assert "CONCERTINO_HOME" in ended.stderr
    assert "Traceback" not in ended.stderr
    if server.asked:  # there was room for a start, so there is something to go on with
        assert resume_task(list_tasks()[0].task_id)["status"] == "verified"
        assert server.asked["comprehension"] == 1


def test_a_damaged_database_is_told_without_being_touched(home: Path) -> None:
    garbage = bytes(range(256)) * 64
    home.mkdir()
    (home / "tasks.sqlite").write_bytes(garbage)

    for attempt in (lambda: solve_math_problem(PENS), list_tasks, lambda: resume_task("some-task")):
        with pytest.raises(ConcertinoError, match="CONCERTINO_HOME"):
            attempt()
    assert (home / "tasks.sqlite").read_bytes() == garbage


def test_a_database_damaged_in_its_middle_is_told(home: Path, scripted: Scripted) -> None:
    result = solve_math_problem(PENS, model=scripted())
    path = home / "tasks.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))

    with pytest.raises(ConcertinoError, match="CONCERTINO_HOME"):
        resume_task(result["task_id"])


def test_a_key_is_sent_to_its_server_and_is_found_nowhere_else(
    serve: Serve, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    look = "import os\nanswer = str(dict(os.environ))"
    count = f"import os\nanswer = 36 + str(dict(os.environ)).count('{SECRET[:9]}')"
    server = serve(execution=[look], repair=[count])
    use(monkeypatch, OPENAI_API_KEY=SECRET)
    caplog.set_level(logging.DEBUG)
    events: list[dict[str, Any]] = []

    result = solve_math_problem(PENS, on_event=events.append)

    assert set(server.keys) == {f"Bearer {SECRET}"}
    assert result["final_answer"] == "36"
    assert SECRET not in repr(result)
    assert SECRET not in repr(events)
    assert SECRET not in caplog.text
    assert SECRET not in repr(server.requests)
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.name == "tasks.sqlite" for path in kept)
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
def test_a_key_that_a_server_quotes_in_its_refusal_is_not_passed_on(
    status: int, home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = ScriptedServer(lambda body: (status, {"error": {"message": f"bad key {SECRET}"}}))
    use(
        monkeypatch,
        OPENAI_BASE_URL=server.url,
        OPENAI_API_KEY=SECRET,
        CONCERTINO_MAX_RETRIES="0",
    )
    caplog.set_level(logging.INFO)
    events: list[dict[str, Any]] = []

    result = solve_math_problem(PENS, on_event=events.append)
    server.close()

    assert result["status"] == "failed"
    assert SECRET not in repr(result)
    assert SECRET not in repr(events)
    assert SECRET not in caplog.text
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]
