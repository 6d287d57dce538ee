"""The router's examples as a stream of tasks: some mislabelled, some held out, with their
traces."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from concertino.learning.classifier import OUT_OF_SCOPE, Classifier
from concertino.learning.contracts import Candidate, Reward, TraceRecord
from concertino.learning.router import choose_task_type, share_probabilities
from concertino.learning.training import Example, build_matrix, fit, load_shipped_examples

from .measures import Rows
from .players import Course
from .world import WORKFLOWS, Task

RUNS = 4
"""Number of times that each question comes."""
WRONG = 0.2
"""Share of the examples with a wrong label."""
Mistake = Literal["at random", "among stories and lessons"]
EXCHANGED = {"write_story": "teach_explain", "teach_explain": "write_story"}
START = datetime(2026, 1, 1, tzinfo=UTC)


class Labelled(NamedTuple):
    """An example, by its row, with a label that may be wrong."""

    row: int
    label: str
    weight: float = 1.0


class Stream(NamedTuple):
    """A sequence of tasks, with the row of each task's example."""

    rows: list[int]
    tasks: list[Task]


class Texts:
    """The shipped examples, each embedded once."""

    def __init__(self) -> None:
        self.examples = load_shipped_examples()

    @cached_property
    def seen(self) -> Rows:
        """Features of the examples, one row each."""
        return build_matrix(self.examples)

    def split(self, chance: random.Random) -> tuple[list[int], list[int]]:
        """Split the rows into a training set and a held-out set: a third of each label is held
        out."""
        learned, held_out = [], []
        for label in sorted({example.label for example in self.examples}):
            rows = [n for n, example in enumerate(self.examples) if example.label == label]
            chance.shuffle(rows)
            held_out += rows[: len(rows) // 3]
            learned += rows[len(rows) // 3 :]
        return learned, held_out

    def router(self, labelled: Sequence[Labelled]) -> Classifier:
        """Return a router fitted to these examples."""
        examples = [
            Example(self.examples[each.row].question, each.label, weight=each.weight)
            for each in labelled
        ]
        return fit(examples, self.seen[[each.row for each in labelled]])

    def in_scope(self, rows: Sequence[int]) -> list[int]:
        """Return the rows that some workflow fits."""
        return [row for row in rows if self.examples[row].label != OUT_OF_SCOPE]

    def kind(self, row: int) -> int:
        """Return the index of the example's true workflow."""
        return WORKFLOWS.index(self.examples[row].label)

    def candidates(self, router: Classifier, row: int) -> list[Candidate]:
        """Return a router's candidates for an example."""
        return share_probabilities(router.predict_probabilities(self.seen[row]), WORKFLOWS)


def mislabelled(
    texts: Texts, rows: list[int], how: Mistake, chance: random.Random
) -> list[Labelled]:
    """Return these rows with one label in five wrong."""
    labels = [texts.examples[row].label for row in rows]
    names = sorted(set(labels))
    within = names if how == "at random" else list(EXCHANGED)
    eligible = [n for n, label in enumerate(labels) if label in within]
    for n in chance.sample(eligible, round(WRONG * len(rows))):
        others = [name for name in names if name != labels[n]]
        labels[n] = chance.choice(others) if how == "at random" else EXCHANGED[labels[n]]
    return [Labelled(row, label) for row, label in zip(rows, labels, strict=True)]


def stream(texts: Texts, rows: list[int], router: Classifier, seed: int) -> Stream:
    """Return a task stream of these questions, `RUNS` times in random order, with a router's
    candidates; order and luck are the same for every router."""
    chance = np.random.default_rng(seed)
    order = [int(row) for _ in range(RUNS) for row in chance.permutation(rows)]
    luck, noise = chance.random(len(order)), chance.standard_normal(len(order))
    ranked = {row: texts.candidates(router, row) for row in rows}
    tasks = [
        Task(texts.kind(row), ranked[row], choose_task_type(ranked[row]), luck[n], noise[n])
        for n, row in enumerate(order)
    ]
    return Stream(order, tasks)


def traces(texts: Texts, stream: Stream, course: Course) -> list[TraceRecord]:
    """Return the trace of the tasks, as far as a router learns from it."""
    return [
        TraceRecord(
            task_id=str(n),
            thread_id=str(n),
            ended=START + timedelta(minutes=n),
            question=texts.examples[row].question,
            inputs={},
            final_answer=None,
            error=None,
            language=None,
            features={},
            named=None,
            routing=None,
            propensity=None,
            chosen=course.suggested[n],
            followed=True,
            workflow=course.suggested[n],
            moves=[],
            status="unverified",
            checks={},
            reward=Reward(quality=0, cost=0, reward=course.rewards[n]),
            spent={},
            model=None,
            versions={},
        )
        for n, row in enumerate(stream.rows)
    ]
