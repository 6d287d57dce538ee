"""Typing of what a program leaves in `answer`: Python and SymPy objects."""

import datetime
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sympy as sp

from .building import build_items, build_list, build_named, rationalize, type_sympy
from .reading import read_value
from .units import find_unit
from .values import Date, Quantity, Truth, Value

MAX_PLACES = 8
"""Most decimal places of a number that a program has rounded."""
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
        return Quantity(_type_number(value), places=_count_places(value))
    if isinstance(value, datetime.date):
        return Date(value.year, value.month, value.day)
    if isinstance(value, datetime.timedelta):
        return Quantity(sp.Rational(str(value.total_seconds())), find_unit("s"))
    if isinstance(value, dict | list | tuple | set | frozenset):
        return _type_container(value)
    return type_sympy(sp.sympify(value))


def _count_places(value: Any) -> int | None:
    """Return the decimal places of a decimal that is short, and so perhaps rounded."""
    if not isinstance(value, float | Decimal):
        return None
    places = -int(Decimal(str(value)).as_tuple().exponent) if math.isfinite(value) else 0
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
