"""What a machine finds wrong with a lesson, and in which part."""

from typing import Any

import pytest
from concertino.agents.lesson.checks import check_lesson, in_language, measure_sentence_length
from concertino.agents.lesson.contracts import PARTS, Exercise, Lesson, TeachingPlan, format_lesson
from concertino.language.messages import Language
from concertino.language.text import count_units
from concertino.prompts import load_prompt
from concertino.tools.sandbox import default_sandbox

PROSE = {
    "en": (
        "You share a cake.\nEach takes one piece.\nIs it fair?\nWe see now.\n"
        "One half is big.\nA third is less.\nCan you see why?\nLook at both.\n"
        "We cut them up.\nAll are alike now.\nCount them with me.\nThat is the sum."
    ),
    "zh": (
        "你和朋友分蛋糕。\n每人拿一份。\n这样公平吗？\n今天看一看。\n"
        "一半比较大。\n三分之一小一些。\n为什么呢？\n请看这两块。\n"
        "把它们切开。\n每块都一样大。\n和我一起数。\n这就是它们的和。"
    ),
}
SUM = Exercise(question="Calculate 1/5 + 2/5.", answer="3/5", computed=True)


def lesson(language: str = "en", **changes: Any) -> Lesson:
    plan = TeachingPlan(
        title="Fractions", kind="calculations", grade=4, exercises=1, goals=["add"], skill="add"
    )
    parts: dict[Any, str] = dict.fromkeys(PARTS, PROSE[language])
    parts["example"] = f"{SUM.question}\n\n1. Add: 1/5 + 2/5 = 3/5.\n\n**Answer:** 3/5"
    if language == "zh":
        parts["example"] = "计算 1/5 + 2/5。\n\n1. 相加：1/5 + 2/5 = 3/5。\n\n**答：** 3/5"
    fields: dict[str, Any] = {
        "title": "Fractions",
        "language": language,
        "grade": 4,
        "wanted": 1,
        "plan": plan,
        "parts": parts | changes.pop("parts", {}),
        "example": SUM,
        "exercises": [SUM],
        **changes,
    }
    return Lesson(**fields)


async def failed(made: Lesson) -> tuple[set[str], dict[Any, str]]:
    verdict = await check_lesson(default_sandbox(), made)
    return {check.name for check in verdict.checks if not check.passed}, verdict.faults


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_good_lesson_passes_every_check(language: str) -> None:
    verdict = await check_lesson(default_sandbox(), lesson(language))
    assert [check.name for check in verdict.checks if not check.passed] == []
    assert len(verdict.checks) == 6
    assert verdict.faults == {}


@pytest.mark.parametrize(
    ("part", "text", "check"),
    [
        ("summary", "  ", "parts"),
        ("concept", "You add.", "readability"),
        ("concept", "Note that 1/2 + 1/3 = 2/5. " + PROSE["en"], "equations"),
        ("concept", PROSE["zh"], "language"),
        ("practice", " ".join(f"you{n}" for n in range(40)) + ".", "readability"),
        ("concept", "\n".join(f"You see {n}." for n in range(400)), "readability"),
        ("example", f"{SUM.question}\n\n1. Add them.\n\n**Answer:** 3/5", "answers"),
    ],
)
async def test_a_fault_is_found_in_its_part(part: str, text: str, check: str) -> None:
    names, faults = await failed(lesson(parts={part: text}))
    assert names == {check}
    assert set(faults) == {part}


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "You cut the cake into five pieces of equal size."),
        ("zh", "你把蛋糕切成大小一样的五块再分。"),
    ],
)
async def test_a_part_that_says_what_an_earlier_one_has_said_is_at_fault(
    language: str, sentence: str
) -> None:
    twice = dict.fromkeys(("concept", "summary"), PROSE[language] + sentence)
    names, faults = await failed(lesson(language, parts=twice))
    assert names == {"parts"}
    assert set(faults) == {"summary"}


async def test_too_few_words_are_asked_for_in_the_concept() -> None:
    names, faults = await failed(lesson(parts=dict.fromkeys(PARTS, "You see."), example=None))
    assert names == {"readability"}
    assert set(faults) == {"concept"}


async def test_missing_exercises_fail_a_check_and_no_part() -> None:
    assert await failed(lesson(wanted=2)) == ({"exercises"}, {})


def test_what_counts_as_a_language() -> None:
    assert in_language("3 + 4 = ?", "zh")
    assert in_language("解方程 x + 3 = 5，求 x。", "zh")
    assert not in_language("Calculate 3 + 4.", "zh")
    assert not in_language("Add 苹果 to it.", "en")


def test_sentences_are_measured_in_words_or_characters() -> None:
    assert measure_sentence_length("You eat one cake. He eats 3/4 of it!") == 4.5
    assert count_units("今天学习3个数。") == 7


def test_the_answer_key_is_the_last_part_and_what_was_not_computed_is_marked() -> None:
    known = Exercise(question="What is a half?", answer="One of two parts.", computed=False)
    text = format_lesson(lesson(exercises=[SUM, known]))
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# Fractions",
        "## Introduction",
        "## Concept",
        "## Worked example",
        "## Practice",
        "## Summary",
        "## Answer key",
    ]
    key = text.rpartition("## Answer key")[2]
    assert "1. **3/5**" in key
    assert "2. One of two parts. \\*" in key
    assert "not checked by a computation" in key
    assert "## 参考答案" in format_lesson(lesson("zh"))


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_introduction_that_the_prompt_shows_is_not_taken_for_this_lessons(
    language: Language,
) -> None:
    shown = str(load_prompt("lesson/part")[language].fixed[-1].content)
    _, faults = await failed(lesson(language, parts={"introduction": shown}))
    assert set(faults) == {"introduction"}
