"""Which piece of a segment is written anew, and how long."""

from typing import Any

from concertino.agents.story.contracts import StoryBrief, StoryState
from concertino.agents.story.rewrite import pieces_of, wanted_length, worst_piece

BRIEF = StoryBrief(
    kind="new",
    topic="a lamp",
    about="",
    language="en",
    style="",
    characters=[],
    length=100,
    chapters=0,
)


def state(lengths: list[int], faulty: list[int]) -> StoryState:
    return {
        "brief": BRIEF,
        "segments": [" ".join(["word"] * length) for length in lengths],
        "to_rewrite": faulty,
    }


def test_a_segment_is_divided_at_paragraphs() -> None:
    assert pieces_of("a b\n\nc d\n\ne f", 4) == ["a b\n\nc d", "e f"]
    assert pieces_of("a b c d e", 2) == ["a b c d e"]
    assert pieces_of("", 2) == [""]


def test_the_piece_that_repeats_or_is_foreign_is_the_worst_and_else_the_last() -> None:
    old = "Ada carried the oil up all the stairs."
    new: list[str] = ["Then she slept.", "It was day."]
    assert worst_piece([new[0], old, new[1]], BRIEF, old) == 1
    assert worst_piece([new[0], "她睡着了。", new[1]], BRIEF, "") == 1
    assert worst_piece(new, BRIEF, "") == 1


def test_what_the_story_lacks_is_shared_by_those_that_are_rewritten() -> None:
    def wanted(lengths: list[int], faulty: list[int], now: int) -> Any:
        return wanted_length(state(lengths, faulty), now)

    assert wanted([30, 30, 20], [2], 20) == 33, "no further than the share of a segment"
    assert wanted([30, 30, 30], [1, 2], 30) == 35
    assert wanted([40, 40, 40], [0], 40) == 20
    assert wanted([100, 40, 40], [0], 100) == 40, "not to nothing at once"
    assert wanted([30, 30, 0], [2], 0) == 33
