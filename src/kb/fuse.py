"""Rank fusion."""

from collections import defaultdict
from collections.abc import Sequence

K = 60
"""Damps the weight of the top ranks; the paper's value, not tuned."""


def fuse_rankings(rankings: Sequence[Sequence[str]]) -> dict[str, float]:
    """Merge rankings by reciprocal-rank fusion.

    An item's score is the sum of 1 / (k + rank) over the rankings that contain it, divided by
    the highest possible sum, so that 1 means first in all.

    Cormack, Clarke, Büttcher: Reciprocal Rank Fusion outperforms Condorcet and individual Rank
    Learning Methods, SIGIR 2009.

    Args:
        rankings: Ids, best first.

    Returns:
        Score of each id, best first; ties keep the order of first appearance.
    """
    scores: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] += (K + 1) / (K + rank) / len(rankings)
    return dict(sorted(scores.items(), key=lambda entry: -entry[1]))
