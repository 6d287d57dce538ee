"""What stands before the Coordinator: it comes from the router and the table, and never fails."""

import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from concertino.learning import routing
from concertino.learning.bandit import record_rewards
from concertino.learning.contracts import Candidate, RewardEvent
from concertino.learning.router import Guess
from concertino.learning.routing import route_task
from concertino.settings import get_settings
from concertino.store.base import TaskStore
from concertino.store.open import open_store

CHOICES = ["rag_qa", "solve_math"]


@pytest.fixture
async def store(home: Path) -> AsyncIterator[TaskStore]:
    async with open_store(home) as opened:
        yield opened


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is sure of rag_qa."""

    async def aguess(*given: Any) -> Guess:
        return Guess([Candidate(workflow="rag_qa", p=0.9), Candidate(workflow="solve_math", p=0.1)])

    monkeypatch.setattr(routing, "aguess", aguess)
    monkeypatch.setattr(routing, "load_current_router", lambda: (3, None))


@pytest.fixture
def no_router(monkeypatch: pytest.MonkeyPatch) -> None:
    async def aguess(*given: Any) -> Guess:
        return Guess([])

    monkeypatch.setattr(routing, "aguess", aguess)


async def learned(store: TaskStore, task_type: str, workflow: str, worth: float) -> None:
    await record_rewards(
        store,
        *(
            RewardEvent(
                id=f"{task_type}{workflow}{n}", task_type=task_type, workflow=workflow, reward=worth
            )
            for n in range(200)
        ),
    )


@pytest.mark.usefixtures("router")
async def test_without_experience_it_is_the_routers_opinion(store: TaskStore) -> None:
    found = await route_task("What do my notes say?", {}, CHOICES, store.checkpointer)
    assert found.task_type == "rag_qa"
    assert found.values == []
    assert found.probabilities["rag_qa"] > 0.9
    assert found.suggestion in found.probabilities
    assert (found.policy, found.router_version) == ("thompson", "3")


@pytest.mark.usefixtures("router")
async def test_what_tasks_of_this_type_have_earned_corrects_it(store: TaskStore) -> None:
    await learned(store, "rag_qa", "rag_qa", 0.1)
    await learned(store, "rag_qa", "solve_math", 0.8)
    await learned(store, "solve_math", "rag_qa", 1.0)

    found = await route_task("What do my notes say?", {}, CHOICES, store.checkpointer)
    assert [(value.workflow, value.count) for value in found.values] == [
        ("solve_math", 200),
        ("rag_qa", 200),
    ]
    assert found.suggestion == "solve_math"


@pytest.mark.usefixtures("no_router")
async def test_for_an_open_task_nothing_is_suggested_that_the_coordinator_would_not_see(
    store: TaskStore,
) -> None:
    await learned(store, "open", "rag_qa", 0.9)
    found = await route_task("Hm?", {}, CHOICES, store.checkpointer)
    assert (found.task_type, found.suggestion, found.probabilities) == ("open", None, {})
    assert [value.workflow for value in found.values] == ["rag_qa"]
    assert found.router_version is None


@pytest.mark.usefixtures("router")
async def test_the_suggestion_is_drawn_with_the_probabilities_that_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONCERTINO_BANDIT_POLICY", "epsilon_greedy")
    monkeypatch.setenv("CONCERTINO_BANDIT_EPSILON", "0.6")
    get_settings.cache_clear()
    chance = random.Random(2)  # noqa: S311
    found = [await route_task("?", {}, [], None, chance=chance) for _ in range(500)]

    assert found[0].probabilities == {
        "rag_qa": pytest.approx(0.7),
        "solve_math": pytest.approx(0.3),
    }
    drawn = Counter(each.suggestion for each in found)
    assert drawn["rag_qa"] / 500 == pytest.approx(0.7, abs=0.06)


async def test_a_router_that_breaks_leaves_the_coordinator_without_advice(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def aguess(*given: Any) -> Guess:
        raise RuntimeError("out of order")

    monkeypatch.setattr(routing, "aguess", aguess)
    assert (await route_task("?", {}, [], None)).suggestion is None
    assert (await route_task("?", {}, [], None)).task_type == "open"
    assert caplog.text.count("out of order") == 1
