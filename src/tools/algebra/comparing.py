"""Comparison of typed values: each type with its own kind; what is not understood differs."""

import re
from collections.abc import Sequence
from typing import Any

import sympy as sp

from ...language.text import HAN
from .labels import MEASURE_WORDS
from .units import Dimension, find_unit, singular
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
from .words import normalise_words

_CONSTANTS = ("C", "C1", "C_1")
"""Names of a constant of integration."""
_POINTS = (sp.Rational(7, 11), sp.Rational(-13, 5), sp.Rational(29, 17))
_ANY_NAME = frozenset(("answer", "ans", "result", "total", "答案", "结果", "总数", "总计", "共"))
"""Names that say nothing of a value."""


def is_same_value(a: Value, b: Value, *, rounded: bool = False, strict: bool = False) -> bool:
    """Return whether two values are equal.

    Args:
        rounded: a decimal of two or more places also equals what rounds to it.
        strict: a number without a unit differs from one with a unit, which makes this an
            equivalence relation.
    """
    return _Comparison(rounded=rounded, strict=strict).holds(a, b)


class _Comparison:
    """One way to compare."""

    def __init__(self, *, rounded: bool, strict: bool) -> None:
        self._rounded = rounded
        self._strict = strict

    def holds(self, a: Value, b: Value) -> bool:
        """Return whether two values are equal in this way."""
        if _is_undefined(a) or _is_undefined(b):
            return False
        if a == b:
            return True
        a, b = _unname(a, b), _unname(b, a)
        if (isinstance(a, Items) and isinstance(b, Named)) or (
            isinstance(b, Items) and isinstance(a, Named)
        ):
            a, b = _align(a), _align(b)
        a, b = _multiply_out(a, b), _multiply_out(b, a)
        if isinstance(a, Remainder) != isinstance(b, Remainder):
            a, b = _as_pair(a), _as_pair(b)
        if isinstance(a, Region) != isinstance(b, Region):
            a, b = _as_region(a), _as_region(b)
        if isinstance(a, Equation) != isinstance(b, Equation):
            a, b = _as_equation(a), _as_equation(b)
        if isinstance(a, Clock) != isinstance(b, Clock):
            a, b = _as_clock(a), _as_clock(b)
        return type(a) is type(b) and self._holds(a, b)

    def _holds(self, a: Any, b: Any) -> bool:
        match a:
            case Quantity():
                return self._same_quantity(a, b)
            case Ratio():
                return _same_ratio(a.terms, b.terms)
            case Items():
                return self._same_items(a, b)
            case Named():
                left, right = _by_key(a), _by_key(b)
                same = left.keys() == right.keys()
                return same and all(self.holds(left[key], right[key]) for key in left)
            case Region():
                return _same_region(a.content, b.content)
            case Equation():
                return _same_equation(a.relation, b.relation)
            case Matrix():
                return a.rows.shape == b.rows.shape and _is_zero_everywhere(a.rows - b.rows)
            case Text():
                return normalise_words(a.words) == normalise_words(b.words)
            case Remainder() | Date() | Clock() | Truth():
                return bool(a == b)
        return False

    def _same_quantity(self, a: Quantity, b: Quantity) -> bool:
        if bool(a.number.free_symbols) != bool(b.number.free_symbols):
            return self._same_formula(a, b)
        if a.unit and b.unit:
            if a.unit.dimension != b.unit.dimension:
                return False
            in_unit_of_a = self._same_number(a, Quantity(b.canonical / a.unit.factor))
            return in_unit_of_a or self._same_number(b, Quantity(a.canonical / b.unit.factor))
        if a.label and b.label:
            alike = _count_the_same(a.label, b.label)
            return alike and self._same_number(a, b)
        if (a.unit or a.label) and (b.unit or b.label):
            return False
        known, bare = (a, b) if a.unit or a.label else (b, a)
        if known.unit and not known.unit.dimension:  # a percentage or a dozen
            share = Quantity(bare.number / known.unit.factor)
            fraction = Quantity(known.canonical)
            return self._same_number(known, share) or self._same_number(bare, fraction)
        if self._strict and (known.unit or known.label):
            return False
        return self._same_number(known, bare) or self._same_angle(known, bare)

    def _same_formula(self, a: Quantity, b: Quantity) -> bool:
        """Compare what has unknowns with what has none: `sin(x)^2 + cos(x)^2` and `1`."""
        if a.unit or b.unit or a.label or b.label:
            return _is_variable_for_unit(a, b) or _is_variable_for_unit(b, a)
        return same_expression(a.number, b.number)

    def _same_angle(self, known: Quantity, bare: Quantity) -> bool:
        """Compare an angle with a multiple of pi."""
        angle: Dimension = (("angle", 1),)
        if known.unit is None or known.unit.dimension != angle or not bare.number.has(sp.pi):
            return False
        return same_expression(known.canonical * sp.pi / 180, bare.number)

    def _same_number(self, a: Quantity, b: Quantity) -> bool:
        if same_expression(a.number, b.number):
            return True
        return self._rounded and (_rounds_to(b.number, a) or _rounds_to(a.number, b))

    def _same_items(self, a: Items, b: Items) -> bool:
        if len(a.items) != len(b.items) or a.ordered != b.ordered:
            return False
        if a.ordered:
            return all(self.holds(x, y) for x, y in zip(a.items, b.items, strict=True))
        left = list(b.items)
        for item in a.items:
            found = next(
                (place for place, other in enumerate(left) if self.holds(item, other)), None
            )
            if found is None:
                return False
            del left[found]
        return True


