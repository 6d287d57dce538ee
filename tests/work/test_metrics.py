"""What Prometheus is told."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from concertino.tasks.result import TaskResult
from concertino.work.metrics import MAX_MODEL_LABELS, REWARD_BUCKETS, Metrics
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.model_server import PATIENCE, PENS, ModelServer
from tests.service.conftest import Client, LiveService
from tests.service.streams import events_in

TASK = {"question": PENS, "workflow": "solve_math"}
WAIT = {"Prefer": "wait=60"}
Serve = Callable[..., ModelServer]


def parse_samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of Prometheus's text format, by name and labels."""
    return {
        (sample.name.removeprefix("concertino_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sample(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"concertino_{name}", labels)


def labels(**given: str) -> frozenset[tuple[str, str]]:
    return frozenset(given.items())


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(lambda: 3, lambda: 2)


def test_a_task_is_counted_by_workflow_and_outcome_with_its_rounds_calls_tokens_and_reward(
    client: Client, serve: Serve
) -> None:
    model = serve()
    service = client(model=None)
    result = service.post("/tasks", json=TASK, headers=WAIT).json()
    seen = parse_samples(service.get("/metrics").text)

    calls = len(model.requests)
    name = labels(model="compatible/first-model")
    assert seen["tasks_total", labels(workflow="solve_math", outcome="verified")] == 1
    assert seen["task_seconds_count", labels(workflow="solve_math")] == 1
    assert seen["round_seconds_count", labels(actor="execution")] == 1
    assert seen["model_seconds_count", name] == calls
    for kind, each in (("prompt", 20), ("cached", 8), ("output", 5)):
        assert seen["tokens_total", name | labels(kind=kind)] == each * calls
    assert seen["reward_count", labels(workflow="solve_math")] == 1
    for bound in REWARD_BUCKETS:
        within = seen["reward_bucket", labels(workflow="solve_math", le=str(float(bound)))]
        assert within == (result["reward"]["reward"] <= bound)


def test_the_bandits_values_are_told_as_they_are_when_they_are_asked_for(
    client: Client, serve: Serve
) -> None:
    serve(
        choosing=[
            {
                "reasoning": "r",
                "next_action": "solve_math",
                "instructions": "",
                "should_continue": True,
            }
        ]
    )
    service = client(model=None)
    service.post("/tasks", json={"question": PENS}, headers=WAIT)
    arms = service.get("/learning/bandit").json()["arms"]
    seen = parse_samples(service.get("/metrics").text)

    assert arms
    for arm in arms:
        name = labels(task_type=arm["task_type"], workflow=arm["workflow"])
        assert seen["bandit_value", name] == pytest.approx(arm["value"])
        assert seen["bandit_rewards", name] == arm["count"]


def test_what_waits_and_what_runs_is_told(metrics: Metrics) -> None:
    assert sample(metrics.registry, "tasks_waiting") == 3
    assert sample(metrics.registry, "tasks_running") == 2


def test_open_event_streams_are_counted(live: Callable[[], LiveService], serve: Serve) -> None:
    hold = serve().hold("planning")
    service = live()
    link = httpx.post(f"{service.url}/tasks", json=TASK).json()["links"]["events"]

    def streams() -> float:
        return parse_samples(httpx.get(f"{service.url}/metrics").text)["streams_open", labels()]

    assert streams() == 0
    with httpx.stream("GET", f"{service.url}{link}", timeout=PATIENCE) as stream:
        events = events_in(stream.iter_lines())
        next(events)
        assert streams() == 1
        hold.released.set()
        list(events)
    while streams():
        pass


def call(metrics: Metrics, model: str, error: Exception | None = None) -> None:
    """A call of a model, as LangChain tells of it."""
    run, calls = uuid4(), metrics.model_calls
    calls.on_chat_model_start({}, [[]], run_id=run, metadata={"model": model})
    if error:
        calls.on_llm_error(error, run_id=run)
    else:
        message = AIMessage("x")
        calls.on_llm_end(LLMResult(generations=[[ChatGeneration(message=message)]]), run_id=run)


def test_calls_that_fail_are_told_apart(metrics: Metrics) -> None:
    call(metrics, "m")
    call(metrics, "m", TimeoutError())
    assert sample(metrics.registry, "model_seconds_count", model="m") == 1
    assert sample(metrics.registry, "model_calls_failed_total", model="m") == 1


def test_models_that_clients_make_up_do_not_fill_the_memory(metrics: Metrics) -> None:
    for number in range(10 * MAX_MODEL_LABELS):
        call(metrics, f"model-{number}")
    call(metrics, "model-0")

    assert sample(metrics.registry, "model_seconds_count", model="model-0") == 2
    assert sample(metrics.registry, "model_seconds_count", model="other") == 9 * MAX_MODEL_LABELS
    assert (
        sample(metrics.registry, "model_seconds_count", model=f"model-{MAX_MODEL_LABELS}") is None
    )


def test_requests_are_told_by_route_whatever_their_path_and_method(client: Client) -> None:
    service = client()
    for number in range(3):
        service.get(f"/tasks/{number}")
        service.get(f"/nowhere/{number}")
        service.request(f"ODD{number}", "/tasks")
    seen = parse_samples(service.get("/metrics").text)

    counts = {
        tuple(dict(names)[name] for name in ("method", "route", "status")): value
        for (sample_name, names), value in seen.items()
        if sample_name == "request_seconds_count"
    }
    assert counts["GET", "/tasks/{task_id}", "404"] == 3
    assert counts["GET", "none", "404"] == 3
    assert {method for method, _, _ in counts} == {"GET", "other"}


def test_a_run_that_never_came_to_a_workflow_is_counted_too(metrics: Metrics) -> None:
    result = TaskResult.model_construct(workflow=None, status="cancelled", reward=None)
    metrics.count_task(result, 0.5)
    assert sample(metrics.registry, "tasks_total", workflow="none", outcome="cancelled") == 1
