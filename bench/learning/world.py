"""A simulated world with known rewards: what each workflow earns on each kind of task, random
tasks, and a router that may be wrong about them."""

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
"""Workflows, and also kinds of tasks: a kind is named after its initially best workflow."""

SHARES = (0.25, 0.10, 0.10, 0.25, 0.15, 0.15)
"""Share of each kind among the tasks."""

VALUES = (
    (0.70, 0.10, 0.45, 0.15, 0.10, 0.20),
    (0.10, 0.70, 0.35, 0.10, 0.10, 0.10),
    (0.25, 0.40, 0.70, 0.30, 0.10, 0.30),
    (0.10, 0.10, 0.25, 0.70, 0.10, 0.50),
    (0.10, 0.10, 0.15, 0.20, 0.70, 0.45),
    (0.10, 0.10, 0.20, 0.45, 0.15, 0.65),
)
"""Mean rewards: a row for each kind, a column for each workflow."""
OWN, OTHERS = (0.5, 0.8), (0.05, 0.5)
"""Ranges of random values in other worlds: for a kind's own workflow, and for the rest."""

ALL_OR_NOTHING = frozenset({"solve_math", "summarize_url"})
"""Kinds whose reward is 0 or 1; that of the others is normal about its mean, clipped
symmetrically."""
SPREAD, REACH = 0.15, 0.3
"""Standard deviation of these rewards, and their maximum distance from the mean."""

DRIFTING = WORKFLOWS.index("rag_qa")
"""The kind with one arm that drifts, halfway through."""
AFTER: dict[Drift, tuple[str, float]] = {
    "none": ("rag_qa", 0.70),
    "falls": ("rag_qa", 0.20),
    "rises": ("summarize_url", 0.95),
}
"""The drifting arm, and its value after the drift."""

SWAPPED = (0, 2, 1, 3, 4, 5)
"""Stories and lessons are mistaken for each other: one task in five."""
SCATTERED = 0.2
"""Share of the tasks, of all kinds, that are mistaken for another kind."""
DOUBT = (1.0, 6.0)
"""Beta distribution of the router's doubt (scaled to exceed `UNTRIED`), the probability it shares
out evenly."""


class Task(NamedTuple):
    """One task, the same for all players."""

    kind: int
    candidates: list[Candidate]
    """The router's candidates, most probable first."""
    task_type: str
    """The router's task type; the row of the bandit's table."""
    luck: float
    """Uniform random number from 0 to 1, for the reward."""
    noise: float
    """Standard normal random number, for the reward."""


@dataclass(frozen=True)
class World:
    """True values of the workflows, and the router's errors."""

    wrong: Wrong = "nothing"
    drift: Drift = "none"
    length: int = 1500
    """Number of tasks."""
    worth: tuple[tuple[float, ...], ...] = VALUES
    """Values of the workflows before the drift, kinds × workflows."""

    @property
    def change(self) -> int:
        """Index of the first task after the drift."""
        return self.length // 2

    def values(self, at: int) -> NDArray[np.float64]:
        """Return the mean rewards, kinds × workflows, at the time of a task."""
        return self._later if at >= self.change else self._first

    def tasks(self, seed: int) -> list[Task]:
        """Return all tasks in order; only the router's opinion differs between worlds."""
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
        """Return the reward that the workflow earns on a task."""
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
    """Return random values, unlike those that the product's settings were tuned on."""
    chance = np.random.default_rng(seed)
    values = chance.uniform(*OTHERS, size=(len(SHARES), len(WORKFLOWS)))
    np.fill_diagonal(values, chance.uniform(*OWN, size=len(SHARES)))
    return tuple(map(tuple, values.tolist()))


def opinion(label: int, doubt: float) -> list[Candidate]:
    """Return a router's candidates: sure of one workflow, except for a doubt shared by all."""
    even = doubt / len(WORKFLOWS)
    found = [
        Candidate(workflow=name, p=even + (1 - doubt) * (n == label))
        for n, name in enumerate(WORKFLOWS)
    ]
    return sorted(found, key=lambda candidate: -candidate.p)


NO_OPINION = [Candidate(workflow=name, p=1 / len(WORKFLOWS)) for name in WORKFLOWS]
"""Candidates with equal probabilities."""
