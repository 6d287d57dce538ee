"""Exact parsing, normalisation and comparison of answers.

This module runs *inside* the sandbox, next to the program whose result it examines: parsing an
answer evaluates text written by a model. `answers.py` is its caller on the outside; the entry
points take and return plain data, and the only import from this package is inlined there.
"""

import json
import logging
import re
import unicodedata
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sympy as sp
from sympy.parsing.sympy_parser import (
    convert_xor,
    implicit_multiplication_application,
    parse_expr,
    standard_transformations,
)
from sympy.printing.str import StrPrinter

from ..language.text import HAN

_TRANSFORMATIONS = (*standard_transformations, convert_xor, implicit_multiplication_application)
_FULL_WIDTH = str.maketrans("，；：（）＝＋－×÷·−–％＜＞", ",;:()=+-*/*--%<>")
_FUNCTIONS = frozenset(
    ("sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "log", "ln", "exp", "sqrt")
)

_QUANTITY = re.compile(
    rf"""^(?P<sign>-?)\s*[$¥€£]?\s*(?:(?P<whole>\d+)(?:\s+|又))?
    (?P<number>\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s*/\s*(?P<over>\d+))?\s*
    (?P<unit>%|°|(?:[A-Za-z]{{2,}}|[{HAN}]|(?<=\s)[A-Za-z]).*)?$""",
    re.VERBOSE,
)
_INTERVAL = re.compile(  # but `(1, 2)` is a pair and `[1, 2]` a list
    r"^(?=\[.*\)$|\(.*\]$|.*\boo\b)(?P<left>[\[(])(?P<start>[^,]+),(?P<end>[^,]+)(?P<right>[\])])$"
)
_TOKEN = re.compile(r"\d+\.?\d*|[A-Za-z]+|[-+*/^().]|<=|>=|[=<>≤≥]|\s+|\S")
_WORD = re.compile(r"(?<![.A-Za-z])[A-Za-z]{2,}|[^\x00-\x7f]+")
_RELATION = re.compile(r"<=|>=|[=<>≤≥]")
_DERIVED = re.compile(  # into something else: `the square of x`, `x 的平方`
    r"\b(?:squares?|cube|double|twice|half|triple|reciprocal|opposite|absolute value|digits)"
    r"(?: root)?(?: of)? [a-zA-Z]\b|[a-zA-Z] ?的(?!值|解|取值|大小)"
)
_RELATIONS = {"=": sp.Eq, "<": sp.Lt, ">": sp.Gt, "<=": sp.Le, ">=": sp.Ge, "≤": sp.Le, "≥": sp.Ge}


# --- reading -------------------------------------------------------------------------------------


def read_value(text: str) -> Any:
    """Return the value of a written answer: `15 km`, `6又3/7`, `x=2 or x=3`, LaTeX, SymPy."""
    text = text.strip().translate(_FULL_WIDTH).strip().rstrip(".。")
    text = re.sub(r"(?<=\d),(?=\d{3}(\D|$))", "", text)
    if re.fullmatch(r"(?i)无解|no (real )?solutions?|∅", text):
        return sp.S.EmptySet
    text = text.replace("∞", "oo").replace(r"\infty", "oo")
    if "∪" in text:
        return sp.Union(*(read_value(part) for part in text.split("∪")))
    if quantity := _QUANTITY.match(text):
        return _convert_quantity(quantity)
    if interval := _INTERVAL.match(text):
        ends = [_read_plain(interval["start"]), _read_plain(interval["end"])]
        return sp.Interval(*ends, interval["left"] == "(", interval["right"] == ")")
    if "\\" in text or ("^" in text and "{" in text):
        return _read_latex(text)
    alternatives = re.split(r"\s+or\s+|\s+and\s+|或者?|和|;", text)
    if len(alternatives) > 1:
        return normalise([read_value(part) for part in alternatives if part.strip()])
    return normalise(_read_plain(text))


def _convert_quantity(match: re.Match[str]) -> Any:
    value = sp.Rational(match["number"].replace(",", ""))
    if match["over"]:
        value /= int(match["over"])
    if match["whole"]:
        value += int(match["whole"])
    if (match["unit"] or "").startswith("%"):
        value /= 100
    return -value if match["sign"] else value


def _read_latex(text: str) -> Any:
    from math_verify import parse

    logging.disable()  # math-verify warns of the missing timeout; the sandbox is the timeout
    found = parse(f"${text.strip('$ ')}$", parsing_timeout=None)
    if not found or isinstance(found[0], str):
        raise ValueError(f"not a value: {text}")
    return normalise(found[0])


def _read_plain(text: str) -> Any:
    if text.count("=") == 1 and not re.search("[<>!]", text):
        left, right = text.split("=")
        if not left.strip().isidentifier():
            return parse_expr(right, transformations=_TRANSFORMATIONS)
        return sp.Eq(sp.Symbol(left.strip()), parse_expr(right, transformations=_TRANSFORMATIONS))
    if text.count("=") > 1 and "," in text:
        return [_read_plain(part) for part in text.split(",")]
    if any(not hasattr(sp, w) and w.lower() not in _FUNCTIONS for w in _WORD.findall(text)):
        raise ValueError(f"not a value: {text}")
    return parse_expr(text, transformations=_TRANSFORMATIONS)


# --- normalising ---------------------------------------------------------------------------------


def normalise(value: Any) -> Any:
    """Convert a program's result to an exact SymPy object in canonical form."""
    if value is None:
        raise ValueError("the program left no answer")
    if isinstance(value, str):
        return read_value(value)
    if isinstance(value, bool):
        return sp.true if value else sp.false
    if isinstance(value, float):
        return _rationalize(value)
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    if isinstance(value, Decimal):
        return sp.Rational(str(value))
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: str(item[0]))
        return _wrap_items(sp.Tuple, [sp.Eq(sp.sympify(k), normalise(v)) for k, v in items])
    if isinstance(value, set | frozenset):
        return _wrap_items(sp.FiniteSet, [normalise(item) for item in value])
    if isinstance(value, list):
        items = [normalise(item) for item in value]
        distinct = len(set(items)) == len(items)
        return _wrap_items(sp.FiniteSet if distinct else sp.Tuple, items)
    if isinstance(value, tuple | sp.Tuple):
        return _wrap_items(sp.Tuple, [normalise(item) for item in value])
    return _normalise_sympy(sp.sympify(value))


