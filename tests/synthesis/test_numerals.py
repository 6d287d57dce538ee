"""Numbers in problems: found, kept, and written again."""

from fractions import Fraction

import pytest
from concertino.synthesis.numerals import (
    LARGEST_WORD,
    Numeral,
    choose_article,
    find_numerals,
    write_numeral,
)
from hypothesis import given
from hypothesis import strategies as st


def only(text: str) -> Numeral:
    [found] = find_numerals(text)
    return found


def free(text: str) -> list[str]:
    """The numbers of a text that may be changed, as they are written."""
    return [text[n.start : n.end] for n in find_numerals(text) if n.kept is None]


def reasons(text: str) -> dict[str, str | None]:
    return {text[n.start : n.end]: n.kept for n in find_numerals(text)}


@given(st.integers(2, 10**6))
def test_a_number_in_digits_is_read_as_it_is_written(number: int) -> None:
    for grouped in (False, True):
        written = write_numeral(Fraction(number), "digits", grouped=grouped)
        found = only(f"Mia has {written} beads.")
        assert (found.value, found.kept) == (number, None)


@given(st.integers(2, LARGEST_WORD))
def test_a_number_in_words_is_read_as_it_is_written(number: int) -> None:
    assert only(f"Mia has {write_numeral(Fraction(number), 'words')} beads.").value == number
    assert only(f"盒里有{write_numeral(Fraction(number), 'han')}个球。").value == number


@given(st.integers(1, 10**6), st.integers(1, 3))
def test_decimals_keep_their_places(scaled: int, places: int) -> None:
    value = Fraction(scaled, 10**places)
    written = write_numeral(value, "digits", places=places)
    assert len(written.partition(".")[2]) == places
    assert only(f"It weighs {written} kg.").value == value


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for found in find_numerals(text):
        assert 0 <= found.start < found.end <= len(text)


@pytest.mark.parametrize(
    "piece",
    [
        "9",
        "9 ",
        "a",
        "a, ",
        "三",
        "三、",
        "one ",
        "1/",
        "1:",
        ",111",
        "An ",
        "Ann and ",
        "12 days ",
    ],
)
def test_long_texts_are_read_to_their_end(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    assert all(found.end <= len(text) for found in find_numerals(text))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Mia has twenty-five beads.", 25),
        ("Mia has two hundred beads.", 200),
        ("Mia has $1,250.50 left.", Fraction("1250.5")),
        ("盒里有十二个球。", 12),
        ("盒里有二十个球。", 20),
        ("盒里有两个球。", 2),
        ("盒里有一百零五个球。", 105),
    ],
)
def test_numbers_have_their_values(text: str, number: Fraction) -> None:
    assert only(text).value == number


@pytest.mark.parametrize(
    ("text", "number", "reason"),
    [
        ("Mia has 1 bead.", "1", "one"),
        ("She comes on the 3rd day.", "3", "ordinal"),
        ("第三天他来了。", "三", "ordinal"),
        ("The party was on May 12.", "12", "date"),
        ("In 2019 there were few.", "2019", "date"),
        ("他在5月出生。", "5", "date"),
        ("The train leaves at 9:30.", "9:30", "clock"),
        ("The train leaves at 9 a.m.", "9", "clock"),
        ("Grade 4 has many children.", "4", "label"),
        ("Room #12 is empty.", "12", "label"),
        ("Sales were 3 million.", "3", "scale"),
        ("约有3万人。", "3", "scale"),
        ("Half of them are red.", "Half", "word"),
        ("She ran twice as far.", "twice", "word"),
        ("Two-thirds of them are red.", "Two-thirds", "fraction"),
        ("He ate 2/5 of them.", "2/5", "fraction"),
        ("三分之二是红的。", "三分之二", "fraction"),
        ("百分之二十是红的。", "百分之二十", "fraction"),
        ("Solve 3x = 12 for x.", "3", "glued"),
        ("It was -4 degrees.", "4", "sign"),
        ("气温是零下4度。", "4", "sign"),
        ("How many eggs are in 7 days?", "7", "constant"),
        ("A year has 12 months.", "12", "constant"),
        ("He pays with a 20 dollar note.", "a 20", "constant"),
        ("The other 3 are red.", "3", "reference"),
        ("三个人都来了。", "三", "reference"),
        ("红、黄、蓝三个袋子。", "三", "listed"),
        ("Ann, Bob and Cleo, 3 friends, meet.", "3", "listed"),
        ("Give it to 2 decimal places.", "2", "rounding"),
        ("这是三角形。", "三", "word"),
        ("四边形的周长。", "四", "word"),
        ("他上五年级。", "五", "label"),
        ("十位上的数是多少？", "十", "word"),
    ],
)
def test_what_must_not_change_is_kept_with_the_reason(text: str, number: str, reason: str) -> None:
    assert reasons(text)[number] == reason


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Mia has 12 pens and her 5 friends have 30.", ["12", "5", "30"]),
        ("A 5kg bag costs $4.50.", ["A 5", "4.50"]),
        ("She pays with a $50 cheque and an 8-page letter.", ["a $50", "an 8"]),
        ("小明有12支铅笔，每支3元，付了五十元。", ["12", "3", "五十"]),
        ("她买了两本书和三支笔。", ["两", "三"]),
        ("He works 6 hours a day.", ["6"]),
        ("40% of 60 pupils swim.", ["40", "60"]),
    ],
)
def test_what_counts_something_may_change(text: str, numbers: list[str]) -> None:
    assert free(text) == numbers


@pytest.mark.parametrize(
    ("number", "article"),
    [
        *[("8", "an"), ("11", "an"), ("18", "an"), ("80", "an"), ("11,000", "an"), ("800", "an")],
        *[("7", "a"), ("12", "a"), ("110", "a"), ("1800", "a"), ("181", "a"), ("118,000", "a")],
        *[("eight", "an"), ("eleven", "an"), ("one", "a"), ("two", "a")],
    ],
)
def test_the_article_is_as_the_number_is_spoken(number: str, article: str) -> None:
    assert choose_article(number) == article


def test_what_cannot_be_written_so_is_refused() -> None:
    with pytest.raises(ValueError, match="decimal places"):
        write_numeral(Fraction(5, 2), "digits")
    with pytest.raises(ValueError, match="in words"):
        write_numeral(Fraction(LARGEST_WORD + 1), "words")
    assert write_numeral(Fraction(12), "words", capital=True) == "Twelve"
    assert write_numeral(Fraction(2), "han") == "两"
    assert write_numeral(Fraction(22), "han") == "二十二"
