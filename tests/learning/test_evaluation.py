"""How good a router is, by labels and by what another policy gathered."""

import numpy as np
import pytest
from concertino.learning import evaluation
from concertino.learning.evaluation import (
    Estimate,
    LoggedTasks,
    compute_calibration_error,
    compute_effective_tasks,
    compute_macro_f1,
    compute_metrics,
    count_confusion,
    estimate_advantage,
    estimate_doubly_robust,
    estimate_inverse_propensity,
    estimate_self_normalized,
    predict_rewards,
)

TRUTH = np.array([0, 0, 1, 1])
SURE = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9]])


def world(tasks: int, seed: int = 0) -> tuple[LoggedTasks, np.ndarray, np.ndarray]:
    """Tasks of two kinds, each with a best suggestion; a policy that leans to the wrong one."""
    chance = np.random.default_rng(seed)
    kinds = chance.integers(2, size=tasks)
    earned = np.array([[0.8, 0.3], [0.2, 0.6]])[kinds]
    wrong = np.where(kinds[:, None] == 0, [[0.3, 0.7]], [[0.7, 0.3]])
    actions = (chance.random(tasks) < wrong[:, 1]).astype(int)
    rows = np.arange(tasks)
    noise = chance.normal(scale=0.2, size=tasks)
    logged = LoggedTasks(actions, wrong[rows, actions], earned[rows, actions] + noise, rows)
    return logged, kinds, earned


def contexts(kinds: np.ndarray) -> np.ndarray:
    return np.eye(2)[kinds]


def test_labels_are_counted_by_the_right_one_and_the_one_given() -> None:
    assert count_confusion(SURE, TRUTH).tolist() == [[1, 1], [0, 2]]
    assert compute_metrics(SURE, TRUTH)["accuracy"] == 0.75


def test_macro_f1_weighs_labels_alike_and_leaves_out_those_that_do_not_occur() -> None:
    counts = np.array([[1, 1, 0], [0, 2, 0], [0, 0, 0]])
    assert compute_macro_f1(counts) == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_calibration_is_the_distance_of_confidence_from_accuracy() -> None:
    right_as_often = np.array([[0.75, 0.25]] * 4)
    assert compute_calibration_error(right_as_often, np.array([0, 0, 0, 1])) == pytest.approx(0)
    assert compute_calibration_error(right_as_often, np.array([1, 1, 1, 1])) == pytest.approx(0.75)


def test_certainty_that_is_wrong_costs_much_and_not_infinitely() -> None:
    wrong = compute_metrics(np.array([[1.0, 0.0]]), np.array([1]))
    assert 20 < wrong["log_loss"] < 30


@pytest.mark.parametrize("seed", range(5))
def test_every_method_finds_what_another_policy_would_earn(seed: int) -> None:
    logged, kinds, earned = world(2000, seed)
    best = np.eye(2)[kinds]
    truth = earned.max(axis=1).mean()
    believed = predict_rewards(logged, contexts(kinds), 2)
    for found in (
        estimate_inverse_propensity(logged, best),
        estimate_self_normalized(logged, best),
        estimate_doubly_robust(logged, best, believed),
    ):
        assert found
        assert found.value == pytest.approx(truth, abs=0.07)
        assert found.low < found.value < found.high


def test_the_policy_that_gathered_them_earns_what_it_earned() -> None:
    logged, kinds, _ = world(500)
    same = np.where(kinds[:, None] == 0, [[0.3, 0.7]], [[0.7, 0.3]])
    assert estimate_inverse_propensity(logged, same).value == pytest.approx(logged.rewards.mean())
    assert compute_effective_tasks(logged, same) == pytest.approx(500)


def test_doubly_robust_is_surer_than_inverse_propensity() -> None:
    logged, kinds, _ = world(400)
    best = np.eye(2)[kinds]

    def width(found: Estimate) -> float:
        return found.high - found.low

    robust = estimate_doubly_robust(logged, best, predict_rewards(logged, contexts(kinds), 2))
    assert width(robust) < width(estimate_inverse_propensity(logged, best))


def test_doubly_robust_forgives_a_wrong_model_where_propensities_are_right() -> None:
    logged, kinds, earned = world(4000)
    best = np.eye(2)[kinds]
    nonsense = np.full((4000, 2), 5.0)
    found = estimate_doubly_robust(logged, best, nonsense)
    assert found.value == pytest.approx(earned.max(axis=1).mean(), abs=0.15)


def test_doubly_robust_forgives_wrong_propensities_where_the_model_is_right() -> None:
    logged, kinds, earned = world(4000)
    wrong = logged._replace(propensities=np.full(4000, 0.9))
    found = estimate_doubly_robust(wrong, np.eye(2)[kinds], earned)
    assert found.value == pytest.approx(earned.max(axis=1).mean(), abs=0.03)


def test_an_advantage_is_told_from_chance() -> None:
    logged, kinds, _ = world(400)
    best, worst = np.eye(2)[kinds], np.eye(2)[1 - kinds]
    believed = predict_rewards(logged, contexts(kinds), 2)
    assert estimate_advantage(logged, best, worst, believed).low > 0
    assert estimate_advantage(logged, worst, best, believed).high < 0
    assert estimate_advantage(logged, best, best, believed) == (0, 0, 0)


def test_one_lucky_rare_suggestion_does_not_decide() -> None:
    logged = LoggedTasks(
        np.array([0, 1]), np.array([0.999, 0.001]), np.array([0.5, 1.0]), np.arange(2)
    )
    always = np.array([[0.0, 1.0], [0.0, 1.0]])
    assert estimate_inverse_propensity(logged, always).value <= evaluation.CLIP / 2


def test_policies_that_share_nothing_have_no_self_normalised_estimate() -> None:
    logged = LoggedTasks(np.array([0, 0]), np.array([1.0, 1.0]), np.array([0.5, 1.0]), np.arange(2))
    never = np.array([[0.0, 1.0], [0.0, 1.0]])
    assert estimate_self_normalized(logged, never) is None


def test_a_suggestion_that_was_never_made_is_believed_to_earn_the_mean() -> None:
    logged = LoggedTasks(np.zeros(10, int), np.ones(10), np.linspace(0, 1, 10), np.arange(10))
    believed = predict_rewards(logged, np.ones((10, 1)), 2)
    assert believed[:, 1] == pytest.approx(0.5, abs=0.15)


def again(logged: LoggedTasks, runs: int) -> LoggedTasks:
    """The same tasks, each run so often."""
    return LoggedTasks(*(np.repeat(part, runs, axis=0) for part in logged))


def test_runs_of_one_question_again_make_no_estimate_surer() -> None:
    logged, kinds, _ = world(60)
    more, best = again(logged, 9), np.eye(2)[kinds]
    for estimate in (estimate_inverse_propensity, estimate_self_normalized):
        once, often = estimate(logged, best), estimate(more, np.repeat(best, 9, axis=0))
        assert once
        assert often == pytest.approx(once)


def test_a_task_is_judged_by_a_model_that_has_not_seen_its_question() -> None:
    lucky = LoggedTasks(
        np.zeros(8, int), np.ones(8), np.array([1.0] * 4 + [0.0] * 4), np.arange(8) // 4
    )
    believed = predict_rewards(lucky, np.eye(2)[lucky.questions], 1)
    assert (believed[:4, 0] < 0.5).all()
    assert (believed[4:, 0] > 0.5).all()
