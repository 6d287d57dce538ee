"""Numbers, with a unit, a currency or what is counted; also remainders and ratios of numbers."""

import re
from dataclasses import replace
from typing import Any

import sympy as sp

from ...language.text import HAN
from .compounds import read_compound
from .expressions import parse_expression
from .labels import ASPECTS, MEASURE_WORDS, is_filler, read_label
from .numerals import NUMBER, count_places, read_number
from .units import Unit, find_unit, needs_space, split_unit
from .values import Quantity, Ratio, Remainder, Value

_MEASURED_EXPRESSION = re.compile(rf"(.*(?:pi(?:\s*/\s*\d+)?|\)))\s*([A-Za-z{HAN}°].*)")
_CURRENCY = re.compile(r"(-?)\s*(US\$|[$¥€£]|RMB|USD|CNY|EUR|GBP)\s*(?=[\d.-])")
_REMAINDER = re.compile(
    r"""
      (-?\d+)\s*,?\s*
      (?:remainder|rem\.?|r\.?|with\ (?:a\ )?remainder(?:\ of)?|余数?(?:是|为)?|商?\.{3,})
      \s*(\d+)
    | 商(?:是|为)?\s*(\d+)\s*,?\s*余数?(?:是|为)?\s*(\d+)
    | quotient:?\ (\d+),?\ (?:and\ )?remainder:?\ (\d+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_RATIO_SIGN = re.compile(r"\s*(?::|比|\bto\b)\s*")
_RATIO_TERM = re.compile(r"[\dsqrt()*+/^. ]+")
MAX_TERMS = 6
"""Most terms of a ratio."""


def read_quantity(text: str) -> Value | None:
    """Read `15 km`, `$5`, `75%`, `3又1/2`, `23 chickens`, `5元3角`, `3 h 25 min`, `2pi cm`."""
    measured = _MEASURED_EXPRESSION.fullmatch(text)
    if measured:
        return _read_measured_expression(measured[1], measured[2])
    currency = _CURRENCY.match(text)
    if currency:
        return _read_money(text, currency)
    number = NUMBER.match(text)
    return _read_counted(text, number) if number else None


def _read_measured_expression(expression: str, name: str) -> Value | None:
    unit = find_unit(name)
    if unit is None:
        return None
    number = parse_expression(expression)
    return Quantity(number, unit) if number.is_number else None


def _read_money(text: str, currency: re.Match[str]) -> Value | None:
    """Read a quantity whose currency stands first."""
    rest = re.sub(r"(?i)\s*(?:each|apiece)$", "", text[currency.end() :].strip())
    per = re.search(r"\s*(?:/|\bper\b|\ba\b)\s*([A-Za-z]+)$", rest)
    amount = NUMBER.fullmatch(currency[1] + (rest[: per.start()] if per else rest))
    unit = find_unit(f"{currency[2]}/{per[1]}" if per else currency[2])
    if amount is None or unit is None:
        return None
    return Quantity(read_number(amount), unit, places=count_places(amount), shown=text)


def _read_counted(text: str, found: re.Match[str]) -> Value | None:
    """Read a number, and what follows it as a unit or as what is counted."""
    number = read_number(found)
    rest = text[found.end() :]
    if not rest.strip():
        percentage = found["percent"] is not None
        unit = find_unit("%") if percentage else None
        return Quantity(number * 100 if percentage else number, unit, places=count_places(found))
    if rest[0] in "+*^=<>|!" or (rest[0] == "/" and not rest[1:2].isalpha()):
        return None
    compound = read_compound(text)
    if compound is not None:
        return compound
    named = _attach_name(number, rest, in_chinese=found["han"] is not None)
    return replace(named, places=count_places(found)) if named else None


def _attach_name(number: Any, rest: str, *, in_chinese: bool) -> Quantity | None:
    """Return a number with the unit or the label that follows it; None if it is neither."""
    rest = re.sub(r"^\s*\(([^()]*)\)$", r" \1", rest)
    name = rest.strip()
    adjacent = not rest.startswith(" ")
    unit, after = _read_unit(name)
    if unit and adjacent and needs_space(unit.name):
        return None
    if unit and (is_filler(after) or after in ASPECTS):
        return Quantity(number, unit, ASPECTS.get(after, ""))
    if unit and not unit.dimension and unit.factor > 1:  # `2 dozen eggs`
        counted = read_label(after)
        return None if counted is None else Quantity(number * unit.factor, label=counted)
    if adjacent and name.isascii() and len(name) <= 3:
        return None  # `2xy` is a product
    label = read_label(name)
    if label is None or (in_chinese and name[0] not in MEASURE_WORDS):
        return None
    return Quantity(number, label=label)


def _read_unit(name: str) -> tuple[Unit | None, str]:
    """Return the unit that a text is or starts with, and the rest of the text."""
    whole = find_unit(name)
    return split_unit(name) if whole is None else (whole, "")


def read_remainder(text: str) -> Value | None:
    """Read `3余2`, `3 r 2`, `quotient: 3, remainder: 2`."""
    found = _REMAINDER.fullmatch(text)
    if found is None:
        return None
    quotient, remainder = (group for group in found.groups() if group is not None)
    return Remainder(sp.Integer(quotient), sp.Integer(remainder))


def read_ratio(text: str) -> Value | None:
    """Read `3:2`, `3比2`, `1:2:sqrt(3)`."""
    parts = _RATIO_SIGN.split(text)
    if not 2 <= len(parts) <= MAX_TERMS:
        return None
    terms = [_read_term(part) for part in parts]
    return None if None in terms else Ratio(tuple(terms))


def _read_term(text: str) -> Any:
    """Return the value of a ratio's term; None if it is neither a number nor roots of numbers."""
    found = NUMBER.fullmatch(text)
    if found:
        return read_number(found)
    return parse_expression(text) if _RATIO_TERM.fullmatch(text) else None