def _count_the_same(a: str, b: str) -> bool:
    """Return whether two labels count the same: `个` may stand for `个苹果`, but not for `本`."""
    left = normalise_name(a)
    right = normalise_name(b)
    if left and right:
        return left == right
    return a[0] == b[0] or a == right or b == left


def _is_undefined(value: Value) -> bool:
    """Return whether a value is a division by zero, which is equal to nothing."""
    return isinstance(value, Quantity) and bool(value.number.has(sp.zoo, sp.nan))


def _by_key(value: Named) -> dict[str, Value]:
    return {normalise_name(name): item for name, item in value.items}


def normalise_name(name: str) -> str:
    """Return a name as a key: single letters as they are, words in the singular, Chinese nouns
    without their measure word, and nothing of a measure word alone."""
    if name in MEASURE_WORDS:
        return ""
    if len(name) == 1:
        return name
    bare = re.sub(rf"^[{MEASURE_WORDS}](?=[{HAN}])", "", name.replace("_", " "))
    return " ".join(singular(word) for word in bare.lower().split())


def _unname(value: Value, other: Value) -> Value:
    """Return the value of a single name that the other side does not have to share: `x = 5` equals
    `5` and `total = 5`, but not `y = 5`, and `profit = 5` not `loss = 5`."""
    if not (isinstance(value, Named) and len(value.items) == 1) or isinstance(other, Equation):
        return value
    name, content = value.items[0]
    if not isinstance(other, Named):
        return content
    if len(other.items) != 1:
        return value
    names = {normalise_name(name), normalise_name(other.items[0][0])}
    lengths = {min(len(each), 2) for each in names}
    return content if names & _ANY_NAME or lengths == {1, 2} else value


def _align(value: Value) -> Value:
    """Return single-letter values as the tuple in their alphabetical order."""
    if isinstance(value, Named) and all(
        len(name) == 1 and name.isascii() for name, _ in value.items
    ):
        return Items(tuple(item for _, item in value.items), ordered=True)
    return value


def _multiply_out(value: Value, other: Value) -> Value:
    """Return the number of a prime factorization that is compared with a number."""
    if not (isinstance(value, Named) and isinstance(other, Quantity)):
        return value
    powers = [(name, item.number) for name, item in value.items if isinstance(item, Quantity)]
    if len(powers) < len(value.items) or not all(name.isdigit() for name, _ in powers):
        return value
    return Quantity(sp.prod([sp.Integer(name) ** power for name, power in powers]))


def _as_region(value: Value) -> Value:
    """Return a pair as the open interval that it may be, and a finite set as a set."""
    if isinstance(value, Items) and value.ordered and len(value.items) == 2:
        ends = [item.number for item in value.items if isinstance(item, Quantity)]
        real = len(ends) == 2 and all(end.is_number and end.is_real for end in ends)
        return Region(sp.Interval.open(*ends)) if real else value
    if isinstance(value, Items) and not value.ordered:
        numbers = [item.number for item in value.items if isinstance(item, Quantity)]
        return Region(sp.FiniteSet(*numbers)) if len(numbers) == len(value.items) else value
    if isinstance(value, Quantity) and not value.unit and not value.label:
        return Region(sp.FiniteSet(value.number))
    return value


def _as_pair(value: Value) -> Value:
    """Return a quotient and remainder as the pair that a program gives."""
    if isinstance(value, Remainder):
        return Items((Quantity(value.quotient), Quantity(value.remainder)), ordered=True)
    return value


def _as_clock(value: Value) -> Value:
    """Return `15:30`, which is read as a ratio, as a time of day."""
    if isinstance(value, Ratio) and len(value.terms) == 2:
        hours, minutes = value.terms
        if hours.is_Integer and minutes.is_Integer and 0 <= hours < 24 and 10 <= minutes < 60:
            return Clock(int(60 * hours + minutes))
    return value


