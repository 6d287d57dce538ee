"""What is read off many runs, each a row with its regret task by task."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]

RESAMPLES = 1000
FITTED_FROM = 0.1
"""The exponent is fitted to what comes after this share of the tasks."""
FITTED_AT = 30
"""Points, evenly spaced on the logarithmic axis."""
WINDOW = 20
"""Tasks of the drifting kind over which regret is averaged to see a recovery."""
BEFORE = 60
"""Tasks of that kind before the drift that say what was usual."""
TOLERANCE = 0.05
"""Regret a task by which what is usual again may be worse than before."""


class Interval(NamedTuple):
    """A mean over the seeds with its 95 % interval: percentiles of a bootstrap over the seeds."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return self.text(3)

    def text(self, digits: int) -> str:
        """As it stands in a table."""
        mean, low, high = (f"{number:.{digits}f}" for number in self)
        return f"{mean} [{low}, {high}]"


class Band(NamedTuple):
    """An interval at each task."""

    mean: Rows
    low: Rows
    high: Rows


def resamples(rows: Rows) -> Rows:
    """Means over the seeds, each of a sample of the seeds drawn with replacement."""
    chance = np.random.default_rng(0)
    drawn = chance.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=RESAMPLES)
    means: Rows = drawn @ rows / len(rows)
    return means


def interval(numbers: Rows) -> Interval:
    """Of one number for each seed; paired differences are such numbers too."""
    low, high = np.percentile(resamples(numbers[:, None]), (2.5, 97.5))
    return Interval(float(numbers.mean()), float(low), float(high))


def band(rows: Rows) -> Band:
    """Of a curve for each seed."""
    low, high = np.percentile(resamples(rows), (2.5, 97.5), axis=0)
    return Band(rows.mean(axis=0), low, high)


def exponent(regret: Rows) -> Interval:
    """The b of `cumulative regret ~ t^b`: the slope of the logarithms. One is linear growth; below
    it, regret a task goes to nothing."""
    length = regret.shape[1]
    at = np.unique(np.geomspace(FITTED_FROM * length, length, FITTED_AT).astype(int))
    cumulative = regret.cumsum(axis=1)[:, at - 1]

    def slopes(curves: Rows) -> Rows:
        centred = np.log(at) - np.log(at).mean()
        fitted: Rows = np.log(np.maximum(curves, 1e-9)) @ centred / (centred @ centred)
        return fitted

    low, high = np.percentile(slopes(resamples(cumulative)), (2.5, 97.5))
    return Interval(float(slopes(cumulative.mean(axis=0))), float(low), float(high))


def tenths(regret: Rows) -> tuple[Interval, Interval]:
    """Regret a task in the first tenth of the tasks and in the last."""
    tenth = regret.shape[1] // 10
    return interval(regret[:, :tenth].mean(axis=1)), interval(regret[:, -tenth:].mean(axis=1))


def recovery(regret: Rows, change: int) -> int | None:
    """How many tasks it took to be as good as before.

    Args:
        regret: of one run, of the tasks of the drifting kind alone.
        change: how many of them came before the drift.

    Returns:
        The number of tasks after the drift at whose end the mean regret of the latest `WINDOW` of
        them is no more than `TOLERANCE` above that of the `BEFORE` tasks before the drift; None
        where that is never so.
    """
    usual = regret[max(0, change - BEFORE) : change].mean()
    after = regret[change:]
    if len(after) < WINDOW:
        return None
    means = np.convolve(after, np.full(WINDOW, 1 / WINDOW), mode="valid")
    again = np.flatnonzero(means <= usual + TOLERANCE)
    return int(again[0]) + WINDOW if len(again) else None
