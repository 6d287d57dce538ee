"""The `concertino` command: what it shows, what it prints for programs, and how it exits."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from click.testing import CliRunner, Result
from concertino import list_tasks
from concertino.cli.main import main

from tests.model_server import COMMAND, PATIENCE, PENS, SECRET, ModelServer, start_command, use
from tests.scripted_model import comprehension, decision
from tests.scripted_server import ScriptedServer

Serve = Callable[..., ModelServer]

UNCONFIRMED: dict[str, list[Any]] = {
    "execution": ["answer = 34", "answer = 35"],
}
NO_PROBLEM: dict[str, list[Any]] = {
    "coordinator": [decision("comprehension"), decision("complete")],
    "comprehension": [comprehension(problem_type="not_a_problem")],
}
LACKING: dict[str, list[Any]] = {
    "coordinator": [decision("comprehension"), decision("need_input", "What does a pen cost?")],
    "comprehension": [comprehension(missing=["the price of a pen"]), comprehension()],
}
"""What changes in the script for these endings."""


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal wide enough that no line is broken."""
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    """The command in this process; an error that is no exit fails the test here."""
    result = CliRunner().invoke(main, arguments, input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_solve_shows_each_round_and_then_the_report_and_the_answer(serve: Serve) -> None:
    serve()
    shown = run("solve", PENS)

    assert shown.exit_code == 0
    assert shown.stderr == ""
    lines = [line.strip() for line in shown.stdout.splitlines()]
    assert lines[0] == f"task {list_tasks()[0].task_id}"
    assert lines[1] == "1 → comprehension comprehension is next — go on"
    assert lines[2].startswith("model, 5 tokens, ")
    assert lines[3] == "✓ a problem told in words; total"
    assert lines[4].startswith("5 tokens, ")
    rounds = [line.split()[:3] for line in lines if "→" in line]
    assert [(number, name) for number, _, name in rounds] == [
        ("1", "comprehension"),
        ("2", "planning"),
        ("3", "execution"),
        ("4", "verification"),
        ("5", "complete"),
    ]
    assert shown.stdout.index("cost 36 dollars") < shown.stdout.index("Answer: 36")
    assert "Verified: " in shown.stdout
    assert lines[-2].startswith("4 rounds, 6 model calls, 120 + 30 tokens, ")
    assert lines[-1].endswith(f"--thread {list_tasks()[0].task_id}")


def test_a_failed_round_is_marked(serve: Serve) -> None:
    serve(**UNCONFIRMED)

    assert "✗ Not confirmed yet: " in run("solve", PENS).stdout


def test_square_brackets_and_latex_of_a_model_are_shown_as_they_are(serve: Serve) -> None:
    serve(
        coordinator=[decision("comprehension", "read [bold] and [/bold] closely")],
        report=["We compute $12 \\times 3 = 36$."],
    )
    shown = run("solve", PENS)

    assert shown.exit_code == 0
    assert "read [bold] and [/bold] closely" in shown.stdout
    assert "12 \\times 3 = 36" in shown.stdout


def test_json_prints_one_object_which_is_the_result(serve: Serve) -> None:
    serve()
    shown = run("solve", "--json", PENS)

    assert shown.exit_code == 0
    assert shown.stderr == ""
    result = json.loads(shown.stdout)
    assert result["status"] == "verified"
    assert result["final_answer"] == "36"
    assert result["task_id"] == list_tasks()[0].task_id
    assert shown.stdout.count("\n") == 1


def test_quiet_prints_the_answer_only(serve: Serve) -> None:
    serve()
    shown = run("solve", "--quiet", PENS)

    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "36\n", "")


def test_a_dash_reads_the_problem_from_standard_input(serve: Serve) -> None:
    serve()

    assert run("solve", "--quiet", "-", stdin=f"{PENS}\n").stdout == "36\n"
    assert list_tasks()[0].question == PENS


