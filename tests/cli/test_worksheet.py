"""`concertino worksheet`."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from concertino import run_task
from concertino.cli.main import main
from concertino.synthesis.contracts import NewTask
from concertino.synthesis.worksheet import write_worksheet

from tests.model_server import PENS, ModelServer
from tests.scripted_model import ScriptedModel


def run(*given: object) -> Result:
    return CliRunner().invoke(main, ["worksheet", *[str(part) for part in given]])


@pytest.fixture
def task_id(scripted: Callable[..., ScriptedModel]) -> str:
    program = "```python\npens = 12\nprice = 3\nanswer = pens * price\n```"
    return str(run_task(PENS, model=scripted(execution=[program]))["task_id"])


def test_a_solved_problem_becomes_a_sheet_with_its_key(task_id: str) -> None:
    made = run("--task", task_id, "--count", 4)
    assert made.exit_code == 0, made.stderr
    practice, key = made.stdout.split("## Answer key")
    asked = re.findall(r"^\d+\. (.+)$", practice, re.MULTILINE)
    answers = re.findall(r"^\d+\. (\d+)", key, re.MULTILINE)
    assert len(set(asked)) == len(answers) == 4
    for question, answer in zip(asked, answers, strict=True):
        pens, price = (int(number) for number in re.findall(r"\d+", question))
        assert pens * price == int(answer)


def test_the_page_can_be_printed_with_the_key_on_a_sheet_of_its_own(
    task_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "sheet.html"
    assert run("--task", task_id, "--out", path, "--title", "Pens <1>").exit_code == 0
    page = path.read_text(encoding="utf-8")
    assert page.index('class="sheet"') > page.index('class="exercises"')
    assert "Pens &lt;1&gt;" in page


def test_a_problem_is_solved_first(serve: Callable[..., ModelServer]) -> None:
    serve(execution=["```python\npens = 12\nprice = 3\nanswer = pens * price\n```"])
    made = run(PENS, "--count", 2)
    assert made.exit_code == 0, made.stderr
    assert "## Answer key" in made.stdout


def test_what_cannot_be_varied_is_told_with_the_reason(
    scripted: Callable[..., ScriptedModel],
) -> None:
    loop = "```python\nanswer = 0\nfor _ in range(12):\n    answer += 3\n```"
    task_id = run_task(PENS, model=scripted(execution=[loop]))["task_id"]
    made = run("--task", task_id)
    assert made.exit_code == 1
    assert "the program loops over its numbers" in made.stderr


def test_what_was_not_verified_is_no_problem_for_a_class(
    scripted: Callable[..., ScriptedModel],
) -> None:
    wrong = scripted(reasoning=["That makes \\boxed{35}."])
    made = run("--task", run_task(PENS, model=wrong)["task_id"])
    assert made.exit_code == 1
    assert "not a verified calculation" in made.stderr


def test_what_is_asked_wrongly_is_told_before_anything_is_solved(tmp_path: Path) -> None:
    assert run().exit_code == 2
    assert run(PENS, "--task", "x").exit_code == 2
    assert run(PENS, "--out", tmp_path / "sheet.txt").exit_code == 2
    assert run(PENS, "--out", tmp_path / "none" / "sheet.md").exit_code == 2
    assert run("--task", "no-such-task").exit_code == 1


def test_fewer_variants_than_asked_for_are_told(task_id: str) -> None:
    made = run("--task", task_id, "--count", 100)
    count = len(re.findall(r"^\d+\. ", made.stdout, re.MULTILINE)) // 2
    assert count == 100 or f"found: {count} of 100" in made.stderr


def test_markup_in_a_problem_is_shown_as_it_is() -> None:
    task = NewTask.model_validate(
        {
            **{"id": "t", "essence_id": "e", "language": "en", "values": {}, "program": ""},
            **{"question": "Pay $3 or *4* <b>?", "level": "simple"},
            "gold": {"exact": "3", "text": "$3", "latex": "3"},
        }
    )
    text = write_worksheet("Sheet", [task], "en")
    assert r"Pay \$3 or \*4\* \<b\>?" in text
    assert r"1. \$3" in text
