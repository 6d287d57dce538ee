"""Each check of a story, and the segments it points at."""

from typing import Any

import pytest
from concertino.agents.story.checks import (
    check_characters,
    check_language,
    check_length,
    check_repetition,
    check_role,
    find_uncovered_points,
    stands_in,
)
from concertino.agents.story.contracts import StoryBrief, StoryPlan, format_story

PLAN = StoryPlan(
    title="The Lamp",
    characters=["Ada", "Tomas"],
    points=["Ada polishes the brass lamp.", "Tomas slips on the stairs.", "The lamp shines."],
)


def brief(**changes: Any) -> StoryBrief:
    fields = {
        "kind": "new",
        "topic": "a lamp",
        "about": "",
        "language": "en",
        "style": "",
        "characters": [],
        "length": 30,
        "chapters": 0,
        **changes,
    }
    return StoryBrief(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("lengths", "places"), [
    ((10, 10, 10), []),
    ((12, 11, 11), []),
    ((9, 9, 8), []),
    ((12, 12, 11), [0, 1]),
    ((10, 10, 5), [2]),
    ((5, 10, 10), [0]),
    ((8, 9, 8), [0, 2]),
    ((), []),
])  # fmt: skip
def test_the_length_may_miss_by_15_percent_and_those_who_miss_it_are_at_fault(
    lengths: tuple[int, ...], places: list[int]
) -> None:
    found = check_length(["word " * n for n in lengths], brief(), "en")
    assert found.places == places
    assert found.check.passed is (abs(sum(lengths) - 30) <= 4.5)
    assert found.check.detail == f"{sum(lengths)} of 30 words"


def test_who_is_missing_is_looked_for_where_the_plan_has_them() -> None:
    segments = ["Ada woke.", "Someone fell.", "It shone."]
    found = check_characters(segments, brief(characters=["Tomas", "Ada"]), PLAN, "en")
    assert (found.places, found.check.detail) == ([1], "missing: Tomas")


def test_where_the_person_named_nobody_the_cast_of_the_plan_has_to_appear() -> None:
    assert check_characters(["Ada met Tomas."], brief(), PLAN, "en").check.passed
    assert not check_characters(["Ada met a cat."], brief(), PLAN, "en").check.passed


def test_a_segment_in_the_wrong_language_is_found() -> None:
    english = ["Ada met 丽 at noon in the old town hall that day.", "她走了。"]
    assert check_language(english, brief(), "en").places == [1]
    chinese = check_language(["阿达走了。", "Ada left."], brief(language="zh"), "zh")
    assert (chinese.places, chinese.check.detail) == ([1], "不是中文：第 2 部分")


def test_a_segment_that_says_again_what_was_said_is_found() -> None:
    one = "Ada carried the oil up all the stairs of the tower and lit the lamp."
    found = check_repetition([one, "Then she slept until the sun rose.", one], brief(), "en")
    assert (found.places, found.check.detail) == ([2], "at most 100%, in part 3")
    assert check_repetition([], brief(), "en").check.passed


def test_a_plot_point_whose_segment_is_missing_is_uncovered() -> None:
    assert find_uncovered_points(["Ada polished the brass lamp."], brief(), PLAN) == [1, 2]


def test_a_machine_that_speaks_of_itself_is_out_of_its_role() -> None:
    assert not check_role(["I'm an AI and cannot sail."], "en").check.passed
    assert not check_role(["作为AI助手，我不能。"], "zh").check.passed
    assert check_role(["I am an artist; the assistant is ill."], "en").check.passed


def test_a_quotation_has_to_stand_in_the_text() -> None:
    assert stands_in("the brass lamp shone", "At dawn, “The brass lamp” shone.")
    assert not stands_in("the brass lamps", "The brass lamp shone.")
    assert not stands_in("", "anything")


def test_chapters_are_headed_in_order_and_go_on_after_those_of_the_opening() -> None:
    story = format_story("The Lamp", ["one", "two", "three", "four"], 2, "en")
    assert story == "# The Lamp\n\n## Chapter 1\n\none\n\ntwo\n\n## Chapter 2\n\nthree\n\nfour"
    more = format_story("Other", ["five"], 1, "en", opening=story)
    assert more == f"{story}\n\n## Chapter 3\n\nfive"
