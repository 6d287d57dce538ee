"""An exercise's answer holds when two routes that do not know it agree."""

from typing import Any

import pytest
from concertino.agents.lesson.answers import (
    CheckedDraft,
    Draft,
    confirm,
    is_faithful,
    needs_computing,
)
from concertino.models.client import LanguageModel
from concertino.tools.sandbox import default_sandbox

from tests.scripted_model import ScriptedModel

PENS = "A pen costs 3 dollars. What do 12 pens cost?"


async def settled(
    question: str, expression: str, answer: str, **script: list[Any]
) -> tuple[CheckedDraft, ScriptedModel]:
    chat = ScriptedModel(
        script={"reasoning": ["\\boxed{36}"], "execution": ["answer = 36"], **script}
    )
    draft = Draft(question=question, expression=expression, answer=answer)
    found = await confirm(LanguageModel.wrap(chat), default_sandbox(), draft, "en")
    return found, chat


def answer_of(found: CheckedDraft) -> str | None:
    return found.exercise.answer if found.exercise else None


@pytest.mark.parametrize(
    ("question", "expression", "claimed", "shown"),
    [
        ("Calculate 3/4 + 1/8.", "3/4 + 1/8", "7/8", "7/8"),
        ("Calculate 3/4 + 1/8.", "3/4 + 1/8", "4/12", "7/8"),
        ("Calculate 3/8 + 1/8.", "3/8 + 1/8", "4/8", "1/2"),
        ("计算 23 × 4。", "23*4", "82", "92"),
        (r"Calculate $\frac{1}{2} + \frac{1}{3}$.", "1/2 + 1/3", r"\frac{5}{6}", "5/6"),
        ("Calculate 67 x 100.", "67 x 100", "670", "6700"),
        ("Calculate 12 + 30.", "12 + 30", "41 apples", "42 apples"),
        ("Calculate 3/4 ÷ 1/2.", "3/4 / 1/2", "3/8", "3/2"),
        ("Calculate 2 1/2 + 1 1/4.", "2 1/2 + 1 1/4", "3 3/4", "3 3/4"),
        ("计算 2又1/2 + 1。", "2又1/2 + 1", "3 1/4", "7/2"),
        ("Calculate 20% × 50.", "20% * 50", "12", "10"),
        ("计算 12÷4。", "12/4", "4", "3"),
        ("计算 4.2 + 1.7。", "4.2 + 1.7", "5.8", "5.9"),
        ("Calculate 0.5 + 1/4.", "0.5 + 1/4", "1/2", "3/4"),
        ("Calculate 12 + 30.", "12 + 30", "42, because 10 + 30 = 50", "42"),
    ],
)
async def test_a_calculation_that_the_question_states_needs_no_model(
    question: str, expression: str, claimed: str, shown: str
) -> None:
    found, chat = await settled(question, expression, claimed)
    assert answer_of(found) == shown
    assert chat.asked == []


async def test_a_fraction_alone_is_no_calculation_that_the_question_states() -> None:
    found, chat = await settled(
        "What is the numerator of 3/4?",
        "3/4",
        "3",
        reasoning=["\\boxed{3}"],
        execution=["answer = 3"],
    )
    assert answer_of(found) == "3"
    assert len(chat.asked) == 2


async def test_an_answer_that_reasoning_confirms_is_kept_in_its_own_words() -> None:
    found, chat = await settled(PENS, "3 * 12", "36 dollars")
    assert found.exercise is not None
    assert (found.exercise.answer, found.exercise.working) == ("36 dollars", "3 × 12")
    assert (found.exercise.claimed, found.exercise.computed, len(chat.asked)) == (None, True, 1)


async def test_a_claimed_answer_that_two_routes_contradict_is_corrected() -> None:
    found, _ = await settled(PENS, "3 * 12", "35 dollars")
    assert found.exercise is not None
    assert (found.exercise.answer, found.exercise.claimed) == ("36 dollars", "35 dollars")


async def test_a_wrong_expression_gives_way_to_a_program_and_reasoning_that_agree() -> None:
    found, chat = await settled(PENS, "3 + 12", "15 dollars")
    assert answer_of(found) == "36 dollars"
    assert found.exercise is not None
    assert found.exercise.working is None
    assert len(chat.asked) == 2


@pytest.mark.parametrize(
    "script",
    [
        {"reasoning": ["\\boxed{35}"]},
        {"reasoning": ["I do not know."]},
        {"reasoning": ["\\boxed{35}"], "execution": ["this is no Python"]},
    ],
)
async def test_where_no_two_routes_agree_there_is_no_exercise(script: dict[str, Any]) -> None:
    found, _ = await settled(PENS, "3 + 12", "15 dollars", **script)
    assert found.exercise is None
    assert found.usage.calls >= 1


