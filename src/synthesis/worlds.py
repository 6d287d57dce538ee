"""Constants of the world: numbers that no problem has to state, and that none may change."""

import re
from fractions import Fraction
from functools import lru_cache

_OF_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\bweeks?\b|\bweekly\b|\bdays?\b|[周天日]|星期|礼拜", ("7",)),
    (r"\byears?\b|\byearly\b|\bannual|[年岁]", ("12", "52", "365", "366")),
    (r"\bmonth|月", ("12", "28", "29", "30", "31", "4")),
    (r"\bdays?\b|\bdaily\b|[天日]|昼夜", ("24", "30", "31", "365")),
    (r"\bhours?\b|\bhourly\b|时|\bh\b", ("24", "60", "3600")),
    (r"\bminutes?\b|\bmins?\b|分钟?|\bseconds?\b|秒", ("60", "3600")),
    (r"\bdozens?\b|打", ("12",)),
    (r"\binch|\bfeet\b|\bfoot\b|\byards?\b", ("12", "3", "36", "144")),
    (r"\bmiles?\b", ("5280", "1760")),
    (r"\bpounds?\b|\bounces?\b", ("16",)),
    (r"\bgallons?\b|\bquarts?\b|\bpints?\b|\bcups?\b", ("4", "2", "8", "16")),
    (r"\bcents?\b|\bquarters?\b|\bdimes?\b|\bnickels?\b|\$|dollar", ("100", "25", "10", "5")),
    (r"[元角分]", ("10", "100")),
    (r"%|％|percent|百分|折|成", ("100", "10")),
    (
        r"\bkm\b|kilo|\bkg\b|\bmet(?:er|re)s?\b|\bgrams?\b|\blit(?:er|re)s?\b|\bml\b",
        ("1000", "100"),
    ),
    (r"千米|公里|千克|公斤|[米克吨升]", ("1000", "100", "10", "500", "10000", "1000000")),
    (r"斤|亩", ("500", "10", "2000/3")),
    (r"\bsquare\b|\brectang|正方形|长方形|菱形", ("4",)),
    (r"\bcubes?\b|正方体", ("6", "12")),
    (
        r"\bcircle|\bcircular|\bradius|\bdiameter|圆|直径|半径",
        ("3.14", "3.1416", "3.14159", "22/7"),
    ),
    (r"\btriang|\bangle|三角形|[角度]|\bdegree", ("180", "360", "90", "3")),
    (r"\bcone|圆锥|棱锥", ("3",)),
    (r"\bdice\b|\bdie\b|骰", ("6",)),
    (r"\bcoins?\b|硬币", ("2",)),
    (r"\bcards?\b", ("52", "4", "13")),
    (r"\blegs?\b|腿|脚|鸡|兔", ("2", "4")),
)
"""Words of a problem, with the constants that they bring in."""
_STRUCTURAL = frozenset(Fraction(number) for number in (0, 1, 2, 100))
"""Numbers that any program may compute with: halves, squares, percentages."""
_CALENDAR: tuple[tuple[str, tuple[int, ...]], ...] = (
    (r"days?|[天日]", (7, 28, 29, 30, 31, 365, 366)),
    (r"weeks?|[周星]|个[周星]", (4, 52)),
    (r"months?|个?月", (12,)),
    (r"hours?|小时|个小", (24,)),
    (r"minutes?|分钟|seconds?|秒钟?", (60,)),
    (r"inch(?:es)?", (12,)),
    (r"cents?", (100,)),
)


def find_constants(unit: str, text: str) -> set[Fraction]:
    """Return the values that a number with a unit must keep, as the world fixes them.

    The days of a problem that speaks of weeks are kept whatever their number: 5 school days and 2
    others make 7.
    """
    found = {
        Fraction(number)
        for pattern, numbers in _CALENDAR
        if re.fullmatch(pattern, unit)
        for number in numbers
    }
    of_a_week = re.fullmatch("days?|[天日]", unit) and re.search(r"(?i)\bweek|周|星期", text)
    return found | {Fraction(number) for number in range(8)} if of_a_week else found


def is_constant(value: Fraction, text: str, *, named: bool = False) -> bool:
    """Return whether a program may know a number by itself, given the problem's words.

    Args:
        named: whether the program gives it a name; then halves and hundredths do not count, since
            they are what is computed with.
    """
    return (not named and value in _STRUCTURAL) or value in _list_known(text)


@lru_cache(maxsize=64)
def _list_known(text: str) -> frozenset[Fraction]:
    return frozenset(
        Fraction(number)
        for pattern, numbers in _OF_WORDS
        if re.search(pattern, text, re.IGNORECASE)
        for number in numbers
    )
