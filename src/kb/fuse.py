"""Several rankings into one."""

from collections import defaultdict
from collections.abc import Sequence

K = 60
"""Damps the first ranks; the value of the paper, not tuned."""


def fuse_rankings(rankings: Sequence[Sequence[str]]) -> dict[str, float]:
    """Reciprocal-rank fusion: an item's score is the sum of 1 / (k + rank) over the rankings
    that hold it, here over the highest possible sum, so that 1 is first in all.

    Cormack, Clarke, Büttcher: Reciprocal Rank Fusion outperforms Condorcet and individual Rank
    Learning Methods, SIGIR 2009.

    Args:
        rankings: Ids, best first.

    Returns:
        Score of each id, best first; of equals, the one that the first ranking has higher.
    """
    scores: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] += (K + 1) / (K + rank) / len(rankings)
    return dict(sorted(scores.items(), key=lambda entry: -entry[1]))
