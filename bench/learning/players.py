"""The players compared: each suggests a workflow for each task and may learn from the reward.

They use the product's own functions, `policy.compute_distribution` and `arms.add_reward`; the
suggestion is always followed.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from concertino.learning.arms import add_reward
from concertino.learning.contracts import OPEN_TASK_TYPE, Arm, ArmValue, Candidate
from concertino.learning.policy import Policy, compute_distribution, draw
from numpy.typing import NDArray

from .world import NO_OPINION, WORKFLOWS, Task, World

Router = Literal["whole", "types", "none"]


@dataclass(frozen=True)
class Player:
    """One way of suggesting workflows."""

    name: str
    policy: Policy | None
    """None suggests all workflows with equal probability."""
    router: Router = "types"
    """`whole`: sees the router's task types and probabilities; `types`: only its task types;
    `none`: neither, so that all tasks have one type."""
    learns: bool = True

    def sees(self, task: Task) -> tuple[str, list[Candidate]]:
        """Return the row of the bandit's table and the candidates for a task."""
        if self.router == "none":
            return OPEN_TASK_TYPE, NO_OPINION
        return task.task_type, task.candidates if self.router == "whole" else NO_OPINION


PRODUCT = Policy()
"""Policy with the default settings."""
GREEDY = replace(PRODUCT, name="epsilon_greedy", epsilon=0.0)

UNIFORM = Player("uniform", None, learns=False)
PLAYERS = [
    UNIFORM,
    Player("greedy", GREEDY),
    Player("ε-greedy", replace(PRODUCT, name="epsilon_greedy")),
    Player("softmax", replace(PRODUCT, name="softmax")),
    Player("Thompson", PRODUCT),
    Player("ε-greedy, α = 1/n", replace(PRODUCT, name="epsilon_greedy", step=0.0)),
    Player("softmax, α = 1/n", replace(PRODUCT, name="softmax", step=0.0)),
    Player("Thompson, α = 1/n", replace(PRODUCT, step=0.0)),
]
"""Policies that initially know only a task's type."""

ROUTER_ALONE = Player("router alone", GREEDY, "whole", learns=False)
BANDIT_ALONE = Player("bandit alone", PRODUCT, "none")
BOTH = Player("router + bandit", PRODUCT, "whole")


@dataclass(frozen=True)
class Course:
    """A run, task by task."""

    regret: NDArray[np.float64]
    """Value of the best workflow less the expected value of the suggestion; zero for an oracle that
    knows the kinds and all values."""
    suggested: list[str]
    """The suggested workflows, which were followed."""
    rewards: NDArray[np.float64]


def play(world: World, tasks: Sequence[Task], player: Player, seed: int) -> Course:
    """Play one run through these tasks; `seed` is for drawing the suggestions."""
    chance = random.Random(seed)  # noqa: S311
    table: dict[str, dict[str, Arm]] = defaultdict(dict)
    known: dict[str, dict[str, ArmValue]] = defaultdict(dict)
    regret, rewards, suggested = np.zeros(len(tasks)), np.zeros(len(tasks)), []
    for at, task in enumerate(tasks):
        row, candidates = player.sees(task)
        shares = _shares(player.policy, candidates, list(known[row].values()))
        values = world.values(at)[task.kind]
        regret[at] = values.max() - sum(
            share * values[WORKFLOWS.index(name)] for name, share in shares.items()
        )
        chosen = draw(shares, chance) or ""
        suggested.append(chosen)
        rewards[at] = world.reward(task, at, chosen)
        if player.learns and player.policy:
            arm = table[row].get(chosen) or Arm(task_type=row, workflow=chosen)
            arm = table[row][chosen] = add_reward(arm, rewards[at], player.policy.step)
            known[row][chosen] = ArmValue(workflow=chosen, value=arm.value, count=arm.count)
    return Course(regret, suggested, rewards)


def _shares(
    policy: Policy | None, candidates: list[Candidate], values: list[ArmValue]
) -> dict[str, float]:
    if policy is None:
        return {candidate.workflow: 1 / len(candidates) for candidate in candidates}
    return compute_distribution(policy, candidates, values)