def test_a_chinese_problem_on_standard_input_is_read_as_utf8(serve: Serve) -> None:
    serve()
    problem = "每支钢笔3元，12支钢笔多少元？"
    shown = subprocess.run(
        [COMMAND, "solve", "--json", "-"],
        input=problem.encode(),
        capture_output=True,
        timeout=PATIENCE,
    )

    result = json.loads(shown.stdout.decode())
    assert result["question"] == problem
    assert result["language"] == "zh"


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "zh_CN.UTF-8"])
def test_standard_input_that_is_not_utf8_is_a_wrong_call(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, locale: str
) -> None:
    serve()
    monkeypatch.setenv("LC_ALL", locale)
    shown = subprocess.run(
        [COMMAND, "solve", "-"],
        input="每支钢笔3元".encode("gbk"),
        capture_output=True,
        timeout=PATIENCE,
    )
    errors = shown.stderr.decode()

    assert "Traceback" not in errors
    assert shown.returncode == 2
    assert "UTF-8" in errors
    assert list_tasks() == []


def test_standard_input_that_is_not_utf8_is_a_wrong_call_in_process_too(serve: Serve) -> None:
    serve()
    shown = run("solve", "-", stdin="每支钢笔3元".encode("gbk"))

    assert shown.exit_code == 2
    assert "UTF-8" in shown.stderr


def test_an_argument_that_is_not_utf8_is_a_wrong_call(serve: Serve) -> None:
    serve()
    shown = subprocess.run(
        [COMMAND.encode(), b"solve", "每支钢笔3元".encode("gbk")],
        capture_output=True,
        timeout=PATIENCE,
    )
    errors = shown.stderr.decode()

    assert "Traceback" not in errors
    assert shown.returncode == 2
    assert list_tasks() == []


def test_max_iterations_bounds_the_rounds(serve: Serve) -> None:
    serve()
    result = json.loads(run("solve", "--json", "--max-iterations", "2", PENS).stdout)

    assert result["total_iterations"] == 2
    assert result["status"] == "no_answer"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({}, "verified", 0),
        (UNCONFIRMED, "unverified", 3),
        (NO_PROBLEM, "no_answer", 4),
        (LACKING, "needs_input", 5),
    ],
)
@pytest.mark.parametrize("options", [("--json",), ("--quiet",), ()])
def test_the_exit_code_tells_how_the_task_ended(
    serve: Serve, changes: dict[str, list[Any]], status: str, code: int, options: tuple[str, ...]
) -> None:
    serve(**{name: list(answers) for name, answers in changes.items()})

    assert run("solve", *options, PENS).exit_code == code
    assert list_tasks()[0].status == status


