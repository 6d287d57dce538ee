"""What a trace comes to."""

from concertino.learning import statistics
from concertino.learning.contracts import Move, Reward
from concertino.state import Usage

from .records import record


def move(actor: str, **usage: int) -> Move:
    return Move(round=1, actor=actor, legal=[], usage=Usage(calls=1, **usage))


def reward(value: float) -> Reward:
    return Reward(quality=value, cost=0.5, reward=value)


def test_an_empty_trace_comes_to_nothing() -> None:
    assert statistics.summarize_workflows([]) == []
    assert statistics.summarize_actors([]) == []
    assert statistics.summarize_advice([])["suggested"] == 0


def test_who_spent_the_tokens_is_told_for_each_the_dearest_first() -> None:
    moves = [
        move("coordinator", prompt_tokens=500, cached_tokens=400, output_tokens=50),
        move("execution", prompt_tokens=100, output_tokens=100),
        move("coordinator", prompt_tokens=600, cached_tokens=500, output_tokens=50),
    ]
    whole = Usage(calls=4, prompt_tokens=1300, cached_tokens=900, output_tokens=300)
    rows = statistics.summarize_actors([record("a", moves=moves, usage=whole)])
    assert [(row["actor"], row["calls"], row["prompt_tokens"]) for row in rows] == [
        ("coordinator", 2, 1100),
        ("execution", 1, 100),
        ("report", 1, 100),
    ]
    assert rows[0]["cached_tokens"] == 900


def test_forced_decisions_spent_nothing_and_are_not_told() -> None:
    forced = Move(round=1, actor="coordinator", legal=["complete"], source="forced")
    assert statistics.summarize_actors([record("a", moves=[forced])]) == []


def test_advice_is_judged_by_what_the_tasks_earned_that_followed_it_and_that_did_not() -> None:
    records = [
        record("a", followed=True, reward=reward(0.9)),
        record("b", followed=True, reward=reward(0.7)),
        record("c", followed=False, reward=reward(0.2)),
        record("d", followed=None, reward=reward(0.0)),
        record("e", followed=True, reward=None),
    ]
    found = statistics.summarize_advice(records)
    assert (found["suggested"], found["followed"]) == (3, 2)
    assert round(found["reward_followed"], 6) == 0.8
    assert found["reward_overruled"] == 0.2
