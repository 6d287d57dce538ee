"""Plausible values of a given number: near the seed's, as round, and possible in the world."""

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from .contracts import Kind, Writing

_STEPS = (1, 5, 10, 50, 100, 500, 1000, 5000, 10**4, 10**5, 10**6)
_ROUND = 4
"""Multiples of its step that a number has at least."""
_LIMITS = (
    (re.compile(r"hours?|h|小时|个小"), 24),
    (re.compile(r"minutes?|mins?|分钟|seconds?|秒钟?"), 60),
    (re.compile(r"years?|岁"), 100),
    (re.compile(r"days?|[天日]"), 30),
    (re.compile(r"months?|个月"), 12),
)
"""Units with the largest number that the seed's may become, if it is not larger itself."""
_LARGEST_SPOKEN = (20, 99)
"""Numbers in words stay below the first of these that the seed's is below."""


class Range(NamedTuple):
    """Values from `low` to `high`, `step` apart."""

    low: Fraction
    high: Fraction
    step: Fraction


def choose_range(
    value: Fraction,
    kind: Kind,
    writing: Writing,
    places: int,
    unit: str,
    bounds: Sequence[Fraction] = (),
) -> Range | None:
    """Return the values that a number may become, half to twice the seed's; None if there are fewer
    than three.

    Args:
        bounds: amounts that it stays above, or below, as it is now.
    """
    grain = Fraction(1, 10**places)
    scaled = value / grain
    step = grain * max(
        each for each in _STEPS if each == 1 or (scaled % each == 0 and scaled >= _ROUND * each)
    )
    if kind == "percentage" and value % 5 == 0:
        step = Fraction(5)
    least = Fraction(2) if places == 0 else grain
    low = max(_round_up(value / 2, step), _round_up(least, step))
    low = max(low, *(_round_down(bound, step) + step for bound in bounds if bound < value), low)
    if value > 1:
        low = max(low, _round_up(Fraction(1) + grain, step))
    high = _round_down(min(value * 2, *_list_limits(value, kind, writing, unit, step)), step)
    high = min(high, *(_round_up(bound, step) - step for bound in bounds if bound > value), high)
    return Range(low, high, step) if (high - low) / step >= 2 else None


def _list_limits(
    value: Fraction, kind: Kind, writing: Writing, unit: str, step: Fraction
) -> list[Fraction]:
    limits = [Fraction(10**9)]
    if value < 1:
        limits.append(1 - step)
    if kind == "percentage" and value < 100:
        limits.append(100 - step)
    if writing != "digits":
        limits.append(Fraction(next(most for most in _LARGEST_SPOKEN if value <= most)))
    limits += [Fraction(most) for known, most in _LIMITS if known.fullmatch(unit) and value <= most]
    return limits


def _round_up(value: Fraction, step: Fraction) -> Fraction:
    return -(-value // step) * step


def _round_down(value: Fraction, step: Fraction) -> Fraction:
    return value // step * step