@pytest.mark.parametrize("expression", ["", "36", "import os", "7 * 8", "3 * (12", "3 = 12 = 3"])
async def test_an_expression_that_is_none_or_not_of_the_question_is_no_route(
    expression: str,
) -> None:
    found, chat = await settled(PENS, expression, "36 dollars")
    assert answer_of(found) == "36 dollars"
    assert len(chat.asked) == 2, "a program had to be written"


@pytest.mark.parametrize(
    ("question", "expression", "claimed", "reasoned", "shown"),
    [
        ("Solve 3x + 5 = 20.", "3*x + 5 = 20", "x = 6", "x = 5", "x = 5"),
        ("Solve x + y = 5, x - y = 1.", "x + y = 5, x - y = 1", "x=3, y=2", "x=3, y=2", "x=3, y=2"),
        ("Expand 2(x + 3).", "2*(x+3)", "2x + 6", "2x + 6", "2x + 6"),
        ("Expand 2(x + 3).", "2*x + 2*3", "2x + 3", "2x + 6", "2*x + 6"),
        ("Expand 2(x + 3).", "2*(x+3)", "2(x + 3)", "2x + 6", None),
        ("17个苹果分给5人，每人几个，剩几个？", "17//5, 17%5", "3余2", "3余2", "3余2"),
        ("Share 17 pens among 5.", "17//5, 17%5", "3 remainder 1", "3 R 2", "3 remainder 2"),
    ],
)
async def test_equations_and_remainders_are_computed_too(
    question: str, expression: str, claimed: str, reasoned: str, shown: str | None
) -> None:
    found, _ = await settled(question, expression, claimed, reasoning=[f"\\boxed{{{reasoned}}}"])
    assert answer_of(found) == shown


def test_an_expression_has_to_be_made_of_the_questions_numbers() -> None:
    assert is_faithful("Tom has three bags of 5 apples.", "3 * 5")
    assert is_faithful("A film lasts 2 hours. How many minutes?", "2 * 60")
    assert not is_faithful("Tom has 4 bags of 5 apples.", "4 * 7")
    assert not is_faithful("Write a sum of your own.", "100 + 2")


@pytest.mark.parametrize(
    ("question", "answer", "computed"),
    [
        ("What do 12 pens at 3 dollars cost?", "36 dollars", True),
        ("How many legs do 3 spiders have?", "24", True),
        ("In which year did Apollo 11 land?", "1969", False),
        ("What do plants take in?", "Carbon dioxide.", False),
        ("3只蜘蛛有多少条腿？", "24条", True),
    ],
)
def test_what_is_worked_out_is_told_from_what_is_known(
    question: str, answer: str, computed: bool
) -> None:
    assert needs_computing(question, answer) is computed


async def test_a_swapped_solution_of_two_equations_is_corrected() -> None:
    found, _ = await settled(
        "Solve 2x + y = 5, x - y = 1.",
        "2x + y = 5, x - y = 1",
        "x = 1, y = 2",
        reasoning=["So \\boxed{x = 2, y = 1}."],
    )
    assert answer_of(found) == "x = 2, y = 1"


async def test_a_division_with_remainder_is_not_answered_by_a_fraction() -> None:
    found, _ = await settled(
        "17÷5等于几余几？",
        "17/5",
        "17/5",
        reasoning=["所以 \\boxed{3余2}。"],
        execution=["answer = divmod(17, 5)"],
    )
    assert answer_of(found) == "3 r 2"


async def test_an_estimate_has_no_single_key() -> None:
    found, chat = await settled("估算 48×21。", "48*21", "1008", reasoning=["\\boxed{1008}"])
    assert answer_of(found) is None
    assert chat.asked == []


async def test_a_result_is_rounded_as_the_exercise_asks() -> None:
    found, _ = await settled(
        "Round 3.14 + 2.58 to a whole number.",
        "3.14 + 2.58",
        "5.72",
        reasoning=["That makes 5.72, so \\boxed{6}."],
    )
    assert answer_of(found) == "6"


async def test_a_key_shows_the_unit_that_the_exercise_asks_for() -> None:
    found, _ = await settled(
        "A rectangle is 18 cm long and 9 cm wide. What is its area?",
        "18*9",
        "150",
        reasoning=["18 × 9 = 162, so \\boxed{162 \\text{ cm}^2}."],
    )
    assert answer_of(found) == "162 cm²"
