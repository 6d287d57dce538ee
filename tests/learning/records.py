"""A record of a task, as tests want it."""

from datetime import UTC, datetime
from typing import Any

from concertino.learning.contracts import TraceRecord

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(task_id: str, **changes: Any) -> TraceRecord:
    """What is in a trace of a plain task, with changes."""
    given: dict[str, Any] = {
        "task_id": task_id,
        "thread_id": task_id,
        "ended": NOON,
        "question": f"What is {task_id}?",
        "inputs": {},
        "final_answer": "36",
        "error": None,
        "language": "en",
        "features": {"has_url": 0.0},
        "named": None,
        "routing": None,
        "propensity": None,
        "chosen": "solve_math",
        "followed": None,
        "workflow": "solve_math",
        "moves": [],
        "status": "verified",
        "checks": {"ran": True},
        "reward": None,
        "spent": {"tokens": 10.0},
        "model": "openai/m",
        "versions": {},
    }
    return TraceRecord(**{**given, **changes})
