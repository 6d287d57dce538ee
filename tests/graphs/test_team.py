"""The workflow `team`: the home of every task that no other workflow is made for."""

from collections.abc import Callable

import pytest
from concertino import run_task
from concertino.graphs.registry import find_home

from tests.scripted_model import ScriptedModel, decision

Scripted = Callable[..., ScriptedModel]
CODING = "Write a Python function is_even(n) that tells even numbers, with two tests."
CODE = """```python
def is_even(n):
    return n % 2 == 0

assert is_even(2)
assert not is_even(3)
```"""
WRONG = CODE.replace("n % 2 == 0", "n % 2 == 1")


@pytest.fixture
def team(scripted: Scripted) -> Scripted:
    """A model that sends every task to the team."""
    return lambda **script: scripted(choosing=[decision("team")], **script)


def test_it_takes_what_no_other_workflow_is_made_for() -> None:
    assert find_home() == "team"


@pytest.mark.parametrize(
    ("task", "role", "text"),
    [
        ("Why is the sky blue?", "assistant", "Air scatters blue light most."),
        ("天空为什么是蓝色的？", "assistant", "空气散射蓝光最多。"),
        ("Draft an e-mail about Friday.", "writer", "Dear parents, on Friday we go out."),
        ("给家长写一封关于周五的信。", "writer", "各位家长，周五我们外出。"),
        ("Translate into Chinese: Good morning.", "translator", "早上好。"),
        ("把这句翻译成英文：早上好。", "translator", "Good morning to you."),
        ("Plan a trip to Rome.", "planner", "1. Arrive.\n2. See the Forum."),
        ("给我列一个去西安的行程。", "planner", "1. 到达。\n2. 看兵马俑。"),
    ],
)
def test_one_role_answers_and_is_not_called_verified_where_nothing_shows_that_it_is_right(
    team: Scripted, task: str, role: str, text: str
) -> None:
    model = team(**{role: [text]})
    result = run_task(task, model=model)

    assert result["final_answer"] == text
    assert result["status"] == "unverified"
    told = {"en": "Not verified", "zh": "未经验证"}[result["language"]]
    assert told in result["report"]
    assert len(model.asked) == 2, "one decision and one answer"
    assert not any(record["failed"] for record in result["iteration_history"])
    plan = result["outputs"]["team"]["data"]["plan"]
    assert (plan["topology"], plan["roles"], plan["source"]) == ("single", [role], "rule")


def test_code_that_passes_its_tests_is_verified(team: Scripted) -> None:
    model = team(programmer=[CODE])
    result = run_task(CODING, model=model)

    assert result["status"] == "verified"
    assert "def is_even" in result["final_answer"]
    assert "the code passes its tests (2 assertions)" in result["report"]
    assert len(model.asked) == 2


def test_what_failed_a_check_is_done_once_more_with_what_was_wrong(team: Scripted) -> None:
    model = team(programmer=[WRONG, CODE])
    result = run_task(CODING, model=model)

    assert result["status"] == "verified"
    assert "AssertionError" in model.asked[-1]
    assert "n % 2 == 1" in model.asked[-1], "it sees the version before"
    sources = [r["source"] for r in result["iteration_history"] if r["source"]]
    assert sources == ["model", "forced", "forced"]


def test_the_better_of_two_versions_is_kept(team: Scripted) -> None:
    model = team(assistant=["1. Stars\n2. Moons", "星星\n月亮"])
    result = run_task("Give me three names for a club.", model=model)

    assert result["final_answer"] == "1. Stars\n2. Moons"
    assert result["status"] == "unverified"
    assert "Not everything held: it has the form asked for (2 instead of 3)" in result["report"]


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("while True: pass", "TimeoutError"),
        ("import no_such_thing", "no_such_thing"),
        ("def is_even(n): return", "tests"),
    ],
)
def test_code_that_cannot_be_right_ends_clearly(team: Scripted, program: str, told: str) -> None:
    model = team(programmer=[f"```python\n{program}\n```"])
    result = run_task(CODING, model=model)

    assert result["status"] == "unverified"
    assert told in result["report"]
    assert result["total_iterations"] == 2


def test_what_another_workflow_found_is_material_behind_a_fence(scripted: Scripted) -> None:
    model = scripted(
        choosing=[decision("solve_math"), decision("team")],
        writer=["Dear parents, the pens cost 36 dollars."],
    )
    run_task("12 pens at 3 dollars each: write a letter about what they cost.", model=model)

    assert 'label="solve_math"' in model.asked[-1]


def test_nothing_follows_it(team: Scripted) -> None:
    result = run_task("Why is the sky blue?", model=team(assistant=["Air scatters light."]))
    assert result["iteration_history"][-1]["legal"] == ["complete"]


def test_an_answer_that_is_empty_is_no_answer(team: Scripted) -> None:
    result = run_task("Why is the sky blue?", model=team(assistant=[""]))
    assert result["status"] == "no_answer"
    assert "Nothing came of this task" in result["report"]
