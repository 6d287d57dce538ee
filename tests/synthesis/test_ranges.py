"""Plausible values: near, as round, and possible."""

from fractions import Fraction

import pytest
from concertino.synthesis.ranges import choose_range
from hypothesis import given
from hypothesis import strategies as st

BOUNDS = st.lists(st.integers(2, 2000).map(Fraction), max_size=3)


@given(st.integers(2, 1000), BOUNDS)
def test_values_stay_near_and_on_their_side_of_other_amounts(
    number: int, bounds: list[Fraction]
) -> None:
    found = choose_range(Fraction(number), "whole", "digits", 0, "pens", bounds)
    if found is None:
        return
    assert 2 <= found.low <= found.high <= 2 * number
    assert 2 * found.low >= number
    assert (found.high - found.low) % found.step == 0
    for bound in bounds:
        if bound != number:
            assert (bound < number) == (bound < found.low)
            assert (bound > number) == (bound > found.high)


@given(st.integers(1, 10_000), st.integers(1, 2))
def test_decimals_never_cross_one(scaled: int, places: int) -> None:
    value = Fraction(scaled, 10**places)
    found = choose_range(value, "decimal", "digits", places, "kg")
    if found and value != 1:
        assert (found.low > 1) == (found.high > 1) == (value > 1)
        assert found.low > 0


@pytest.mark.parametrize(
    ("value", "kind", "unit", "low", "high", "step"),
    [
        (12, "whole", "pens", 6, 24, 1),
        (100, "whole", "pens", 50, 200, 10),
        (1000, "money", "", 500, 2000, 100),
        (20, "percentage", "", 10, 40, 5),
        (80, "percentage", "", 40, 95, 5),
        (8, "whole", "hours", 4, 16, 1),
        (20, "whole", "hours", 10, 20, 5),
        (45, "whole", "minutes", 25, 60, 5),
        (70, "whole", "years", 40, 100, 10),
    ],
)
def test_values_are_as_round_as_the_seed_and_within_the_world_s_limits(
    value: int, kind: str, unit: str, low: int, high: int, step: int
) -> None:
    found = choose_range(Fraction(value), kind, "digits", 0, unit)  # type: ignore[arg-type]
    assert found == (low, high, step)


def test_a_number_without_room_has_no_range() -> None:
    assert choose_range(Fraction(5), "whole", "digits", 0, "", [Fraction(4), Fraction(7)]) is None
