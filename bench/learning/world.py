"""A world whose rewards are known: what each workflow earns on each kind of task, tasks that come
at random, and a router that may be wrong about them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from concertino.learning.contracts import Candidate
from concertino.learning.router import UNTRIED, choose_task_type
from numpy.typing import NDArray

Wrong = Literal["nothing", "swapped", "scattered"]
Drift = Literal["none", "falls", "rises"]

WORKFLOWS = (
    "solve_math",
    "write_story",
    "teach_explain",
    "rag_qa",
    "summarize_url",
    "search_qa_strict",
)
"""Also the kinds of tasks: a kind is named after the workflow that is best for it at first."""

SHARES = (0.25, 0.10, 0.10, 0.25, 0.15, 0.15)
"""How often each kind comes."""

VALUES = (
    (0.70, 0.10, 0.45, 0.15, 0.10, 0.20),
    (0.10, 0.70, 0.35, 0.10, 0.10, 0.10),
    (0.25, 0.40, 0.70, 0.30, 0.10, 0.30),
    (0.10, 0.10, 0.25, 0.70, 0.10, 0.50),
    (0.10, 0.10, 0.15, 0.20, 0.70, 0.45),
    (0.10, 0.10, 0.20, 0.45, 0.15, 0.65),
)
"""Mean reward: a row for each kind, a column for each workflow."""
OWN, OTHERS = (0.5, 0.8), (0.05, 0.5)
"""Between which the values of other worlds are drawn: of a kind's own workflow, and of the rest."""

ALL_OR_NOTHING = frozenset({"solve_math", "summarize_url"})
"""Kinds whose reward is 0 or 1. That of the others is normal about its mean, cut off evenly."""
SPREAD, REACH = 0.15, 0.3
"""Standard deviation of those, and how far from its mean a reward may lie."""

DRIFTING = WORKFLOWS.index("rag_qa")
"""The kind of which one arm drifts, halfway through."""
AFTER: dict[Drift, tuple[str, float]] = {
    "none": ("rag_qa", 0.70),
    "falls": ("rag_qa", 0.20),
    "rises": ("summarize_url", 0.95),
}
"""That arm, and what it is worth from then on."""

SWAPPED = (0, 2, 1, 3, 4, 5)
"""Stories are taken for lessons and lessons for stories: one task in five."""
SCATTERED = 0.2
"""Share of the tasks, of all kinds, that are taken for any other kind."""
DOUBT = (1.0, 6.0)
"""Beta distribution of how much of a router's probability is shared out evenly."""


class Task(NamedTuple):
    """One task, the same for all that are compared."""

    kind: int
    candidates: list[Candidate]
    """What the router says of it, most probable first."""
    task_type: str
    """What the router takes it for; the row of the bandit's table."""
    luck: float
    """Of its reward, evenly from 0 to 1."""
    noise: float
    """Of its reward, standard normal."""


@dataclass(frozen=True)
class World:
    """What is true, and how wrong the router is."""

    wrong: Wrong = "nothing"
    drift: Drift = "none"
    length: int = 1500
    """How many tasks come."""
    worth: tuple[tuple[float, ...], ...] = VALUES
    """What the workflows are worth before the drift."""

    @property
    def change(self) -> int:
        """The first task after the drift."""
        return self.length // 2

    def values(self, at: int) -> NDArray[np.float64]:
        """Mean rewards, kinds × workflows, at the time of that task."""
        return self._later if at >= self.change else self._first

    def tasks(self, seed: int) -> list[Task]:
        """All tasks in their order; the same in every world but for the router's opinion."""
        chance = np.random.default_rng(seed)
        kinds = chance.choice(len(SHARES), p=SHARES, size=self.length)
        labels = self._labels(kinds, chance)
        doubts = UNTRIED + (1 - UNTRIED) * chance.beta(*DOUBT, size=self.length)
        luck, noise = chance.random(self.length), chance.standard_normal(self.length)
        tasks = []
        for n, kind in enumerate(kinds):
            ranked = opinion(int(labels[n]), float(doubts[n]))
            tasks.append(Task(int(kind), ranked, choose_task_type(ranked), luck[n], noise[n]))
        return tasks

    def reward(self, task: Task, at: int, workflow: str) -> float:
        """What the workflow earns on that task."""
        value = self.values(at)[task.kind, WORKFLOWS.index(workflow)]
        if WORKFLOWS[task.kind] in ALL_OR_NOTHING:
            return float(task.luck < value)
        return float(value + np.clip(SPREAD * task.noise, -REACH, REACH))

    def _labels(self, kinds: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
        other = (kinds + chance.integers(1, len(SHARES), size=self.length)) % len(SHARES)
        hit = chance.random(self.length) < SCATTERED
        if self.wrong == "scattered":
            return np.where(hit, other, kinds)
        return np.array(SWAPPED)[kinds] if self.wrong == "swapped" else kinds

    @cached_property
    def _first(self) -> NDArray[np.float64]:
        return np.array(self.worth)

    @cached_property
    def _later(self) -> NDArray[np.float64]:
        workflow, value = AFTER[self.drift]
        later = np.array(self.worth)
        later[DRIFTING, WORKFLOWS.index(workflow)] = value
        return later


def drawn_values(seed: int) -> tuple[tuple[float, ...], ...]:
    """Other values than those that the product's settings were tried on."""
    chance = np.random.default_rng(seed)
    values = chance.uniform(*OTHERS, size=(len(SHARES), len(WORKFLOWS)))
    np.fill_diagonal(values, chance.uniform(*OWN, size=len(SHARES)))
    return tuple(map(tuple, values.tolist()))


def opinion(label: int, doubt: float) -> list[Candidate]:
    """A router's candidates: sure of one workflow but for a doubt that all share."""
    even = doubt / len(WORKFLOWS)
    found = [
        Candidate(workflow=name, p=even + (1 - doubt) * (n == label))
        for n, name in enumerate(WORKFLOWS)
    ]
    return sorted(found, key=lambda candidate: -candidate.p)


NO_OPINION = [Candidate(workflow=name, p=1 / len(WORKFLOWS)) for name in WORKFLOWS]
"""All equally probable."""
