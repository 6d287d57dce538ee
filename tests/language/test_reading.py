"""A text is read before a person reads it: repetition, breaking off, another language."""

import re
import tomllib
from pathlib import Path

import pytest
from concertino.language.messages import Language
from concertino.language.reading import find_break, find_faults, find_repeats, repair_text
from concertino.language.text import count_units
from hypothesis import given, settings
from hypothesis import strategies as st

CLEAN: dict[Language, list[str]] = tomllib.loads(
    Path(__file__).with_name("clean_texts.toml").read_text(encoding="utf-8")
)
EVERY = [(language, text) for language, texts in CLEAN.items() for text in texts]
TELLING = [(language, text) for language, text in EVERY if len(set(text)) > 25]
"""Long enough that to say them again is no chance; a key of `3/5` alone is not."""

SENTENCES: dict[Language, list[str]] = {
    "en": [
        "The denominators are equal, so only the numerators are added. ",
        "Rena ran down to the river and looked for her brother. ",
        "The contract ends on 31 May and may be renewed once. ",
        "Substituting $x = 7$ into the second equation gives $y = 3$. ",
        "Bees find their way by the light of the sun. ",
        "“Where have you been all day?” asked the old captain. ",
        "It is 3.5 km from the school to Dr. Miller’s garden. ",
    ],
    "zh": [
        "分母相同，所以只要把分子加起来。",
        "小狐狸跑到河边，四处寻找自己的弟弟。",
        "合同于五月三十一日到期，可以续签一次。",
        "把 $x = 7$ 代入第二个方程，得到 $y = 3$。",
        "蜜蜂靠太阳的光线辨认回家的方向。",
        "“你这一整天都到哪里去了？”老船长问道。",
        "从学校到米勒博士的花园有3.5千米。",
    ],
}
LANGUAGES: tuple[Language, ...] = ("en", "zh")

AGAIN = {
    "zh": (
        "步骤1：将方程组合并 合并两个方程，得到： (1) x + y = 10 (2) x - y = 4\n\n"
        "步骤2：通过加减消元法求解 将方程组合并后，通过加减消元法求解： "
        "(1) x + y = 10 (2) x - y = 4\n\n",
        "将方程组合并后，得到： (1) x + y = 10 (2) x - y = 4\n\n",
        "将方程组合并后，得到： (1) x +",
    ),
    "en": (
        "Step 1: Take the two equations together: (1) x + y = 10 (2) x - y = 4\n\n"
        "Step 2: Add the equations, so that y is eliminated.\n\n",
        "After taking the equations together we get: (1) x + y = 10 (2) x - y = 4\n\n",
        "After taking the equations together we get: (1) x +",
    ),
}
"""The worked solution of docs/transcripts.md: its beginning, what it repeats, where it ends."""


def kinds_in(text: str, language: Language) -> set[str]:
    return {fault.kind for fault in find_faults(text, language)}


@pytest.mark.parametrize(("language", "text"), EVERY)
def test_nothing_is_found_in_a_text_that_nothing_is_wrong_with(
    language: Language, text: str
) -> None:
    assert find_faults(text, language) == []
    assert repair_text(text, language) == text


@settings(deadline=None)
@given(st.sampled_from(TELLING), st.integers(2, 20))
def test_a_text_that_is_said_again_is_found(which: tuple[Language, str], times: int) -> None:
    language, text = which
    again = "\n\n".join([text] * times)
    assert "repeats" in kinds_in(again, language)
    repaired = repair_text(again, language)
    assert find_repeats(repaired, language) == []
    assert count_units(repaired) < 2 * count_units(text)


@settings(deadline=None)
@given(st.data(), st.sampled_from(LANGUAGES), st.integers(2, 9), st.sampled_from(["", "\n\n"]))
def test_a_sentence_that_is_said_again_is_found_and_left_out(
    data: st.DataObject, language: Language, times: int, between: str
) -> None:
    first, second, third = data.draw(st.permutations(SENTENCES[language]))[:3]
    text = between.join([first, second, *[third] * times])
    assert kinds_in(text, language) == {"repeats"}
    assert repair_text(text, language).split() == between.join([first, second, third]).split()


@settings(deadline=None)
@given(st.data(), st.sampled_from(LANGUAGES), st.sampled_from(["", "\n\n"]))
def test_sentences_that_are_said_once_have_no_fault(
    data: st.DataObject, language: Language, between: str
) -> None:
    sentences = data.draw(st.permutations(SENTENCES[language]))
    assert find_faults(between.join(sentences), language) == []