def test_a_task_that_fails_exits_with_1_and_its_error_on_stderr(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = ScriptedServer(lambda body: (401, {"error": {"message": "who are you?"}}))
    use(monkeypatch, OPENAI_BASE_URL=server.url)
    shown = run("solve", "--quiet", PENS)
    server.close()

    assert shown.exit_code == 1
    assert shown.stdout == "\n"
    assert shown.stderr.startswith("concertino: compatible/first-model: ")
    assert "refused the key" in shown.stderr


@pytest.mark.parametrize("question", ["", "  \n"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_empty_question_is_a_wrong_call(question: str, options: tuple[str, ...]) -> None:
    for shown in (run("solve", *options, question), run("solve", *options, "-", stdin=question)):
        assert shown.exit_code == 2
        assert shown.stdout == ""
        assert "empty" in shown.stderr
    assert list_tasks() == []


@pytest.mark.parametrize("rounds", ["0", "101", "many"])
def test_a_senseless_iteration_limit_is_a_wrong_call(rounds: str) -> None:
    shown = run("solve", "--max-iterations", rounds, PENS)

    assert shown.exit_code == 2
    assert "max" in shown.stderr


def test_a_provider_without_its_key_is_a_wrong_call_that_says_what_to_set() -> None:
    shown = run("solve", "--model", "gemini", PENS)

    assert "GEMINI_API_KEY" in shown.stderr
    assert shown.exit_code == 2


def test_tasks_are_listed_newest_first(serve: Serve) -> None:
    serve()
    run("solve", PENS)
    run("solve", "--max-iterations", "1", "How many\nlegs have 3 spiders?")
    shown = run("tasks")

    assert shown.exit_code == 0
    newest, oldest = shown.stdout.splitlines()
    assert "unverified   How many legs have 3 spiders?" in newest
    assert oldest.endswith(f"verified     {PENS[:50]}  = 36")
    assert run("tasks", "--limit", "1").stdout == f"{newest}\n"


def test_tasks_can_be_listed_as_json(serve: Serve) -> None:
    assert json.loads(run("tasks", "--json").stdout) == []
    serve()
    run("solve", PENS)
    run("solve", "--max-iterations", "1", "How many legs have 3 spiders?")

    newest, oldest = json.loads(run("tasks", "--json").stdout)
    assert newest["question"] == "How many legs have 3 spiders?"
    assert (oldest["status"], oldest["final_answer"]) == ("verified", "36")
    assert run("resume", "--quiet", oldest["task_id"]).stdout == "36\n"


def test_a_task_that_asks_shows_how_to_answer_and_goes_on_with_the_answer(serve: Serve) -> None:
    server = serve(**LACKING)
    asking = run("solve", "A shop sells 12 pens. What do they cost?")
    task_id = list_tasks()[0].task_id

    assert asking.exit_code == 5
    assert "What does a pen cost?" in asking.stdout
    assert f"concertino resume {task_id} --answer" in asking.stdout
    assert run("resume", task_id, "--quiet", "--answer", " ").exit_code == 2

    answered = run("resume", task_id, "--quiet", "--answer", "3 dollars")
    assert (answered.exit_code, answered.stdout) == (0, "36\n")
    assert any("3 dollars" in str(request) for request in server.requests)


def test_a_question_to_the_person_is_shown_as_it_is(serve: Serve) -> None:
    asking = decision("need_input", "What is [/x] in [m]?")
    serve(**{**LACKING, "coordinator": [decision("comprehension"), asking]})

    assert "What is [/x] in [m]?" in run("solve", PENS).stdout


def test_a_task_that_asks_asks_again_when_resumed_without_an_answer(serve: Serve) -> None:
    server = serve(**LACKING)
    run("solve", "--json", "A shop sells 12 pens. What do they cost?")
    asked = len(server.requests)

    again = run("resume", "--json", list_tasks()[0].task_id)
    assert again.exit_code == 5
    assert json.loads(again.stdout)["input_request"] == "What does a pen cost?"
    assert len(server.requests) == asked


def test_a_finished_task_that_is_resumed_shows_its_result_again(serve: Serve) -> None:
    server = serve()
    first = run("solve", "--json", PENS)
    asked = len(server.requests)
    again = run("resume", "--json", json.loads(first.stdout)["task_id"])

    assert again.exit_code == 0
    assert json.loads(again.stdout) == json.loads(first.stdout)
    assert len(server.requests) == asked


@pytest.mark.parametrize("task_id", ["nowhere", "../../etc/passwd", ""])
def test_an_unknown_task_is_told_with_where_to_look(task_id: str) -> None:
    shown = run("resume", task_id)

    assert shown.exit_code == 1
    assert shown.stdout == ""
    assert "`concertino tasks`" in shown.stderr


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_models_names_the_chosen_one_and_never_a_key(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    keys = ("OPENAI_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY", "CONCERTINO_API_KEY")
    use(monkeypatch, **dict.fromkeys(keys, SECRET))
    shown = run("models", *options)

    assert shown.exit_code == 0
    assert SECRET not in shown.output
    assert "GEMINI_API_KEY is set" in shown.stdout
    if options:
        [chosen] = [row for row in json.loads(shown.stdout) if row["chosen"]]
        assert chosen["provider"] == "gemini"


def test_models_without_any_key_is_the_embedded_one() -> None:
    shown = run("models").stdout

    assert "* embedded" in shown
    assert "OPENAI_API_KEY is not set" in shown


def test_help_gives_examples_and_exit_codes() -> None:
    for arguments in ((), ("solve",), ("resume",), ("tasks",)):
        shown = run(*arguments, "--help")
        assert shown.exit_code == 0
        assert "Example" in shown.stdout
    assert "130" in run("solve", "--help").stdout


def test_help_is_chinese_in_a_chinese_locale() -> None:
    environment = {**os.environ, "LC_ALL": "zh_CN.UTF-8"}
    for arguments, words in (
        ((), "列出最近的任务"),
        (("solve",), "退出码"),
        (("resume",), "从中断处继续"),
    ):
        shown = subprocess.run(
            [COMMAND, *arguments, "--help"], env=environment, capture_output=True, timeout=PATIENCE
        )
        assert shown.returncode == 0
        assert words in shown.stdout.decode()


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_ctrl_c_says_how_to_go_on_and_the_task_then_does(
    serve: Serve, options: tuple[str, ...]
) -> None:
    server = serve()
    hold = server.hold("execution")
    process = start_command("solve", *options, PENS)
    hold.wait()
    process.send_signal(signal.SIGINT)
    shown, errors = process.communicate(timeout=PATIENCE)
    hold.released.set()

    [task] = list_tasks()
    assert process.returncode == 130
    assert f"concertino resume {task.task_id}" in errors
    assert "Traceback" not in errors
    assert not options or shown == ""
    assert task.status == "interrupted"

    finished = run("resume", "--quiet", task.task_id)
    assert (finished.exit_code, finished.stdout) == (0, "36\n")
    assert server.asked["comprehension"] == server.asked["planning"] == 1
    assert server.asked["execution"] == 2


def test_an_unusable_home_is_one_line_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, CONCERTINO_HOME="/dev/null/home")
    for arguments in (("solve", PENS), ("tasks",), ("resume", "some-task")):
        shown = run(*arguments)
        assert shown.exit_code == 1
        assert shown.stderr.startswith("concertino: ")
        assert "CONCERTINO_HOME" in shown.stderr


def test_run_lets_the_coordinator_choose_the_workflow(serve: Serve) -> None:
    serve()
    shown = run("run", PENS)

    assert shown.exit_code == 0
    assert "1 → solve_math solve_math is next" in shown.stdout
    assert "Answer: 36" in shown.stdout


def test_run_takes_inputs_as_pairs_and_refuses_what_no_workflow_knows(serve: Serve) -> None:
    serve()
    unknown = run("run", PENS, "--input", "colour=red")
    malformed = run("run", PENS, "--input", "red")
    wrong = run("run", PENS, "-i", "top_k=many")

    assert unknown.exit_code == malformed.exit_code == wrong.exit_code == 2
    assert "Unknown inputs: colour. Known: " in unknown.stderr
    assert "Write name=value" in malformed.stderr
    assert "`rag_qa`: top_k" in wrong.stderr


def test_run_writes_the_result_to_a_file_of_the_kind_its_name_says(
    serve: Serve, tmp_path: Path
) -> None:
    serve()
    for suffix in ("md", "html", "json"):
        out = tmp_path / f"result.{suffix}"
        shown = run("run", PENS, "--workflow", "solve_math", "--quiet", "--out", str(out))
        assert shown.exit_code == 0, shown.output
        assert f"Written to {out}" in shown.stderr
        assert "36" in out.read_text(encoding="utf-8")
    assert json.loads(out.read_text(encoding="utf-8"))["status"] == "verified"


def test_run_refuses_a_file_that_it_could_not_write_before_it_works(tmp_path: Path) -> None:
    other = run("run", PENS, "--out", str(tmp_path / "result.docx"))
    nowhere = run("run", PENS, "--out", str(tmp_path / "none" / "result.md"))

    assert other.exit_code == nowhere.exit_code == 2
    assert ".md, .html or .json" in other.stderr
    assert "does not exist" in nowhere.stderr
    assert list_tasks() == []


def test_run_follows_up_a_thread_and_names_an_unknown_one(serve: Serve) -> None:
    serve(restate=[{"task": PENS}])
    run("solve", PENS)
    first = list_tasks()[0].task_id
    again = run("run", "and for 12 pens?", "--workflow", "solve_math", "--thread", first)
    unknown = run("run", "shorter", "--thread", "nowhere")

    assert again.exit_code == 0
    assert list_tasks()[0].thread_id == first
    assert unknown.exit_code == 1
    assert "There is no thread `nowhere`" in unknown.stderr


def test_workflows_are_listed_with_what_they_take() -> None:
    shown = run("workflows")
    listed = json.loads(run("workflows", "--json").stdout)

    assert {"solve_math", "write_story", "teach_explain", "rag_qa"} <= {w["name"] for w in listed}
    for workflow in listed:
        assert workflow["name"] in shown.stdout
        assert all(workflow["description"][language] for language in ("en", "zh"))
        assert all(f"-i {name}=" in shown.stdout for name in workflow["inputs"]["properties"])


def test_roles_are_listed_with_what_they_do() -> None:
    shown = run("roles").stdout
    listed = json.loads(run("roles", "--json").stdout)

    assert {"programmer", "tester", "calculator"} <= {role["name"] for role in listed}
    assert all(role["description"]["en"] in shown for role in listed)


def test_a_team_is_shown_with_its_topology_its_roles_and_its_checks(serve: Serve) -> None:
    code = "```python\ndef double(n):\n    return 2 * n\n```"
    serve(programmer=[code], tester=["assert double(2) == 4\nassert double(0) == 0"])
    task = "Write a Python function double(n)."
    inputs = ["-i", "topology=decentralized", "-i", "roles=programmer", "-i", "roles=tester"]
    shown = " ".join(run("run", task, "--workflow", "team", *inputs).stdout.split())

    assert "Blind to each other, then compared: programmer, tester. You chose it." in shown
    assert "tester: assert double(2) == 4" in shown
    assert "the code passes its tests (2 assertions)" in shown


@pytest.mark.parametrize("problem", ["-3x+2=0", "-x + 3 = 0", "-(x - 1) = 4", "-sin(x) = 1"])
@pytest.mark.parametrize("command", ["solve", "run"])
def test_a_problem_may_begin_with_a_minus(serve: Serve, command: str, problem: str) -> None:
    serve()
    assert run(command, "--max-iterations", "1", problem, "--quiet").exit_code == 4
    assert list_tasks()[0].question == problem


@pytest.mark.parametrize("option", ["--modle", "-m", "-max-iterations", "-5"])
def test_a_mistyped_option_is_a_wrong_call(serve: Serve, option: str) -> None:
    serve()
    shown = run("solve", option, "3", PENS)
    assert shown.exit_code == 2
    assert list_tasks() == []


def test_make_demo_passes_the_question_on_as_it_is_written() -> None:
    question = 'A shirt costs $25, "half" of $(50). How much are 3?'
    shown = subprocess.run(
        [
            str(which("make")),
            "-s",
            "--eval",
            "tell: ; @printf '%s' \"$$QUESTION\"",
            "tell",
            f"QUESTION={question}",
        ],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert shown.stdout == question


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("CONCERTINO_PROVIDER", "foo", "gemini, deepseek, openai, compatible, embedded"),
        ("CONCERTINO_MAX_RETRIES", "many", "a whole number ≥ 0, ≤ 10"),
        ("CONCERTINO_BANDIT_STEP", "1", "a number ≥ 0, < 1"),
        ("CONCERTINO_FETCH_ALLOW_PRIVATE", "perhaps", "true, false"),
    ],
)
def test_an_invalid_setting_is_named_with_what_it_may_be(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, allowed: str
) -> None:
    use(monkeypatch, **{variable: value})
    for command in ("models", "serve"):
        shown = run(command)
        assert shown.exit_code == 1
        assert shown.stderr == (
            f"concertino: {variable} is set to what it cannot be. It may be: {allowed}.\n"
        )


@pytest.mark.parametrize("answer", ["x" * 20_001, "3 \udcff"])
def test_an_answer_is_held_to_what_a_question_is(serve: Serve, answer: str) -> None:
    serve(**LACKING)
    run("solve", PENS)
    refused = run("resume", list_tasks()[0].task_id, "--answer", answer)
    assert refused.exit_code == 2
    assert list_tasks()[0].status == "needs_input"


def test_an_error_that_nobody_foresaw_fails_the_task_and_says_what_happened(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, home: Path
) -> None:
    def stumble(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError(f"no luck with {SECRET}")

    serve()
    use(monkeypatch, OPENAI_API_KEY=SECRET)
    monkeypatch.setattr("concertino.agents.math.comprehension.record_turn", stumble)
    shown = run("solve", PENS)

    assert shown.exit_code == 1
    assert "ZeroDivisionError: no luck with ***" in shown.stderr
    assert list_tasks()[0].status == "failed"
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.exc_info is not None
    assert "Traceback" not in shown.stderr
    kept = (home / "concertino.log").read_text()
    assert "Traceback" in kept
    assert SECRET not in kept


def test_help_needs_no_settings_and_makes_no_folder(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    use(monkeypatch, CONCERTINO_PROVIDER="foo")
    shown = run("solve", "--help")

    assert shown.exit_code == 0
    assert not home.exists()


def test_an_error_outside_of_tasks_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    def stumble() -> None:
        raise ZeroDivisionError("no luck")

    monkeypatch.setattr("concertino.tasks.api.workflows", stumble)
    shown = run("workflows")

    assert shown.exit_code == 1
    assert shown.stderr == (
        "concertino: An error that was not foreseen: ZeroDivisionError: no luck. "
        f"The details are in {home / 'concertino.log'}.\n"
    )
    assert "Traceback" in (home / "concertino.log").read_text()


def test_tasks_are_searched_renamed_and_deleted(serve: Serve) -> None:
    serve()
    run("solve", PENS)
    task_id = list_tasks()[0].task_id

    assert run("tasks", "rename", task_id, "Homework 作业").stdout == "Renamed.\n"
    found = run("tasks", "search", "home", "pens").stdout
    assert found.startswith(task_id)
    assert "Homework 作业" in found
    [line] = json.loads(run("tasks", "search", "作业", "--json").stdout)
    assert (line["name"], line["question"]) == ("Homework 作业", PENS)
    run("tasks", "rename", task_id, "Shopping", "--thread")
    assert list_tasks(query="shopping")[0].thread_name == "Shopping"
    assert run("tasks", "search", "lakes").stdout == ""
    assert json.loads(run("trace", "show", "--json").stdout)[0]["task_id"] == task_id

    assert run("tasks", "delete", task_id).exit_code == 1, "it asks first"
    assert list_tasks()
    assert run("tasks", "delete", task_id, "--yes").stdout == "Deleted.\n"
    assert list_tasks() == []
    assert json.loads(run("trace", "show", "--json").stdout) == []
    gone = run("tasks", "delete", task_id, "--yes")
    assert (gone.exit_code, task_id in gone.stderr) == (1, True)


def test_a_thread_is_deleted_as_a_whole_and_an_unknown_one_is_said(serve: Serve) -> None:
    serve(restate=[{"task": PENS}])
    run("solve", PENS)
    thread = list_tasks()[0].thread_id
    run("run", PENS, "--workflow", "solve_math", "--thread", thread)
    assert len(list_tasks()) == 2

    assert run("tasks", "delete", thread, "--thread", "--yes").exit_code == 0
    assert list_tasks() == []
    for command in ("delete", "rename"):
        name = ["--yes"] if command == "delete" else ["x"]
        gone = run("tasks", command, thread, *name, "--thread")
        assert (gone.exit_code, thread in gone.stderr) == (1, True)
