"""Numbers are read exactly, however they are written: as digits, as fractions, in words."""

import pytest
from concertino.tools.algebra.reading import read_value
from concertino.tools.algebra.showing import describe, write_whole
from hypothesis import given, settings
from hypothesis import strategies as st

FEW = settings(max_examples=60, deadline=None)

DIGITS = "零一二三四五六七八九"
SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def number_of(text: str) -> str:
    return write_whole(read_value(text))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", "0"),
        ("007", "7"),
        ("+5", "5"),
        ("-5", "-5"),
        ("负五", "-5"),
        ("1,234,567", "1234567"),
        ("12 000", "12000"),
        ("0.125", "0.125"),
        (".5", "0.5"),
        ("0.(3)", "1/3"),
        ("0.1(6)", "1/6"),
        ("6/8", "3/4"),
        ("-7/3", "-7/3"),
        ("2又1/3", "7/3"),
        ("3 1/2", "7/2"),
        ("3 and 1/2", "7/2"),
        ("½", "1/2"),
        ("3½", "7/2"),
        ("三分之二", "2/3"),
        ("二又三分之一", "7/3"),
        ("十", "10"),
        ("十五", "15"),
        ("二十", "20"),
        ("一百零五", "105"),
        ("三千零二十", "3020"),
        ("一万二千", "12000"),
        ("1.5万", "15000"),
        ("三亿", "300000000"),
        ("二〇二四", "2024"),
        ("twenty-one", "21"),
        ("one hundred and five", "105"),
        ("three thousand two hundred", "3200"),
        ("2 million", "2000000"),
        ("3.2e5", "320000"),
        ("1.67e-27", "167/100000000000000000000000000000"),
        ("1.2 × 10^5", "120000"),
        (r"1.2 \times 10^{-3}", "3/2500"),
    ],
)
def test_a_number_is_read_exactly(text: str, number: str) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize(("text", "number"), [("百分之二十五", "25"), ("百分之12.5", "25/2")])
def test_a_percentage_in_words_is_a_percentage(text: str, number: str) -> None:
    described = describe(read_value(text))
    assert (described["exact"], described["unit"]) == (number, "%")


def write_chinese(number: int) -> str:
    """Return a number below 10,000 in Chinese."""
    if number < 10:
        return DIGITS[number]
    text, zero = "", False
    for place, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // place % 10
        if digit:
            text += ("零" if zero else "") + DIGITS[digit] + name
            zero = False
        elif text and number % place:
            zero = True
    return text.removeprefix("一") if 10 <= number < 20 else text


def write_english(number: int) -> str:
    """Return a number below 1,000,000 in English."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        return TENS[number // 10 - 2] + (f"-{SMALL[number % 10]}" if number % 10 else "")
    scale, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % scale
    head = f"{write_english(number // scale)} {name}"
    if not rest:
        return head
    return f"{head}{' and' if rest < 100 else ''} {write_english(rest)}"


@FEW
@given(st.integers(0, 9999))
def test_a_number_in_chinese_words_is_the_number(number: int) -> None:
    assert number_of(write_chinese(number)) == str(number)


@FEW
@given(st.integers(0, 999_999))
def test_a_number_in_english_words_is_the_number(number: int) -> None:
    assert number_of(write_english(number)) == str(number)


@FEW
@given(st.integers(-(10**12), 10**12))
def test_separators_between_thousands_do_not_change_a_number(number: int) -> None:
    assert number_of(f"{number:,}") == str(number)


@FEW
@given(st.integers(1, 50), st.integers(1, 30), st.integers(2, 30))
def test_a_mixed_number_is_its_whole_and_its_fraction(whole: int, top: int, bottom: int) -> None:
    sum_of_both = number_of(f"{whole * bottom + top}/{bottom}")
    for mixed in ("{}又{}/{}", "{} {}/{}", r"{}\frac{{{}}}{{{}}}"):
        assert number_of(mixed.format(whole, top, bottom)) == sum_of_both


@FEW
@given(st.integers(1, 10**6), st.integers(0, 8))
def test_a_power_of_ten_moves_the_point(digits: int, places: int) -> None:
    decimal = number_of(f"{digits}/{10**places}")
    assert number_of(f"{digits}e-{places}") == decimal
    assert number_of(f"{digits} × 10^-{places}") == decimal


@pytest.mark.parametrize("text", ["三分之", "分之三", "5 -"])
def test_a_numeral_that_means_nothing_is_no_number(text: str) -> None:
    assert describe(read_value(text))["kind"] != "number"
