"""An answer is verified by a problem's relations only if it is exactly what the problem asks."""

import pytest
from concertino.tools.algebra.reading import read_value
from concertino.tools.algebra.substitution import find_held_relations


def holds(problem: str, answer: str) -> bool:
    return find_held_relations(problem, read_value(answer)) is not None


@pytest.mark.parametrize(
    ("problem", "relations"),
    [
        ("求解方程 x^2 - 5x + 6 = 0", "x^2 - 5*x + 6 = 0"),
        ("Solve x^2 - 5x + 6 = 0 for x.", "x^2 - 5*x + 6 = 0"),
    ],
)
def test_the_relations_that_hold_are_named(problem: str, relations: str) -> None:
    assert find_held_relations(problem, read_value("{2, 3}")) == relations


@pytest.mark.parametrize(
    ("problem", "answer", "verified"),
    [
        ("Solve x^2 - 5x + 6 = 0", "{2, 3}", True),
        ("Solve x^2 - 5x + 6 = 0", "{2, 4}", False),
        ("Solve x^2 - 5x + 6 = 0", "2", False),
        ("2x+y=5, x-y=1", "x=2, y=1", True),
        ("2x+y=5, x-y=1", "(2, 1)", True),
        ("2x+y=5, x-y=1", "(1, 2)", False),
        ("2x - 3 > 5", "x > 4", True),
        ("2x - 3 > 5", "x > 5", False),
        ("How many pens?", "3", False),
        ("Find x: x² - 5x + 6 = 0", "{2, 3}", True),
        ("Solve 2x+y=5 and x-y=1 for x and y.", "(2, 1)", True),
        (r"What is \(x\) if \(2x + 1 = 7\)?", "3", True),
        ("已知 2x+1=7，求 x 的值。", "3", True),
        ("若 2x+y=5 且 x-y=1，求 x, y", "(2, 1)", True),
        ("解不等式 2x - 3 ≥ 5", "x >= 4", True),
        ("Tom has 12 pens at $3 each.", "36", False),
        ("Solve the proportion 3:x = 6:8.", "4", True),
        ("Solve the proportion 3:x = 6:8.", "9/4", False),
        ("解比例：x:4=3:2", "6", True),
        ("Solve log_2(x - 1) = 3.", "9", True),
        ("Solve log(x) = 2.", "100", False),
        ("解方程 lg x = 2", "100", True),
        ("Solve |x + 2| = -1.", "no solution", True),
        ("解方程 x^2 + 4 = 0（在实数范围内）", "无解", True),
        ("解不等式组 {x + 1 > 0, 2x < 6}", "-1 < x < 3", True),
        ("解不等式组 {x + 1 > 0, 2x < 6}", "x > -1", False),
    ],
)
def test_only_the_whole_solution_holds_when_put_back(
    problem: str, answer: str, verified: bool
) -> None:
    assert holds(problem, answer) is verified


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("If 2x + 1 = 7, what is 3x - 2?", "3"),
        ("Solve x^2 = 4 for x, then give x^2 + 1", "{-2, 2}"),
        ("If 2x + 1 = 7, what is the square of x?", "3"),
        ("If x + y = 3 and x - y = 1, what is x + y?", "(2, 1)"),
        ("If x + y = 3 and x - y = 1, what is xy?", "(2, 1)"),
        ("If 2x + 1 = 7, what is √x?", "3"),
        ("If 2x - 3 > 5, what is 3x?", "x > 4"),
        ("已知 2x+1=7，求 3x-2 的值", "3"),
        ("已知 2x+1=7，求 x² 的值", "3"),
        ("已知 2x+1=7，求 x 的平方", "3"),
        ("已知 x+y=3，x-y=1，求 x+y", "(2, 1)"),
        ("已知 x+y=3，x-y=1，求 x+y", "3"),
    ],
)
def test_a_question_for_something_derived_is_not_decided_by_the_unknowns(
    problem: str, answer: str
) -> None:
    assert not holds(problem, answer)


@pytest.mark.parametrize("answer", ["(1, 4)", "3"])
@pytest.mark.parametrize("problem", ["x + y = 5", "√x = 3", "2πx = 6"])
def test_relations_with_more_than_one_solution_or_that_cannot_be_read_decide_nothing(
    problem: str, answer: str
) -> None:
    assert not holds(problem, answer)


@pytest.mark.parametrize(
    ("problem", "wrong", "right"),
    [
        ("求方程 x^2 - 5x - 6 = 0 的正根", "{-1, 6}", "6"),
        ("Find the positive root of x^2 - 5x - 6 = 0", "{-1, 6}", "6"),
        ("Find the negative root of x^2 - 5x - 6 = 0", "6", "-1"),
        ("求不等式 2x - 3 < 5 的最大整数解", "x < 4", "3"),
        ("Find the largest integer solution of 2x - 3 < 5", "x < 4", "3"),
        ("Find the smallest integer solution of 2x - 3 > 5", "x > 4", "5"),
        ("How many real solutions does x^2 - 5x + 6 = 0 have?", "{2, 3}", "2"),
        ("方程 x^2 - 5x + 6 = 0 有几个实数根？", "{2, 3}", "2"),
        ("Find the sum of the roots of x^2 - 5x + 6 = 0", "{2, 3}", "5"),
        ("Find the product of the roots of x^2 - 5x + 6 = 0", "{2, 3}", "6"),
        ("Find the larger root of x^2 - 5x + 6 = 0", "{2, 3}", "3"),
        ("求方程 x^2 - 5x + 6 = 0 的较小根", "{2, 3}", "2"),
        ("求不等式 2x - 3 < 5 的正整数解", "x < 4", "{1, 2, 3}"),
        ("How many integer solutions does 0 < x < 5 have?", "(0, 5)", "4"),
        ("Solve x^2 = -1 over the reals.", "{-i, i}", "no solution"),
        ("若 2x+y=5 且 x-y=1，求 x", "(2, 1)", "2"),
    ],
)
def test_what_is_asked_of_the_solutions_has_to_be_answered(
    problem: str, wrong: str, right: str
) -> None:
    assert not holds(problem, wrong)
    assert holds(problem, right)


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("圆的半径 r = 3，求面积", "3"),
        ("A circle has radius r = 3. Find its area.", "3"),
        ("A square has side x, and 2x = 6. What is its perimeter?", "3"),
        ("Let x = 4. What is the cost of x pens?", "4"),
        ("已知长方形的长 a = 5，求周长", "5"),
        ("Solve 2x = 6, and give the answer in cm", "3 kg"),
        ("Solve 2x + 1 = 7 modulo 5", "3"),
    ],
)
def test_an_answer_that_only_repeats_what_is_given_verifies_nothing(
    problem: str, answer: str
) -> None:
    assert not holds(problem, answer)


@pytest.mark.parametrize("answer", ["3 km", "3%", "3 apples", "3:1", "hello", "x = 4", "y = 3"])
def test_an_answer_of_another_type_or_with_a_unit_verifies_nothing(answer: str) -> None:
    assert holds("Solve 2x + 1 = 7", "3")
    assert not holds("Solve 2x + 1 = 7", answer)


@pytest.mark.parametrize(
    "problem", ["", "x", "What is 2 + 2?", "x = ", "2x + = 7", "= = =", "1 = 1", "求 x", "x + 1"]
)
def test_a_problem_without_a_relation_verifies_nothing(problem: str) -> None:
    assert not holds(problem, "3")
    assert not holds(problem, "4")
