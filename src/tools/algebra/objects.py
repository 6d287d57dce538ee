"""Typing of what a program leaves in `answer`: Python and SymPy objects."""

import datetime
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sympy as sp

from .building import build_items, build_list, build_named, type_sympy
from .numerals import FLOAT_DIGITS, MAX_PLACES, rationalize
from .reading import read_value
from .units import find_unit
from .values import Date, Quantity, Truth, Value

MAX_ITEMS = 200
"""Most items of a collection."""


def type_object(value: Any) -> Value:
    """Return the typed value of a program's result.

    Raises:
        ValueError: there is no answer, or it has too many parts.
    """
    if value is None:
        raise ValueError("the program left no answer")
    if isinstance(value, str):
        return read_value(value)
    if isinstance(value, bool | sp.logic.boolalg.BooleanAtom):
        return Truth(bool(value))
    if isinstance(value, int | float | complex | Fraction | Decimal):
        number = _type_number(value)
        return Quantity(number, places=_count_places(value, number))
    if isinstance(value, datetime.date):
        return Date(value.year, value.month, value.day)
    if isinstance(value, datetime.timedelta):
        return _type_duration(value)
    if isinstance(value, dict | list | tuple | set | frozenset):
        return _type_container(value)
    return type_sympy(sp.sympify(value))


def _type_duration(value: datetime.timedelta) -> Value:
    """Return a duration in the units that a person would say it in: `2 h 30 min`."""
    total = sp.Rational(value // datetime.timedelta(microseconds=1), 10**6)
    rest = abs(total)
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60)):
        whole, rest = divmod(rest, size)
        parts += [f"{whole} {name}"] if whole else []
    parts += [f"{float(rest):g} s"] if rest or not parts else []
    shown = " ".join(parts)
    return Quantity(total, find_unit("s")) if total < 0 else read_value(shown)


def _count_places(value: Any, number: Any) -> int | None:
    """Return the decimal places of a decimal that is short, and so perhaps rounded; of one with the
    noise of floats, those of what it stands for."""
    if not isinstance(value, float | Decimal) or not math.isfinite(value) or value == int(value):
        return None
    written = str(value)
    if len(written) > FLOAT_DIGITS and number.is_Rational:
        written = str(float(number))
    places = -int(Decimal(written).as_tuple().exponent)
    return places if 0 < places <= MAX_PLACES else None


def _type_number(value: Any) -> Any:
    if isinstance(value, float):
        return rationalize(value)
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    if isinstance(value, Decimal):
        return sp.Rational(str(value))
    return sp.sympify(value)


def _type_container(value: Any) -> Value:
    if len(value) > MAX_ITEMS:
        raise ValueError(f"the answer has more than {MAX_ITEMS} parts")
    if isinstance(value, dict):
        return build_named({str(name): type_object(item) for name, item in value.items()})
    if isinstance(value, set | frozenset):
        return build_items(sorted(map(type_object, value), key=repr), ordered=False)
    items = [type_object(item) for item in value]
    return build_list(items) if isinstance(value, list) else build_items(items, ordered=True)
