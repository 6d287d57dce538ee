"""What a question says of the story: lengths, chapters, names."""

from typing import Any

import pytest
from concertino.agents.story.contracts import StoryInput, StoryInputs
from concertino.agents.story.request import (
    StoryRequest,
    resolve_brief,
    stated_chapters,
    stated_length,
)

EARLIER = "# The Lamp\n\n" + "Ada lit the lamp. " * 50


def read(**changes: Any) -> StoryRequest:
    fields: dict[str, Any] = {
        "kind": "new",
        "about": "",
        "change": "none",
        "language": "unsaid",
        "style": "",
        "characters": [],
        "length": 0,
        "chapters": 0,
        **changes,
    }
    return StoryRequest(**fields)


def asked(question: str, **inputs: Any) -> StoryInput:
    return {"question": question, "language": "en", "inputs": inputs}


def after(question: str, inputs: dict[str, Any], earlier: dict[str, Any]) -> StoryInput:
    """A follow-up; `receive` hands it the inputs of what it follows."""
    exchange = {"question": "A lamp.", "workflow": "write_story", "answer": EARLIER}
    return {
        "question": question,
        "language": "en",
        "inputs": {**earlier, **inputs},
        "earlier": [{**exchange, "inputs": earlier}],  # type: ignore[typeddict-item]
    }


def brief(state: StoryInput, found: StoryRequest | None = None) -> Any:
    return resolve_brief(state, StoryInputs(**state["inputs"]), found or read())


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("a story of about 250 words", 250),
        ("a 2,000-word story", 2000),
        ("3k words, please", 3000),
        ("写一个300字左右的童话", 300),
        ("写1.5万字", 15_000),
        ("写一个童话，300字", 300),
        pytest.param(f"a story of {'9' * 5000} words", None, id="thousands of digits"),
        ("八百个字", None),
        ("a story about three words", None),
        ("the 3 words that changed 2000 lives", None),
        ("a story for 250 people", None),
        ("a story of 0 words", None),
    ],
)
def test_a_length_in_digits_is_read_by_machine(text: str, length: int | None) -> None:
    assert stated_length(text, None) == length


def test_what_the_model_reads_counts_only_where_the_question_speaks_of_it() -> None:
    assert stated_length("写八百字", read(length=800)) == 800
    assert stated_length("a lamp", read(length=800)) is None
    assert stated_length("in 3 words", read(length=3)) == 3, "which is refused, not ignored"
    assert stated_chapters("in two chapters", read(chapters=2)) == 2
    assert stated_chapters("a lamp", read(chapters=2)) is None
    assert stated_chapters("分5章", None) == 5
    assert stated_chapters(f"{'5' * 5000} chapters", None) is None


def test_a_name_is_one_that_the_question_gives() -> None:
    found = read(characters=["Pip", "hedgehog", "Zoe", "阿达"])
    assert brief(asked("Pip the hedgehog meets 阿达."), found).characters == ["Pip", "阿达"]


def test_without_a_length_there_is_a_usual_one() -> None:
    assert brief(asked("A lamp.")).length == 500
    assert brief(asked("A lamp.", language="zh")).length == 800
    assert brief(asked("A lamp.", chapters=3)).length == 900
    assert brief(asked("Ahoy.", mode="role_play")).length == 80


@pytest.mark.parametrize(("change", "length"), [("shorter", 100), ("longer", 320), ("none", 200)])
def test_a_reworked_story_is_measured_by_the_earlier_one(change: str, length: int) -> None:
    state = after("again", {}, {"length": 700})
    assert brief(state, read(kind="rework", change=change)).length == length


def test_what_a_follow_up_says_comes_before_what_it_takes_over() -> None:
    said = after("in 90 words", {}, {"length": 700, "style": "fable"})
    assert brief(said, read(kind="rework")).length == 90
    assert brief(said, read(kind="rework")).style == "fable"
    given = after("in 90 words", {"length": 120}, {"length": 700})
    assert brief(given, read(kind="rework")).length == 120


def test_a_new_story_in_the_thread_is_as_long_as_the_one_before() -> None:
    assert brief(after("Now one about a fox.", {}, {"length": 700})).length == 700


def test_a_mode_does_not_outlive_its_task_but_a_role_play_goes_on() -> None:
    assert brief(after("shorter", {}, {"mode": "continue"}), read(kind="rework")).kind == "rework"
    assert brief(after("Aye.", {}, {"mode": "role_play"})).kind == "role_play"
    assert brief(after("Aye.", {"mode": "new"}, {"mode": "role_play"})).kind == "new"


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("Write a bedtime story of about 250 words about Pip.", "Write a bedtime story about Pip."),
        ("A 2,000-word story about Pip", "A story about Pip"),
        ("写一个300字左右的童话，讲阿木。", "写一个童话，讲阿木。"),
    ],
)
def test_the_topic_is_told_without_the_length(question: str, topic: str) -> None:
    assert brief(asked(question)).topic == topic
