"""Quantities of several units of one kind: `3 h 25 min`, `5元3角`, `1米20厘米`."""

import re
from typing import Any

import sympy as sp

from ...language.text import HAN
from .numerals import NUMBER, read_number
from .units import Unit, find_unit
from .values import Quantity

_FAMILIES = ("time", "months", "length", "mass", "yuan", "dollar", "sterling", "angle")
"""Kinds of units that are used side by side."""
_GAP = re.compile(r"\s*(?:,|and|又|零)?\s*")
_UNIT = re.compile(rf"[°'\"]|[A-Za-z]+|[{HAN}]+?(?=\d|\s|零|$)")
_MINUTES_AND_SECONDS = re.compile(r"分\s*\d+(?:\.\d+)?秒")


def read_compound(text: str) -> Quantity | None:
    """Return a quantity of at least two units, the larger ones first, in the smallest unit."""
    total = sp.Integer(0)
    units: list[Unit] = []
    place = 0
    while place < len(text):
        step = _read_step(text, place, units)
        if step is None:
            return None
        number, unit, place = step
        total += number * unit.factor
        units.append(unit)
    if len(units) < 2 or units[0].dimension[0][0] not in _FAMILIES:
        return None
    return Quantity(total / units[-1].factor, units[-1], shown=text)


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
    gap = _GAP.match(text, end)
    return read_number(found), unit, gap.end() if gap else end


def _is_smaller(unit: Unit, before: Unit) -> bool:
    return unit.dimension == before.dimension and bool(unit.factor < before.factor)


def _read_unit(rest: str, before: list[Unit]) -> tuple[Unit | None, int]:
    """Return the unit that a text starts with, and its length.

    `分` is of time after hours and before seconds, and of money after yuan.
    """
    if before and rest.startswith("分") and not rest.startswith(("分米", "分钟")):
        name = _name_fen(before[0])
        return (find_unit(name), 1) if name else (None, 0)
    if _MINUTES_AND_SECONDS.match(rest):
        return find_unit("分钟"), 1
    found = _UNIT.match(rest)
    unit = find_unit(found[0]) if found else None
    return (unit, len(found[0])) if found and unit else (None, 0)


def _name_fen(largest: Unit) -> str | None:
    """Return the name of the unit that `分` is after a larger one."""
    family = largest.dimension[0][0] if largest.dimension else ""
    return {"time": "分钟", "yuan": "fen"}.get(family)