def _normalise_sympy(value: Any) -> Any:
    if isinstance(value, sp.Eq) and isinstance(value.rhs, sp.Set):
        return value.rhs
    # `x` with assumptions is not equal to `x` without.
    value = value.xreplace({s: sp.Symbol(s.name) for s in value.atoms(sp.Symbol)})
    if isinstance(value, sp.Float):
        return _rationalize(float(value))
    if isinstance(value, sp.FiniteSet):
        return _wrap_items(sp.FiniteSet, [normalise(item) for item in value.args])
    if isinstance(value, sp.Eq) and not value.lhs.is_Symbol and value.rhs.is_Symbol:
        return sp.Eq(value.rhs, normalise(value.lhs))
    if isinstance(value, sp.And | sp.Or) and all(isinstance(arg, sp.Eq) for arg in value.args):
        return normalise(list(value.args))
    if isinstance(value, sp.core.relational.Relational | sp.And | sp.Or) and not isinstance(
        value, sp.Eq
    ):
        return value.as_set() if len(value.free_symbols) == 1 else value
    if isinstance(value, sp.Expr):
        value = value.xreplace(
            {number: _rationalize(float(number)) for number in value.atoms(sp.Float)}
        )
        return sp.simplify(value) if value.is_number and not value.is_Rational else value
    return value


def _rationalize(number: float) -> Any:
    """Return the simple fraction that a float approximates, or else the float itself."""
    if number != number or number in (float("inf"), float("-inf")):
        return sp.sympify(number)
    simple = Fraction(number).limit_denominator(10**6)
    if abs(float(simple) - number) <= 1e-12 * max(1.0, abs(number)):
        return sp.Rational(simple.numerator, simple.denominator)
    return sp.Float(number)


def _wrap_items(container: Any, items: list[Any]) -> Any:
    if container is sp.FiniteSet and items and all(isinstance(item, sp.Set) for item in items):
        return sp.Union(*items)
    return items[0] if len(items) == 1 else container(*items)


# --- describing ----------------------------------------------------------------------------------


def describe(value: Any) -> dict[str, str | None]:
    """Format a value as the fields of `state.Answer`."""
    latex = sp.latex(value)
    if isinstance(value, sp.Tuple):
        latex = ",\\ ".join(sp.latex(item) for item in value)
    return {
        "exact": sp.sstr(value, full_prec=False),
        "text": _format_text(value),
        "latex": latex,
        "decimal": _format_decimal(value),
    }


def _format_text(value: Any) -> str:
    return str(_TextbookPrinter({"full_prec": False}).doprint(value)).replace("**", "^")


class _TextbookPrinter(StrPrinter):
    """SymPy's string printer with textbook notation."""

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

    def _print_Tuple(self, expr: Any) -> str:
        shown = ", ".join(self._print(item) for item in expr)
        return shown if all(isinstance(item, sp.Eq) for item in expr) else f"({shown})"


def _format_decimal(value: Any) -> Any:
    if isinstance(value, sp.FiniteSet | sp.Tuple):
        shown = [_format_decimal(item) or sp.sstr(item) for item in value.args]
        return ", ".join(shown) if any(_format_decimal(item) for item in value.args) else None
    if isinstance(value, sp.Eq):
        value = value.rhs
    if not (isinstance(value, sp.Expr) and value.is_number and value.is_real) or value.is_Integer:
        return None
    return sp.sstr(sp.N(value, 8), full_prec=False)


