"""Showing of typed values: exactly, as a textbook writes them, as LaTeX, as a decimal."""

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
    Text,
    Truth,
    Value,
)

MAX_WHOLE_DIGITS = 15
"""Digits of a number above which, if it ends in zeros or is tiny, it is shown by its power of 10."""

_KINDS = {
    Quantity: "number",
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
        if value.is_percentage:
            return "percentage"
        if value.number.free_symbols:
            return "expression"
        return "quantity" if value.unit or value.label else "number"
    return _KINDS[type(value)]


def _name_unit(value: Value) -> str | None:
    if isinstance(value, Quantity):
        return value.unit.name if value.unit else value.label or None
    return None


# --- exact ---------------------------------------------------------------------------------------


def write_exact(value: Value) -> str:
    """Return a value so that it can be read again, numbers as SymPy writes them.

    A quantity's unit is left out where it is the whole answer, as it has a field of its own.
    """
    if isinstance(value, Quantity):
        return sp.sstr(value.number, full_prec=False)
    return _write_whole(value)


def write_whole(value: Value) -> str:
    """Return a value with its unit so that it can be read again."""
    return _write_whole(value)


def _write_whole(value: Value) -> str:
    match value:
        case Quantity(unit=None, label=""):
            return sp.sstr(value.number, full_prec=False)
        case Quantity():
            return f"{_wrap(value.number)} {value.unit.name if value.unit else value.label}"
        case Items():
            shown = ", ".join(map(_write_whole, value.items))
            return f"({shown})" if value.ordered else f"{{{shown}}}"
        case Named():
            return _write_named(value)
        case Region():
            return sp.sstr(value.content, full_prec=False)
        case Equation():
            return sp.sstr(value.relation, full_prec=False)
        case Matrix():
            return f"Matrix({sp.sstr(value.rows.tolist(), full_prec=False)})"
    return write_text(value)


def _wrap(number: Any) -> str:
    shown = sp.sstr(number, full_prec=False)
    return shown if number.is_Rational else f"({shown})"


def _write_named(value: Named) -> str:
    letters = all(len(name) == 1 and name.isascii() and name.isalpha() for name, _ in value.items)
    plain = all(isinstance(item, Quantity) and not _name_unit(item) for _, item in value.items)
    if not letters or not plain:
        several = [f"{name!r}: {_write_whole(item)}" for name, item in value.items]
        return f"{{{', '.join(several)}}}"
    pairs = [f"Eq({name}, {_write_whole(item)})" for name, item in value.items]
    return pairs[0] if len(pairs) == 1 else f"({', '.join(pairs)})"


# --- text ----------------------------------------------------------------------------------------


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
            return _write_date(value)
        case Clock():
            return f"{value.minutes // 60}:{value.minutes % 60:02}"
        case Items():
            shown = ", ".join(map(write_text, value.items))
            return f"({shown})" if value.ordered else f"{{{shown}}}"
        case Named():
            if factors := _write_factors(value):
                return factors
            return ", ".join(_write_pair(name, item) for name, item in value.items)
        case Region():
            return _print(value.content)
        case Equation():
            return _print(value.relation)
        case Matrix():
            return str(sp.sstr(value.rows.tolist(), full_prec=False))
        case Truth():
            return "true" if value.holds else "false"
    return value.words


def _write_quantity(value: Quantity) -> str:
    if value.shown:
        return value.shown
    number = _print(value.number)
    unit = value.unit.name if value.unit else value.label
    if not unit:
        return number
    joined = unit in "%‰°" or not unit[0].isascii()
    return f"{number}{unit}" if joined else f"{number} {unit}"


def _write_pair(name: str, item: Value) -> str:
    return f"{name} = {write_text(item)}"


def _write_factors(value: Named) -> str:
    """Return a prime factorization, `2^2 × 3 × 5`; empty if the names are not primes."""
    if not all(name.isdigit() and sp.isprime(int(name)) for name, _ in value.items):
        return ""
    powers = sorted((int(name), write_text(item)) for name, item in value.items)
    return " × ".join(f"{base}^{power}" if power != "1" else str(base) for base, power in powers)


def _write_date(value: Date) -> str:
    month_and_day = f"{value.month:02}-{value.day:02}" if value.day else f"{value.month:02}"
    return f"{value.year}-{month_and_day}" if value.year else f"{value.month}/{value.day}"


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
        left, right = "(" if expr.left_open else "[", ")" if expr.right_open else "]"
        return f"{left}{self._print(expr.start)}, {self._print(expr.end)}{right}"

    def _print_Union(self, expr: Any) -> str:
        return " ∪ ".join(self._print(part) for part in expr.args)

    def _print_Relational(self, expr: Any) -> str:
        if isinstance(expr, sp.Eq):
            return f"{self._print(expr.lhs)} = {self._print(expr.rhs)}"
        return str(super()._print_Relational(expr))


def _write_by_power(number: Any) -> str | None:
    """Return a very large or small decimal by its power of ten: `5.01 × 10^-27`."""
    significant, power = number.p, 0
    if number.q == 1:
        while significant and significant % 10 == 0:
            significant //= 10
            power += 1
        if power < MAX_WHOLE_DIGITS:
            return None
    else:
        twos, fives = sp.multiplicity(2, number.q), sp.multiplicity(5, number.q)
        if number.q != 2**twos * 5**fives or max(twos, fives) < MAX_WHOLE_DIGITS:
            return None
        power = -max(twos, fives)
        significant = number.p * 10**-power // number.q
    digits = str(abs(significant))
    if len(digits) > MAX_WHOLE_DIGITS:
        return None
    sign = "-" if significant < 0 else ""
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail} × 10^{power + len(digits) - 1}"


