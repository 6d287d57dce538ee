"""Update of one arm, Q ← Q + α (reward − Q), and exact revision of earlier rewards.

α is `max(step, 1/n)`: with a step of 0 the value is the mean of all n rewards; a constant step
tracks a nonstationary problem, after an initial phase in which 1/n is larger (Sutton & Barto 2018,
sections 2.4 and 2.5), so the first reward is not overweighted.

The value is a weighted sum of the rewards, so revising a reward moves it by exactly its weight
times the difference. That weight is the α of its own step, decayed by every later step; both are
stored as logarithms, since constant steps make them very small.
"""

import math
from datetime import datetime

from .contracts import Arm


def add_reward(arm: Arm, reward: float, step: float, when: datetime | None = None) -> Arm:
    """Return the arm after one more reward.

    Args:
        step: lower bound of α, below 1; with 0, α is always 1/n.
    """
    count = arm.count + 1
    alpha = max(step, 1 / count)
    return arm.model_copy(
        update={
            "count": count,
            "value": arm.value + alpha * (reward - arm.value),
            "updated": when or arm.updated,
            "fade": arm.fade + math.log1p(-alpha) if arm.count else 0.0,
        }
    )


def compute_latest_weight(arm: Arm, step: float) -> float:
    """Return the log weight of the latest reward relative to the arm's first, for
    `revise_reward`."""
    return math.log(max(step, 1 / arm.count)) - arm.fade


def revise_reward(arm: Arm, weight: float, difference: float, when: datetime | None = None) -> Arm:
    """Return the arm as if an earlier reward had been larger by `difference`.

    Args:
        weight: result of `compute_latest_weight` when that reward was counted.
    """
    moved = math.exp(weight + arm.fade) * difference
    return arm.model_copy(update={"value": arm.value + moved, "updated": when or arm.updated})
