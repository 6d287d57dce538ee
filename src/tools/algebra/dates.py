"""Dates and times of day, in English and Chinese."""

import re
from dataclasses import replace
from datetime import date

from .numerals import NUMBER, WORD_NUMBER, read_number
from .values import Clock, Date, Value

_MONTH_NAMES = (
    ("january", "jan"),
    ("february", "feb"),
    ("march", "mar"),
    ("april", "apr"),
    ("may",),
    ("june", "jun"),
    ("july", "jul"),
    ("august", "aug"),
    ("september", "sep", "sept"),
    ("october", "oct"),
    ("november", "nov"),
    ("december", "dec"),
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names}

_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_MONTH_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_DATE_FORMS = (
    re.compile(r"(?P<year>\d{4})\s*[年-]\s*(?P<month>\d{1,2})月?"),
    re.compile(rf"{_MONTH_NAME},? (?P<year>\d{{4}})"),
    re.compile(
        r"(?P<year>\d{4})[-/.年]\s*(?P<month>\d{1,2})[-/.月]\s*(?P<day>\d{1,2})[日号]?",
    ),
    re.compile(r"(?P<month>\d{1,2})月\s*(?P<day>\d{1,2})[日号]?"),
    re.compile(rf"{_MONTH_NAME} {_DAY}(?:,? (?P<year>\d{{4}}))?"),
    re.compile(rf"{_DAY}(?: of)? {_MONTH_NAME},?(?: (?P<year>\d{{4}}))?"),
)
"""Ways to write a date; no text has two of these forms."""

_CLOCK = re.compile(
    r"""
    (?P<before>上午|早上|凌晨|中午|下午|晚上|傍晚)?\s*
    (?P<hour>\d{1,2})
    (?:[:点时](?P<minute>\d{1,2}|半|一刻)?)?
    (?:分|整|钟)?\s*
    (?P<after>[ap]\.?\s?m\.?|noon|o'clock)?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SPOKEN_CLOCK = re.compile(
    rf"(?:a )?(?P<minute>quarter|half|\d+|{WORD_NUMBER}(?:-{WORD_NUMBER})?)(?: minutes?)?"
    rf" (?P<side>past|(?<=quarter )to|(?<=minutes )to) (?P<hour>\d+|{WORD_NUMBER})",
    re.IGNORECASE,
)
_MINUTES = {None: 0, "半": 30, "一刻": 15}
_CLOCK_DIGITS = re.compile(r"\d+:0\d|\d+:[1-5]0|0\d:\d\d")
"""Digits that are hardly a ratio: `2:05`, `10:30`."""
_NAMED_TIMES = {"noon": 720, "midnight": 0, "正午": 720, "午夜": 0}
_AFTERNOON = ("下午", "晚上", "傍晚")


def read_date(text: str) -> Value | None:
    """Read `2024-05-01`, `5月1日`, `May 1st, 2024`, `1 May`, `May 2024`.

    Raises:
        ValueError: there is no such day.
    """
    text = re.sub(r"(?i)^(?:the|on)\s+", "", text)
    matches = (form.fullmatch(text) for form in _DATE_FORMS)
    found = next((match for match in matches if match), None)
    read = None if found is None else _build_date(found.groupdict())
    return replace(read, shown=text) if read else None


def _build_date(parts: dict[str, str | None]) -> Date | None:
    month = _read_month(parts)
    if month is None:
        return None
    written_year = parts.get("year")
    year = int(written_year) if written_year else None
    written_day = parts.get("day")
    if written_day is None:
        return Date(year, month, None) if 1 <= month <= 12 else None
    day = int(written_day)
    leap_year = 2000
    date(leap_year if year is None else year, month, day)  # raises if there is no such day
    return Date(year, month, day)


def _read_month(parts: dict[str, str | None]) -> int | None:
    name = parts.get("name")
    if name:
        return _MONTHS.get(name.lower())
    number = parts.get("month")
    return int(number) if number else None


def read_clock(text: str) -> Value | None:
    """Read `3:30 pm`, `下午3点半`; but `15:30` alone is a ratio."""
    if text.lower() in _NAMED_TIMES:
        return Clock(_NAMED_TIMES[text.lower()])
    spoken = _SPOKEN_CLOCK.fullmatch(text)
    if spoken:
        return _read_spoken(spoken)
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    named = found["before"] or found["after"] or "点" in text
    if not named and not _CLOCK_DIGITS.fullmatch(text):
        return None
    hour = int(found["hour"])
    known = _MINUTES.get(found["minute"])
    minute = int(found["minute"]) if known is None else known
    if hour > 23 or minute > 59:
        return None
    after = (found["after"] or "").lower().replace(".", "").replace(" ", "")
    return Clock(60 * _to_24_hours(hour, found["before"], after) + minute, in_digits=not named)


def _read_spoken(found: re.Match[str]) -> Value | None:
    """Read `quarter past eight`, `ten to 3`."""
    hour = _read_whole(found["hour"])
    minute = {"quarter": 15, "half": 30}.get(found["minute"].lower()) or _read_whole(
        found["minute"]
    )
    if not 1 <= hour <= 12 or not 1 <= minute <= 30:
        return None
    total = 60 * hour + (minute if found["side"].lower() == "past" else -minute)
    return Clock(total)


def _read_whole(text: str) -> int:
    number = NUMBER.fullmatch(text)
    return int(read_number(number)) if number else 0


def _to_24_hours(hour: int, before: str | None, after: str) -> int:
    late = after == "pm" or before in _AFTERNOON
    noon = before == "中午" and hour < 11
    if (late or noon) and hour < 12:
        return hour + 12
    if (after == "am" or before == "凌晨") and hour == 12:
        return 0
    return hour
