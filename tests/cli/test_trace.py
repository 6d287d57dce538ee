"""`concertino trace`, `bandit` and `rate`."""

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from concertino import run_task
from concertino.cli.main import main
from concertino.learning.trace import Trace
from concertino.settings import get_settings
from concertino.state import TaskStatus
from concertino.store.open import open_store

from tests.learning.records import NOON, record
from tests.model_server import PENS
from tests.scripted_model import ScriptedModel


def run(*given: object) -> Result:
    return CliRunner().invoke(main, [str(part) for part in given])


@pytest.fixture
def task_id(scripted: Callable[..., ScriptedModel]) -> str:
    return str(run_task(PENS, model=scripted())["task_id"])


def test_what_there_is_not_yet_is_told(home: Path) -> None:
    assert run("trace", "show").stderr.startswith("The trace is empty")
    assert "No rewards yet" in run("bandit").stderr
    assert json.loads(run("trace", "stats", "--json").stdout)["workflows"] == []
    assert json.loads(run("bandit", "--json").stdout)["arms"] == []


def test_a_task_is_listed_and_its_reward_explained_term_by_term(task_id: str) -> None:
    assert run("trace", "show").stdout.startswith(task_id)
    output = run("trace", "show", task_id).stdout
    assert "an independent route arrives at it too" in output
    assert "how the task ended" in output
    assert "cost: calls of the model" in output
    [row] = json.loads(run("trace", "show", task_id, "--json").stdout)
    assert (row["task_id"], row["question"]) == (task_id, PENS)


def test_it_is_explained_in_chinese_to_who_reads_chinese(
    task_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "任务的结局" in run("trace", "show", task_id).stdout


def test_a_rating_is_told_with_what_came_of_it(task_id: str) -> None:
    rated = run("rate", task_id, 1)
    assert (rated.exit_code, "reward is now" in rated.stdout) == (0, True)
    assert run("rate", task_id, 6).exit_code == 2
    assert run("rate", "no-such-task", 3).exit_code == 1
    assert "a person's rating" in run("trace", "show", task_id).stdout


def test_a_rating_of_what_is_never_rewarded_is_not_promised_to_count(home: Path) -> None:
    async def add(task_id: str, status: TaskStatus) -> None:
        async with open_store(home) as store:
            await store.add(task_id, task_id, {"question": PENS})
            await store.update(task_id, status, None, None)

    asyncio.run(add("stopped", "cancelled"))
    asyncio.run(add("waiting", "needs_input"))
    assert "will not be rewarded" in run("rate", "stopped", 5).stdout
    assert "as soon as the task has ended" in run("rate", "waiting", 5).stdout


def test_the_table_lists_each_arm(task_id: str) -> None:
    lines = run("bandit").stdout.splitlines()
    assert lines[0].startswith("Policy: thompson")
    assert lines[1].split()[1:3] == ["solve_math", "1"]


def test_an_unknown_task_is_told_with_what_to_do() -> None:
    Trace.of(get_settings()).append(record("a"))
    unknown = run("trace", "show", "b")
    assert unknown.exit_code == 1
    assert "concertino trace show" in unknown.stderr


def test_figures_are_means_of_each_workflow() -> None:
    trace = Trace.of(get_settings())
    for number, status in enumerate(["verified", "unverified", "failed", "verified"]):
        trace.append(record(f"t{number}", status=status, spent={"tokens": 100.0 * number}))
    [row] = json.loads(run("trace", "stats", "--json").stdout)["workflows"]
    assert (row["workflow"], row["tasks"], row["verified"], row["tokens"]) == (
        "solve_math",
        4,
        0.5,
        150.0,
    )
    assert "solve_math" in run("trace", "stats").stdout


def test_the_figures_tell_who_spent_the_tokens_and_what_came_of_the_advice(task_id: str) -> None:
    output = run("trace", "stats").stdout
    assert "Spent a task" in output
    assert {"coordinator", "execution", "report"} <= set(output.split())
    assert "followed 1 time." in output


def test_a_trace_is_exported_as_lines_and_as_a_table(tmp_path: Path) -> None:
    trace = Trace.of(get_settings())
    trace.append(record("old", ended=NOON.replace(year=2020)))
    trace.append(record("new", question="多少？"))
    lines = run("trace", "export", tmp_path / "t.jsonl")
    assert lines.stderr == "Tasks written: 2\n"
    written = (tmp_path / "t.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["task_id"] for line in written] == ["old", "new"]

    run("trace", "export", tmp_path / "t.csv", "--since", "2026-01-01")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["task_id"], row["question"], row["spent_tokens"]) == ("new", "多少？", "10.0")
    assert json.loads(run("trace", "export", "-").stdout.splitlines()[0])["task_id"] == "old"
    assert run("trace", "export", tmp_path / "none" / "t.csv").exit_code == 1


@pytest.mark.parametrize("command", [("show",), ("stats",), ("export", "-")])
def test_a_trace_that_cannot_be_read_is_told(command: tuple[str, ...]) -> None:
    (get_settings().home / "traces" / "2026-01-01.1.jsonl").mkdir(parents=True)
    unreadable = run("trace", *command)
    assert (unreadable.exit_code, "cannot be read" in unreadable.stderr) == (1, True)


def test_lines_that_cannot_be_read_are_counted() -> None:
    trace = Trace.of(get_settings())
    trace.append(record("a"))
    [file] = (get_settings().home / "traces").glob("*.jsonl")
    file.write_text(file.read_text() + '{"torn": ')
    assert "later version: 1" in run("trace", "show").stderr
