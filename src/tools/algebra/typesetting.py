"""Values as LaTeX."""

import re

import sympy as sp

from .textbook import write_as_given, write_factors, write_text
from .values import Equation, Items, Matrix, Named, Quantity, Ratio, Region, Value

_SIGNS = {"%": "\\%", "°": "^{\\circ}"}
"""Units that follow their number without a space."""


def write_latex(value: Value) -> str:
    """Return a value as LaTeX."""
    match value:
        case Quantity():
            return _write_quantity(value)
        case Ratio():
            return ":".join(sp.latex(term) for term in value.terms)
        case Items():
            shown = ",\\ ".join(map(_write_item, value.items))
            return f"\\left({shown}\\right)" if value.ordered else f"\\left\\{{{shown}\\right\\}}"
        case Named():
            return write_factors(value).replace("×", "\\times") or _write_named(value)
        case Region():
            return str(sp.latex(value.content))
        case Equation():
            return str(sp.latex(value.relation))
        case Matrix():
            return str(sp.latex(value.rows, mat_delim="("))
    return _write_words(write_text(value))


def _write_item(value: Value) -> str:
    solution = isinstance(value, Named) and len(value.items) > 1
    return f"\\left({write_latex(value)}\\right)" if solution else write_latex(value)


def _write_quantity(value: Quantity) -> str:
    if value.shown:
        return _write_words(value.shown)
    number = write_as_given(value) or str(sp.latex(value.number))
    unit = value.unit.name if value.unit else value.label
    if not unit:
        return number
    return number + (_SIGNS.get(unit) or f"\\ {_write_words(unit)}")


def _write_named(value: Named) -> str:
    return ",\\ ".join(f"{_write_name(name)} = {write_latex(item)}" for name, item in value.items)


def _write_name(name: str) -> str:
    return name if len(name) == 1 else _write_words(name)


def _write_words(words: str) -> str:
    escaped = re.sub(r"([$%&#_])", r"\\\1", words)
    return f"\\text{{{escaped}}}"
