"""Prometheus metrics, in the application's own registry.

Label values are names of workflows, actors, routes and outcomes, so their number is bounded. Model
names, which requests choose freely, are used as labels for the first few only.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage
from langchain_core.outputs import LLMResult
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..learning.contracts import Arm
from ..tasks.events import Event
from ..tasks.result import TaskResult
from .spending import extract_token_counts, tokens_of_error

DURATION_BUCKETS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
REWARD_BUCKETS = (-0.1, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
MAX_MODEL_LABELS = 20
"""Models labelled by name; further ones are labelled `other`."""


class Metrics:
    """Counters and gauges of one application."""

    def __init__(self, waiting: Callable[[], int], running: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        name: dict[str, Any] = {"registry": self.registry, "namespace": "concertino"}
        Gauge("tasks_waiting", "Tasks in the queue", **name).set_function(waiting)
        Gauge("tasks_running", "Tasks being worked on", **name).set_function(running)
        self.streams = Gauge("streams_open", "Event streams that are being read", **name)
        self._tasks = Counter("tasks", "Runs of tasks that ended", ("workflow", "outcome"), **name)
        self._task_seconds = Histogram(
            "task_seconds",
            "From a run's start to its end",
            ("workflow",),
            buckets=DURATION_BUCKETS,
            **name,
        )
        self._round_seconds = Histogram(
            "round_seconds", "Time of an agent's turn", ("actor",), buckets=DURATION_BUCKETS, **name
        )
        self._reward = Histogram(
            "reward", "Quality less cost of a task", ("workflow",), buckets=REWARD_BUCKETS, **name
        )
        arm = ("task_type", "workflow")
        self._value = Gauge("bandit_value", "Running mean of an arm's rewards", arm, **name)
        self._count = Gauge("bandit_rewards", "Rewards that an arm has had", arm, **name)
        self._request_seconds = Histogram(
            "request_seconds",
            "Time to answer a request, a stream's to its end",
            ("method", "route", "status"),
            buckets=REQUEST_BUCKETS,
            **name,
        )
        self.model_calls = ModelCalls(name)

    def count_event(self, event: Event) -> None:
        """Record the duration of a decision or turn; other events are ignored."""
        if event["type"] in ("decision", "turn"):
            self._round_seconds.labels(event["actor"]).observe(event["seconds"])

    def count_task(self, result: TaskResult, seconds: float) -> None:
        """Record the outcome, duration and reward of a task's run."""
        workflow = result.workflow or "none"
        self._tasks.labels(workflow, result.status).inc()
        self._task_seconds.labels(workflow).observe(seconds)
        if result.reward:
            self._reward.labels(workflow).observe(result.reward.reward)

    def set_arms(self, arms: Iterable[Arm]) -> None:
        """Set the bandit gauges to the current values."""
        for arm in arms:
            self._value.labels(arm.task_type, arm.workflow).set(arm.value)
            self._count.labels(arm.task_type, arm.workflow).set(arm.count)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record the duration of a request."""
        self._request_seconds.labels(method, route, status).observe(seconds)

    def render_text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self.registry)


class ModelCalls(BaseCallbackHandler):
    """Counts and times a run's language model calls."""

    run_inline = True
    ignore_chain = True

    def __init__(self, name: dict[str, Any]) -> None:
        self._seconds = Histogram(
            "model_seconds",
            "Time of a call of a model",
            ("model",),
            buckets=DURATION_BUCKETS,
            **name,
        )
        self._failed = Counter(
            "model_calls_failed", "Calls that broke off or were refused", ("model",), **name
        )
        self._tokens = Counter("tokens", "Tokens of language models", ("model", "kind"), **name)
        self._open: dict[UUID, tuple[str, float]] = {}
        self._named: set[str] = set()

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], **about: Any
    ) -> None:
        model = str((about.get("metadata") or {}).get("model", "other"))
        self._open[about["run_id"]] = self._label(model), time.perf_counter()

    def on_llm_end(self, response: LLMResult, **about: Any) -> None:
        model, began = self._open.pop(about["run_id"])
        self._seconds.labels(model).observe(time.perf_counter() - began)
        self._count(model, extract_token_counts(response))

    def on_llm_error(self, error: BaseException, **about: Any) -> None:
        model, _ = self._open.pop(about["run_id"])
        self._failed.labels(model).inc()
        self._count(model, tokens_of_error(error))

    def _count(self, model: str, tokens: dict[str, int]) -> None:
        for kind, number in tokens.items():
            self._tokens.labels(model, kind).inc(number)

    def _label(self, model: str) -> str:
        if len(self._named) < MAX_MODEL_LABELS:
            self._named.add(model)
        return model if model in self._named else "other"


class RequestTimes:
    """Records the duration of every request by route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def send_wrapper(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_wrapper)
        finally:
            metrics: Metrics = scope["app"].state.service.queue.metrics
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "other"
            metrics.count_request(method, route, status, time.perf_counter() - began)
