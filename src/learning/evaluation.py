"""How good a router is: by labels, and by rewards that another policy gathered.

For the second, a task says only what its own suggestion earned. With the probability that the
suggestion was drawn with, other policies can be estimated from it all the same:

- *inverse propensity* weighs each reward by how much more often the other policy would have made
  that suggestion (Horvitz & Thompson 1952; Bottou et al. 2013, "Counterfactual Reasoning and
  Learning Systems"). Large weights are clipped (Ionides 2008, "Truncated Importance Sampling"),
  which trades a little bias for much variance.
- *self-normalised* divides by the weights' own sum (Swaminathan & Joachims 2015, "The
  Self-Normalized Estimator for Counterfactual Learning").
- *doubly robust* takes a model of the rewards and weighs only what it misses: right where the model
  or the propensities are (Dudík, Langford & Li 2011, "Doubly Robust Policy Evaluation and
  Learning").

Intervals are of 95 %, by the bootstrap's percentiles (Efron & Tibshirani 1993). It draws questions,
not tasks: runs of one question earn alike, and more of them do not tell as much more.
"""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Indices = NDArray[np.int64]

BINS = 10
CLIP = 20.0
"""Largest weight that one task may have."""
RESAMPLES = 2000
FOLDS = 5
RIDGE = 1.0


class LoggedTasks(NamedTuple):
    """Tasks whose suggestion was drawn, in the order in which they ended."""

    actions: "Indices"
    """Column of what was suggested."""
    propensities: "Matrix"
    """How probable that was."""
    rewards: "Matrix"
    questions: "Indices"
    """Which question it was a run of, from 0."""


class Estimate(NamedTuple):
    """A mean reward, and where it lies with a confidence of 95 %."""

    value: float
    low: float
    high: float


def softmax(scores: "Matrix") -> "Matrix":
    """Rows of probabilities."""
    import numpy as np

    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: Matrix = odds / odds.sum(axis=1, keepdims=True)
    return probabilities


def compute_metrics(probabilities: "Matrix", truth: "Indices") -> dict[str, float]:
    """Accuracy, macro-F1, calibration error and log loss.

    Args:
        probabilities: a row for each text, a column for each label.
        truth: the column of each text's label.
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
    """How many texts of each label (row) were taken for each label (column)."""
    import numpy as np

    labels = probabilities.shape[1]
    counts: Indices = np.zeros((labels, labels), dtype=np.int64)
    np.add.at(counts, (truth, probabilities.argmax(axis=1)), 1)
    return counts


def compute_macro_f1(counts: "Indices") -> float:
    """Mean F1 over the labels that occur or are predicted."""
    hits, wanted, given = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    seen = wanted + given > 0
    return float((2 * hits[seen] / (wanted + given)[seen]).mean())


def compute_calibration_error(probabilities: "Matrix", truth: "Indices") -> float:
    """How far, on average, confidence is from accuracy, over ten bins of equal width
    (expected calibration error; Naeini et al. 2015, Guo et al. 2017)."""
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
    """Expected reward of another policy.

    Args:
        target: how probable it would have made each suggestion; a row for each task.
    """
    return _bootstrap_mean(logged.questions, _compute_weights(logged, target) * logged.rewards)


def estimate_self_normalized(logged: LoggedTasks, target: "Matrix") -> Estimate | None:
    """As `estimate_inverse_propensity`, over the weights' own sum; None where the other policy
    would have made none of the suggestions."""
    weights = _compute_weights(logged, target)
    if not weights.any():
        return None
    return _bootstrap_mean(logged.questions, weights * logged.rewards, weights)


def estimate_doubly_robust(logged: LoggedTasks, target: "Matrix", believed: "Matrix") -> Estimate:
    """Expected reward of another policy, with the help of a model of the rewards.

    Args:
        believed: the model's reward of each suggestion, see `predict_rewards`; shaped as `target`.
    """
    return _bootstrap_mean(logged.questions, _correct_rewards(logged, target, believed))


def estimate_advantage(
    logged: LoggedTasks, target: "Matrix", other: "Matrix", believed: "Matrix"
) -> Estimate:
    """How much more reward one policy gets than another on the same tasks, doubly robust."""
    gained = _correct_rewards(logged, target, believed) - _correct_rewards(logged, other, believed)
    return _bootstrap_mean(logged.questions, gained)


def compute_effective_tasks(logged: LoggedTasks, target: "Matrix") -> float:
    """How many tasks of the other policy's own these are worth (Kong 1992)."""
    weights = _compute_weights(logged, target)
    return float(weights.sum() ** 2 / max((weights**2).sum(), 1e-12))


def predict_rewards(logged: LoggedTasks, contexts: "Matrix", actions: int) -> "Matrix":
    """What each suggestion would earn in each task, by ridge regression on the task's context.

    Each task is judged by a model that has not seen its question. The less is known of a
    suggestion, the nearer it is to the mean of all rewards.

    Args:
        contexts: a row of numbers for each task.
        actions: how many suggestions there are.
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
    """What the model believes of each task, and the weighed part that it missed."""
    import numpy as np

    missed = logged.rewards - believed[np.arange(len(logged.actions)), logged.actions]
    corrected: Matrix = (target * believed).sum(axis=1) + _compute_weights(logged, target) * missed
    return corrected


def _bootstrap_mean(
    questions: "Indices", gained: "Matrix", weights: "Matrix | None" = None
) -> Estimate:
    """The mean gain over all tasks, and how it varies over resamples of their questions.

    Args:
        weights: what the gains' sum is divided by the sum of; None: their number.
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
