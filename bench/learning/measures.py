"""Measures over many runs; each run is a row with its regret task by task."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]

RESAMPLES = 1000
FITTED_FROM = 0.1
"""Share of the tasks at the beginning that is left out when the exponent is fitted."""
FITTED_AT = 30
"""Number of points fitted, evenly spaced on the logarithmic axis."""
WINDOW = 20
"""Number of tasks of the drifting kind over which regret is averaged to detect a recovery."""
BEFORE = 60
"""Number of tasks of that kind before the drift that define the usual regret."""
TOLERANCE = 0.05
"""Regret per task by which a recovered run may be worse than usual."""


class Interval(NamedTuple):
    """A mean over the seeds and its 95 % interval: percentiles of a bootstrap over the seeds."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return self.text(3)

    def text(self, digits: int) -> str:
        """Return the interval in the form used in tables."""
        mean, low, high = (f"{number:.{digits}f}" for number in self)
        return f"{mean} [{low}, {high}]"


class Band(NamedTuple):
    """A mean and an interval at each task."""

    mean: Rows
    low: Rows
    high: Rows


def resamples(rows: Rows) -> Rows:
    """Return bootstrap means over the seeds, each of a sample drawn with replacement."""
    chance = np.random.default_rng(0)
    drawn = chance.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=RESAMPLES)
    means: Rows = drawn @ rows / len(rows)
    return means


def interval(numbers: Rows) -> Interval:
    """Return the interval of one number per seed, for example of paired differences."""
    low, high = np.percentile(resamples(numbers[:, None]), (2.5, 97.5))
    return Interval(float(numbers.mean()), float(low), float(high))


def band(rows: Rows) -> Band:
    """Return the band of one curve per seed."""
    low, high = np.percentile(resamples(rows), (2.5, 97.5), axis=0)
    return Band(rows.mean(axis=0), low, high)


def exponent(regret: Rows) -> Interval:
    """Return the exponent b of `cumulative regret ~ t^b`: the slope of the logarithms.

    One is linear growth; below one, regret per task tends to zero.
    """
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
    """Return the regret per task in the first tenth and in the last tenth of the tasks."""
    tenth = regret.shape[1] // 10
    return interval(regret[:, :tenth].mean(axis=1)), interval(regret[:, -tenth:].mean(axis=1))


def recovery(regret: Rows, change: int) -> int | None:
    """Return the number of tasks after a drift until a run is as good as before.

    Args:
        regret: regret of one run, for tasks of the drifting kind only.
        change: number of these tasks before the drift.

    Returns:
        The smallest number of tasks after the drift such that the mean regret of the latest
        `WINDOW` of them is at most `TOLERANCE` above that of the `BEFORE` tasks before the drift;
        None if there is no such number.
    """
    usual = regret[max(0, change - BEFORE) : change].mean()
    after = regret[change:]
    if len(after) < WINDOW:
        return None
    means = np.convolve(after, np.full(WINDOW, 1 / WINDOW), mode="valid")
    again = np.flatnonzero(means <= usual + TOLERANCE)
    return int(again[0]) + WINDOW if len(again) else None
