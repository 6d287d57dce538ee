"""Description of typed values: kind, exact value, decimal, and as a person reads them."""

from typing import Any

import sympy as sp

from .textbook import write_as_given, write_text
from .typesetting import write_latex
from .values import (
    Clock,
    Date,
    Equation,
    Items,
    Matrix,
    Named,
    Quantity,
    Ratio,
    Region,
    Remainder,
    Text,
    Truth,
    Value,
)

DECIMAL_DIGITS = 8

_KINDS = {
    Ratio: "ratio",
    Remainder: "remainder",
    Date: "date",
    Clock: "time",
    Named: "named",
    Region: "set",
    Equation: "equation",
    Matrix: "matrix",
    Truth: "truth",
    Text: "text",
}


def describe(value: Value) -> dict[str, Any]:
    """Return a value as the fields of `state.Answer`."""
    return {
        "kind": tell_kind(value),
        "exact": write_exact(value),
        "text": write_text(value),
        "latex": write_latex(value),
        "decimal": write_decimal(value),
        "unit": _name_unit(value),
        "places": value.places if isinstance(value, Quantity) else None,
    }


def tell_kind(value: Value) -> str:
    """Return the name of a value's type."""
    if isinstance(value, Items):
        return "tuple" if value.ordered else "collection"
    if isinstance(value, Quantity):
        return _tell_kind_of_quantity(value)
    return _KINDS[type(value)]


def _tell_kind_of_quantity(value: Quantity) -> str:
    if value.is_percentage:
        return "percentage"
    if value.number.free_symbols:
        return "expression"
    return "quantity" if value.unit or value.label else "number"


def _name_unit(value: Value) -> str | None:
    if isinstance(value, Quantity):
        return value.unit.name if value.unit else value.label or None
    return None


# --- exact ---------------------------------------------------------------------------------------


def write_exact(value: Value) -> str:
    """Return a value so that it can be read again, numbers as SymPy writes them.

    A quantity's unit is left out where it is the whole answer, as it has a field of its own.
    """
    return _print(value.number) if isinstance(value, Quantity) else write_whole(value)


def write_whole(value: Value) -> str:
    """Return a value with its unit so that it can be read again, decimals as decimals."""
    match value:
        case Quantity():
            return _write_quantity(value)
        case Items():
            shown = ", ".join(map(write_whole, value.items))
            return f"({shown})" if value.ordered else f"{{{shown}}}"
        case Named():
            return _write_named(value)
        case Region():
            return _print(value.content)
        case Equation():
            return _print(value.relation)
        case Matrix():
            return f"Matrix({_print(value.rows.tolist())})"
    return write_text(value)


def _write_quantity(value: Quantity) -> str:
    number = write_as_given(value) or _print(value.number)
    unit = _name_unit(value)
    if unit is None:
        return number
    return f"{number} {unit}" if value.number.is_Rational else f"({number}) {unit}"


def _write_named(value: Named) -> str:
    """Return numbers of unknowns as equations, other values by name as a dict."""
    letters = all(len(name) == 1 and name.isascii() and name.isalpha() for name, _ in value.items)
    bare = all(_is_bare(item) for _, item in value.items)
    if not letters or not bare:
        entries = [f"{name!r}: {write_whole(item)}" for name, item in value.items]
        return f"{{{', '.join(entries)}}}"
    equations = [f"Eq({name}, {write_whole(item)})" for name, item in value.items]
    return equations[0] if len(equations) == 1 else f"({', '.join(equations)})"


def _is_bare(value: Value) -> bool:
    """Return whether a value is a number that SymPy's notation keeps as it was given."""
    return isinstance(value, Quantity) and not (_name_unit(value) or write_as_given(value))


def _print(content: Any) -> str:
    return str(sp.sstr(content, full_prec=False))


# --- decimals ------------------------------------------------------------------------------------


def write_decimal(value: Value) -> str | None:
    """Return the decimal of a number that is not whole and not shown as one, or of several if any
    is such; or None."""
    if isinstance(value, Quantity):
        return _write_decimal_number(value)
    if isinstance(value, Items):
        return _write_decimals(value.items)
    if isinstance(value, Named):
        items = tuple(item for _, item in value.items)
        return write_decimal(items[0]) if len(items) == 1 else _write_decimals(items)
    return None


def _write_decimals(items: tuple[Value, ...]) -> str | None:
    """Return several values in a row, as decimals where they are not whole."""
    decimals = [write_decimal(item) for item in items]
    if not any(decimals):
        return None
    shown = [decimal or write_text(item) for item, decimal in zip(items, decimals, strict=True)]
    return ", ".join(shown)


def _write_decimal_number(value: Quantity) -> str | None:
    number = value.number
    if (
        value.shown
        or write_as_given(value)
        or not number.is_number
        or not number.is_real
        or number.is_Integer
    ):
        return None
    return _print(sp.N(number, DECIMAL_DIGITS))
