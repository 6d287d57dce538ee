"""Comparison of typed values: each type with its own kind; what is not understood differs."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from ...language.text import HAN
from ..measures import Dimension
from .labels import ASPECTS, MEASURE_WORDS
from .units import Unit, find_unit, is_same_noun
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
_TEMPERATURES: tuple[Dimension, ...] = ((("celsius", 1),), (("fahrenheit", 1),))
_HOUR = re.compile(r"(?:1?\d|2[0-3])时(?:[0-5]?\d)分")
_POINTS = (sp.Rational(7, 11), sp.Rational(-13, 5), sp.Rational(29, 17))
_ANY_NAME = frozenset(("answer", "ans", "result", "total", "答案", "结果", "总数", "总计", "共"))
"""Names that say nothing of a value."""


def is_same_value(a: Value, b: Value, *, rounded: bool = False, strict: bool = False) -> bool:
    """Return whether two values are equal, as answers to one question.

    What one of them leaves out is taken from the other: `5` equals `5 cm` and `x = 5`, but those
    do not equal `5 kg` and `y = 5`. So this is no equivalence relation across types; `group_values`
    therefore asks every pair of a group.

    Args:
        rounded: a decimal of two or more places also equals what rounds to it, but no other
            decimal.
        strict: a number without a unit differs from one with a unit, and a pair or list from an
            interval, which makes this an equivalence relation within a type.
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
            a, b = self._as_region(a, b), self._as_region(b, a)
        if isinstance(a, Equation) != isinstance(b, Equation):
            a, b = _as_equation(a), _as_equation(b)
        if isinstance(a, Ratio) or isinstance(b, Ratio):
            a, b = _as_ratio(a), _as_ratio(b)
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
                return self._same_named(a, b)
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
                degrees = not self._strict and _are_degrees(a.unit, b.unit)
                return degrees and self._same_number(a, b)
            if a.label != b.label and (self._strict or (a.label and b.label)):
                return False  # `5 cm long` and `5 cm wide`
            return self._same_number(a, _convert(b, a.unit)) or self._same_number(
                _convert(a, b.unit), b
            )
        if a.label and b.label:
            alike = _count_the_same(a.label, b.label)
            return alike and self._same_number(a, b)
        if (a.unit or a.label) and (b.unit or b.label):
            return False
        known, bare = (a, b) if a.unit or a.label else (b, a)
        if known.unit and not known.unit.dimension:  # a percentage or a dozen
            share = replace(bare, number=bare.number / known.unit.factor)
            fraction = replace(known, number=known.canonical)
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
        if not self._rounded or (a.places and b.places):
            return False
        return _rounds_to(b.number, a) or _rounds_to(a.number, b)

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

    def _same_named(self, a: Named, b: Named) -> bool:
        rest = list(b.items)
        for name, value in a.items:
            found = next((item for item in rest if _is_same_name(name, item[0])), None)
            if found is None or not self.holds(value, found[1]):
                return False
            rest.remove(found)
        return not rest

    def _as_region(self, value: Value, other: Value) -> Value:
        """Return a pair as the interval that it may be, and a finite set as a set."""
        if not isinstance(value, Items):
            if isinstance(value, Quantity) and not value.unit and not value.label:
                return Region(sp.FiniteSet(value.number))
            return value
        ends = [item.number for item in value.items if isinstance(item, Quantity)]
        if len(ends) < len(value.items):
            return value
        finite = isinstance(other, Region) and isinstance(other.content, sp.FiniteSet)
        if value.ordered or (value.square and not finite):
            real = len(ends) == 2 and all(end.is_number and end.is_real for end in ends)
            build = sp.Interval.open if value.ordered else sp.Interval
            return Region(build(*ends)) if real and not self._strict else value
        return Region(sp.FiniteSet(*ends))


def _convert(value: Quantity, unit: Unit) -> Quantity:
    return replace(value, number=value.canonical / unit.factor)


