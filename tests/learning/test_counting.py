"""Reward events and the table: each task counts once, by its latest word."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from concertino.learning.contracts import RewardEvent
from concertino.learning.counting import MAX_POINTS, Table, apply_event, build_arm_key

START = datetime(2026, 1, 1, tzinfo=UTC)
ARM = build_arm_key("solve_math", "solve_math")


def event(name: str, reward: float, revision: int = 0, **changes: Any) -> RewardEvent:
    given = {"task_type": "solve_math", "workflow": "solve_math", **changes}
    return RewardEvent(id=name, reward=reward, revision=revision, **given)


def entered(*events: RewardEvent, step: float = 0.0) -> Table:
    table = Table()
    for n, each in enumerate(events):
        apply_event(table, each, step, START + timedelta(minutes=n))
    return table


def test_the_same_reward_twice_counts_once() -> None:
    arm = entered(event("a", 1.0), event("a", 1.0), event("b", 0.0)).arms[ARM]
    assert (arm.count, arm.value) == (2, 0.5)


def test_a_later_word_on_a_task_corrects_the_value_and_not_the_count() -> None:
    table = entered(event("a", 1.0), event("b", 0.4), event("a", 0.2, revision=7))
    assert table.arms[ARM].count == 2
    assert table.arms[ARM].value == pytest.approx(0.3)


@pytest.mark.parametrize("step", [0.0, 0.2])
def test_in_whatever_order_the_words_on_the_tasks_come_the_latest_ones_count(step: float) -> None:
    chance = random.Random(3)  # noqa: S311
    words = [event(f"t{n % 20}", chance.random(), revision=n // 20) for n in range(60)]
    late = [word for word in words if word.revision == 2]
    chance.shuffle(words)
    arm = entered(*words, step=step).arms[ARM]

    assert arm.count == 20
    order = list(dict.fromkeys(word.id for word in words))
    final = {word.id: word for word in late}
    alone = entered(*(final[name] for name in order), step=step).arms[ARM]
    assert arm.value == pytest.approx(alone.value)


def test_where_no_choice_was_made_only_the_usual_cost_is_learned() -> None:
    table = entered(event("a", 1.0, task_type=None, spent={"tokens": 300.0}))
    assert table.arms == {}
    assert table.baselines["solve_math"].usual == {"tokens": 300.0}


def test_the_usual_cost_is_a_running_mean_of_each_quantity_where_it_was_known() -> None:
    spent = [{"tokens": 100.0}, {"tokens": 300.0, "memory": 50.0}]
    table = entered(*(event(str(n), 1.0, spent=each) for n, each in enumerate(spent)))
    assert table.baselines["solve_math"].usual == {"tokens": 200.0, "memory": 50.0}


def test_a_revision_does_not_count_the_cost_again() -> None:
    table = entered(
        event("a", 1.0, spent={"tokens": 100.0}), event("a", 0.0, 1, spent={"tokens": 900.0})
    )
    assert table.baselines["solve_math"].usual == {"tokens": 100.0}
    assert table.baselines["solve_math"].count == 1


def test_what_broke_off_does_not_move_the_usual_cost_until_it_has_come_to_its_end() -> None:
    table = entered(
        event("a", 1.0, spent={"tokens": 100.0}),
        event("b", -0.1),
        event("b", 0.9, 1, spent={"tokens": 200.0}),
        event("b", 0.8, 2, spent={"tokens": 900.0}),
    )
    assert table.baselines["solve_math"].usual == {"tokens": 150.0}
    assert table.baselines["solve_math"].count == 2


@pytest.mark.parametrize("rewards", [1, MAX_POINTS, MAX_POINTS + 1, 5000])
def test_a_history_has_a_bounded_number_of_points_spread_over_all_rewards(rewards: int) -> None:
    table = entered(*(event(str(n), 0.5) for n in range(rewards)))
    points, every = table.history[ARM]["points"], table.history[ARM]["every"]
    assert min(rewards, MAX_POINTS // 2) <= len(points) <= MAX_POINTS
    assert [point[1] for point in points] == list(range(every, rewards + 1, every))
