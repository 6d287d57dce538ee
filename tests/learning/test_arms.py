"""The running value of an arm, and rewards that turn out to have been others."""

import random
from statistics import mean

import pytest
from concertino.learning.arms import add_reward, compute_latest_weight, revise_reward
from concertino.learning.contracts import Arm

NEW = Arm(task_type="solve_math", workflow="solve_math")


def after(rewards: list[float], step: float) -> Arm:
    arm = NEW
    for reward in rewards:
        arm = add_reward(arm, reward, step)
    return arm


def some(number: int) -> list[float]:
    chance = random.Random(number)  # noqa: S311
    return [chance.uniform(-0.5, 1) for _ in range(number)]


def test_with_a_step_of_zero_the_value_is_the_mean() -> None:
    assert after(some(500), 0.0).value == pytest.approx(mean(some(500)))
    assert after(some(500), 0.0).count == 500


def test_a_constant_step_moves_that_share_of_the_way() -> None:
    before = after(some(50), 0.1)
    assert add_reward(before, 1.0, 0.1).value == pytest.approx(
        before.value + 0.1 * (1 - before.value)
    )


def test_a_constant_step_follows_a_world_that_drifts() -> None:
    drifted = [0.9] * 300 + [0.1] * 30
    assert after(drifted, 0.1).value < 0.2
    assert after(drifted, 0.0).value > 0.8


@pytest.mark.parametrize("step", [0.0, 0.05, 0.5, 0.99])
@pytest.mark.parametrize("place", [0, 1, 7, 38, 39])
def test_a_reward_that_is_revised_leaves_the_value_it_would_have_given(
    step: float, place: int
) -> None:
    rewards, arm = some(40), NEW
    for n, reward in enumerate(rewards):
        arm = add_reward(arm, reward, step)
        if n == place:
            weight = compute_latest_weight(arm, step)
    right = [*rewards[:place], 1.0, *rewards[place + 1 :]]

    arm = revise_reward(arm, weight, 1.0 - rewards[place])
    assert arm.value == pytest.approx(after(right, step).value)
    assert arm.count == 40


def test_revisions_are_exact_also_where_the_step_was_changed_in_between() -> None:
    def run(first: float) -> tuple[Arm, float]:
        arm, weight = NEW, 0.0
        for n, reward in enumerate([*some(5), first, *some(30)]):
            step = 0.2 if n > 15 else 0.0
            arm = add_reward(arm, reward, step)
            if n == 5:
                weight = compute_latest_weight(arm, step)
        return arm, weight

    arm, weight = run(0.1)
    assert revise_reward(arm, weight, 0.8).value == pytest.approx(run(0.9)[0].value)


def test_a_million_constant_steps_do_not_overflow() -> None:
    arm = NEW.model_copy(update={"count": 10**6, "value": 0.5, "fade": -(10**6) * 0.1})
    arm = add_reward(arm, 1.0, 0.1)
    assert revise_reward(arm, compute_latest_weight(arm, 0.1), -1.0).value == pytest.approx(0.45)
    assert revise_reward(arm, 0.0, -1.0).value == arm.value
