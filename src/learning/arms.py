"""The arithmetic of one arm: Q ← Q + α (reward − Q), and what to do when a reward was wrong.

α is `max(step, 1/n)`: with a step of 0 the value is the mean of all n rewards; with a constant one
it follows a world that drifts, after a beginning in which 1/n is larger (Sutton & Barto 2018,
sections 2.4 and 2.5; the first reward then has no more weight than it deserves).

The value is a weighted sum of the rewards, so a reward that is revised later moves it by its
weight times the difference, exactly. That weight is what its own step gave it, faded by every
step since; both are kept as logarithms, since constant steps make them very small.
"""

import math
from datetime import datetime

from .contracts import Arm


def add_reward(arm: Arm, reward: float, step: float, when: datetime | None = None) -> Arm:
    """The arm after one more reward.

    Args:
        step: the smallest α, below 1; 0 takes 1/n throughout.
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
    """Logarithm of the latest reward's weight, against that of the arm's first one; to be kept
    for `revise_reward`."""
    return math.log(max(step, 1 / arm.count)) - arm.fade


def revise_reward(arm: Arm, weight: float, difference: float, when: datetime | None = None) -> Arm:
    """The arm as it would be had an earlier reward been larger by the difference.

    Args:
        weight: what `compute_latest_weight` said when that reward was counted.
    """
    moved = math.exp(weight + arm.fade) * difference
    return arm.model_copy(update={"value": arm.value + moved, "updated": when or arm.updated})
