"""Evaluation of routers on held-out questions."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import Field

from ..state import Contract
from . import evaluation
from .classifier import Classifier
from .contracts import TraceRecord
from .evaluation import Estimate, LoggedTasks
from .labels import Question
from .router import share_probabilities
from .training import Example, build_matrix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]

MIN_SAMPLES = 10
"""Fewest questions, or drawn suggestions, that allow an evaluation."""


class Judgement(Contract):
    """Evaluation results of a router."""

    figures: dict[str, float]
    """Metrics of its first candidate and its probabilities against the labels."""
    confusion: dict[str, dict[str, int]]
    """Counts by correct workflow, then by first candidate."""
    rewards: dict[str, Estimate] = Field(default_factory=dict)
    """Expected reward of suggesting its first candidate, by estimation method."""
    effective_tasks: float = 0.0
    """Effective sample size of the drawn tasks for these estimates."""


class HeldOut:
    """Labelled questions, and their rewarded runs with a drawn suggestion.

    Args:
        workflows: the registered workflows.
        home: the one of them that takes what no other is made for.
    """

    def __init__(
        self, questions: Sequence[Question], workflows: Sequence[str], home: str | None = None
    ) -> None:
        self._home = home
        self._names = sorted({*workflows, *(question.label for question in questions)})
        self._questions = questions
        drawn = [
            (run, row)
            for row, question in enumerate(questions)
            for run in question.runs
            if _is_drawn(run, self._names)
        ]
        self.drawn = sorted(drawn, key=lambda task: task[0].ended)

    def judge(self, classifier: Classifier) -> Judgement:
        """Evaluate a router on these questions.

        Raises:
            EmbedderError: the embedder is not installed.
        """
        import numpy as np

        probabilities = self._predict_probabilities(classifier)
        enough = len(self.drawn) >= MIN_SAMPLES
        truth = np.array([self._names.index(question.label) for question in self._questions])
        return Judgement(
            figures=evaluation.compute_metrics(probabilities, truth),
            confusion=self._label_counts(evaluation.count_confusion(probabilities, truth).tolist()),
            rewards=self._estimate_rewards(classifier) if enough else {},
            effective_tasks=self._compute_effective_tasks(classifier) if enough else 0.0,
        )

    def estimate_advantage(self, new: Classifier, old: Classifier) -> Estimate | None:
        """Estimate the reward gain per task of `new` over `old`, doubly robust; None if there are
        too few tasks."""
        if len(self.drawn) < MIN_SAMPLES:
            return None
        logged, believed = self._logged
        return evaluation.estimate_advantage(
            logged, self._select_firsts(new), self._select_firsts(old), believed
        )

    def _estimate_rewards(self, classifier: Classifier) -> dict[str, Estimate]:
        (logged, believed) = self._logged
        firsts = self._select_firsts(classifier)
        found = {
            "inverse_propensity": evaluation.estimate_inverse_propensity(logged, firsts),
            "self_normalised": evaluation.estimate_self_normalized(logged, firsts),
            "doubly_robust": evaluation.estimate_doubly_robust(logged, firsts, believed),
        }
        return {method: estimate for method, estimate in found.items() if estimate}

    def _compute_effective_tasks(self, classifier: Classifier) -> float:
        return evaluation.compute_effective_tasks(self._logged[0], self._select_firsts(classifier))

    def _predict_probabilities(self, classifier: Classifier) -> "Matrix":
        """Return probabilities of shape (questions, workflows)."""
        import numpy as np

        rows = []
        for seen in self._seen:
            believed = classifier.predict_probabilities(seen)
            ranked = share_probabilities(believed, self._names, self._home)
            p = {candidate.workflow: candidate.p for candidate in ranked}
            rows.append([p[name] for name in self._names])
        return np.array(rows)

    def _select_firsts(self, classifier: Classifier) -> "Matrix":
        """Return one row per drawn task, with 1 at the most probable of its possible workflows."""
        import numpy as np

        probabilities = self._predict_probabilities(classifier)
        firsts = np.zeros((len(self.drawn), len(self._names)))
        for task, (run, row) in enumerate(self.drawn):
            possible = [self._names.index(name) for name in _list_possible(run)]
            firsts[task, max(possible, key=lambda column: probabilities[row, column])] = 1
        return firsts

    @cached_property
    def _seen(self) -> "Matrix":
        return build_matrix([Example(q.text, q.label, q.inputs) for q in self._questions])

    @cached_property
    def _logged(self) -> "tuple[LoggedTasks, Matrix]":
        """Return the drawn tasks and the predicted reward of each suggestion."""
        import numpy as np

        runs = [run for run, _ in self.drawn]
        logged = LoggedTasks(
            actions=np.array([self._names.index(_get_suggestion(run)) for run in runs]),
            propensities=np.array([run.propensity for run in runs]),
            rewards=np.array([run.reward.reward for run in runs if run.reward]),
            questions=np.unique([row for _, row in self.drawn], return_inverse=True)[1],
        )
        contexts = np.zeros((len(runs), len(self._names)))
        for task, run in enumerate(runs):
            for candidate in run.routing.candidates if run.routing else []:
                if candidate.workflow in self._names:
                    contexts[task, self._names.index(candidate.workflow)] = candidate.p
        return logged, evaluation.predict_rewards(logged, contexts, len(self._names))

    def _label_counts(self, counts: list[list[int]]) -> dict[str, dict[str, int]]:
        return {
            name: {other: n for other, n in zip(self._names, row, strict=True) if n}
            for name, row in zip(self._names, counts, strict=True)
            if any(row)
        }


def _is_drawn(run: TraceRecord, names: Sequence[str]) -> bool:
    """Return whether the run's suggestion was drawn with a known probability and rewarded."""
    if run.named or not run.reward or not run.propensity:
        return False
    return _get_suggestion(run) in names and set(_list_possible(run)) <= set(names)


def _get_suggestion(run: TraceRecord) -> str:
    return (run.routing and run.routing.suggestion) or ""


def _list_possible(run: TraceRecord) -> list[str]:
    return list(run.routing.probabilities) if run.routing else []
