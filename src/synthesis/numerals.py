"""Numbers in problems: where they stand, how they are written, and which may be changed.

A number that is a name, a date, an ordinal, a constant of the world, or that the sentence counts by
itself is kept. Plural nouns stay right, as no number becomes 1 and none that is 1 is changed;
Chinese measure words stay as they are.
"""

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ..language.numerals import CHINESE_DIGITS, ENGLISH_ONES, ENGLISH_TENS
from ..language.text import HAN
from .contracts import Reason, Writing
from .worlds import find_constants

_ONES = {word: number for number, word in enumerate(ENGLISH_ONES)}
_TENS = {word: 10 * number for number, word in enumerate(ENGLISH_TENS, 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_HAN_DIGITS = {digit: number for number, digit in enumerate(CHINESE_DIGITS)} | {"两": 2, "〇": 0}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000}
MAX_CHARS, MAX_DIGITS = 60, 20
"""Longest number in words, and in digits; a longer one is no amount."""
AROUND = 60
"""Characters before and after a number that say what it is."""
LARGEST_WORD = 99
"""Largest number that is written in words."""

_PARTS = {
    **{"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4},
    **{"fourth": 4, "fourths": 4, "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6},
    **{"seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8, "ninth": 9, "ninths": 9},
    **{"tenth": 10, "tenths": 10},
}
_WORDS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("half", "halves", "halved", "半"), (2,)),
    **dict.fromkeys(("twice", "double", "doubles", "doubled", "doubling", "both"), (2,)),
    **dict.fromkeys(("pair", "pairs", "couple", "couples", "双", "倒数"), (2,)),
    **dict.fromkeys(("triple", "triples", "tripled", "thrice"), (3,)),
    **dict.fromkeys(("quadruple", "quadrupled"), (4,)),
    **dict.fromkeys(("dozen", "dozens"), (12,)),
}
"""Words that mean a number, with what a program may write for them."""

_SPOKEN = "|".join(sorted((*_ONES, *_TENS), key=len, reverse=True))
_SCALE = "|".join(_SCALES)
_PART = "|".join(sorted(_PARTS, key=len, reverse=True))
_WORD = "|".join(sorted((word for word in _WORDS if word.isascii()), key=len, reverse=True))
_HAN_NUMBER = "[零〇一二两三四五六七八九十百千]+"
_NUMERAL = re.compile(
    rf"""
      (?P<mixed>(?<![\d./])(?:\d+\s+)?\d+\s*/\s*\d+(?![\d/]))
    | (?P<clock>(?<![\d:])\d+(?:\s*:\s*\d+)+)
    | (?P<digits>(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+)
    | (?P<spoken_part>\b(?:an?|{_SPOKEN})[\s-](?:{_PART})\b)
    | (?P<spoken>\b(?:{_SPOKEN})(?:(?:[\s-]|\s+and\s+)(?:{_SPOKEN}|{_SCALE}))*\b)
    | (?P<word>\b(?:{_WORD})\b|[半双])
    | (?P<part>\b(?:{_PART})\b)
    | (?P<han_percent>百分之{_HAN_NUMBER})
    | (?P<han_part>{_HAN_NUMBER}分之{_HAN_NUMBER})
    | (?P<han>(?<!\d)(?!千[米克瓦卡]){_HAN_NUMBER})
    """,
    re.VERBOSE | re.IGNORECASE,
)

MEASURES = (
    *("千克", "公斤", "厘米", "分米", "毫米", "小时", "分钟", "平方米", "公里", "公顷", "毫升"),
    *("个", "只", "条", "本", "支", "枝", "张", "辆", "块", "元", "米", "克", "吨", "升", "天"),
    *("岁", "人", "名", "位", "盒", "箱", "袋", "瓶", "包", "排", "行", "层", "棵", "株", "朵"),
    *("件", "套", "台", "把", "组", "筐", "桶", "车", "艘", "匹", "头", "页", "题", "杯", "篮"),
    *("根", "颗", "粒", "枚", "间", "座", "架", "面", "束", "串", "堆", "盆", "盘", "次", "倍"),
)
"""Measure words before which a number in Chinese characters counts something."""
_MEASURE = re.compile("|".join(sorted(MEASURES, key=len, reverse=True)))

_LABEL_BEFORE = re.compile(
    r"(?i)(?:\b(?:grade|class|room|page|chapter|lesson|unit|route|bus|gate|level|section|step"
    r"|number|no\.|question|exercise|highway|flight|version|part|line|team|group|day|week|round"
    r"|box|problem|year)\s*|[#(（第])$"
)
_ORDINAL_AFTER = re.compile(r"(?i)(?:st|nd|rd|th)\b")
_DATE_AFTER = re.compile(r"\s*(?:月|日|号(?!楼)|年\d|世纪|点|时(?!间))|\s*年(?![内后前共]|的)")
_LABEL_AFTER = re.compile(r"\s*(?:年级|班|路|楼|号楼|单元)")
_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE_BEFORE = re.compile(rf"(?i)\b{_MONTHS}\.?\s+$|\b(?:in|since|by|of|until|year)\s+$|月$")
_CLOCK_AFTER = re.compile(r"(?i)\s*(?:[ap]\.?m\b|o['’]clock)")
_SCALE_AFTER = re.compile(
    r"(?i)\s*(?:hundred|thousand|million|billion|k\b|[万亿百千](?![米克瓦卡]))"
)
_REFERENCE_BEFORE = re.compile(
    r"(?i)(?:\b(?:the|these|those|other|both|all|every|his|her|their|its|your|our)\s+|[这那该各]|其[他余它中]"
    r"|另外?|剩下的?|每隔?)$"
)
_REFERENCE_AFTER = re.compile(r"(?i)\s*(?:of (?:them|whom|these|those|which)\b|[个位名]?人?[都各])")
_POSSESSIVE = re.compile(r"(?i)\b(?:every|his|her|their|its|your|our)\s+$|每$")
"""Before a number in digits these count as in any sentence: `his 12 marbles`."""
_ROUNDING_AFTER = re.compile(r"(?i)\s*(?:decimal|d\.?p\b|significant|位小数|位有效)")
_ARTICLE = re.compile(r"(?i)(?<![\w'’])an? (?P<currency>[$¥￥€£]?)$")
_MONEY_BEFORE = re.compile(r"[$¥￥€£]\s*$")
_MONEY_AFTER = re.compile(
    r"(?i)\s*(?:\$(?!\d)|元|角|块钱|美元|dollars?\b|cents?\b|yuan\b|euros?\b|pounds? sterling)"
)
_COIN_AFTER = re.compile(
    r"(?i)[\s-]*(?:(?:dollar|cent|yuan|euro|pound|pence|penny)s?[\s-]+)?(?:bank)?(?:note|bill|coin)s?\b"
    r"|\s*[元角分]的?(?:纸币|硬币|人民币|钞票)|面值"
)
_UNIT_AFTER = re.compile(
    rf"\s*-?\s*((?:(?:more|fewer|less|other|square|cubic|new|old|whole)\s+)*[A-Za-z]+|[{HAN}]{{1,2}})"
)
_GLUED_UNIT = re.compile(
    r"(?:km/h|m/s|[kcmd]?m[²³2]?|[km]?g|m?[lL]|kWh?|h|min|s|ft|lbs?|oz|in|mph|°C|°F)(?![A-Za-z])"
)
_NAMED = r"\b\w{1,30}\b"
_LISTS = (
    re.compile(
        rf"[{HAN}A-Za-z]{{1,6}}(?:、[{HAN}A-Za-z]{{1,6}})+(?:[和与及][{HAN}A-Za-z]{{1,6}})?"
    ),
    re.compile(rf"{_NAMED}(?:\s{_NAMED})?(?:,\s{_NAMED}(?:\s{_NAMED})?){{1,20}},?\s(?:and|or)\s\w"),
    re.compile(r"\b[A-Z]\w{1,30} and [A-Z]\w"),
)
_COMMA = re.compile("[、,]")
_YEARS = range(1800, 2101)


@dataclass(frozen=True)
class Numeral:
    """A number in a text."""

    start: int
    end: int
    values: tuple[Fraction, ...]
    """The value, or all that a program may write for a word or a fraction."""
    writing: Writing = "digits"
    places: int = 0
    grouped: bool = False
    percent: bool = False
    money: bool = False
    unit: str = ""
    article: str | None = None
    """What stands between `a` or `an` and the number, such as `$`; None if there is no article.
    The numeral begins with its article."""
    capital: bool = False
    kept: Reason | None = field(default=None)
    """Why it must not be changed; None: it may be."""

    @property
    def value(self) -> Fraction:
        return self.values[0]


def find_numerals(text: str) -> list[Numeral]:
    """Return all numbers of a problem in English or Chinese, in order."""
    listed = _count_listed(text)
    found = []
    for match in _NUMERAL.finditer(text):
        numeral = _read(match)
        if numeral is None:
            continue
        numeral = _describe(numeral, text)
        if numeral.kept is None:
            numeral = replace(numeral, kept=_find_reason(numeral, text, listed))
        found.append(numeral)
    return found


def write_numeral(
    value: Fraction,
    writing: Writing,
    *,
    places: int = 0,
    grouped: bool = False,
    capital: bool = False,
    unit: str = "",
) -> str:
    """Write a value in the manner of a numeral.

    Raises:
        ValueError: it cannot be written so.
    """
    if writing == "digits":
        scaled = value * 10**places
        if scaled.denominator != 1:
            raise ValueError(f"{value} has more than {places} decimal places")
        whole, rest = divmod(int(scaled), 10**places)
        return (f"{whole:,}" if grouped else str(whole)) + (f".{rest:0{places}}" if places else "")
    if value.denominator != 1 or not 0 <= value <= LARGEST_WORD:
        raise ValueError(f"{value} is not written in words")
    words = _write_han(int(value)) if writing == "han" else _write_english(int(value))
    return words.capitalize() if capital else words


def choose_article(number: str) -> str:
    """Return `a` or `an`, as it stands before a number in digits or words."""
    digits = re.match(r"[\d,]+", number)
    if digits is None:
        return (
            "an" if number[:1].lower() in "aeiou" and not number.lower().startswith("one") else "a"
        )
    plain = digits[0].replace(",", "")
    leading = plain[: len(plain) % 3 or 3]
    return "an" if plain[0] == "8" or leading in ("11", "18") else "a"


def _read(match: re.Match[str]) -> Numeral | None:
    kind = match.lastgroup or ""
    text = match[0].lower()
    if len(text) > (MAX_CHARS if kind.startswith("spoken") else MAX_DIGITS):
        return None
    start, end = match.span()
    make = _READERS[kind]
    values, writing, kept = make(text)
    if values is None:
        return None
    digits = text if kind == "digits" else ""
    return Numeral(
        start,
        end,
        values,
        writing,
        places=len(digits.partition(".")[2]),
        grouped="," in digits,
        capital=match[0][0].isupper(),
        kept=kept,
    )


_Reading = tuple[tuple[Fraction, ...] | None, Writing, Reason | None]


def _read_digits(text: str) -> _Reading:
    value = Fraction(text.replace(",", ""))
    return (value,), "digits", "one" if value == 1 else None


def _read_mixed(text: str) -> _Reading:
    numbers = [Fraction(int(part)) for part in re.findall(r"\d+", text)]
    top, bottom = numbers[-2:]
    if not bottom:
        return None, "digits", None
    whole = [numbers[0], numbers[0] + top / bottom] if len(numbers) > 2 else []
    return (top / bottom, top, bottom, *whole), "digits", "fraction"


def _read_clock(text: str) -> _Reading:
    return tuple(Fraction(int(part)) for part in re.findall(r"\d+", text)), "digits", "clock"


def _read_spoken(text: str) -> _Reading:
    words = [word for word in re.split(r"[\s-]+", text) if word != "and"]
    total = section = 0
    for word in words:
        if word in _SCALES and word != "hundred":
            total += (section or 1) * _SCALES[word]
            section = 0
        elif word == "hundred":
            section = (section or 1) * 100
        else:
            section += _ONES.get(word, _TENS.get(word, 0))
    value = Fraction(total + section)
    plain = len(words) == 1 or (
        len(words) == 2 and words[0] in _TENS and 0 < _ONES.get(words[1], 0) < 10
    )
    kept: Reason | None = "one" if value == 1 else None if plain else "scale"
    return (value,), "words", kept


def _read_spoken_part(text: str) -> _Reading:
    top, part = re.split(r"[\s-]+", text, maxsplit=1)
    number = Fraction(1 if top in ("a", "an") else _read_spoken(top)[0][0])  # type: ignore[index]
    bottom = Fraction(_PARTS[part])
    return (number / bottom, number, bottom), "words", "fraction"


def _read_part(text: str) -> _Reading:
    bottom = Fraction(_PARTS[text])
    return (1 / bottom, bottom), "words", "ordinal"


def _read_word(text: str) -> _Reading:
    numbers = [Fraction(number) for number in _WORDS[text]]
    return (*numbers, *(1 / number for number in numbers)), "words", "word"


def _read_han(text: str) -> _Reading:
    value = _parse_han(text)
    if value is None:
        return None, "han", None
    kept: Reason | None = "one" if value == 1 else None
    plain = value <= LARGEST_WORD and text in (
        _write_han(value),
        _write_han(value).replace("两", "二"),
    )
    return (Fraction(value),), "han", kept or (None if plain else "scale")


def _read_han_part(text: str) -> _Reading:
    bottom, top = (_parse_han(part) for part in text.split("分之"))
    if not bottom or top is None:
        return None, "han", None
    return (Fraction(top, bottom), Fraction(top), Fraction(bottom)), "han", "fraction"


def _read_han_percent(text: str) -> _Reading:
    number = _parse_han(text.removeprefix("百分之"))
    if number is None:
        return None, "han", None
    return (Fraction(number, 100), Fraction(number)), "han", "fraction"


_READERS = {
    "digits": _read_digits,
    "mixed": _read_mixed,
    "clock": _read_clock,
    "spoken": _read_spoken,
    "spoken_part": _read_spoken_part,
    "part": _read_part,
    "word": _read_word,
    "han": _read_han,
    "han_part": _read_han_part,
    "han_percent": _read_han_percent,
}


def _parse_han(text: str) -> int | None:
    """Return the value of a number in Chinese characters; None if it is not well-formed."""
    total = 0
    digit: int | None = None
    last = 10**4
    for sign in text:
        if sign in _HAN_SCALES:
            scale = _HAN_SCALES[sign]
            if scale >= last or digit == 0:
                return None
            total += (1 if digit is None else digit) * scale
            digit, last = None, scale
        elif digit not in (None, 0):
            return None  # digits one after the other: a year, a telephone number, `三四个`
        else:
            digit = _HAN_DIGITS[sign]
    return total + (digit or 0)


def _write_han(number: int) -> str:
    tens, ones = divmod(number, 10)
    if not tens:
        return "两" if number == 2 else CHINESE_DIGITS[number]
    return (
        ("" if tens == 1 else CHINESE_DIGITS[tens]) + "十" + (CHINESE_DIGITS[ones] if ones else "")
    )


def _write_english(number: int) -> str:
    if number < 20:
        return ENGLISH_ONES[number]
    tens, ones = divmod(number, 10)
    return ENGLISH_TENS[tens - 2] + (f"-{ENGLISH_ONES[ones]}" if ones else "")


def _describe(numeral: Numeral, text: str) -> Numeral:
    """Add what stands around a number: its article, currency, percent sign and unit."""
    before, after = _look_around(numeral, text)
    article = _ARTICLE.search(before) if numeral.kept is None else None
    unit = _UNIT_AFTER.match(after)
    return replace(
        numeral,
        start=article.start() if article else numeral.start,
        article=article["currency"] if article else None,
        capital=article[0][0].isupper() if article else numeral.capital,
        percent=re.match(r"\s*(?:[%％]|percent\b)", after) is not None,
        money=bool(_MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after)),
        unit=unit[1].lower() if unit else "",
    )


def _look_around(numeral: Numeral, text: str) -> tuple[str, str]:
    start, end = numeral.start, numeral.end
    return text[max(0, start - AROUND) : start], text[end : end + AROUND]


def _find_reason(numeral: Numeral, text: str, listed: set[int]) -> Reason | None:
    """Return why a number must not be changed; None if it may be."""
    before, after = _look_around(numeral, text)
    value = numeral.value
    if value < 2 and value.denominator == 1:
        return "one"
    if re.search(r"[A-Za-z_^]$|\d\.$|[-−+]\s?$|负$|零下$", before) and not re.search(
        r"[A-Za-z]-$", before
    ):
        return "sign" if re.search(r"[-−+负下]\s?$", before) else "glued"
    if _ORDINAL_AFTER.match(after) or before.endswith("第"):
        return "ordinal"
    if _LABEL_BEFORE.search(before) or _LABEL_AFTER.match(after):
        return "label"
    if _ROUNDING_AFTER.match(after):
        return "rounding"
    if _SCALE_AFTER.match(after):
        return "scale"
    if re.match(r"[A-Za-z_^\\(（{]|\s?[=+*/×÷<>−]|\s?-\s?\d", after) and not _GLUED_UNIT.match(
        after
    ):
        return "glued"
    if _CLOCK_AFTER.match(after):
        return "clock"
    if _COIN_AFTER.match(after):
        return "constant"
    if _is_date(numeral, before, after):
        return "date"
    if numeral.writing == "han" and not _counts(text[numeral.start : numeral.end], after):
        return "word"
    if _refers(numeral, before, after):
        return "reference"
    if value.denominator == 1 and int(value) in listed:
        return "listed"
    return "constant" if value in find_constants(numeral.unit, text) else None


def _is_date(numeral: Numeral, before: str, after: str) -> bool:
    if re.match(rf"\s+{_MONTHS}\b", after, re.IGNORECASE) or _DATE_AFTER.match(after):
        return True
    named = re.search(rf"(?i)\b{_MONTHS}\.?\s+$|月$", before) is not None
    value = numeral.value
    year = value.denominator == 1 and int(value) in _YEARS and not numeral.money
    return named or (year and _DATE_BEFORE.search(before) is not None)


def _counts(number: str, after: str) -> bool:
    """Return whether a number in Chinese characters stands before a measure word."""
    if number.endswith(("十", "百", "千")) and after.startswith(("位", "分位")):
        return False  # the place of a digit
    found = _MEASURE.match(after)
    return found is not None and re.match("[形级色之面体]", after[found.end() :]) is None


def _refers(numeral: Numeral, before: str, after: str) -> bool:
    """Return whether a number takes up what is told elsewhere: `the other two`, `三人都`."""
    if _REFERENCE_AFTER.match(after):
        return True
    if not _REFERENCE_BEFORE.search(before):
        return False
    return numeral.writing != "digits" or not _POSSESSIVE.search(before)


def _count_listed(text: str) -> set[int]:
    """Return the lengths of the text's lists, which a number may count: `红、黄、蓝三个`."""
    found = set()
    for pattern in _LISTS:
        for match in pattern.finditer(text):
            commas = len(_COMMA.findall(match[0]))
            found |= {commas + 1, commas + 2}  # with a comma before the last one, or without
    return found
