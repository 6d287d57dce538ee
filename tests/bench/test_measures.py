"""What regret, its growth and a recovery are."""

import numpy as np
import pytest
from bench.learning.measures import BEFORE, WINDOW, exponent, interval, recovery, tenths


def growing(power: float, tasks: int = 1000) -> np.ndarray:
    """Four runs whose cumulative regret is a power of the tasks."""
    steps = np.diff(np.arange(tasks + 1.0) ** power)
    return np.outer([0.8, 0.9, 1.1, 1.2], steps)


@pytest.mark.parametrize("power", [0.3, 0.5, 1.0])
def test_the_exponent_is_that_of_the_cumulative_regret(power: float) -> None:
    found = exponent(growing(power))
    assert found.mean == pytest.approx(power, abs=0.01)
    assert found.low <= found.mean <= found.high


def test_an_interval_holds_the_mean_and_shrinks_with_more_seeds() -> None:
    chance = np.random.default_rng(0)
    few, many = (interval(chance.normal(3, 1, size)) for size in (10, 1000))
    assert many.low < 3 < many.high
    assert many.high - many.low < few.high - few.low


def test_tenths_are_regret_a_task() -> None:
    first, last = tenths(np.tile([*[0.5] * 50, *[0.1] * 50], (3, 1)))
    assert (first.mean, last.mean) == pytest.approx((0.5, 0.1))


def test_recovered_is_when_a_window_is_as_good_as_before() -> None:
    bad, good = [0.4] * 30, [0.02] * 100
    found = recovery(np.array([0.02] * BEFORE + bad + good), BEFORE)
    # Of the window that recovers, at most two tasks may still be bad ones.
    assert found == len(bad) + WINDOW - 2


def test_what_stays_worse_than_before_has_not_recovered() -> None:
    assert recovery(np.array([0.02] * BEFORE + [0.2] * 100), BEFORE) is None


def test_too_few_tasks_after_the_drift_tell_nothing() -> None:
    assert recovery(np.array([0.02] * (BEFORE + WINDOW - 1)), BEFORE) is None