# --- LaTeX and decimals --------------------------------------------------------------------------


def write_latex(value: Value) -> str:
    """Return a value as LaTeX."""
    match value:
        case Quantity():
            return _write_latex_quantity(value)
        case Ratio():
            return ":".join(sp.latex(term) for term in value.terms)
        case Items():
            shown = ",\\ ".join(map(write_latex, value.items))
            return f"\\left({shown}\\right)" if value.ordered else f"\\left\\{{{shown}\\right\\}}"
        case Named():
            if factors := _write_factors(value):
                return factors.replace("×", "\\times")
            return ",\\ ".join(f"{_name(name)} = {write_latex(item)}" for name, item in value.items)
        case Region():
            return str(sp.latex(value.content))
        case Equation():
            return str(sp.latex(value.relation))
        case Matrix():
            return str(sp.latex(value.rows, mat_delim="("))
    return f"\\text{{{write_text(value)}}}"


def _name(name: str) -> str:
    return name if len(name) == 1 else f"\\text{{{name}}}"


def _write_latex_quantity(value: Quantity) -> str:
    if value.shown:
        return f"\\text{{{value.shown}}}"
    number = sp.latex(value.number)
    unit = value.unit.name if value.unit else value.label
    if not unit:
        return str(number)
    if unit in ("%", "°"):
        return f"{number}{ {'%': chr(92) + '%', '°': '^{' + chr(92) + 'circ}'}[unit] }"
    return f"{number}\\ \\text{{{unit}}}"


def write_decimal(value: Value) -> str | None:
    """Return a decimal of a number that is not whole, or of several of which one is not; or None."""
    if isinstance(value, Items):
        shown = [write_decimal(item) or write_text(item) for item in value.items]
        return ", ".join(shown) if any(map(write_decimal, value.items)) else None
    if isinstance(value, Named):
        decimals = [(name, write_decimal(item)) for name, item in value.items]
        if len(decimals) == 1:
            return decimals[0][1]
        shown = [
            decimal or write_text(item)
            for (_, item), (_, decimal) in zip(value.items, decimals, strict=True)
        ]
        return ", ".join(shown) if any(decimal for _, decimal in decimals) else None
    if not isinstance(value, Quantity) or value.shown:
        return None
    number = value.number
    if not (number.is_number and number.is_real) or number.is_Integer:
        return None
    return str(sp.sstr(sp.N(number, 8), full_prec=False))
