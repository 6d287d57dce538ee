"""Plots for docs/learning."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from .measures import Interval, Rows, band

mpl.use("Agg")

from matplotlib import pyplot as plt

FOLDER = Path(__file__).parents[2] / "docs" / "learning"
POINTS = 150
"""Number of points of a curve."""
COLOURS = {
    "uniform": "#999999",
    "greedy": "#b15928",
    "router alone": "#b15928",
    "bandit alone": "#6a3d9a",
    "ε-greedy": "#ff7f00",
    "softmax": "#33a02c",
    "Thompson": "#1f78b4",
    "router + bandit": "#1f78b4",
    "oracle": "#000000",
}
"""Colour of each player, the same in all plots; variants are dashed."""

SHADES = ("#777777", "#a6611a", "#1f78b4", "#000000")
"""Colours of bars, in order."""


def panels(
    name: str,
    curves: Mapping[str, Mapping[str, Rows]],
    limit: float,
    changes: Mapping[str, int] | None = None,
) -> None:
    """Plot cumulative regret: a panel for each world, a curve with its band for each player.

    Args:
        name: name of the file.
        curves: regret by world and player, a row for each seed.
        limit: highest regret shown.
        changes: the task at which something drifts, by world.
    """
    figure, axes = _figure(len(curves))
    for axis, (title, players) in zip(axes, curves.items(), strict=True):
        for player, regret in players.items():
            _curve(axis, player, regret)
        axis.axhline(0, color=COLOURS["oracle"], linewidth=1.2, label="oracle")
        if changes and title in changes:
            axis.axvline(changes[title], color="#999999", linestyle=":")
        axis.set(title=title, xlabel="tasks", ylim=(-0.02 * limit, limit))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("cumulative regret (95 % band)")
    axes[-1].legend(fontsize=8, loc="upper left")
    save(figure, name)


def bars(name: str, groups: Mapping[str, Mapping[str, Interval]], along: str) -> None:
    """Plot a panel for each group, with a bar and its interval for each of its members."""
    figure, axes = _figure(len(groups))
    for axis, (title, members) in zip(axes, groups.items(), strict=True):
        for place, each in enumerate(members.values()):
            reach = [[each.mean - each.low], [each.high - each.mean]]
            axis.bar(place, each.mean, yerr=reach, capsize=4, color=SHADES[place], width=0.7)
            axis.annotate(f"{each.mean:.3f}", (place, 0.02), ha="center", color="white")
        axis.set(title=title, ylim=(0, 1), ylabel=along)
        axis.set_xticks(range(len(members)), [textwrap.fill(label, 12) for label in members])
        axis.grid(alpha=0.3, axis="y")
    save(figure, name)


def save(figure: Any, name: str) -> None:
    """Write a plot to its file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(FOLDER / f"{name}.png", dpi=110, metadata={"Software": None})
    plt.close(figure)


def _figure(count: int) -> tuple[Any, Any]:
    figure, axes = plt.subplots(1, count, figsize=(4.6 * count, 4.2), squeeze=False)
    return figure, axes[0]


def _curve(axis: Any, player: str, regret: Rows) -> None:
    at = np.linspace(1, regret.shape[1], POINTS).astype(int)
    mean, low, high = band(regret.cumsum(axis=1)[:, at - 1])
    base, _, variant = player.partition(",")
    colour = COLOURS[base]
    axis.plot(at, mean, color=colour, linestyle="--" if variant else "-", label=player)
    axis.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
