"""Policies are distributions: what they favour, and that a suggestion's propensity is exact."""

import random
import statistics
from collections import Counter

import pytest
from concertino.learning.arms import add_reward
from concertino.learning.contracts import Arm, ArmValue, Candidate
from concertino.learning.policy import (
    Policy,
    PolicyName,
    compute_beliefs,
    compute_distribution,
    draw,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES: list[PolicyName] = ["epsilon_greedy", "softmax", "thompson"]
SURE = [Candidate(workflow="math", p=0.9), Candidate(workflow="story", p=0.1)]

every_policy = pytest.mark.parametrize("name", NAMES)


def known(**arms: tuple[float, int]) -> list[ArmValue]:
    return [ArmValue(workflow=name, value=value, count=n) for name, (value, n) in arms.items()]


@every_policy
def test_without_experience_the_router_decides(name: PolicyName) -> None:
    found = compute_distribution(Policy(name), SURE, [])
    assert found["math"] > 0.9


@every_policy
def test_experience_corrects_a_router_that_is_wrong(name: PolicyName) -> None:
    found = compute_distribution(Policy(name), SURE, known(math=(0.2, 200), story=(0.9, 200)))
    assert found["story"] > 0.9


@every_policy
def test_a_workflow_that_has_not_been_tried_may_still_be_suggested(name: PolicyName) -> None:
    found = compute_distribution(Policy(name), SURE, known(math=(0.3, 20)))
    assert found["story"] > 0.001


@every_policy
def test_where_nothing_is_known_nothing_is_suggested(name: PolicyName) -> None:
    assert compute_distribution(Policy(name), [], []) == {}
    assert draw({}, random.Random(1)) is None  # noqa: S311


@every_policy
def test_equals_are_equally_probable(name: PolicyName) -> None:
    flat = [Candidate(workflow=f"w{n}", p=0.25) for n in range(4)]
    assert list(compute_distribution(Policy(name), flat, []).values()) == pytest.approx([0.25] * 4)


@every_policy
def test_what_is_suggested_comes_as_often_as_its_propensity_says(name: PolicyName) -> None:
    found = compute_distribution(Policy(name), SURE, known(math=(0.5, 3), story=(0.6, 2)))
    chance, draws = random.Random(5), 20_000  # noqa: S311
    seen = Counter(draw(found, chance) for _ in range(draws))
    for workflow, p in found.items():
        assert seen[workflow] / draws == pytest.approx(p, abs=0.015)


def test_a_value_of_a_workflow_that_may_not_be_chosen_is_left_out() -> None:
    assert set(compute_distribution(Policy(), SURE, known(lesson=(1.0, 50)))) == {"math", "story"}


def test_the_router_weighs_as_many_rewards_as_the_prior_says() -> None:
    found = compute_beliefs(Policy(prior=4), SURE, known(math=(0.1, 4)))
    assert found["math"].mean == pytest.approx((0.9 + 0.1) / 2)
    assert found["math"].weight == 8
    assert found["story"].mean == pytest.approx(0.1)


def test_epsilon_greedy_gives_epsilon_to_all_and_the_rest_to_the_best() -> None:
    found = compute_distribution(Policy("epsilon_greedy", epsilon=0.2), SURE, [])
    assert found == {"math": pytest.approx(0.9), "story": pytest.approx(0.1)}


def test_thompson_agrees_with_sampling_from_the_posteriors() -> None:
    policy, values = Policy("thompson", noise=0.5), known(math=(0.4, 6), story=(0.55, 1))
    found = compute_distribution(policy, SURE, values)
    chance, draws = random.Random(6), 40_000  # noqa: S311
    wins: Counter[str] = Counter()
    for _ in range(draws):
        sampled = {
            name: chance.gauss(b.mean, policy.noise / b.weight**0.5)
            for name, b in compute_beliefs(policy, SURE, values).items()
        }
        wins[max(sampled, key=lambda name: sampled[name])] += 1
    assert wins["math"] / draws == pytest.approx(found["math"], abs=0.01)


def test_thompson_explores_less_the_more_it_knows() -> None:
    few = compute_distribution(Policy(), SURE, known(math=(0.7, 5), story=(0.5, 5)))
    many = compute_distribution(Policy(), SURE, known(math=(0.7, 500), story=(0.5, 500)))
    assert few["story"] > many["story"]


@pytest.mark.parametrize("name", ["epsilon_greedy", "softmax"])
def test_exploring_gets_rarer_without_end(name: PolicyName) -> None:
    first, later, latest = (
        compute_distribution(Policy(name), SURE, known(math=(0.7, n), story=(0.5, n)))["story"]
        for n in (30, 300, 3000)
    )
    assert first > later > latest > 0


def test_a_value_that_forgets_is_never_quite_sure() -> None:
    assert (
        compute_beliefs(Policy(prior=1, step=0.1), SURE, known(math=(0.7, 5)))["math"].weight == 6
    )
    assert (
        compute_beliefs(Policy(prior=1, step=0.1), SURE, known(math=(0.7, 900)))["math"].weight
        == 20
    )
    assert (
        compute_beliefs(Policy(prior=1, step=0), SURE, known(math=(0.7, 900)))["math"].weight == 901
    )


def test_a_value_rests_on_as_many_rewards_as_its_noise_says() -> None:
    """Of many arms with rewards of variance 1, after more rewards than they remember."""
    chance, step, values = random.Random(7), 0.1, []  # noqa: S311
    for _ in range(800):
        arm = Arm(task_type="t", workflow="w")
        for _ in range(60):
            arm = add_reward(arm, chance.gauss(0, 1), step)
        values.append(arm.value)
    found = compute_beliefs(Policy(prior=0, step=step), SURE, known(math=(0.0, 60)))
    assert found["math"].weight == pytest.approx(1 / statistics.pvariance(values), rel=0.2)


@settings(deadline=None)
@given(
    name=st.sampled_from(NAMES),
    arms=st.lists(
        st.tuples(st.floats(0, 1), st.floats(-1, 1), st.integers(0, 10**6)), min_size=1, max_size=8
    ),
    prior=st.floats(0, 100),
)
def test_it_is_a_distribution_whatever_is_known(
    name: PolicyName, arms: list[tuple[float, float, int]], prior: float
) -> None:
    candidates = [Candidate(workflow=f"w{n}", p=p) for n, (p, _, _) in enumerate(arms)]
    values = [ArmValue(workflow=f"w{n}", value=v, count=c) for n, (_, v, c) in enumerate(arms)]
    found = compute_distribution(Policy(name, prior=prior), candidates, values)
    assert sum(found.values()) == pytest.approx(1)
    assert all(p >= 0 for p in found.values())
