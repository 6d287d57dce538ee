"""Training of the router's classifier: logistic regression, with regularisation chosen and
probabilities calibrated by cross-validation.

`python -m concertino.learning.training` rebuilds the shipped router from the shipped examples.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import RouterError
from ..kb.embed import DEFAULT_EMBEDDER, load_embedder
from ..language.messages import say
from ..settings import get_settings
from .classifier import Classifier, build_input_vector
from .evaluation import compute_metrics, softmax
from .features import extract_features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline

    Matrix = NDArray[np.float64]
    Indices = NDArray[np.int64]

FOLDS = 5
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Candidate inverse regularisation strengths."""


class Example(NamedTuple):
    """A labelled question."""

    question: str
    label: str
    inputs: dict[str, Any] | None = None
    weight: float = 1.0
    """Sample weight."""


def load_shipped_examples() -> list[Example]:
    """Load the hand-written examples shipped with the program."""
    folder = files(__package__).joinpath("examples")
    return [
        Example(json.loads(line)["question"], file.name.removesuffix(".jsonl"))
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        for line in file.read_text(encoding="utf-8").splitlines()
    ]


def fit(examples: Sequence[Example], seen: "Matrix | None" = None) -> Classifier:
    """Fit a classifier to these examples, with figures from cross-validation.

    Args:
        seen: their `build_matrix`, if already computed.

    Raises:
        RouterError: scikit-learn is not installed, or a label has too few examples.
        EmbedderError: the embedder is not installed.
    """
    try:
        from threadpoolctl import threadpool_limits

        seen = build_matrix(examples) if seen is None else seen
        # Multithreading slows down such a small matrix, 50 times on a busy machine.
        with threadpool_limits(1):
            return _fit_calibrated(examples, seen)
    except ImportError as error:
        raise RouterError(say("router.no_sklearn", reason=error)) from error


def build_matrix(examples: Sequence[Example]) -> "Matrix":
    """Build the input matrix, one row per example.

    Raises:
        EmbedderError: the embedder is not installed.
    """
    import numpy as np

    embedder = load_embedder(DEFAULT_EMBEDDER, get_settings())
    return np.array(
        [build_input_vector(embedder, example.question, example.inputs) for example in examples]
    )


def _fit_calibrated(examples: Sequence[Example], seen: "Matrix") -> Classifier:
    import numpy as np

    labels = np.array([example.label for example in examples])
    weights = np.array([example.weight for example in examples])
    names, counts = np.unique(labels, return_counts=True)
    if len(names) < 3 or counts.min() < FOLDS:
        rare = names[counts < FOLDS].tolist()
        raise RouterError(say("router.too_few_examples", labels=rare, least=FOLDS))
    truth = np.searchsorted(names, labels)
    tried = []
    for strength in STRENGTHS:
        scores = predict_out_of_fold(seen, labels, weights, strength)
        temperature, loss = calibrate_temperature(scores, truth, weights)
        tried.append((loss, strength, temperature, softmax(scores / temperature)))
    _, strength, temperature, held_out = min(tried, key=lambda found: found[0])
    model = build_regression(strength)
    model.fit(seen, labels, logisticregression__sample_weight=weights)
    return Classifier(
        embedder=DEFAULT_EMBEDDER,
        features=list(extract_features("")),
        labels=names.tolist(),
        **_unscale_weights(model),
        temperature=round(temperature, 4),
        trained=datetime.now(UTC),
        examples=digest_examples(examples),
        figures={
            **compute_metrics(held_out, truth),
            "strength": strength,
            "examples": len(examples),
        },
    )


def predict_out_of_fold(
    seen: "Matrix", labels: "NDArray[np.str_]", weights: "Matrix", strength: float
) -> "Matrix":
    """Return out-of-fold log-probabilities of each row, with label columns sorted by name."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    scores = np.zeros((len(labels), len(set(labels))))
    for fitted, held_out in folds.split(seen, labels):
        model = build_regression(strength)
        model.fit(seen[fitted], labels[fitted], logisticregression__sample_weight=weights[fitted])
        scores[held_out] = model.predict_log_proba(seen[held_out])
    return scores


def build_regression(strength: float) -> "Pipeline":
    """Build a logistic regression on standardised columns."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))


def calibrate_temperature(
    scores: "Matrix", truth: "Indices", weights: "Matrix"
) -> tuple[float, float]:
    """Return the temperature with the lowest log loss, and that loss (Guo et al. 2017)."""
    import numpy as np
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        right = softmax(scores / np.exp(log_temperature))[np.arange(len(truth)), truth]
        return float(np.average(-np.log(np.maximum(right, 1e-12)), weights=weights))

    best = minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    return float(np.exp(best.x)), float(best.fun)


def digest_examples(examples: Sequence[Example]) -> str:
    """Return a digest of the examples, independent of their order."""
    lines = sorted(json.dumps(example, sort_keys=True) for example in examples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _unscale_weights(model: "Pipeline") -> dict[str, list[Any]]:
    """Return weights (5 digits) and bias (6 digits) for unstandardised columns."""
    scaler, linear = model.named_steps.values()
    weights = linear.coef_ / scaler.scale_
    bias = linear.intercept_ - weights @ scaler.mean_
    return {
        "weights": [[float(f"{w:.5g}") for w in row] for row in weights],
        "bias": [float(f"{b:.6g}") for b in bias],
    }


if __name__ == "__main__":
    made = fit(load_shipped_examples())
    Path(__file__).with_name("router.json").write_text(made.model_dump_json() + "\n")
    print(made.figures)
