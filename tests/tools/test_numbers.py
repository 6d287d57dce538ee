"""The numbers of a text, and which of them nothing bears out."""

from fractions import Fraction

import pytest
from concertino.tools.numbers import extract_numbers, unknown_numbers


def test_numbers_are_read_with_thousands_and_decimals() -> None:
    assert extract_numbers("1,200 pens at 0.25, 3/4 of them") == {1200, Fraction(1, 4), 3, 4}


@pytest.mark.parametrize(
    ("text", "known", "unknown"),
    [
        ("12 pens cost 36 dollars", "12 pens, total = 36", set()),
        ("12 pens cost 47 dollars", "12 pens, total = 36", {47}),
        ("Step 3: a quarter is 25 %", "0.25", set()),
        ("Step 2: 0.5 is left", "total = 36", {Fraction(1, 2)}),
        ("1,200 in all", "total = 1200", set()),
    ],
)
def test_a_number_is_unknown_unless_it_stands_in_the_facts_or_counts_steps(
    text: str, known: str, unknown: set[Fraction]
) -> None:
    assert unknown_numbers(text, known) == unknown


def test_numbers_of_thousands_of_digits_are_told_apart() -> None:
    long, other = "7" * 5000, "8" * 5000
    assert unknown_numbers(long, f"{long} and 2") == set()
    assert len(unknown_numbers(other, long)) == 1
