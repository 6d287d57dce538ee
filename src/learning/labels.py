"""What a trace teaches the router: questions, each with the workflow that was the one for it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from statistics import fmean
from typing import Any, Literal, NamedTuple

from typing_extensions import TypedDict

from .contracts import TraceRecord
from .trace import HASH_PREFIX

Rule = Literal["best", "chosen"]
"""`best`: the workflow with the highest mean reward over all runs of a question. `chosen`: the one
that was chosen, whatever came of it."""

MIN_GOOD_REWARD = 0.5
"""Reward from which on a question that only one workflow was tried on counts as that workflow's;
below it nothing is known of what would have been better."""


@dataclass(frozen=True)
class Question:
    """A question, and all its runs."""

    text: str
    inputs: dict[str, Any]
    label: str
    rewards: dict[str, float]
    """Mean reward of each workflow that was tried."""
    runs: tuple[TraceRecord, ...]
    """In the order in which they ended."""

    @property
    def first(self) -> datetime:
        """When it was seen first."""
        return self.runs[0].ended


class LeftOut(TypedDict):
    """What of a trace nothing can be learned from."""

    without_text: int
    """Tasks whose text is hashed or left out; it cannot be embedded."""
    without_reward: int
    """Tasks that were cancelled, or that no workflow took."""
    undecided: int
    """Questions that only one workflow was tried on, with a poor reward."""


class LabeledQuestions(NamedTuple):
    """What could be taken from a trace, and what could not."""

    questions: list[Question]
    """In the order in which they were seen first."""
    left_out: LeftOut


def gather(records: Iterable[TraceRecord], rule: Rule = "best") -> LabeledQuestions:
    """The questions of a trace with their labels; the same question with the same inputs is one."""
    known = list(records)
    readable = [record for record in known if _has_text(record)]
    rewarded = [record for record in readable if record.reward and record.chosen]
    groups = groupby(sorted(rewarded, key=_build_key), key=_build_key)
    found = [_label_question(tuple(sorted(runs, key=_get_end)), rule) for _, runs in groups]
    questions = sorted((q for q in found if q), key=lambda question: question.first)
    left_out: LeftOut = {
        "without_text": len(known) - len(readable),
        "without_reward": len(readable) - len(rewarded),
        "undecided": len(found) - len(questions),
    }
    return LabeledQuestions(questions, left_out)


def _label_question(runs: tuple[TraceRecord, ...], rule: Rule) -> Question | None:
    rewards: dict[str, list[float]] = {}
    for run in runs:
        if run.chosen and run.reward:
            rewards.setdefault(run.chosen, []).append(run.reward.reward)
    means = {name: fmean(each) for name, each in rewards.items()}
    best = max(means, key=lambda name: means[name])
    if rule == "best" and len(means) == 1 and means[best] < MIN_GOOD_REWARD:
        return None
    label = best if rule == "best" else str(runs[-1].chosen)
    return Question(str(runs[0].question), dict(runs[0].inputs or {}), label, means, runs)


def _has_text(record: TraceRecord) -> bool:
    return bool(record.question) and not str(record.question).startswith(HASH_PREFIX)


def _build_key(record: TraceRecord) -> str:
    return json.dumps([record.question, record.inputs or {}], sort_keys=True, default=str)


def _get_end(record: TraceRecord) -> datetime:
    return record.ended
