"""Training questions from a trace, each labelled with the right workflow for it."""

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
chosen in the latest run, whatever its reward."""

MIN_GOOD_REWARD = 0.5
"""Lowest mean reward that labels a question with the only workflow tried on it; below it, the
better workflow is unknown."""


@dataclass(frozen=True)
class Question:
    """A question with all its runs."""

    text: str
    inputs: dict[str, Any]
    label: str
    rewards: dict[str, float]
    """Mean reward of each workflow tried."""
    runs: tuple[TraceRecord, ...]
    """Ordered by end time."""

    @property
    def first(self) -> datetime:
        """End time of its first run."""
        return self.runs[0].ended


class LeftOut(TypedDict):
    """Counts of the tasks and questions of a trace that are unusable for training."""

    without_text: int
    """Tasks whose text is hashed or omitted, so it cannot be embedded."""
    without_reward: int
    """Tasks that were cancelled or had no workflow."""
    undecided: int
    """Questions tried on only one workflow, with a reward below `MIN_GOOD_REWARD`."""


class LabeledQuestions(NamedTuple):
    """The labelled questions of a trace, and counts of the rest."""

    questions: list[Question]
    """Ordered by the end of their first run."""
    left_out: LeftOut


def gather(records: Iterable[TraceRecord], rule: Rule = "best") -> LabeledQuestions:
    """Label the questions of a trace, merging equal questions with equal inputs."""
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
