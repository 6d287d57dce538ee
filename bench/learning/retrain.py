"""Quality of the router before and after it has learned from its own traces, with real texts.

    python -m bench.learning.retrain

Two thirds of the shipped examples are used for training, one third is held out. The first router is
trained with one label in five wrong. Then every question of the training set comes several times;
router and bandit suggest, and rewards follow the true label, as in `world.py`. The next router also
learns from the resulting trace, as `concertino train-router` does: from the chosen workflows, or
from the ones that earned most. Prints Markdown tables and draws docs/learning/retrained.png.
"""

import argparse
import os
import random
import tempfile
from typing import NamedTuple

import numpy as np
from concertino.learning import evaluation
from concertino.learning.classifier import Classifier
from concertino.learning.contracts import TraceRecord
from concertino.learning.labels import Rule, gather
from concertino.learning.retraining import OWN_WEIGHT

from . import plots
from .measures import Interval, interval
from .players import BOTH, ROUTER_ALONE, play
from .texts import Labelled, Mistake, Texts, mislabelled, stream, traces
from .world import WORKFLOWS, World

SEEDS = 10
WORLD = World()
MISTAKES: tuple[Mistake, ...] = ("at random", "among stories and lessons")
BEFORE, CHOSEN, BEST, TRUE = (
    "before",
    "from what was chosen",
    "from what earned most",
    "from true labels",
)
ALONE = "router alone"


class Figures(NamedTuple):
    """Figures of a router on the held-out examples."""

    accuracy: float
    macro_f1: float
    calibration_error: float
    value: float
    """Mean value of its first candidate."""


class Outcome(NamedTuple):
    """Results for one seed."""

    routers: dict[str, Figures]
    regret: dict[str, float]
    """Mean regret per task, by player."""
    true_labels: float
    """Share of the labels derived from the trace that are true."""


def once(texts: Texts, how: Mistake, seed: int) -> Outcome:
    """Train, play and retrain for one seed."""
    chance = random.Random(seed)  # noqa: S311
    learned, held_out = texts.split(chance)
    asked, judging = texts.in_scope(learned), texts.in_scope(held_out)
    wrong = mislabelled(texts, learned, how, chance)
    first = texts.router(wrong)
    tasks = stream(texts, asked, first, seed)
    both = play(WORLD, tasks.tasks, BOTH, seed)
    trace = traces(texts, tasks, both)
    best = labelled(texts, trace, "best")
    routers = {
        BEFORE: first,
        CHOSEN: texts.router([*wrong, *labelled(texts, trace, "chosen")]),
        BEST: texts.router([*wrong, *best]),
        TRUE: texts.router([Labelled(row, texts.examples[row].label) for row in learned]),
    }
    again = stream(texts, asked, routers[BEST], seed).tasks
    courses = {
        ALONE: play(WORLD, tasks.tasks, ROUTER_ALONE, seed),
        "router + bandit": both,
        "retrained router alone": play(WORLD, again, ROUTER_ALONE, seed),
        "retrained router + bandit": play(WORLD, again, BOTH, seed),
    }
    return Outcome(
        {name: judged(texts, router, judging) for name, router in routers.items()},
        {name: float(course.regret.mean()) for name, course in courses.items()},
        float(np.mean([each.label == texts.examples[each.row].label for each in best])),
    )


def labelled(texts: Texts, trace: list[TraceRecord], rule: Rule) -> list[Labelled]:
    """Return the labels that a trace gives to its questions, with their weight relative to the
    shipped examples."""
    rows = {example.question: row for row, example in enumerate(texts.examples)}
    return [
        Labelled(rows[each.text], each.label, OWN_WEIGHT) for each in gather(trace, rule).questions
    ]


def judged(texts: Texts, router: Classifier, rows: list[int]) -> Figures:
    """Return a router's figures on examples that it did not learn from."""
    ranked = [{c.workflow: c.p for c in texts.candidates(router, row)} for row in rows]
    probabilities = np.array([[found[name] for name in WORKFLOWS] for found in ranked])
    truth = np.array([texts.kind(row) for row in rows])
    found = evaluation.compute_metrics(probabilities, truth)
    value = WORLD.values(0)[truth, probabilities.argmax(axis=1)].mean()
    return Figures(found["accuracy"], found["macro_f1"], found["calibration_error"], float(value))


def report(how: Mistake, outcomes: list[Outcome]) -> dict[str, Interval]:
    """Print the tables.

    Returns:
        Each router's accuracy.
    """
    print(f"\n## One label in five wrong, {how}\n")
    print("| router | accuracy | macro-F1 | calibration error | value of its first candidate |")
    print("| --- | --- | --- | --- | --- |")
    figures = {
        name: np.array([outcome.routers[name] for outcome in outcomes])
        for name in (BEFORE, CHOSEN, BEST, TRUE)
    }
    for name, columns in figures.items():
        print(f"| {name} | {' | '.join(str(interval(column)) for column in columns.T)} |")
    gained = interval(figures[BEST][:, 0] - figures[BEFORE][:, 0])
    right = interval(np.array([outcome.true_labels for outcome in outcomes]))
    print(f"\nAccuracy gained by what earned most, paired: {gained}.")
    print(f"Of the labels that the trace gives, {right} are true.\n")
    print("| who suggests | regret a task | less than the router alone, paired |")
    print("| --- | --- | --- |")
    alone = np.array([outcome.regret[ALONE] for outcome in outcomes])
    for name in outcomes[0].regret:
        own = np.array([outcome.regret[name] for outcome in outcomes])
        print(f"| {name} | {interval(own)} | {interval(alone - own)} |", flush=True)
    return {name: interval(columns[:, 0]) for name, columns in figures.items()}


def main(seeds: int) -> None:
    """Run the whole comparison, without reading the user's own router."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["CONCERTINO_HOME"] = home
        texts = Texts()
        found = {
            f"wrong labels {how}": report(how, [once(texts, how, seed) for seed in range(seeds)])
            for how in MISTAKES
        }
    plots.bars("retrained", found, "accuracy on held-out questions")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    main(parser.parse_args().seeds)
