"""Router evaluation: against labels, and off-policy, from rewards logged by another policy.

A logged task reveals only the reward of its own suggestion. Other policies can still be estimated
from it with the propensity, the probability with which the suggestion was drawn:

- *inverse propensity* weights each reward by how much more often the other policy would have made
  that suggestion (Horvitz & Thompson 1952; Bottou et al. 2013, "Counterfactual Reasoning and
  Learning Systems"). Large weights are clipped (Ionides 2008, "Truncated Importance Sampling"),
  which trades a little bias for much less variance.
- *self-normalised* divides by the sum of the weights (Swaminathan & Joachims 2015, "The
  Self-Normalized Estimator for Counterfactual Learning").
- *doubly robust* uses a reward model and weights only its residuals: correct if either the model
  or the propensities are (Dudík, Langford & Li 2011, "Doubly Robust Policy Evaluation and
  Learning").

Intervals are 95 % percentile bootstrap intervals (Efron & Tibshirani 1993), resampled by question
rather than by task, since runs of one question have correlated rewards.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Indices = NDArray[np.int64]

BINS = 10
CLIP = 20.0
"""Upper bound of a task's importance weight."""
RESAMPLES = 2000
FOLDS = 5
RIDGE = 1.0


class LoggedTasks(NamedTuple):
    """Tasks whose suggestion was drawn, ordered by end time."""

    actions: "Indices"
    """Column index of the suggestion."""
    propensities: "Matrix"
    """Probability of the suggestion."""
    rewards: "Matrix"
    questions: "Indices"
    """Index of the task's question, from 0."""


