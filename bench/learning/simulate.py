"""Regret of each policy in a simulated world, and the separate contributions of router and bandit.

    python -m bench.learning.simulate
    python -m bench.learning.simulate --other-worlds

Thirty seeds; all players get the same tasks and the same luck in rewards. Prints Markdown tables
and draws docs/learning/regret.png and ablation.png (needs `pip install concertino[bench]`). With
`--other-worlds` every seed has its own world with random values, and no plots are drawn.
"""

import argparse
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from . import plots
from .measures import Rows, exponent, interval, recovery, tenths
from .players import BANDIT_ALONE, BOTH, PLAYERS, ROUTER_ALONE, Player, play
from .world import DRIFTING, World, Wrong, drawn_values

SEEDS = 30
STEADY, FALLS, RISES = World(), World(drift="falls"), World(drift="rises")
MISTAKEN: dict[Wrong, str] = {
    "nothing": "right",
    "swapped": "20 % wrong: two kinds swapped",
    "scattered": "20 % wrong: at random",
}
SHOWN = ("uniform", "greedy", "ε-greedy", "softmax", "Thompson", "Thompson, α = 1/n")
"""Players in the plot of the policies."""
FALLEN = "the best arm of one kind falls (dotted line)"
NEVER = "not in half of the runs"


@dataclass(frozen=True)
class Runs:
    """One player's runs, a row for each seed."""

    regret: Rows
    drifting: NDArray[np.bool_]
    """Whether each task is of the kind with a drifting arm."""


def runs(worlds: Sequence[World], players: Iterable[Player]) -> dict[str, Runs]:
    """Return the runs of every player, by name, with one world for each seed."""
    streams = [(seed, world, world.tasks(seed)) for seed, world in enumerate(worlds)]
    drifting = np.array([[task.kind == DRIFTING for task in tasks] for *_, tasks in streams])
    return {
        player.name: Runs(
            np.array([play(world, tasks, player, seed).regret for seed, world, tasks in streams]),
            drifting,
        )
        for player in players
    }


def policies(seeds: int) -> None:
    """Compare policies that have to learn everything, with and without drift."""
    steady, falls = runs([STEADY] * seeds, PLAYERS), runs([FALLS] * seeds, PLAYERS)
    rises = runs([RISES] * seeds, [player for player in PLAYERS if "1/n" not in player.name])
    _tell_growth(steady)
    _tell_recovery("The best arm of one kind falls, halfway", falls)
    _tell_recovery("A poor arm rises, halfway", rises)
    shown = {"nothing drifts": steady, FALLEN: falls}
    curves = {title: {name: found[name].regret for name in SHOWN} for title, found in shown.items()}
    plots.panels("regret", curves, 250, {FALLEN: FALLS.change})


def ablation(seeds: int) -> None:
    """Compare the router alone, the bandit alone and both, with a right and with a wrong router."""
    bandit_alone = runs([STEADY] * seeds, [BANDIT_ALONE])  # what the router says is nothing to it
    curves, gains = {}, []
    print("\n## Router, bandit and both\n")
    print("| router | player | regret | exponent | a task, first tenth | last tenth |")
    print("| --- | --- | --- | --- | --- | --- |")
    for wrong, title in MISTAKEN.items():
        found = bandit_alone | runs([World(wrong)] * seeds, (ROUTER_ALONE, BOTH))
        curves[f"router {title}"] = {name: each.regret for name, each in found.items()}
        for name, each in found.items():
            print(f"| {title} | {name} | {_growth(each.regret)} |")
        gains.append(_gained(title, found))
    _tell_gains(gains)
    plots.panels("ablation", curves, 200)


def other_worlds(seeds: int) -> None:
    """Compare the policies with their default settings in worlds with random values."""
    worlds = [World(worth=drawn_values(seed)) for seed in range(seeds)]
    players = [player for player in PLAYERS if "1/n" not in player.name]
    _tell_growth(runs(worlds, players))
    falls = runs([replace(world, drift="falls") for world in worlds], players)
    _tell_recovery("The best arm of one kind falls, halfway", falls)
    _tell_gains(
        [
            _gained(title, runs([replace(w, wrong=wrong) for w in worlds], (ROUTER_ALONE, BOTH)))
            for wrong, title in MISTAKEN.items()
        ]
    )


def _tell_growth(found: dict[str, Runs]) -> None:
    print(f"\n## Policies that know a task's type and nothing else, {STEADY.length} tasks\n")
    print("| policy | regret | exponent | a task, first tenth | last tenth |")
    print("| --- | --- | --- | --- | --- |")
    for name, each in found.items():
        print(f"| {name} | {_growth(each.regret)} |")


def _tell_recovery(title: str, found: dict[str, Runs]) -> None:
    print(f"\n## {title}\n")
    print("| policy | regret | a task, last tenth | recovered | after (tasks of its kind) |")
    print("| --- | --- | --- | --- | --- |")
    for name, each in found.items():
        if name != "uniform":
            print(f"| {name} | {_recovered(each)} |")


def _tell_gains(lines: list[str]) -> None:
    print("\n## What router + bandit earns more than the router alone, a task, paired\n")
    print("| router | all tasks | last tenth |\n| --- | --- | --- |")
    print("\n".join(lines))


def _gained(title: str, found: dict[str, Runs]) -> str:
    gained = found[ROUTER_ALONE.name].regret - found[BOTH.name].regret
    last = gained[:, -gained.shape[1] // 10 :]
    means = (interval(rows.mean(axis=1)) for rows in (gained, last))
    return f"| {title} | {' | '.join(map(str, means))} |"


def _growth(regret: Rows) -> str:
    first, last = tenths(regret)
    total = interval(regret.sum(axis=1)).text(1)
    grows = exponent(regret).text(2) if regret.any() else "–"
    return f"{total} | {grows} | {first} | {last}"


def _recovered(found: Runs) -> str:
    took = [
        recovery(regret[of_kind], int(of_kind[: FALLS.change].sum()))
        for regret, of_kind in zip(found.regret, found.drifting, strict=True)
    ]
    again = sum(number is not None for number in took)
    # A run that never recovers counts as longer than any other.
    middle = statistics.median(np.inf if number is None else number for number in took)
    after = f"{middle:.0f}" if np.isfinite(middle) else NEVER
    total, (_, last) = interval(found.regret.sum(axis=1)).text(1), tenths(found.regret)
    return f"{total} | {last} | {again} of {len(took)} | {after}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--other-worlds", action="store_true", help="a world for each seed")
    given = parser.parse_args()
    if given.other_worlds:
        other_worlds(given.seeds)
    else:
        policies(given.seeds)
        ablation(given.seeds)
