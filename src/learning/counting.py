"""How a reward event changes the table: each task counts once, by its latest word.

Pure functions over plain values; `bandit.py` keeps these in the checkpointer.
"""

from dataclasses import dataclass, field
from datetime import datetime

from typing_extensions import TypedDict

from .arms import latest_weight, revised, rewarded
from .contracts import Arm, Baseline, RewardEvent

BASELINE_STEP = 0.05
"""How fast a workflow's usual cost follows what its tasks cost, once there are twenty of them."""
POINTS = 60
"""Points of an arm's history; when there are more, every second one is dropped."""


class Counted(TypedDict):
    """What has to be known of a reward to count it only once, and to revise it exactly."""

    arm: str | None
    """The arm's key; None where the event was about the cost alone."""
    reward: float
    revision: int
    weight: float
    """See `arms.latest_weight`."""
    spent: bool
    """Whether what it cost is in the baseline."""


class History(TypedDict):
    """An arm's value over time, thinned out evenly as it grows."""

    every: int
    """A point stands for so many rewards."""
    points: list[list[float]]
    """Seconds since 1970, count, value."""


@dataclass
class Table:
    """All that is known, changed in place by `count`."""

    arms: dict[str, Arm] = field(default_factory=dict)
    baselines: dict[str, Baseline] = field(default_factory=dict)
    history: dict[str, History] = field(default_factory=dict)
    counted: dict[str, Counted] = field(default_factory=dict)
    """By the event's id; those that the events at hand may repeat have to be there."""


def arm_key(task_type: str, workflow: str) -> str:
    return f"{task_type}/{workflow}"


def count(table: Table, event: RewardEvent, step: float, now: datetime) -> bool:
    """Enter an event.

    Returns:
        Whether it changed anything: not if it, or a later word on its task, was counted before.
    """
    known = table.counted.get(event.id)
    if known is None:
        table.counted[event.id] = _first(table, event, step, now)
    elif event.revision > known["revision"]:
        table.counted[event.id] = _again(table, event, known, now)
    return table.counted[event.id] is not known


def _first(table: Table, event: RewardEvent, step: float, now: datetime) -> Counted:
    key, weight = None, 0.0
    if event.task_type is not None:
        key = arm_key(event.task_type, event.workflow)
        arm = table.arms.get(key) or Arm(task_type=event.task_type, workflow=event.workflow)
        arm = table.arms[key] = rewarded(arm, event.reward, step, now)
        weight = latest_weight(arm, step)
        table.history[key] = _remembered(table.history.get(key), arm, now)
    return {
        "arm": key,
        "reward": event.reward,
        "revision": event.revision,
        "weight": weight,
        "spent": _cost_entered(table, event),
    }


def _again(table: Table, event: RewardEvent, known: Counted, now: datetime) -> Counted:
    if key := known["arm"]:
        difference = event.reward - known["reward"]
        table.arms[key] = revised(table.arms[key], known["weight"], difference, now)
    # Of what an earlier version counted, the cost was entered at once.
    spent = known.get("spent", True) or _cost_entered(table, event)
    return {**known, "reward": event.reward, "revision": event.revision, "spent": spent}


def _cost_entered(table: Table, event: RewardEvent) -> bool:
    """Enter what the task cost, where that is known."""
    if event.spent:
        table.baselines[event.workflow] = _moved(table.baselines.get(event.workflow), event)
    return bool(event.spent)


def _moved(baseline: Baseline | None, event: RewardEvent) -> Baseline:
    """The running means, each over the tasks in which the quantity was known."""
    usual = dict(baseline.usual) if baseline else {}
    number = baseline.count + 1 if baseline else 1
    for name, spent in event.spent.items():
        before = usual.get(name, spent)
        usual[name] = before + max(1 / number, BASELINE_STEP) * (spent - before)
    return Baseline(workflow=event.workflow, count=number, usual=usual)


def _remembered(history: History | None, arm: Arm, now: datetime) -> History:
    every, points = (history["every"], history["points"]) if history else (1, [])
    if arm.count % every == 0:
        points = [*points, [round(now.timestamp(), 1), arm.count, round(arm.value, 4)]]
    while len(points) > POINTS:
        every *= 2
        points = [point for point in points if point[1] % every == 0]
    return {"every": every, "points": points}
