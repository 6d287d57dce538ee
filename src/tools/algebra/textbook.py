"""Values as a textbook prints them."""

from decimal import Decimal
from typing import Any

import sympy as sp
from sympy.printing.str import StrPrinter

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
    Truth,
    Value,
)

MAX_WHOLE_DIGITS = 15
"""Most zeros at the end of a number, or decimal places, before it is shown by its power of 10; and
most significant digits of a number so shown."""


def write_text(value: Value) -> str:
    """Return a value as a textbook prints it."""
    match value:
        case Quantity():
            return _write_quantity(value)
        case Ratio():
            return ":".join(_print(term) for term in value.terms)
        case Remainder():
            return f"{value.quotient} r {value.remainder}"
        case Date():
            return value.shown or _write_date(value)
        case Clock():
            return f"{value.minutes // 60}:{value.minutes % 60:02}"
        case Items():
            shown = ", ".join(map(_write_item, value.items))
            return f"({shown})" if value.ordered else f"{{{shown}}}"
        case Named():
            return write_factors(value) or _write_named(value)
        case Region():
            return _print(value.content)
        case Equation():
            return _print(value.relation)
        case Matrix():
            return str(sp.sstr(value.rows.tolist(), full_prec=False))
        case Truth():
            return "true" if value.holds else "false"
    return value.words


def _write_item(value: Value) -> str:
    """Return an item of a collection, a solution of several unknowns in brackets."""
    solution = isinstance(value, Named) and len(value.items) > 1
    return f"({write_text(value)})" if solution else write_text(value)


def _write_quantity(value: Quantity) -> str:
    if value.shown:
        return value.shown
    number = write_as_given(value) or _print(value.number)
    unit = value.unit.name if value.unit else value.label
    if not unit:
        return number
    joined = unit in "%‰°" or not unit[0].isascii()
    return f"{number}{unit}" if joined else f"{number} {unit}"


def write_as_given(value: Quantity) -> str:
    """Return a number that was given as a decimal as that decimal; empty for other numbers."""
    if not value.places or not value.number.is_Rational:
        return ""
    return f"{Decimal(int(value.number.p)) / int(value.number.q):.{value.places}f}"


def _write_date(value: Date) -> str:
    if not value.year:
        return f"{value.month}/{value.day}"
    day = f"-{value.day:02}" if value.day else ""
    return f"{value.year}-{value.month:02}{day}"


def _write_named(value: Named) -> str:
    return ", ".join(f"{name} = {write_text(item)}" for name, item in value.items)


def write_factors(value: Named) -> str:
    """Return a prime factorization, `2^2 × 3 × 5`; empty if the names are not primes."""
    if not all(name.isdigit() and sp.isprime(int(name)) for name, _ in value.items):
        return ""
    powers = sorted((int(name), write_text(item)) for name, item in value.items)
    return " × ".join(str(base) if power == "1" else f"{base}^{power}" for base, power in powers)


def _print(value: Any) -> str:
    return str(_TextbookPrinter({"full_prec": False}).doprint(value)).replace("**", "^")


class _TextbookPrinter(StrPrinter):
    """SymPy's string printer with textbook notation."""

    def _print_Rational(self, expr: Any) -> str:
        return _write_by_power(expr) or str(super()._print_Rational(expr))

    def _print_Integer(self, expr: Any) -> str:
        return _write_by_power(expr) or str(super()._print_Integer(expr))

    def _print_Infinity(self, expr: Any) -> str:
        return "∞"

    def _print_NegativeInfinity(self, expr: Any) -> str:
        return "-∞"

    def _print_EmptySet(self, expr: Any) -> str:
        return "∅"

    def _print_Interval(self, expr: Any) -> str:
        left = "(" if expr.left_open else "["
        right = ")" if expr.right_open else "]"
        return f"{left}{self._print(expr.start)}, {self._print(expr.end)}{right}"

    def _print_Union(self, expr: Any) -> str:
        return " ∪ ".join(self._print(part) for part in expr.args)

    def _print_Relational(self, expr: Any) -> str:
        if isinstance(expr, sp.Eq):
            return f"{self._print(expr.lhs)} = {self._print(expr.rhs)}"
        return str(super()._print_Relational(expr))


def _write_by_power(number: Any) -> str | None:
    """Return a very large or small decimal by its power of ten: `5.01 × 10^-27`; None if a number
    is no such decimal, or has too many digits."""
    power = _find_power(number)
    if power is None:
        return None
    significant = number.p * 10 ** max(-power, 0) // (number.q * 10 ** max(power, 0))
    digits = str(abs(significant))
    if len(digits) > MAX_WHOLE_DIGITS:
        return None
    sign = "-" if significant < 0 else ""
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail} × 10^{power + len(digits) - 1}"


def _find_power(number: Any) -> int | None:
    """Return the power of ten that a decimal is a whole multiple of; None if that is none far from
    zero, or the number no decimal."""
    if number.q == 1:
        zeros = _count_zeros(number.p)
        return zeros if zeros >= MAX_WHOLE_DIGITS else None
    twos = sp.multiplicity(2, number.q)
    fives = sp.multiplicity(5, number.q)
    places = int(max(twos, fives))
    is_decimal = number.q == 2**twos * 5**fives
    return -places if is_decimal and places >= MAX_WHOLE_DIGITS else None


def _count_zeros(whole: int) -> int:
    """Return how many zeros a whole number ends in; none for zero itself."""
    zeros = 0
    while whole and whole % 10 == 0:
        whole //= 10
        zeros += 1
    return zeros
