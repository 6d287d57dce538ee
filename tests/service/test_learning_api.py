"""What the service learns from its tasks: cancelled ones are traced, ratings correct rewards."""

from collections.abc import Callable

import pytest
from concertino.learning.contracts import TraceRecord
from concertino.learning.trace import Trace
from concertino.settings import get_settings

from tests.model_server import PENS, ModelServer
from tests.service.conftest import Client

OPEN = {"question": PENS}
WAIT = {"Prefer": "wait=60"}


def traced() -> list[TraceRecord]:
    return Trace.of(get_settings()).read().records


def test_the_table_shows_what_workflows_have_earned(client: Client) -> None:
    service = client()
    assert service.get("/learning/bandit").json()["arms"] == []
    task = service.post("/tasks", json=OPEN, headers=WAIT).json()

    table = service.get("/learning/bandit").json()
    [arm] = table["arms"]
    assert (arm["workflow"], arm["count"]) == ("solve_math", 1)
    assert arm["value"] == pytest.approx(task["reward"]["reward"])
    assert [point["count"] for point in arm["history"]] == [1]
    assert table["policy"]["name"] == "thompson"
    assert table["baselines"]["solve_math"]["tokens"] > 0
    assert table["terms"]["status"].keys() == {"en", "zh"}


def test_a_rating_corrects_the_reward_of_its_task(client: Client) -> None:
    service = client()
    task = service.post("/tasks", json=OPEN, headers=WAIT).json()
    rated = service.post(task["links"]["feedback"], json={"rating": 1}).json()

    assert rated["reward"]["quality"] == pytest.approx(0.1)
    assert service.get(task["links"]["self"]).json()["reward"] == rated["reward"]
    [arm] = service.get("/learning/bandit").json()["arms"]
    assert arm["count"] == 1
    assert arm["value"] == pytest.approx(rated["reward"]["reward"])
    [record] = traced()
    assert record.reward
    assert record.reward.model_dump() == rated["reward"]


@pytest.mark.parametrize("rating", [-1, 0, 6, 2.5])
def test_a_rating_is_one_to_five(client: Client, rating: float) -> None:
    service = client()
    task = service.post("/tasks", json=OPEN, headers=WAIT).json()
    refused = service.post(task["links"]["feedback"], json={"rating": rating})
    assert refused.status_code == 422


def test_a_cancelled_task_is_traced_and_not_rewarded(
    client: Client, serve: Callable[..., ModelServer]
) -> None:
    hold = serve().hold("planning")
    service = client(model=None)
    links = service.post("/tasks", json=OPEN).json()["links"]
    hold.wait()
    assert service.post(links["cancel"]).json()["reward"] is None

    [record] = traced()
    assert (record.status, record.reward) == ("cancelled", None)
    assert record.chosen == "solve_math"
    assert service.get("/learning/bandit").json()["arms"] == []


def test_a_task_that_is_cancelled_before_it_began_is_traced_with_its_question(
    client: Client, serve: Callable[..., ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCERTINO_SERVE_WORKERS", "1")
    get_settings.cache_clear()
    hold = serve().hold("planning")
    service = client(model=None)
    service.post("/tasks", json=OPEN)
    hold.wait()
    waiting = service.post("/tasks", json={"question": "Never begun?"}).json()["links"]
    assert service.post(waiting["cancel"]).json()["status"] == "cancelled"
    hold.released.set()
    assert [record.question for record in traced()] == ["Never begun?"]


def test_a_rating_before_the_end_counts_at_the_end(
    client: Client, serve: Callable[..., ModelServer]
) -> None:
    hold = serve().hold("planning")
    service = client(model=None)
    links = service.post("/tasks", json=OPEN).json()["links"]
    hold.wait()
    assert service.post(links["feedback"], json={"rating": 2}).json()["reward"] is None
    hold.released.set()
    service.get(links["events"])
    terms = service.get(links["self"]).json()["reward"]["quality_terms"]
    assert {term["name"]: term["value"] for term in terms}["rating"] == 0.25
