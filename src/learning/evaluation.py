"""How good a router is: by labels, and by rewards that another policy gathered."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Indices = NDArray[np.int64]

BINS = 10


def softmax(scores: "Matrix") -> "Matrix":
    """Rows of probabilities."""
    import numpy as np

    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: Matrix = odds / odds.sum(axis=1, keepdims=True)
    return probabilities


def figures(probabilities: "Matrix", truth: "Indices") -> dict[str, float]:
    """Accuracy, macro-F1, calibration error and log loss.

    Args:
        probabilities: a row for each text, a column for each label.
        truth: the column of each text's label.
    """
    import numpy as np

    right = probabilities[np.arange(len(truth)), truth]
    return {
        "accuracy": float((probabilities.argmax(axis=1) == truth).mean()),
        "macro_f1": macro_f1(confusion(probabilities, truth)),
        "calibration_error": calibration_error(probabilities, truth),
        "log_loss": float(-np.log(np.maximum(right, 1e-12)).mean()),
    }


def confusion(probabilities: "Matrix", truth: "Indices") -> "Indices":
    """How many texts of each label (row) were taken for each label (column)."""
    import numpy as np

    labels = probabilities.shape[1]
    counts: Indices = np.zeros((labels, labels), dtype=np.int64)
    np.add.at(counts, (truth, probabilities.argmax(axis=1)), 1)
    return counts


def macro_f1(counts: "Indices") -> float:
    """Mean F1 over the labels that occur or are predicted."""
    hits, wanted, given = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    seen = wanted + given > 0
    return float((2 * hits[seen] / (wanted + given)[seen]).mean())


def calibration_error(probabilities: "Matrix", truth: "Indices") -> float:
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