class Estimate(NamedTuple):
    """A mean reward with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def softmax(scores: "Matrix") -> "Matrix":
    """Convert each row of scores to probabilities."""
    import numpy as np

    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: Matrix = odds / odds.sum(axis=1, keepdims=True)
    return probabilities


def compute_metrics(probabilities: "Matrix", truth: "Indices") -> dict[str, float]:
    """Compute accuracy, macro-F1, calibration error and log loss.

    Args:
        probabilities: shape (texts, labels).
        truth: column index of each text's label.
    """
    import numpy as np

    right = probabilities[np.arange(len(truth)), truth]
    return {
        "accuracy": float((probabilities.argmax(axis=1) == truth).mean()),
        "macro_f1": compute_macro_f1(count_confusion(probabilities, truth)),
        "calibration_error": compute_calibration_error(probabilities, truth),
        "log_loss": float(-np.log(np.maximum(right, 1e-12)).mean()),
    }


def count_confusion(probabilities: "Matrix", truth: "Indices") -> "Indices":
    """Count the texts by true label (row) and predicted label (column)."""
    import numpy as np

    labels = probabilities.shape[1]
    counts: Indices = np.zeros((labels, labels), dtype=np.int64)
    np.add.at(counts, (truth, probabilities.argmax(axis=1)), 1)
    return counts


def compute_macro_f1(counts: "Indices") -> float:
    """Compute the mean F1 over the labels that occur or are predicted."""
    hits, wanted, given = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    seen = wanted + given > 0
    return float((2 * hits[seen] / (wanted + given)[seen]).mean())


def compute_calibration_error(probabilities: "Matrix", truth: "Indices") -> float:
    """Compute the expected calibration error over ten bins of equal width (Naeini et al. 2015, Guo
    et al. 2017)."""
    import numpy as np

    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [
        abs(right[bins == number].mean() - confidence[bins == number].mean())
        * (bins == number).mean()
        for number in np.unique(bins)
    ]
    return float(sum(gaps))


def estimate_inverse_propensity(logged: LoggedTasks, target: "Matrix") -> Estimate:
    """Estimate the expected reward of another policy.

    Args:
        target: its probability of each suggestion, shape (tasks, suggestions).
    """
    return _bootstrap_mean(logged.questions, _compute_weights(logged, target) * logged.rewards)


def estimate_self_normalized(logged: LoggedTasks, target: "Matrix") -> Estimate | None:
    """Estimate as `estimate_inverse_propensity` does, normalised by the sum of the weights; None if
    the other policy would have made none of the suggestions."""
    weights = _compute_weights(logged, target)
    if not weights.any():
        return None
    return _bootstrap_mean(logged.questions, weights * logged.rewards, weights)


def estimate_doubly_robust(logged: LoggedTasks, target: "Matrix", believed: "Matrix") -> Estimate:
    """Estimate the expected reward of another policy, using a reward model.

    Args:
        believed: predicted reward of each suggestion, see `predict_rewards`; shaped as `target`.
    """
    return _bootstrap_mean(logged.questions, _correct_rewards(logged, target, believed))


def estimate_advantage(
    logged: LoggedTasks, target: "Matrix", other: "Matrix", believed: "Matrix"
) -> Estimate:
    """Estimate the mean reward gain of `target` over `other` on the same tasks, doubly robust."""
    gained = _correct_rewards(logged, target, believed) - _correct_rewards(logged, other, believed)
    return _bootstrap_mean(logged.questions, gained)


def compute_effective_tasks(logged: LoggedTasks, target: "Matrix") -> float:
    """Compute the effective sample size for the other policy, in tasks (Kong 1992)."""
    weights = _compute_weights(logged, target)
    return float(weights.sum() ** 2 / max((weights**2).sum(), 1e-12))


def predict_rewards(logged: LoggedTasks, contexts: "Matrix", actions: int) -> "Matrix":
    """Predict the reward of each suggestion in each task, by ridge regression on its context.

    Predictions are out of fold, with folds split by question. Those for suggestions with little
    data shrink to the mean reward.

    Args:
        contexts: shape (tasks, context features).
        actions: number of possible suggestions.

    Returns:
        Shape (tasks, suggestions).
    """
    import numpy as np

    tasks = len(logged.rewards)
    known = np.hstack([np.ones((tasks, 1)), contexts])
    folds = logged.questions % min(FOLDS, max(int(logged.questions.max()) + 1, 2))
    believed = np.zeros((tasks, actions))
    for fold in np.unique(folds):
        seen, unseen = folds != fold, folds == fold
        mean = logged.rewards[seen].mean() if seen.any() else 0.0
        for action in range(actions):
            rows = seen & (logged.actions == action)
            penalty = RIDGE * np.eye(known.shape[1])
            slope = np.linalg.solve(
                known[rows].T @ known[rows] + penalty, known[rows].T @ (logged.rewards[rows] - mean)
            )
            believed[unseen, action] = mean + known[unseen] @ slope
    return believed


def _compute_weights(logged: LoggedTasks, target: "Matrix") -> "Matrix":
    import numpy as np

    wanted = target[np.arange(len(logged.actions)), logged.actions]
    weights: Matrix = np.minimum(wanted / logged.propensities, CLIP)
    return weights


def _correct_rewards(logged: LoggedTasks, target: "Matrix", believed: "Matrix") -> "Matrix":
    """Return each task's predicted reward plus the weighted residual."""
    import numpy as np

    missed = logged.rewards - believed[np.arange(len(logged.actions)), logged.actions]
    corrected: Matrix = (target * believed).sum(axis=1) + _compute_weights(logged, target) * missed
    return corrected


def _bootstrap_mean(
    questions: "Indices", gained: "Matrix", weights: "Matrix | None" = None
) -> Estimate:
    """Return the mean gain over all tasks, with an interval from resampling their questions.

    Args:
        weights: the sum of the gains is divided by the sum of these; None for the task count.
    """
    import numpy as np

    divisors = np.ones(len(gained)) if weights is None else weights
    number = int(questions.max()) + 1
    chance = np.random.default_rng(0)
    resampled = []
    for _ in range(RESAMPLES):
        times = np.bincount(chance.integers(number, size=number), minlength=number)[questions]
        total = times @ divisors
        resampled.append(float(times @ gained / total) if total > 0 else np.nan)
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return Estimate(float(gained.sum() / divisors.sum()), float(low), float(high))
