"""What a lesson reads of its task: the language asked for, the grade, an earlier lesson."""

import pytest
from concertino.agents.lesson.contracts import TeachingPlan, earlier_part, format_material
from concertino.agents.lesson.plan import (
    TeachExplainInputs,
    asked_exercises,
    asked_language,
    grade_of,
)
from concertino.agents.lesson.text import clean_part
from concertino.state import Exchange, Output


def plan(grade: int) -> TeachingPlan:
    return TeachingPlan(
        title="t", kind="questions", grade=grade, exercises=0, goals=["g"], skill="s"
    )


@pytest.mark.parametrize(
    ("given", "said", "grade"),
    [
        ({}, 3, 3),
        ({}, 0, 6),
        ({"age": 6}, 3, 1),
        ({"age": 5}, 3, 1),
        ({"age": 18}, 3, 12),
        ({"grade": 2}, 3, 2),
        ({"grade": 2, "age": 18}, 3, 2),
    ],
)
def test_the_grade_is_that_given_then_of_the_age_then_of_the_task(
    given: dict[str, int], said: int, grade: int
) -> None:
    assert grade_of(TeachExplainInputs(**given), plan(said)) == grade


def test_a_grade_out_of_range_is_brought_into_it() -> None:
    assert plan(99).grade == 12
    assert plan(-1).grade == 0


def test_a_number_of_exercises_is_believed_where_the_task_names_exercises() -> None:
    read = plan(5).model_copy(update={"exercises": 5})
    assert asked_exercises("Fractions for grade 5", read) == 0
    assert asked_exercises("Fractions with five exercises", read) == 5
    assert asked_exercises("分数，出5道题", read) == 5


@pytest.mark.parametrize(
    ("task", "language"),
    [
        ("Explain fractions in Chinese", "zh"),
        ("用英语讲一讲分数", "en"),
        ("Explain the English past tense", None),
        ("讲一讲英语的过去时", None),
    ],
)
def test_the_task_may_name_the_lessons_language(task: str, language: str | None) -> None:
    assert asked_language(task) == language


LESSON = (
    "# T\n\n## Introduction\n\nHello.\n\n## Practice\n\nDo it.\n\n1. 3 + 4\n\n## Answer key\n\n1. 7"
)


def earlier(workflow: str, answer: str) -> Exchange:
    return {"question": "q", "workflow": workflow, "inputs": {}, "answer": answer}


def test_a_part_of_an_earlier_lesson_is_found_by_its_heading_in_either_language() -> None:
    assert "Do it.\n\n1. 3 + 4" in earlier_part(
        {"earlier": [earlier("teach_explain", LESSON)]}, "practice"
    )
    chinese = [earlier("teach_explain", "# T\n\n## 导入\n\n你好。")]
    assert "你好。" in earlier_part({"earlier": chinese}, "introduction")


@pytest.mark.parametrize(
    "before",
    [[], [earlier("write_story", LESSON)], [earlier("teach_explain", "no headings at all")]],
)
def test_what_is_no_earlier_lesson_is_not_reworked(before: list[Exchange]) -> None:
    assert earlier_part({"earlier": before}, "practice") == ""


def test_material_is_what_other_workflows_made_and_found() -> None:
    outputs = {
        "rag_qa": Output(workflow="rag_qa", status="verified", text="Cells divide."),
        "search": Output(workflow="search", status="no_answer", text="Nothing found."),
        "teach_explain": Output(workflow="teach_explain", status="unverified", text="A lesson."),
    }
    material = format_material({"outputs": outputs})
    assert "Cells divide." in material
    assert "Nothing found." not in material
    assert "A lesson." not in material
    assert format_material({}) == ""


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        ("## Introduction\n\nHello there.", "Hello there."),
        ("**Introduction:** Hello there.", "Hello there."),
        ("Hello there. And then we", "Hello there."),
        ("```\nHello there.\n```", "Hello there."),
        (r"You see \(\frac{1}{2}\).", "You see 1/2."),
        ("", ""),
    ],
)
def test_a_part_is_freed_of_what_is_not_its_own(reply: str, kept: str) -> None:
    assert clean_part(reply, "introduction", "en") == kept