def _as_equation(value: Value) -> Value:
    """Return `y = 2x + 1` as an equation."""
    if isinstance(value, Named) and len(value.items) == 1:
        name, content = value.items[0]
        if len(name) == 1 and isinstance(content, Quantity):
            return Equation(sp.Eq(sp.Symbol(name), content.number, evaluate=False))
    return value


def _is_variable_for_unit(expression: Quantity, measured: Quantity) -> bool:
    """Return whether `5*m` and `5 m` are the same."""
    symbols = expression.number.free_symbols
    if measured.unit is None or expression.unit or len(symbols) != 1:
        return False
    (symbol,) = symbols
    same_number = bool(expression.number == measured.number * symbol)
    unit = find_unit(symbol.name)
    same_unit = unit is not None and unit[1:] == measured.unit[1:]
    return same_number and same_unit


def _same_ratio(a: Sequence[Any], b: Sequence[Any]) -> bool:
    if len(a) != len(b):
        return False
    pairs = [(a[i] * b[0], b[i] * a[0]) for i in range(1, len(a))]
    return all(same_expression(left, right) for left, right in pairs)


def _same_region(a: sp.Set, b: sp.Set) -> bool:
    if a == b:
        return True
    try:
        return bool(a.symmetric_difference(b) == sp.S.EmptySet)
    except (TypeError, ValueError, NotImplementedError):
        return False


def _same_equation(a: Any, b: Any) -> bool:
    """Return whether two equations have the same solutions as they are multiples of each other."""
    if type(a) is not type(b):
        return False
    left, right = a.lhs - a.rhs, b.lhs - b.rhs
    if left.free_symbols != right.free_symbols or right == 0:
        return False
    factor = sp.cancel(sp.together(left / right))
    if not isinstance(a, sp.Eq):
        return bool(factor.is_positive)
    return bool(factor.is_number and factor != 0)


def _is_zero_everywhere(matrix: Any) -> bool:
    return all(same_expression(cell, sp.Integer(0)) for cell in matrix)


def same_expression(a: Any, b: Any) -> bool:
    """Return whether two expressions are equal for all values of their unknowns, up to a constant
    of integration."""
    if a == b:
        return True
    if a.is_Rational and b.is_Rational:
        return False
    if a.is_number and b.is_number:
        return _same_real(a, b)
    left, right = _strip_constant(a), _strip_constant(b)
    constant = left is not a or right is not b
    difference = left - right
    if not constant and _differs_somewhere(difference):
        return False
    difference = sp.simplify(difference)
    return bool(difference == 0 or (constant and difference.is_number))


def _strip_constant(expression: Any) -> Any:
    """Return an antiderivative without its constant of integration."""
    if not isinstance(expression, sp.Add):
        return expression
    for term in expression.args:
        rest = expression - term
        others = {symbol.name for symbol in rest.free_symbols}
        if not term.is_Symbol or term in rest.free_symbols or not others:
            continue
        if term.name in _CONSTANTS or (term.name == "c" and others <= {"x", "t"}):
            return rest
    return expression


def _same_real(a: Any, b: Any) -> bool:
    if a.has(sp.Float) or b.has(sp.Float):
        return bool(abs(sp.N(a - b)) <= 1e-9 * max(abs(sp.N(a)), abs(sp.N(b))))
    if abs(sp.N(a - b, 30)) > sp.Float("1e-20") * (1 + abs(sp.N(a, 30))):
        return False
    return bool(sp.simplify(a - b) == 0)


def _differs_somewhere(difference: Any) -> bool:
    """Return whether an expression is clearly not zero at some point."""
    for point in _POINTS:
        values = {
            s: point + place for place, s in enumerate(sorted(difference.free_symbols, key=str))
        }
        found = sp.N(difference.subs(values), 20)
        if found.is_number and found.is_finite and abs(found) > 1e-9:
            return True
    return False


def _rounds_to(number: Any, decimal: Quantity) -> bool:
    """Return whether a number is the one that a decimal of two or more places was rounded from."""
    if not decimal.places or decimal.places < 2 or not (number.is_number and number.is_real):
        return False
    return bool(abs(sp.N(decimal.number - number, 20)) * 10**decimal.places <= sp.Rational(1, 2))


def group_values(values: Sequence[Value], *, rounded: bool = True) -> list[int]:
    """Return a group number for each value, equal for equal values."""
    firsts: list[Value] = []
    numbers = []
    for value in values:
        same = (n for n, first in enumerate(firsts) if is_same_value(first, value, rounded=rounded))
        number = next(same, len(firsts))
        if number == len(firsts):
            firsts.append(value)
        numbers.append(number)
    return numbers
