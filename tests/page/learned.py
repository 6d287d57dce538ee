"""What the bandit has learned in these tests: arms as `GET /learning/bandit` gives them."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

Json = dict[str, Any]

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def arm(task_type: str, workflow: str, rewards: list[float], *, every: int = 12) -> Json:
    """An arm that was rewarded so, every so many hours."""
    means = [total / (n + 1) for n, total in enumerate(accumulate(rewards))]
    times = [(BEGIN + timedelta(hours=every * n)).isoformat() for n in range(len(rewards))]
    history = [
        {"time": time, "count": n + 1, "value": value}
        for n, (time, value) in enumerate(zip(times, means, strict=True))
    ]
    now = {"count": len(rewards), "value": means[-1], "updated": times[-1]}
    return {"task_type": task_type, "workflow": workflow, **now, "history": history}


ARMS = [
    arm("solve_math", "solve_math", [0.9, 0.8, 0.3, 0.9, 0.85, 0.9, 0.95, 0.9]),
    arm("solve_math", "teach_explain", [0.5, 0.35, 0.4], every=30),
    arm("solve_math", "rag_qa", [-0.1]),
    arm("open", "write_story", [0.7, 0.75]),
]
