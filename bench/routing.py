"""Accuracy and speed of the router.

    python -m bench.routing

First the shipped router's milliseconds per task, once it is loaded. Then cross-validation on the
shipped examples, where the strength of regularisation and the temperature are chosen within the
other folds, and the router's certainty about questions and about text that no workflow fits. Last
the shipped router on the tasks of `bench.choosing`, which were not used to choose anything.
"""

import math
import statistics
import time
from collections.abc import Sequence

import numpy as np
from concertino.graphs.coordinator import choices_for
from concertino.language.detect import detect_language
from concertino.learning.classifier import OUT_OF_SCOPE
from concertino.learning.evaluation import compute_metrics, count_confusion, softmax
from concertino.learning.router import (
    choose_task_type,
    get_user_versions,
    guess,
    share_probabilities,
)
from concertino.learning.training import (
    FOLDS,
    STRENGTHS,
    Example,
    build_matrix,
    build_regression,
    calibrate_temperature,
    load_shipped_examples,
    predict_out_of_fold,
)
from concertino.state import Candidate
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from bench.choosing import TASKS

GOES = 7
"""Number of times that each task is timed."""


def cross_validated(examples: Sequence[Example], seen: np.ndarray) -> np.ndarray:
    """Return each example's probabilities by a router fitted and tuned without it."""
    labels = np.array([example.label for example in examples])
    names, truth = np.unique(labels, return_inverse=True)
    probabilities = np.zeros((len(labels), len(names)))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=1)
    for fitted, held_out in folds.split(seen, labels):
        even = np.ones(len(fitted))
        _, strength, temperature = min(
            (loss, strength, temperature)
            for strength in STRENGTHS
            for temperature, loss in [
                calibrate_temperature(
                    predict_out_of_fold(seen[fitted], labels[fitted], even, strength),
                    truth[fitted],
                    even,
                )
            ]
        )
        model = build_regression(strength).fit(seen[fitted], labels[fitted])
        probabilities[held_out] = softmax(model.predict_log_proba(seen[held_out]) / temperature)
    return probabilities


def entropy(ranked: Sequence[Candidate]) -> float:
    """Return the normalised entropy: 0 if one candidate is certain, 1 if all are equally
    probable."""
    return -sum(c.p * math.log(c.p) for c in ranked) / math.log(len(ranked))


def line(name: str, found: dict[str, float]) -> str:
    return f"| {name} | " + " | ".join(f"{value:.3f}" for value in found.values()) + " |"


def by_examples() -> None:
    """Print the cross-validated figures, overall and by language, the confusion matrix and
    certainty."""
    examples = load_shipped_examples()
    names, truth = np.unique([example.label for example in examples], return_inverse=True)
    with threadpool_limits(1):
        probabilities = cross_validated(examples, build_matrix(examples))
    language = np.array([detect_language(example.question) for example in examples])
    print("| examples | accuracy | macro-F1 | calibration error | log loss |")
    print("| --- | --- | --- | --- | --- |")
    print(line(f"all {len(examples)}", compute_metrics(probabilities, truth)))
    for known in ("en", "zh"):
        rows = language == known
        print(line(f"{known} {rows.sum()}", compute_metrics(probabilities[rows], truth[rows])))
    print("\nlabel (row) taken for (column), in the order", ", ".join(names))
    print(count_confusion(probabilities, truth))

    workflows = [name for name in names if name != OUT_OF_SCOPE]
    ranked = [
        share_probabilities(dict(zip(names, row, strict=True)), workflows) for row in probabilities
    ]
    for label, rows in (
        ("in scope", truth != list(names).index(OUT_OF_SCOPE)),
        ("out of scope", truth == list(names).index(OUT_OF_SCOPE)),
    ):
        rankings = [found for found, row in zip(ranked, rows, strict=True) if row]
        sure = sum(choose_task_type(found) != "open" for found in rankings) / len(rankings)
        spread = statistics.mean(entropy(found) for found in rankings)
        print(f"{label}: entropy {spread:.2f}, a workflow named for {sure:.0%}")


def by_tasks() -> None:
    """Print how the shipped router does on the tasks of `bench.choosing`."""
    found = [(wanted, task, guess(task, choices_for(task)).candidates) for wanted, task in TASKS]
    right = sum(ranked[0].workflow == wanted for wanted, _, ranked in found)
    second = sum(wanted in {c.workflow for c in ranked[:2]} for wanted, _, ranked in found)
    sure = [(ranked[0].p, ranked[0].workflow == wanted) for wanted, _, ranked in found]
    named = [hit for p, hit in sure if p > 0.5]
    print(f"\nbench.choosing: first {right} of {len(TASKS)}, among the first two {second}")
    print(f"a workflow named (p > 0.5) for {len(named)}, rightly for {sum(named)}")


def by_time() -> None:
    """Print milliseconds per task, the first one separately.

    Taking the fastest of several runs excludes other load on the machine as far as possible.
    """
    questions = [example.question for example in load_shipped_examples()][::7]
    started = time.perf_counter()
    guess(questions[0], choices_for(questions[0]))
    loading = time.perf_counter() - started
    goes = np.array([[timed(question) for question in questions] for _ in range(GOES)])
    timings = {
        "first task, loading": loading * 1000,
        "median": np.median(goes),
        "95 % within": np.percentile(goes, 95),
        f"median, fastest of {GOES}": np.median(goes.min(axis=0)),
        f"95 % within, fastest of {GOES}": np.percentile(goes.min(axis=0), 95),
    }
    print("milliseconds a task:", ", ".join(f"{name}: {ms:.1f}" for name, ms in timings.items()))


def timed(question: str) -> float:
    """Return the milliseconds of one task."""
    begun = time.perf_counter()
    guess(question, choices_for(question))
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    print(f"router {get_user_versions().load(0).trained:%Y-%m-%d}")
    by_time()
    by_examples()
    by_tasks()
