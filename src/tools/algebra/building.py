"""Building of typed values from parts, and from SymPy objects."""

import re
from fractions import Fraction
from typing import Any

import sympy as sp

from .values import Equation, Items, Matrix, Named, Quantity, Region, Value


def build_list(values: list[Value]) -> Value:
    """Return a list's value: a matrix of lists of numbers of the same length, else a collection."""
    rows = [value for value in values if isinstance(value, Items) and not value.ordered]
    widths = {len(row.items) for row in rows}
    if len(rows) == len(values) > 1 and len(widths) == 1:
        cells = [item for row in rows for item in row.items]
        if all(isinstance(cell, Quantity) and not cell.unit for cell in cells):
            numbers = [[cell.number for cell in row.items] for row in rows]  # type: ignore[union-attr]
            return Matrix(sp.ImmutableMatrix(numbers))
    return build_items(values, ordered=False)


def build_items(values: list[Value], *, ordered: bool) -> Value:
    """Return several values as one: named ones by name, regions as a union, a single one itself."""
    if len(values) == 1:
        return values[0]
    if not values:
        return Region(sp.S.EmptySet)
    if all(isinstance(value, Region) for value in values) and not ordered:
        return Region(sp.Union(*(value.content for value in values)))  # type: ignore[union-attr]
    if all(isinstance(value, Named) and len(value.items) == 1 for value in values):
        pairs = [value.items[0] for value in values if isinstance(value, Named)]
        names = [re.sub(r"^x_?\d$", "x", name) for name, _ in pairs]
        if len(set(names)) == len(names):
            return build_named(dict(zip(names, (v for _, v in pairs), strict=True)))
        if len(set(names)) == 1:  # the solutions of one unknown
            return Named(((names[0], build_items([value for _, value in pairs], ordered=False)),))
    return Items(tuple(values), ordered)


def build_named(items: dict[str, Value]) -> Value:
    """Return values by name."""
    return Named(tuple(sorted((name.strip(), value) for name, value in items.items())))


def type_relation(relation: Any) -> Value:
    """Return a relation's region if it has one unknown, else the relation itself."""
    relation = relation.xreplace({s: sp.Symbol(s.name) for s in relation.atoms(sp.Symbol)})
    if len(relation.free_symbols) == 1:
        return Region(relation.as_set())
    return Equation(relation)


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
    short = len(re.sub(r"e.*|[-.]", "", written).strip("0")) < 12
    return (
        sp.Rational(written)
        if short and abs(float(written) / number - 1) < 1e-14
        else sp.Float(number)
    )