def build_outcome(namespace: dict[str, Any]) -> str:
    """Return a program's result as JSON: the described `answer`, and named values as `facts`."""
    value = namespace["answer"]
    facts = {}
    for name, item in namespace.items():
        if name == "answer" or name.startswith("_") or not _is_fact(item):
            continue
        facts[name] = sp.sstr(normalise(item), full_prec=False)[:200]
    return json.dumps({"answer": describe(normalise(value)), "facts": facts})


def _is_fact(item: Any) -> bool:
    if isinstance(item, list | tuple | set):
        return 0 < len(item) <= 12 and all(_is_fact(part) for part in item)
    if isinstance(item, sp.Basic):
        return not isinstance(item, sp.Symbol)
    return isinstance(item, int | float | Fraction | Decimal) and not isinstance(item, bool)


# --- comparing -----------------------------------------------------------------------------------


def is_same_answer(left: str, right: str, exact: bool = False) -> bool:
    """Return whether two written answers are equivalent.

    Names on the left of `=` and the order of solutions are ignored. Unless `exact`, a decimal
    of two or more places equals any value that rounds to it.
    """
    a, b = _strip_left_sides(read_value(left)), _strip_left_sides(read_value(right))
    if _is_same_value(a, b):
        return True
    percent = ("%" in left) != ("%" in right)
    if percent and a.is_number and b.is_number:
        return bool(a == b * 100 or b == a * 100)
    return not exact and _rounds_to(a, b)


def group_answers(answers: list[str]) -> list[int]:
    """Return a group number for each answer, equal for equivalent answers."""
    firsts: list[str] = []
    numbers = []
    for answer in answers:
        number = next(
            (n for n, first in enumerate(firsts) if is_same_answer(first, answer)), len(firsts)
        )
        if number == len(firsts):
            firsts.append(answer)
        numbers.append(number)
    return numbers


def find_broken_forms(answer: str, forms: list[str]) -> list[str]:
    """Return the forms that a real answer violates; none for answers that are not real numbers."""
    value = _strip_left_sides(read_value(answer))
    if not (isinstance(value, sp.Expr) and value.is_real):
        return []
    holds = {
        "whole": value.is_integer is not False,
        "non_negative": value.is_negative is not True,
    }
    return [form for form in forms if not holds[form]]


def _strip_left_sides(value: Any) -> Any:
    if isinstance(value, sp.Eq):
        return value.rhs
    if isinstance(value, sp.FiniteSet | sp.Tuple):
        return _wrap_items(type(value), [_strip_left_sides(item) for item in value.args])
    return value


def _is_same_value(a: Any, b: Any) -> bool:
    if a == b:
        return True
    several = sp.FiniteSet | sp.Tuple
    if isinstance(a, several) and isinstance(b, several):
        left, right = list(a.args), list(b.args)
        if len(left) != len(right):
            return False
        if isinstance(a, sp.Tuple) and isinstance(b, sp.Tuple):
            return all(_is_same_value(x, y) for x, y in zip(left, right, strict=True))
        return all(any(_is_same_value(x, y) for y in right) for x in left)
    if {type(a), type(b)} == {sp.Interval, sp.Tuple}:  # `(2, 3)` may be either
        a, b = (sp.Interval.open(*s.args[:2]) if isinstance(s, sp.Tuple) else s for s in (a, b))
    if isinstance(a, sp.Set) and isinstance(b, sp.Set):
        return bool(a.symmetric_difference(b) == sp.S.EmptySet)
    if isinstance(a, sp.Expr) and isinstance(b, sp.Expr):
        return _is_same_expression(a, b)
    return False


def _is_same_expression(a: Any, b: Any) -> bool:
    if a.is_Rational and b.is_Rational:
        return False
    if a.is_number and b.is_number and (a.has(sp.Float) or b.has(sp.Float)):
        return bool(abs(sp.N(a - b)) <= 1e-9 * max(1, abs(sp.N(a))))
    constants = [s for s in (a - b).free_symbols if s.name in ("C", "C1", "c", "c_1")]
    difference = sp.simplify((a - b).subs(dict.fromkeys(constants, 0)))
    return bool(difference == 0 or (constants and difference.is_number))


def _rounds_to(a: Any, b: Any) -> bool:
    """Return whether one value is the other rounded to two or more places."""
    for shown, real in ((a, b), (b, a)):
        if not (getattr(shown, "is_Rational", False) and getattr(real, "is_number", False)):
            continue
        places = next((n for n in range(2, 10) if (shown * 10**n).is_Integer), None)
        if (
            places
            and not (shown * 10).is_Integer
            and abs(sp.N(shown - real, 20)) * 10**places <= 0.5
        ):
            return True
    return False


