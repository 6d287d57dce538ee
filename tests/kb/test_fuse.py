import pytest
from concertino.kb.fuse import fuse_rankings


def test_first_in_every_ranking_scores_one() -> None:
    assert fuse_rankings([["a", "b"], ["a", "c"]])["a"] == pytest.approx(1)


def test_second_in_both_beats_first_in_one() -> None:
    assert next(iter(fuse_rankings([["a", "b"], ["c", "b"]]))) == "b"


def test_the_score_is_the_sum_of_reciprocal_ranks() -> None:
    scores = fuse_rankings([["a", "b"], ["b"]])
    assert scores["b"] / scores["a"] == pytest.approx((1 / 62 + 1 / 61) / (1 / 61))


def test_of_equals_the_first_ranking_decides() -> None:
    assert list(fuse_rankings([["a", "b"], ["b", "a"]])) == ["a", "b"]


def test_nothing_found_is_nothing() -> None:
    assert fuse_rankings([[], []]) == {}
