"""The simulated world is as it says, and the players play by its rules."""

import numpy as np
import pytest
from bench.learning.players import GREEDY, ROUTER_ALONE, UNIFORM, Player, play
from bench.learning.world import ALL_OR_NOTHING, DRIFTING, VALUES, WORKFLOWS, World, Wrong


def rewards(world: World, kind: int, workflow: str) -> list[float]:
    tasks = [task._replace(kind=kind) for task in world.tasks(seed=1)]
    return [world.reward(task, at, workflow) for at, task in enumerate(tasks)]


@pytest.mark.parametrize("kind", range(len(WORKFLOWS)), ids=WORKFLOWS)
def test_rewards_have_the_mean_that_is_known(kind: int) -> None:
    found = rewards(World(length=4000), kind, WORKFLOWS[kind])
    assert np.mean(found) == pytest.approx(VALUES[kind][kind], abs=0.03)
    assert -0.2 <= min(found) <= max(found) <= 1.0 + 1e-9
    assert (set(found) == {0.0, 1.0}) == (WORKFLOWS[kind] in ALL_OR_NOTHING)


def test_a_router_that_is_right_has_no_regret() -> None:
    world = World(length=200)
    assert play(world, world.tasks(1), ROUTER_ALONE, 1).regret.sum() == pytest.approx(0)


def test_regret_is_what_the_best_is_worth_less_the_mean_of_what_may_be_suggested() -> None:
    world = World(length=50)
    tasks = world.tasks(1)
    values = np.array(VALUES)[[task.kind for task in tasks]]
    expected = values.max(axis=1) - values.mean(axis=1)
    assert play(world, tasks, UNIFORM, 1).regret == pytest.approx(expected)


def test_after_a_fall_regret_is_against_what_is_best_then() -> None:
    world = World(drift="falls", length=200)
    tasks = world.tasks(1)
    regret = play(world, tasks, ROUTER_ALONE, 1).regret
    after = [at for at, task in enumerate(tasks) if task.kind == DRIFTING and at >= world.change]
    assert regret[after] == pytest.approx(0.30)
    assert regret[: world.change].sum() == pytest.approx(0)


@pytest.mark.parametrize("wrong", ["swapped", "scattered"])
def test_one_label_in_five_is_wrong(wrong: Wrong) -> None:
    tasks = World(wrong, length=4000).tasks(1)
    mistaken = [task.candidates[0].workflow != WORKFLOWS[task.kind] for task in tasks]
    assert np.mean(mistaken) == pytest.approx(0.2, abs=0.02)


def test_all_worlds_bring_the_same_tasks_with_the_same_luck() -> None:
    streams = [
        [(task.kind, task.luck, task.noise) for task in world.tasks(3)]
        for world in (World(), World("swapped"), World("scattered"))
    ]
    assert streams[0] == streams[1] == streams[2]


def test_the_bandit_learns_what_the_router_did_not_know() -> None:
    world = World("swapped", length=400)
    tasks = world.tasks(2)
    learning = Player("greedy", GREEDY, "types")
    regret = play(world, tasks, learning, 2).regret
    assert regret[-100:].mean() < regret[:100].mean()
