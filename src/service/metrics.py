"""What Prometheus is told, in a registry of the application's own."""

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ..events import Event

SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)


class Metrics:
    """Counters and gauges of one application."""

    def __init__(self, waiting: Callable[[], int], running: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        name: dict[str, Any] = {"registry": self.registry, "namespace": "concertino"}
        Gauge("tasks_waiting", "Tasks in the queue", **name).set_function(waiting)
        Gauge("tasks_running", "Tasks being worked on", **name).set_function(running)
        self._tasks = Counter("tasks", "Runs of tasks that ended", ("workflow", "status"), **name)
        self._task_seconds = Histogram(
            "task_seconds", "Time from a run's start to its end", buckets=SECONDS, **name
        )
        self._round_seconds = Histogram(
            "round_seconds", "Time of an agent's turn", ("actor",), buckets=SECONDS, **name
        )
        self._calls = Counter("model_calls", "Calls of the language model", **name)
        self._model_seconds = Counter("model_seconds", "Time waited for the model", **name)
        self._tokens = Counter("tokens", "Tokens of the language model", ("kind",), **name)

    def happened(self, event: Event) -> None:
        """Count a decision or a turn."""
        if event["type"] not in ("decision", "turn"):
            return
        self._round_seconds.labels(event["actor"]).observe(event["seconds"])
        usage = event["usage"]
        self._calls.inc(usage["calls"])
        self._model_seconds.inc(usage["seconds"])
        for kind in ("prompt", "cached", "output"):
            self._tokens.labels(kind).inc(usage[f"{kind}_tokens"])

    def ended(self, result: Mapping[str, Any], seconds: float) -> None:
        """Count the end of a task's run."""
        self._tasks.labels(result["workflow"] or "none", result["status"]).inc()
        self._task_seconds.observe(seconds)

    def text(self) -> bytes:
        """All of it, in Prometheus's text format."""
        return generate_latest(self.registry)
