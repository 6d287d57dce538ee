"""Application of reward events to the table: each task counts once, by its latest revision.

Works on plain values, which `bandit.py` stores in the checkpointer.
"""

from dataclasses import dataclass, field
from datetime import datetime

from typing_extensions import TypedDict

from .arms import add_reward, compute_latest_weight, revise_reward
from .contracts import Arm, Baseline, RewardEvent

BASELINE_STEP = 0.05
"""Step size of a workflow's usual cost, from its twentieth task on."""
MAX_POINTS = 60
"""Most points in an arm's history; beyond that, every second one is dropped."""


class CountedReward(TypedDict):
    """A counted reward, with the data to count it only once and to revise it exactly."""

    arm: str | None
    """The arm's key; None if the event affected only the cost."""
    reward: float
    revision: int
    weight: float
    """See `arms.compute_latest_weight`."""
    spent: bool
    """Whether its cost is included in the baseline."""


class History(TypedDict):
    """An arm's value over time, thinned evenly as it grows."""

    every: int
    """Rewards per point."""
    points: list[list[float]]
    """Each is Unix time in seconds, count, value."""


@dataclass
class Table:
    """The bandit's table, changed in place by `apply_event`."""

    arms: dict[str, Arm] = field(default_factory=dict)
    baselines: dict[str, Baseline] = field(default_factory=dict)
    history: dict[str, History] = field(default_factory=dict)
    counted: dict[str, CountedReward] = field(default_factory=dict)
    """By event id; must include every earlier reward that the current events may repeat."""


def build_arm_key(task_type: str, workflow: str) -> str:
    return f"{task_type}/{workflow}"


def apply_event(table: Table, event: RewardEvent, step: float, now: datetime) -> bool:
    """Apply an event to the table.

    Returns:
        Whether the table changed: False if this or a later revision was already counted.
    """
    known = table.counted.get(event.id)
    if known is None:
        table.counted[event.id] = _count_first(table, event, step, now)
    elif event.revision > known["revision"]:
        table.counted[event.id] = _count_revision(table, event, known, now)
    return table.counted[event.id] is not known


def _count_first(table: Table, event: RewardEvent, step: float, now: datetime) -> CountedReward:
    key = None
    weight = 0.0
    if event.task_type is not None:
        key = build_arm_key(event.task_type, event.workflow)
        arm = table.arms.get(key) or Arm(task_type=event.task_type, workflow=event.workflow)
        arm = table.arms[key] = add_reward(arm, event.reward, step, now)
        weight = compute_latest_weight(arm, step)
        table.history[key] = _extend_history(table.history.get(key), arm, now)
    return {
        "arm": key,
        "reward": event.reward,
        "revision": event.revision,
        "weight": weight,
        "spent": _enter_cost(table, event),
    }


def _count_revision(
    table: Table, event: RewardEvent, known: CountedReward, now: datetime
) -> CountedReward:
    if key := known["arm"]:
        difference = event.reward - known["reward"]
        table.arms[key] = revise_reward(table.arms[key], known["weight"], difference, now)
    # Entries without this field come from an earlier version, which recorded the cost at once.
    spent = known.get("spent", True) or _enter_cost(table, event)
    return {**known, "reward": event.reward, "revision": event.revision, "spent": spent}


def _enter_cost(table: Table, event: RewardEvent) -> bool:
    """Record the task's cost, if known, and return whether it was."""
    if event.spent:
        table.baselines[event.workflow] = _update_baseline(
            table.baselines.get(event.workflow), event
        )
    return bool(event.spent)


def _update_baseline(baseline: Baseline | None, event: RewardEvent) -> Baseline:
    """Update the running mean of each quantity known for this task."""
    usual = dict(baseline.usual) if baseline else {}
    number = baseline.count + 1 if baseline else 1
    for name, spent in event.spent.items():
        before = usual.get(name, spent)
        usual[name] = before + max(1 / number, BASELINE_STEP) * (spent - before)
    return Baseline(workflow=event.workflow, count=number, usual=usual)


def _extend_history(history: History | None, arm: Arm, now: datetime) -> History:
    every, points = (history["every"], history["points"]) if history else (1, [])
    if arm.count % every == 0:
        points = [*points, [round(now.timestamp(), 1), arm.count, round(arm.value, 4)]]
    while len(points) > MAX_POINTS:
        every *= 2
        points = [point for point in points if point[1] % every == 0]
    return {"every": every, "points": points}
