"""Numbers as they are written: digits, fractions, mixed numbers, words."""

import re
from fractions import Fraction
from typing import Any

import sympy as sp

from ...language.numerals import CHINESE_DIGITS, ENGLISH_ONES, ENGLISH_TENS

DIGITS = {digit: value for value, digit in enumerate(CHINESE_DIGITS)} | {"〇": 0, "两": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_HUNDREDS = {"百": 100, "千": 1000, "百万": 10**6, "千万": 10**7}
_MYRIADS = {"万": 10**4, "亿": 10**8}
_ENGLISH = {
    **{word: value for value, word in enumerate(ENGLISH_ONES)},
    **{word: 10 * tens for tens, word in enumerate(ENGLISH_TENS, 2)},
}
_SCALES = {
    "hundred": 100,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}

FLOAT_DIGITS = 16
"""Length from which on a decimal can be all digits of a float."""
MAX_PLACES = 8
"""Most decimal places of a number that somebody has rounded."""
MAX_POWER = 4000
"""Largest power of ten of a number, and of its reciprocal."""
_NEGATIVE = ("-", "负", "零下", "negative", "minus")
HAN_NUMBER = r"[零〇一二两三四五六七八九十百千万亿]+"
_PARTS = {
    **{"half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6},
    **{"seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "hundredth": 100, "thousandth": 1000},
}
_PART = "|".join(f"{name}s?" for name in _PARTS)
_SCALE = (
    r"(?:hundred|thousand|million|billion|trillion)(?![A-Za-z])"
    r"|百万|千万|百|千(?![米克瓦卡帕伏])|万|亿"
)
_DECIMAL = r"(?:\d{1,3}(?:[, ]\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+"
WORD_NUMBER = rf"(?:{'|'.join(sorted((*_ENGLISH, *_SCALES), key=len, reverse=True))})"
NUMBER = re.compile(
    rf"""(?P<sign>[-+]\s*|负|零下|\b(?:negative|minus)\s+)?\s*(?:
      (?P<repeating>\d*\.\d*)\((?P<period>\d+)\)
    | (?P<counted>\d+|\b{WORD_NUMBER})[\s-](?P<part>{_PART})\b(?!\s*of)
    | (?P<whole>\d+)\s*(?:\s|又|and\s)\s*(?P<top>\d+)\s*/\s*(?P<bottom>\d+)
    | (?P<numerator>{_DECIMAL})\s*/\s*(?P<denominator>\d+(?:\.\d+)?)(?![\d.])
    | (?P<dots>\d*\.\d*?(?P<block>\d{{1,6}}?)(?P=block){{2,}})(?:\.{{3}})
    | (?P<mantissa>{_DECIMAL})\s*
      (?:\*\s*10\s*(?:\^|\*\*)\s*\(?(?P<power>[-+]?\d+)\)?|[eE](?P<e>[-+]?\d+))
    | (?P<decimal>{_DECIMAL})(?:\s*(?P<scale>{_SCALE}))?
    | 百分之(?P<percent>\d+(?:\.\d+)?|{HAN_NUMBER}(?:点{HAN_NUMBER})?)
    | (?P<han_bottom>{HAN_NUMBER}|\d+)分之(?P<han_top>{HAN_NUMBER}|\d+)
    | (?P<han>{HAN_NUMBER}(?:点[零〇一二三四五六七八九]+)?)
      (?:又(?P<mixed_bottom>{HAN_NUMBER})分之(?P<mixed_top>{HAN_NUMBER}))?
    | (?P<words>\b{WORD_NUMBER}(?:(?:[\s-]|\sand\s)+{WORD_NUMBER})*)\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)


def read_number(found: re.Match[str]) -> Any:
    """Return the exact value of a match of `NUMBER`, a SymPy rational.

    Raises:
        ValueError: a numeral is not well-formed, or a denominator is zero.
    """
    value = _read_unsigned(found)
    return -value if (found["sign"] or "").strip().lower() in _NEGATIVE else value


def count_places(found: re.Match[str]) -> int | None:
    """Return the decimal places of a match of `NUMBER`; None if it is no decimal, or of so many
    places that a program has computed it."""
    if not found["decimal"] or found["scale"] or "." not in found["decimal"]:
        return None
    places = len(found["decimal"].partition(".")[2])
    return places if places <= MAX_PLACES and found["decimal"][-2:] != ".0" else None


def _read_unsigned(found: re.Match[str]) -> Any:
    group = found.group
    if group("period"):
        return _read_repeating(group("repeating"), group("period"))
    if group("part"):
        top = group("counted").lower()
        return _divide(
            top if top.isdigit() else str(_read_english(top)), str(_read_part(group("part")))
        )
    if group("whole"):
        return sp.Integer(group("whole")) + _divide(group("top"), group("bottom"))
    if group("numerator"):
        return _divide(_plain(group("numerator")), group("denominator"))
    if group("dots"):
        block = group("block")
        return _read_repeating(re.sub(rf"(?:{block})+$", "", group("dots")), block)
    if group("mantissa"):
        power = int(group("power") or group("e"))
        if abs(power) > MAX_POWER:
            raise ValueError("the exponent is too large")
        return sp.Rational(_plain(group("mantissa"))) * sp.Integer(10) ** power
    if group("decimal"):
        return _read_decimal(_plain(group("decimal"))) * _read_scale(group("scale"))
    if group("words"):
        return sp.Integer(_read_english(group("words").lower()))
    return _read_chinese(found)


def _read_chinese(found: re.Match[str]) -> Any:
    group = found.group
    if group("percent"):
        return read_han(group("percent")) / 100
    if group("han_bottom"):
        return read_han(group("han_top")) / _nonzero(read_han(group("han_bottom")))
    value = read_han(group("han"))
    if group("mixed_bottom"):
        value += read_han(group("mixed_top")) / _nonzero(read_han(group("mixed_bottom")))
    return value


def _plain(digits: str) -> str:
    return re.sub(r"[, ]", "", digits)


def _read_decimal(digits: str) -> Any:
    """Return the value of a decimal; of what Python prints of a float, the number it stands for."""
    if len(digits) > FLOAT_DIGITS and repr(float(digits)) == digits:
        number = rationalize(float(digits))
        if number.is_Rational:
            return number
    return sp.Rational(digits)


def rationalize(number: float) -> Any:
    """Return the simple fraction, or else the short decimal, that a float approximates; or else the
    float itself."""
    if number != number or number in (float("inf"), float("-inf")):
        return sp.sympify(number)
    for largest, error in ((10**4, 1e-12), (10**6, 4e-16)):  # else any float would be a fraction
        simple = Fraction(number).limit_denominator(largest)
        if abs(float(simple) - number) <= error * abs(number):
            return sp.Rational(simple.numerator, simple.denominator)
    written = f"{number:.12g}"
    digits = re.sub(r"e.*|[-.]", "", written).strip("0")
    exact = len(digits) < 12 and abs(float(written) / number - 1) < 1e-14
    return sp.Rational(written) if exact else sp.Float(number)


def _read_scale(name: str | None) -> int:
    return (_SCALES | _MYRIADS | _HUNDREDS)[name.lower()] if name else 1


def _divide(top: str, bottom: str) -> Any:
    return sp.Rational(top) / _nonzero(sp.Rational(bottom))


def _nonzero(value: Any) -> Any:
    if value == 0:
        raise ValueError("division by zero")
    return value


def _read_repeating(start: str, period: str) -> Any:
    """Return the value of a decimal that repeats: `0.1` and `6` for 0.1666…"""
    places = len(start.partition(".")[2])
    head = sp.Rational(start if start.strip(".") else "0")
    return head + sp.Rational(int(period), 10**places * (10 ** len(period) - 1))


def read_han(numeral: str) -> Any:
    """Return the value of a Chinese numeral: `一百零五`, `三万二`."""
    if "点" in numeral:
        whole, _, digits = numeral.partition("点")
        places = "".join(str(DIGITS[sign]) for sign in digits)
        return read_han(whole) + sp.Rational(int(places), 10 ** len(places))
    if re.fullmatch(r"[\d.]+", numeral):
        return sp.Rational(numeral)
    if len(numeral) > 1 and all(sign in DIGITS for sign in numeral):
        return sp.Integer("".join(str(DIGITS[sign]) for sign in numeral))
    last = {**_PLACES, **_MYRIADS}.get(numeral[-2:-1], 0)
    if last > 10 and numeral[-1] in DIGITS:  # `三千五` is short for `三千五百`
        return read_han(numeral[:-1]) + DIGITS[numeral[-1]] * last // 10
    total = 0
    section = 0
    digit = 0
    for sign in numeral:
        if sign in DIGITS:
            digit = DIGITS[sign]
        elif sign in _PLACES:
            section += (digit or 1) * _PLACES[sign]
            digit = 0
        else:
            part = section + digit
            is_last = sign == "万" and total  # of `一亿二千万`; but `三万亿` multiplies
            total = total + part * 10**4 if is_last else (total + part) * _MYRIADS[sign]
            section = 0
            digit = 0
    return sp.Integer(total + section + digit)


def _read_part(word: str) -> int:
    """Return the denominator that a word names: 3 for `thirds`."""
    word = word.lower()
    return _PARTS.get(word) or _PARTS[word.removesuffix("s")]


def _read_english(words: str) -> int:
    total = 0
    section = 0
    for word in re.split(r"[\s-]+", words):
        if word == "and":
            continue
        if word in _ENGLISH:
            section += _ENGLISH[word]
        elif word == "hundred":
            section = (section or 1) * 100
        else:
            total += (section or 1) * _SCALES[word]
            section = 0
    return total + section
