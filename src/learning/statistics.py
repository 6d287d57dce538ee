"""Statistics of a trace: workflow rewards, token use by actor, and the value of the advice."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from ..state import Usage
from .contracts import TraceRecord

REPORT = "report"
"""Actor of usage outside the moves: the final report and rewriting follow-up questions."""


def summarize_workflows(records: Sequence[TraceRecord]) -> list[dict[str, Any]]:
    """Return a row per workflow: `tasks`, and the means of `verified`, `quality`, `cost`, `reward`,
    `tokens` and `seconds`."""
    names = sorted({record.workflow for record in records if record.workflow})
    return [_summarize_workflow(name, [r for r in records if r.workflow == name]) for name in names]


def summarize_actors(records: Sequence[TraceRecord]) -> list[dict[str, Any]]:
    """Return a row per actor that called a model, most tokens first: its mean `calls`,
    `prompt_tokens`, `cached_tokens` (included in `prompt_tokens`), `output_tokens` and `seconds`
    over all tasks."""
    spent: dict[str, Usage] = defaultdict(Usage)
    for record in records:
        for move in record.moves:
            spent[move.actor] += move.usage
    spent_by_actors = sum(spent.values(), Usage())
    spent[REPORT] = sum((record.usage for record in records), Usage()) - spent_by_actors
    rows = [
        {
            "actor": actor,
            **{name: value / len(records) for name, value in usage.model_dump().items()},
        }
        for actor, usage in spent.items()
        if usage.calls > 0
    ]
    return sorted(rows, key=lambda row: -row["prompt_tokens"] - row["output_tokens"])


def summarize_advice(records: Sequence[TraceRecord]) -> dict[str, Any]:
    """Return the number of suggestions (`suggested`), how many the Coordinator `followed`, and the
    mean reward and cost where it did and did not. Cost is relative to the workflow's usual cost,
    so that different tasks are comparable."""
    advised = [record for record in records if record.followed is not None and record.reward]
    heeded = [record for record in advised if record.followed]
    overruled = [record for record in advised if not record.followed]
    return {
        "suggested": len(advised),
        "followed": len(heeded),
        **_average_rewards("followed", heeded),
        **_average_rewards("overruled", overruled),
    }


def _average_rewards(which: str, records: Sequence[TraceRecord]) -> dict[str, float]:
    rewards = [record.reward for record in records if record.reward]
    return {
        f"{term}_{which}": _average_values(getattr(reward, term) for reward in rewards)
        for term in ("reward", "cost")
    }


def _summarize_workflow(name: str, records: Sequence[TraceRecord]) -> dict[str, Any]:
    rewards = [record.reward for record in records if record.reward]
    return {
        "workflow": name,
        "tasks": len(records),
        "verified": _average_values(record.status == "verified" for record in records),
        **{
            term: _average_values(getattr(reward, term) for reward in rewards)
            for term in ("quality", "cost", "reward")
        },
        **{
            term: _average_values(record.spent[term] for record in records if term in record.spent)
            for term in ("tokens", "seconds")
        },
    }


def _average_values(values: Iterable[float]) -> float:
    found = list(values)
    return fmean(found) if found else 0.0
