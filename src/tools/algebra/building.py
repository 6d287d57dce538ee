"""Building of typed values from parts, and from SymPy objects."""

import re
from typing import Any

import sympy as sp

from .numerals import rationalize
from .values import Equation, Items, Matrix, Named, Quantity, Region, Value


def build_list(values: list[Value]) -> Value:
    """Return a list's value: a matrix of lists of numbers of the same length, else a collection."""
    rows = [value for value in values if isinstance(value, Items) and not value.ordered]
    widths = {len(row.items) for row in rows}
    if len(rows) == len(values) > 0 and len(widths) == 1 and len(values) + max(widths) > 2:
        numbers = [_list_numbers(row) for row in rows]
        if all(len(row) in widths for row in numbers):
            return Matrix(sp.ImmutableMatrix(numbers))
    return build_items(values, ordered=False)


def _list_numbers(row: Items) -> list[Any]:
    """Return the numbers without a unit in a row."""
    return [cell.number for cell in row.items if isinstance(cell, Quantity) and not cell.unit]


def build_items(values: list[Value], *, ordered: bool) -> Value:
    """Return several values as one: named ones by name, regions as a union, a single one itself."""
    if len(values) == 1:
        return values[0]
    if not values:
        return Region(sp.S.EmptySet)
    regions = [value.content for value in values if isinstance(value, Region)]
    if len(regions) == len(values) and not ordered:
        return Region(sp.Union(*regions))
    single = [value for value in values if isinstance(value, Named) and len(value.items) == 1]
    joined = _join_named(single) if len(single) == len(values) else None
    return Items(tuple(values), ordered) if joined is None else joined


def _join_named(single: list[Named]) -> Value | None:
    """Return values of one name each by their names, or as the solutions of one unknown (`x1` and
    `x2` are of `x`); None if some names are equal and others are not."""
    names = [re.sub(r"^x_?\d$", "x", value.items[0][0]) for value in single]
    contents = [value.items[0][1] for value in single]
    if len(set(names)) == len(names):
        return build_named(dict(zip(names, contents, strict=True)))
    if len(set(names)) == 1:
        return Named(((names[0], build_items(contents, ordered=False)),))
    return None


def build_named(items: dict[str, Value]) -> Value:
    """Return values by name."""
    return Named(tuple(sorted((name.strip(), value) for name, value in items.items())))


_SIDES = {
    sp.StrictGreaterThan: (True, False),
    sp.GreaterThan: (True, True),
    sp.StrictLessThan: (False, False),
    sp.LessThan: (False, True),
}
"""For each relation with zero: whether it holds of what is larger, and of zero."""


def type_relation(relation: Any) -> Value:
    """Return a relation's region if it has one unknown, else the relation itself."""
    relation = relation.xreplace({s: sp.Symbol(s.name) for s in relation.atoms(sp.Symbol)})
    if len(relation.free_symbols) == 1:
        return Region(find_set(relation))
    return Equation(relation)


def find_set(relation: Any) -> sp.Set:
    """Return the numbers for which a relation of one unknown holds.

    SymPy's own way takes long, and most relations are linear.
    """
    (unknown,) = relation.free_symbols
    if type(relation) not in _SIDES:
        return relation.as_set()
    slope, start = _take_line(relation.lhs - relation.rhs, unknown)
    if slope is None:
        return relation.as_set()
    end = -start / slope
    upwards, closed = _SIDES[type(relation)]
    if upwards == (slope > 0):
        return sp.Interval(end, sp.oo, left_open=not closed)
    return sp.Interval(-sp.oo, end, right_open=not closed)


def _take_line(expression: Any, unknown: Any) -> tuple[Any, Any]:
    """Return slope and value at zero of a line with rational ones; None for the slope of others."""
    line = sp.expand(expression)
    slope = line.coeff(unknown)
    start = line - slope * unknown
    rational = slope.is_Rational and start.is_Rational and slope != 0
    return (slope, start) if rational else (None, None)


def type_sympy(value: Any) -> Value:
    """Return the typed value of a SymPy object."""
    if isinstance(value, sp.MatrixBase):
        return Matrix(sp.ImmutableMatrix(value))
    value = value.xreplace({s: sp.Symbol(s.name) for s in value.atoms(sp.Symbol)})
    if isinstance(value, sp.FiniteSet):
        return build_items([type_sympy(item) for item in value.args], ordered=False)
    if isinstance(value, sp.Tuple):
        return build_items([type_sympy(item) for item in value.args], ordered=True)
    if isinstance(value, sp.Set):
        return Region(value)
    if isinstance(value, sp.Eq):
        return _type_equation(value)
    if isinstance(value, sp.And | sp.Or) and all(isinstance(arg, sp.Eq) for arg in value.args):
        arguments = sorted(value.args, key=sp.default_sort_key)
        return build_items([_type_equation(arg) for arg in arguments], ordered=False)
    if isinstance(value, sp.core.relational.Relational | sp.And | sp.Or):
        return type_relation(value)
    return Quantity(_simplify(value))


def _type_equation(value: Any) -> Value:
    if isinstance(value.rhs, sp.Set):
        return Region(value.rhs)
    left, right = value.lhs, value.rhs
    if right.is_Symbol and not left.is_Symbol:
        left, right = right, left
    if left.is_Symbol:
        return build_named({left.name: Quantity(_simplify(right))})
    return Equation(value)


def _simplify(value: Any) -> Any:
    floats = {number: rationalize(float(number)) for number in value.atoms(sp.Float)}
    value = value.xreplace(floats)
    return sp.simplify(value) if value.is_number and not value.is_Rational else value
