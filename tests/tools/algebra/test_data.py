"""Numbers in a program that the problem neither states nor implies are made up."""

import pytest
from concertino.tools.algebra.data import find_made_up_numbers

PENS = "A shop sells pens and each customer gets a discount. How much does Tom pay?"


@pytest.mark.parametrize(
    ("program", "problem", "made_up"),
    [
        ("price = 37\nanswer = price * 0.85", PENS, ["37", "17/20"]),
        ("answer = 7 * 11", PENS, ["7", "11"]),
        ("price = 3.49\nanswer = 12 * price", "12 pens cost how much?", ["349/100"]),
        ("小红 = 47\nanswer = 小红 + 12", "小明有12支笔，小红也有一些，一共有多少支？", ["47"]),
        ("answer = 41 + 41 + 41", "What is the sum?", ["41"]),
        ("price = Decimal('37')\nanswer = price * 2", PENS, ["37"]),
        (
            "answer = Fraction('17/5')",
            PENS,
            ["17/5", "17", "5"],
        ),
        ("answer = '37 dollars'", PENS, ["37"]),
        ("answer = '$37'", PENS, ["37"]),
    ],
)
def test_made_up_numbers_are_named_once(program: str, problem: str, made_up: list[str]) -> None:
    assert sorted(find_made_up_numbers(program, problem)) == sorted(made_up)


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("answer = 12 * 37", "12 pens at $37 each. How much do they cost?"),
        ("answer = 1200 * 37", "1,200 pens at $37 each. How much do they cost?"),
        ("answer = 37 * 0.85", "A $37 book is sold at 85%. How much is it?"),
        ("answer = 37 * 0.15", "A $37 book is 15% off. How much is saved?"),
        ("answer = 37 * 0.85", "A $37 book is 15% off. How much is it?"),
        ("answer = 37 * 1.15", "The price of $37 rises by 15%. What is it now?"),
        ("answer = 7 * 105", "一百零五元一件，七件多少元？"),
        ("answer = 45 * 21", "Twenty-one boxes of 45 pens: how many pens?"),
        ("answer = Rational(3, 17) * 340", r"What is \frac{3}{17} of 340?"),
        ("answer = 340 * 3 / 17", "340的3/17是多少？"),
        ("answer = 47 * 60", "How many minutes are 47 hours?"),
        ("answer = 3.14 * 47**2", "The radius is 47. What is the area?"),
        ("answer = 59 * 3", "A class of 23 boys and 36 girls has 3 books each. How many?"),
        ("for day in range(1, 8):\n    total = day\nanswer = total * 41", "41 a day for a week?"),
        ("answer = 2 + 2", PENS),
        ("answer = 'no 99'", PENS),
        ("x1, x2 = symbols('x17 x37')\nanswer = 2", PENS),
        ("print('step 37')\nanswer = 2", PENS),
        ("answer = Fraction('1/2')", PENS),
        ("# 99\nanswer = 1", PENS),
    ],
)
def test_stated_derived_and_common_numbers_are_not_made_up(program: str, problem: str) -> None:
    assert find_made_up_numbers(program, problem) == []


@pytest.mark.parametrize("program", ["", "answer = (", "x = 'a\n", "\0"])
def test_a_program_that_cannot_be_parsed_has_no_numbers(program: str) -> None:
    assert find_made_up_numbers(program, PENS) == []
