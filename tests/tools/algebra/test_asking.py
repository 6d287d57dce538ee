"""A question says by its words what an answer is; an answer of another type is not an answer."""

import json
from pathlib import Path

import pytest
from concertino.tools.algebra.asking import fit_value, list_broken_forms, read_question
from concertino.tools.algebra.reading import read_value
from concertino.tools.algebra.showing import write_text

QUESTIONS = Path(__file__).parents[3] / "bench" / "answers" / "questions.jsonl"
MAX_REFUSED = 0.02


def fit(problem: str, answer: str) -> str | None:
    """Return an answer as the problem asks for it, shown; None if it is no answer to it."""
    value = fit_value(read_value(answer), read_question(problem))
    return None if value is None else write_text(value)


def broken(problem: str, answer: str, *forms: str) -> list[str]:
    return list_broken_forms(read_value(answer), read_question(problem), list(forms))


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        ("How many apples are left?", "count"),
        ("还剩几个苹果？", "count"),
        ("全班有多少人？", "count"),
        ("What percent of the students passed?", "percentage"),
        ("及格的人占百分之几？", "percentage"),
        ("What is the probability of a red ball?", "probability"),
        ("摸到红球的概率是多少？", "probability"),
        ("17÷5等于几余几？", "remainder"),
        ("What are the quotient and remainder of 17 divided by 5?", "remainder"),
        ("What is the ratio of boys to girls?", "ratio"),
        ("男生和女生人数的比是多少？", "ratio"),
        ("How long is the rope in cm?", "quantity"),
        ("绳子长多少厘米？", "quantity"),
        ("What is x?", None),
        ("x等于多少？", None),
    ],
)
def test_what_is_asked_is_told_by_the_words(problem: str, kind: str | None) -> None:
    assert read_question(problem).kind == kind


@pytest.mark.parametrize(
    ("problem", "answer", "shown"),
    [
        ("What is the area of the rectangle in cm²?", "162", "162 cm²"),
        ("长方形的面积是多少平方厘米？", "162", "162平方厘米"),
        ("A rectangle is 18 cm long and 9 cm wide. What is its area?", "162", "162 cm²"),
        ("长方形长18厘米，宽9厘米，面积是多少？", "162", "162平方厘米"),
        ("A cube has edges of 3 cm. What is its volume?", "27", "27 cm³"),
        ("绳子长多少厘米？", "25", "25厘米"),
        ("How long is the rope in cm?", "25 cm", "25 cm"),
    ],
)
def test_a_bare_number_gets_the_unit_that_is_asked_for(
    problem: str, answer: str, shown: str
) -> None:
    assert fit(problem, answer) == shown


@pytest.mark.parametrize(
    ("problem", "answer", "shown"),
    [
        ("What percent of the students passed?", "75%", "75%"),
        ("What percent of the students passed?", "75", "75%"),
        ("What percent of the students passed?", "3/4", "75%"),
        ("及格的人占百分之几？", "0.75", "75%"),
        ("What is the ratio of boys to girls?", "3/2", "3:2"),
        ("What is the ratio of boys to girls?", "3:2", "3:2"),
        ("17÷5等于几余几？", "3余2", "3 r 2"),
        ("17÷5等于几余几？", "(3, 2)", "3 r 2"),
        ("17÷5等于几余几？", "{'quotient': 3, 'remainder': 2}", "3 r 2"),
    ],
)
def test_an_answer_is_given_in_the_type_that_is_asked_for(
    problem: str, answer: str, shown: str
) -> None:
    assert fit(problem, answer) == shown


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("17÷5等于几余几？", "17/5"),
        ("17÷5等于几余几？", "3"),
        ("What are the quotient and remainder of 17 divided by 5?", "3.4"),
        ("What percent of the students passed?", "75 kg"),
        ("及格的人占百分之几？", "75人"),
        ("What is the ratio of boys to girls?", "30 kg"),
        ("How long is the rope in cm?", "25 kg"),
        ("How long is the rope in cm?", "25 cm²"),
        ("长方形的面积是多少平方厘米？", "162厘米"),
        ("How many buses are needed?", "12 km"),
        ("一共需要多少辆车？", "12千米"),
        ("How many buses are needed?", "hello there"),
        ("How many buses are needed?", "yes"),
        ("How many buses are needed?", "3:2"),
        ("一共要付多少元？", "5.3千克"),
        ("How old is Tom?", "12 kg"),
        ("小明今年几岁？", "12元"),
        ("Convert 2.5 hours to minutes.", "150 kg"),
        ("把3千米化成米。", "3000千克"),
        ("How many boys and how many girls are there?", "12"),
        ("男生和女生各有多少人？", "12"),
        ("What is the remainder when 17 is divided by 5?", "3 remainder 2"),
        ("17除以5的商是多少？", "3余2"),
    ],
)
def test_an_answer_of_another_type_is_no_answer(problem: str, answer: str) -> None:
    assert fit(problem, answer) is None


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("What is x?", "-7/2"),
        ("Who has more marbles?", "Tom"),
        ("那天是星期几？", "星期三"),
        ("Is 91 a prime number?", "no"),
        ("On what date does the course end?", "March 5, 2024"),
        ("火车几点到达？", "下午3点25分"),
        ("What are the coordinates of the vertex?", "(2, -1)"),
        ("鸡和兔各有多少只？", "鸡23只，兔12只"),
        ("How many chickens and how many rabbits are there?", "23 chickens and 12 rabbits"),
        ("中午的气温是多少？", "-5℃"),
    ],
)
def test_an_answer_is_kept_where_the_words_ask_for_no_other_type(problem: str, answer: str) -> None:
    assert fit(problem, answer) is not None


@pytest.mark.parametrize(
    ("problem", "answer", "violated"),
    [
        ("How many apples are left?", "7", []),
        ("How many apples are left?", "3.5", ["whole"]),
        ("How many apples are left?", "-2", ["non_negative"]),
        ("How many apples are left?", "-5/2", ["whole", "non_negative"]),
        ("还剩几个苹果？", "3.5", ["whole"]),
        ("还剩几个苹果？", "-2", ["non_negative"]),
        ("What is the probability of a red ball?", "3/8", []),
        ("What is the probability of a red ball?", "8/3", ["probability"]),
        ("摸到红球的概率是多少？", "-0.2", ["non_negative"]),
        ("明天下雨的概率是多少？", "40%", []),
        ("Of 30 children some wear glasses. How many wear glasses?", "12", []),
        ("Of 30 children some wear glasses. How many wear glasses?", "34", ["within_whole"]),
        ("What is x?", "-7/2", []),
    ],
)
def test_the_forms_of_an_answer_are_told_by_the_words(
    problem: str, answer: str, violated: list[str]
) -> None:
    assert broken(problem, answer) == violated


def test_forms_that_a_number_breaks_are_named() -> None:
    assert broken("What is it?", "7/2", "whole", "non_negative") == ["whole"]
    assert broken("What is it?", "-3", "whole", "non_negative") == ["non_negative"]
    assert broken("What is it?", "{2, 3}", "whole") == []


def test_what_is_counted_on_average_need_not_be_whole() -> None:
    assert broken("How many books does each child read on average?", "7/2") == []
    assert broken("平均每人读多少本书？", "7/2") == []


def test_few_labelled_answers_that_fit_their_question_are_refused() -> None:
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    fitting = [case for case in map(json.loads, lines) if case["fits"]]
    refused = [
        case
        for case in fitting
        if fit(case["question"], case["answer"]) is None or broken(case["question"], case["answer"])
    ]
    assert len(refused) <= MAX_REFUSED * len(fitting), refused