@settings(deadline=None)
@given(st.data(), st.sampled_from(LANGUAGES), st.sampled_from(["", "\n\n"]))
def test_a_text_that_was_cut_is_found_and_ends_with_a_sentence_when_repaired(
    data: st.DataObject, language: Language, between: str
) -> None:
    first, second, last = data.draw(st.permutations(SENTENCES[language]))[:3]
    # What ends with a value, "It is 3.5 km", may be meant so.
    ends = [n for n in range(4, len(last.rstrip()) - 1) if last[n - 1].isalpha()]
    places = [n for n in ends if not re.search(r"\d\s*\w{1,2}$", last[:n])]
    text = between.join([first, second, last[: data.draw(st.sampled_from(places))]])
    assert kinds_in(text, language) == {"breaks_off"}
    repaired = repair_text(text, language)
    assert "".join(repaired.split()).startswith("".join(f"{first}{second}".split()))
    assert find_faults(repaired, language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_solution_that_said_the_same_twenty_times_and_broke_off_is_found(
    language: Language,
) -> None:
    beginning, again, broken = AGAIN[language]
    text = beginning + again * 20 + broken
    assert kinds_in(text, language) == {"repeats", "breaks_off"}
    repaired = repair_text(text, language)
    assert repaired.startswith(beginning.strip())
    assert repaired.count(again.strip()) <= 1
    assert find_faults(repaired, language) == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Step 1: Add both of the equations to get 2x = 14.\n\n"
               "Step 2: Add both of the equations to get 2x = 14.\n\nSo x = 7."),
        ("zh", "第1步：把两个方程左右两边分别相加，得 2x = 14。\n"
               "第2步：把两个方程左右两边分别相加，得 2x = 14。\n所以 x = 7。"),
        ("en", "1. Read the question carefully before you begin to write.\n2. Draw a line.\n"
               "3. Read the question carefully before you begin to write."),
        ("en", "He walked and walked and " + "then he walked on and " * 9 + "slept."),
        ("zh", "他走啊走，" + "然后又接着走，" * 9 + "最后睡着了。"),
        ("en", "We see x = 7.\n" * 5),
        ("en", "| a | b |\n|---|---|\n| 1 | 2 |\n" + "| 3 | 4 | 5 | 6 | 7 | 8 | 9 | 1 |\n" * 2
               + "| Monday was a day of rain | and of wind |\n" * 2),
        ("en", "The wall is 21,196 km long in all its parts together. [1] "
               "The wall is 21,196 km long in all its parts together. [2]"),
    ],
)  # fmt: skip
def test_repetition_is_found_in_steps_lists_lines_tables_and_cited_sentences(
    language: Language, text: str
) -> None:
    assert "repeats" in kinds_in(text, language)


def test_what_was_said_before_is_not_to_be_said_again() -> None:
    before = "The old man walked slowly down to the grey sea."
    text = f"He had slept badly. {before} On and on!"
    assert find_repeats(text, "en") == []
    assert [fault.quote for fault in find_repeats(text, "en", before)] == [before]
    assert repair_text(text, "en", before=before) == "He had slept badly. On and on!"


@pytest.mark.parametrize(
    "ending",
    [
        "So we get $x = 3 + ",
        "So we get \\(x = 3",
        "So we get\n\n$$\nx = 3",
        "So we get\n\n\\[\nx = 3",
        "\\begin{align}\nx &= 3",
        "It runs:\n\n```python\nprint(1)",
        "It is long (and wide.",
        "He said: “Come here.",
        'He said: "Come here.',
        "The three kinds are:",
        "They are red, green,",
        "It follows that x =",
        "This is because of the",
        "## Summary",
        "| a | b |\n|---|---|\n| 1 | 2",
        "1. Add them.\n2. Take half.\n3. Then we",
    ],
)
def test_a_text_that_ends_within_something_breaks_off(ending: str) -> None:
    text = f"All of this is known.\n\n{ending}"
    assert find_break(text) is not None
    repaired = repair_text(text, "en")
    assert repaired.startswith("All of this is known.")
    assert find_break(repaired) is None


def test_a_writer_who_was_stopped_at_the_limit_has_not_finished() -> None:
    text = "All is known. It ends here."
    assert find_break(text) is None
    assert find_break(text, cut_off=True) is not None
    assert find_break("A title", cut_off=True) is not None
    assert repair_text(text, "en", cut_off=True) == text


def test_what_goes_on_may_end_with_a_colon() -> None:
    assert find_break("Now try these:") is not None
    assert find_break("Now try these:", goes_on=True) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "两个方程相加，so that we get the value of x，再代入。"),
        ("zh", "先读题。\n\nThe answer is found by adding both numbers.\n\n再检查。"),
        ("zh", "The answer is found by adding both numbers."),
        ("en", "Add the equations, 然后我们得到两个未知数的值, and check."),
        ("en", "先把两个方程相加，再代入。"),
        ("en", "Read it.\n\n先把两个方程相加，再代入。\n\nThen check it again with care."),
    ],
)
def test_a_slip_into_another_language_is_found(language: Language, text: str) -> None:
    assert kinds_in(text, language) == {"other_language"}


def test_what_a_known_text_says_may_be_quoted_in_its_language() -> None:
    text = "合同中写的是 fifteen days of paid leave a year，也就是十五天。"
    assert find_faults(text, "zh")
    assert not find_faults(text, "zh", known="Staff have fifteen days of paid leave a year.")


def test_where_nothing_else_would_be_left_a_text_stays_as_it_is() -> None:
    assert repair_text("The three kinds are:", "en") == "The three kinds are:"
    assert repair_text("", "en") == ""