# --- substituting back ---------------------------------------------------------------------------


def check_substitution(problem: str, answer: str) -> str | None:
    """Substitute the answer into the relations stated in the problem.

    Returns the relations that hold, or None if the check is inconclusive: no relation in the
    text, unknowns missing from the answer, an answer that is not the plain solution, or a
    problem that may ask for something derived from it.
    """
    relations = find_relations(problem)
    unknowns = sorted(set().union(*(r.free_symbols for r in relations)), key=str)
    if not relations or not unknowns or _speaks_of_more(problem, {str(u) for u in unknowns}):
        return None
    value = read_value(answer)
    if any(not isinstance(relation, sp.Eq) for relation in relations):
        return _check_inequalities(relations, unknowns, value)
    assignments = _build_assignments(value, unknowns)
    if not assignments or not all(
        sp.simplify(r.lhs.subs(a) - r.rhs.subs(a)) == 0 for a in assignments for r in relations
    ):
        return None
    expected = sp.solve(relations, unknowns, dict=True)
    if any(v.free_symbols for s in expected for v in s.values()):
        return None
    real = [s for s in expected if all(v.is_real for v in s.values())]
    if len(assignments) not in (len(expected), len(real)):
        return None
    return _format_relations(relations)


def _check_inequalities(relations: list[Any], unknowns: list[Any], value: Any) -> str | None:
    if len(unknowns) != 1 or not isinstance(value, sp.Set):
        return None
    solution = sp.reduce_inequalities(relations, unknowns).as_set()
    return _format_relations(relations) if _is_same_value(solution, value) else None


def _format_relations(relations: list[Any]) -> str:
    return ", ".join(_format_text(relation) for relation in relations)


def _build_assignments(value: Any, unknowns: list[Any]) -> list[dict[Any, Any]]:
    if isinstance(value, sp.FiniteSet) and not all(isinstance(v, sp.Eq) for v in value.args):
        return [a for item in value.args for a in _build_assignments(item, unknowns)]
    if isinstance(value, sp.FiniteSet) and len(unknowns) == 1:
        return [{equation.lhs: equation.rhs} for equation in value.args]
    items = list(value.args) if isinstance(value, sp.FiniteSet | sp.Tuple) else [value]
    if all(isinstance(item, sp.Eq) for item in items):
        given = {item.lhs: item.rhs for item in items}
        return [given] if set(given) == set(unknowns) else []
    if len(items) == len(unknowns) and all(isinstance(item, sp.Expr) for item in items):
        return [dict(zip(unknowns, items, strict=True))]
    return []


def find_relations(problem: str) -> list[Any]:
    """Find the equations and inequalities in a text, e.g. two in `若 2x+y=5 且 x-y=1，求 x, y`."""
    return [
        found for piece in _split_formulas(problem) if (found := _parse_relation(piece)) is not None
    ]


def _speaks_of_more(problem: str, unknowns: set[str]) -> bool:
    """Return whether a text mentions, outside its relations, expressions of unknowns: `3x - 2`."""
    rest = [piece for piece in _split_formulas(problem) if _parse_relation(piece) is None]
    named = [piece for piece in rest if unknowns & set(re.findall("[A-Za-z]", piece))]
    products = any(set(word) <= unknowns for word in re.findall("[A-Za-z]{2,}", problem))
    alone = all(piece.strip(" =()[]{}\\") in unknowns for piece in named)
    return products or not alone or _DERIVED.search(problem) is not None


def _split_formulas(problem: str) -> list[str]:
    """Split a text at its words and punctuation into formulas."""
    pieces: list[str] = [""]
    text = re.sub(r"\$|\\[()\[\]]", " ", problem.translate(_FULL_WIDTH)).replace("**", "^")
    for word in _TOKEN.findall(text.replace("²", "^2").replace("³", "^3")):
        prose = word.isascii() and word.isalpha() and len(word) > 1
        chinese = not word.isascii() and unicodedata.category(word[0]) in ("Lo", "Po", "Pi", "Pf")
        if (prose and word.lower() not in _FUNCTIONS) or chinese or word in ",;:?!\"'":
            pieces.append("")
        else:
            pieces[-1] += word
    return [piece.strip(" .") for piece in pieces]


def _parse_relation(piece: str) -> Any:
    signs = _RELATION.findall(piece)
    if len(signs) != 1:
        return None
    left, right = _RELATION.split(piece)
    try:
        sides = [parse_expr(side, transformations=_TRANSFORMATIONS) for side in (left, right)]
        relation = _RELATIONS[signs[0]](*sides)
    except Exception:
        return None
    return relation if getattr(relation, "free_symbols", None) else None
