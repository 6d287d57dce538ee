"""Quantities of several units of one kind, and as they are said: `3 h 25 min`, `一米七五`."""

import re
from typing import Any

import sympy as sp

from ...language.text import HAN
from .numerals import DIGITS, NUMBER, read_number
from .units import Unit, find_unit
from .values import Quantity

_FAMILIES = ("time", "months", "length", "mass", "yuan", "dollar", "sterling", "angle")
"""Kinds of units that are used side by side."""
_GAP = re.compile(r"\s*(?:,|and|又|零)?\s*")
_UNIT = re.compile(r"[°'\"]|[A-Za-z]+")
_HAN_UNIT = re.compile(rf"[{HAN}]{{1,5}}")
_MINUTES_AND_SECONDS = re.compile(r"(?:分|m)\s*\d+(?:\.\d+)?\s*(?:秒|s)")
_DECIMAL_FAMILIES = ("length", "mass", "yuan")
"""Kinds of units after which bare digits are the next decimal places: `三块五`."""
_TAIL = re.compile(rf"半|\d+|[{''.join(DIGITS)}]+")


def read_compound(text: str) -> Quantity | None:
    """Return a quantity of at least two units, the larger ones first, or of one unit and what is
    said after it, in the smallest unit."""
    total = sp.Integer(0)
    units: list[Unit] = []
    place = 0
    tail = None
    while place < len(text) and tail is None:
        step = _read_step(text, place, units)
        if step is None:
            return None
        number, unit, place = step
        total += number * unit.factor
        units.append(unit)
        tail = _read_tail(text[place:], unit)
        place = _skip_gap(text, place)
    total += (tail or 0) * units[-1].factor
    if (
        (len(units) < 2 and tail is None)
        or not units[0].dimension
        or units[0].dimension[0][0] not in _FAMILIES
    ):
        return None
    return Quantity(total / units[-1].factor, units[-1], shown=text)


def _read_tail(text: str, unit: Unit) -> Any:
    """Return what the end of a spoken quantity adds, in its last unit: `半`, or decimal places;
    None if there is nothing of the kind."""
    found = _TAIL.fullmatch(text)
    family = unit.dimension[0][0] if unit.dimension else ""
    if found is None or (text != "半" and (family not in _DECIMAL_FAMILIES or unit.name.isascii())):
        return None
    if text == "半":
        return sp.Rational(1, 2)
    digits = "".join(str(DIGITS.get(sign, sign)) for sign in text)
    return sp.Rational(int(digits), 10 ** len(digits))


def _skip_gap(text: str, place: int) -> int:
    gap = _GAP.match(text, place)
    return gap.end() if gap else place


def _read_step(text: str, place: int, before: list[Unit]) -> tuple[Any, Unit, int] | None:
    """Return the number and the unit at a place, and the place after them."""
    found = NUMBER.match(text, place)
    if found is None or (before and found["sign"]):
        return None
    rest = text[found.end() :].lstrip()
    unit, length = _read_unit(rest, before)
    if unit is None or (before and not _is_smaller(unit, before[-1])):
        return None
    end = len(text) - len(rest) + length
    return read_number(found), unit, end


def _is_smaller(unit: Unit, before: Unit) -> bool:
    return unit.dimension == before.dimension and bool(unit.factor < before.factor)


def _read_unit(rest: str, before: list[Unit]) -> tuple[Unit | None, int]:
    """Return the unit that a text starts with, and its length.

    `分` is of time after hours and before seconds, and of money after yuan.
    """
    if before and re.match(r"m(?![A-Za-z])", rest) and before[0].dimension == (("time", 1),):
        return find_unit("min"), 1
    if before and rest.startswith("分") and not rest.startswith(("分米", "分钟")):
        name = _name_fen(before[0])
        return (find_unit(name), 1) if name else (None, 0)
    if _MINUTES_AND_SECONDS.match(rest):
        return find_unit("分钟"), 1
    if han := _HAN_UNIT.match(rest):
        return _read_han_unit(rest, han.end())
    found = _UNIT.match(rest)
    unit = find_unit(found[0]) if found else None
    return (unit, len(found[0])) if found and unit else (None, 0)


def _read_han_unit(rest: str, longest: int) -> tuple[Unit | None, int]:
    """Return the longest Chinese unit that a text starts with, before a number or the end."""
    for length in range(longest, 0, -1):
        unit = find_unit(rest[:length])
        after = rest[_skip_gap(rest, length) :]
        if unit and (not after or _TAIL.fullmatch(after) or NUMBER.match(after)):
            return unit, length
    return None, 0


def _name_fen(largest: Unit) -> str | None:
    """Return the name of the unit that `分` is after a larger one."""
    family = largest.dimension[0][0] if largest.dimension else ""
    return {"time": "分钟", "yuan": "fen"}.get(family)
