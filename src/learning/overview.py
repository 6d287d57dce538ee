"""A human-readable overview of the bandit's table, as plain data."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ..settings import Settings
from .bandit import Bandit
from .reward import TERM_NAMES, describe_term
from .routing import build_policy


def build_overview(table: Bandit, settings: Settings) -> dict[str, Any]:
    """Build the overview of the workflows' rewards.

    Returns:
        `policy`, with its settings; `arms`, each with its `task_type`, `workflow`, `count`,
        `value`, `updated`, and `history` (`time`, `count`, `value`) for a chart; `baselines`, the
        usual cost of each workflow's tasks; `terms`, descriptions of the reward terms other than
        the workflows' checks.
    """
    return {
        "policy": asdict(build_policy(settings)),
        "arms": [
            {
                **arm.model_dump(mode="json", exclude={"fade"}),
                "history": [
                    {"time": _format_time(seconds), "count": int(count), "value": value}
                    for seconds, count, value in table.list_points(arm)
                ],
            }
            for arm in table.arms
        ],
        "baselines": {name: baseline.usual for name, baseline in table.baselines.items()},
        "terms": {name: describe_term(name) for name in TERM_NAMES},
    }


def _format_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