def _are_degrees(a: Unit, b: Unit) -> bool:
    """Return whether one of two units is a degree that may be one of temperature: `零下5度`."""
    names = {unit.name.lower().rstrip("s") for unit in (a, b)}
    temperatures = [unit.dimension for unit in (a, b) if unit.dimension in _TEMPERATURES]
    return len(temperatures) == 1 and bool(names & {"度", "degree"})


def _count_the_same(a: str, b: str) -> bool:
    """Return whether two labels count the same: `个` may stand for `个苹果`, but not for `本`."""
    left = normalise_name(a)
    right = normalise_name(b)
    if left and right:
        return is_same_noun(left, right)
    return a[0] == b[0] or a == right or b == left


def _is_undefined(value: Value) -> bool:
    """Return whether a value is a division by zero, which is equal to nothing."""
    return isinstance(value, Quantity) and bool(value.number.has(sp.zoo, sp.nan))


def _is_same_name(a: str, b: str) -> bool:
    left, right = normalise_name(a), normalise_name(b)
    return is_same_noun(left, right) or ASPECTS.get(left, left) == ASPECTS.get(right, right)


def normalise_name(name: str) -> str:
    """Return a name as it is compared: single letters as they are, words in lower case, Chinese
    nouns without their measure word, and nothing of a measure word alone."""
    if name in MEASURE_WORDS:
        return ""
    if len(name) == 1:
        return name
    if indexed := re.fullmatch(r"([A-Za-z])_?(\d)", name):
        return indexed[1] + indexed[2]
    bare = re.sub(rf"^[{MEASURE_WORDS}](?=[{HAN}])", "", name.replace("_", " "))
    return " ".join(bare.lower().split())


def _unname(value: Value, other: Value) -> Value:
    """Return the value of a single name that the other side does not have to share: `x = 5` equals
    `5` and `total = 5`, but not `y = 5`, and `profit = 5` not `loss = 5`."""
    if not (isinstance(value, Named) and len(value.items) == 1) or isinstance(other, Equation):
        return value
    name, content = value.items[0]
    if isinstance(other, Quantity) and other.unit and other.label:
        return content if ASPECTS.get(normalise_name(name), other.label) == other.label else value
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


def _as_pair(value: Value) -> Value:
    """Return a quotient and remainder as the pair that a program gives."""
    if isinstance(value, Remainder):
        return Items((Quantity(value.quotient), Quantity(value.remainder)), ordered=True)
    return value


def _as_clock(value: Value) -> Value:
    """Return `15:25` and `15时30分`, which are read as ratio and duration, as a time of day."""
    if isinstance(value, Ratio) and len(value.terms) == 2:
        hours, minutes = value.terms
        if hours.is_Integer and minutes.is_Integer and 0 <= hours < 24 and 10 <= minutes < 60:
            return Clock(int(60 * hours + minutes))
    if isinstance(value, Quantity) and _HOUR.fullmatch(value.shown):
        return Clock(int(value.canonical / 60))
    return value


def _as_ratio(value: Value) -> Value:
    """Return `4:10`, which is read as a time of day, as a ratio."""
    if isinstance(value, Clock) and value.in_digits and value.minutes % 60:
        return Ratio((sp.Integer(value.minutes // 60), sp.Integer(value.minutes % 60)))
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
    difference = sp.expand(left - right)
    if difference == 0:
        return True
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
    """Return a group number for each value. All values of a group are equal to one another; one
    that is equal to several groups, as `5` is to `x = 5` and `y = 5`, is in the first."""
    groups: list[list[Value]] = []
    numbers = []
    for value in values:
        number = next(
            (
                place
                for place, group in enumerate(groups)
                if all(is_same_value(member, value, rounded=rounded) for member in group)
            ),
            len(groups),
        )
        if number == len(groups):
            groups.append([])
        groups[number].append(value)
        numbers.append(number)
    return numbers
