"""Reading of written answers: a text becomes a typed value, or stays text.

A reader takes the whole text or nothing. The first reader that understands it decides.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from ...language.text import HAN
from .brackets import read_brackets
from .building import build_items
from .dates import read_clock, read_date
from .expressions import TOO_LARGE, read_by_math_verify, read_expression
from .latex import simplify
from .numerals import DIGITS, HAN_NUMBER, NUMBER, WORD_NUMBER, read_han, read_number
from .parts import read_chain, read_parts
from .quantities import read_quantity, read_ratio, read_remainder
from .readers import PartReaders, Reader
from .relations import read_intervals, read_relation
from .units import find_unit
from .values import Text, Value
from .words import read_word

MAX_CHARS = 2000
"""Longest answer that is parsed; a longer one is text."""
MAX_DIGITS = 1500
"""Longest number that is parsed."""

_LONG_NUMBER = re.compile(rf"\d{{{MAX_DIGITS}}}")
_CHOICE = re.compile(r"^(?:选项?|(?i:option|choice))\s*(?=[A-F]$)")
_HALF = re.compile(r"^半(?=个?小时|天|年|斤|米|千克|公斤)|^(?i:half an? )")
_AND_A_HALF = re.compile(
    rf"^(?P<zh>\d+|{HAN_NUMBER})个半(?=小时|月|星期|钟头)"
    r"|^(?P<en>\d+|[a-z]+) and a half(?: an?)?(?![a-z])"
)
_PART_OF = re.compile(
    r"^(?:(?P<times>[a-z]+|\d+)[ -])?(?P<part>half|halves|third|quarter|fourth|fifth|tenth)s?"
    r" of an? (?=[a-z]+$)",
    re.IGNORECASE,
)
_PLUS_MINUS = re.compile(r"正负|\bplus or minus |\+/-|\+-")
_EXCLAMATION = re.compile(rf"([a-z]{{3}}|[{HAN}])!+$")
_ONE = re.compile(r"(?i)^(?:an?|one) ([a-z]+)(?=$| [a-z]+$)")
_OUT_OF = re.compile(rf"(?i)^(\d+|{WORD_NUMBER}) out of (\d+|{WORD_NUMBER})$")
_DISCOUNT = re.compile(r"^打?([1-9一二三四五六七八九])([1-9一二三四五六七八九])?折$")
_RELATION_WORDS = {
    ">=": ("is greater than or equal to", "is at least", "大于等于", "大于或等于", "不小于"),
    "<=": ("is less than or equal to", "is at most", "小于等于", "小于或等于", "不大于"),
    ">": ("is greater than", "is more than", "大于"),
    "<": ("is less than", "小于"),
}
_RELATION_IN_WORDS = re.compile(
    rf"(?<=^[A-Za-z])\s*({'|'.join(w for words in _RELATION_WORDS.values() for w in words)})\s*"
)
_PER = re.compile(r"^每(小时|分钟?|秒钟?|天|千克|公斤|米|个)\s*(.+)$")
_HAN_DATE = re.compile(rf"({HAN_NUMBER})(?=[年月日号时分秒]|点(?![零〇一二三四五六七八九]+$))")
_INTRODUCTION = re.compile(
    r"""^
    (?: about|approximately|approx\.?|around|roughly|≈|~
      | (?:the\ )?solution(?:\ set)?(?:\ is:?|\s*:)|(?:方程组?|不等式组?)?的?解集?(?:[:是为]\s*)+
      | 解得:?
      | 约等于 | (?:一共|总共|共计|合计)(?=\s*\d) | 约为?|大约
      | 答(?:案)?(?:[:是为]\s*)+|答案|(?:the\ )?(?:final\ )?answer(?:\ is:?|\s*[:=])|=
    )\s*
    """,
    re.VERBOSE | re.IGNORECASE,
)


def read_value(text: str) -> Value:
    """Return the typed value of a written answer.

    Raises:
        ValueError: the text is empty, or a number too large to be computed.
    """
    words = text.strip().strip("。").rstrip("！；，、 ").strip()
    if not words:
        raise ValueError("there is no answer")
    if len(words) > MAX_CHARS:
        return Text(words)
    value = read_typed(words)
    if value is not None:
        return value
    if TOO_LARGE.search(words):
        raise ValueError("the answer is too large")
    with suppress(ValueError):  # LaTeX that is not known
        words = _strip_frame(simplify(words)) or words
    return Text(words)


def read_typed(text: str) -> Value | None:
    """Return the typed value of a text; None if it has none."""
    try:
        plain = _strip_frame(simplify(text))
    except (ValueError, RecursionError):
        return read_by_math_verify(text)
    if _LONG_NUMBER.search(plain):
        return None
    plain = _PLUS_MINUS.sub("±", plain)
    if "±" in plain:
        return _read_plus_minus(plain)
    value = _read_first(_READERS, plain)
    if value is None and "\\" in text:
        return read_by_math_verify(text)
    return value


def _strip_frame(text: str) -> str:
    """Strip what surrounds an answer without changing it."""
    text = re.sub(r"^\*\*([^*]+)\*\*", r"\1", text.replace("\u200b", "").replace("~", " "))
    text = _EXCLAMATION.sub(r"\1", text)
    text = text.strip().strip("`").rstrip(".,;").strip().strip("*").strip()
    quoted = re.fullmatch(r"""(['"])([^'"]*)\1""", text)
    text = quoted[2] if quoted else text
    text = re.sub(r"^(?:Fraction|Decimal)\('?(-?[\d.]+)'?(?:, (\d+))?\)$", _to_fraction, text)
    text = re.sub(r"^(?:人民币|RMB)\s*(?=\d)", "", text)
    text = _ONE.sub(_count_one, text)
    text = re.sub(r"(?<=\d)又(\d+)分之(\d+)", r" \2/\1", text)
    text = _OUT_OF.sub(_divide, text)
    text = _DISCOUNT.sub(_to_tenths, text)
    text = _RELATION_IN_WORDS.sub(_to_relation_sign, text)
    text = re.sub(r"^\d+\s*/\s*\d+\s*=\s*(?=\d+\s*(?:余|\.{3}|[rR]\b|remainder))", "", text)
    text = re.sub(r"^[A-Z][a-z]+day, (?=[A-Z])", "", text)
    text = _CHOICE.sub("", text)
    text = _HALF.sub("0.5 ", text)
    text = _AND_A_HALF.sub(_add_half, text)
    text = _PART_OF.sub(_name_part, text)
    text = _PER.sub(r"\2/\1", text)
    text = _HAN_DATE.sub(_to_digits, text)
    return _INTRODUCTION.sub("", text).strip()


def _add_half(found: re.Match[str]) -> str:
    """Return `3个半` and `two and a half` as a mixed number."""
    whole = found["zh"] or found["en"]
    number = NUMBER.fullmatch(whole)
    return f"{read_number(number)} 1/2" if number else found[0]


def _name_part(found: re.Match[str]) -> str:
    """Return `a quarter of an` and `three quarters of an` as a number before a unit."""
    times = (found["times"] or "one").lower()
    return f"{'one' if times in ('a', 'an') else times} {found['part']} "


def _count_one(found: re.Match[str]) -> str:
    """Return `an hour` and `a dozen eggs` with a number; other nouns as they are."""
    return f"1 {found[1]}" if find_unit(found[1]) else found[0]


def _divide(found: re.Match[str]) -> str:
    """Return `four out of ten` as a fraction."""
    numbers = [NUMBER.fullmatch(part) for part in found.groups()]
    return "/".join(str(read_number(number)) for number in numbers if number)


def _to_tenths(found: re.Match[str]) -> str:
    """Return `打八五折` as tenths of the price: `8.5折`."""
    digits = [str(DIGITS.get(digit, digit)) for digit in found.groups() if digit]
    return f"{'.'.join(digits)}折"


def _to_relation_sign(found: re.Match[str]) -> str:
    return next(sign for sign, words in _RELATION_WORDS.items() if found[1] in words)


def _to_fraction(found: re.Match[str]) -> str:
    return f"{found[1]}/{found[2]}" if found[2] else found[1]


def _to_digits(found: re.Match[str]) -> str:
    """Return a Chinese numeral in digits, but not the denominator of `三分之一`."""
    if found.string.startswith("分之", found.end()):
        return found[0]
    return str(read_han(found[0]))


def _read_plus_minus(text: str) -> Value | None:
    both = [read_typed(text.replace("±", sign)) for sign in "+-"]
    values = [value for value in both if value]
    return build_items(values, ordered=False) if len(values) == 2 else None


def _read_single(text: str) -> Value | None:
    """Read a single value inside a collection."""
    quoted = re.fullmatch(r"""(['"])(.*)\1""", text)
    if quoted:
        return read_value(quoted[2])
    return _read_first(_SINGLE_READERS, text) if text else None


def _read_first(readers: Sequence[Reader], text: str) -> Value | None:
    """Return what the first reader that understands a text makes of it; None if none does."""
    for read in readers:
        try:
            value = read(text)
        except Exception:  # SymPy raises anything on what it cannot parse
            value = None
        if value is not None:
            return value
    return None


_PARTS = PartReaders(single=_read_single, answer=read_typed)
_SINGLE_READERS: tuple[Reader, ...] = (
    read_word,
    read_date,
    read_clock,
    read_quantity,
    read_remainder,
    read_intervals,
    partial(read_brackets, readers=_PARTS),
    partial(read_relation, readers=_PARTS),
    read_expression,
)
"""In this order."""
_READERS: tuple[Reader, ...] = (
    read_word,
    read_date,
    read_clock,
    read_quantity,
    read_remainder,
    read_ratio,
    read_intervals,
    partial(read_brackets, readers=_PARTS),
    partial(read_chain, read=_read_single),
    partial(read_parts, read=_read_single),
    partial(read_relation, readers=_PARTS),
    read_expression,
)
"""In this order."""
