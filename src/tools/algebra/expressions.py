"""Expressions: `2*sqrt(3)`, `x^2 + 1`, and SymPy's own notation, with its sets and relations."""

import logging
import re
from typing import Any

import sympy as sp
from math_verify import parse
from sympy.parsing.sympy_parser import (
    convert_xor,
    implicit_multiplication_application,
    parse_expr,
    standard_transformations,
)

from ...language.text import HAN
from .building import type_sympy
from .numerals import NUMBER, read_number
from .values import Value

_TRANSFORMATIONS = (*standard_transformations, convert_xor, implicit_multiplication_application)

FUNCTIONS = frozenset(
    re.findall(
        r"\w+",
        """
        sin cos tan cot sec csc asin acos atan arcsin arccos arctan log ln lg exp sqrt abs pi oo
        alpha beta gamma theta lamda mu sigma phi omega
        """,
    )
)
"""Words of a formula: functions, constants and Greek letters, in lower case."""
_SYMPY_NAMES = frozenset(
    re.findall(
        r"\w+",
        """
        Eq Ne Lt Le Gt Ge And Or True False Contains
        Interval open Lopen Ropen Union Intersection Complement FiniteSet EmptySet
        Reals Integers Naturals Naturals0 Rationals ConditionSet ImageSet ProductSet Lambda
        Matrix MutableDenseMatrix ImmutableDenseMatrix ImmutableMatrix Tuple
        Rational Integer Float Symbol zoo nan
        Abs Mod re im root cbrt factorial binomial floor ceiling Max Min Piecewise
        """,
    )
)
_WORDS = re.compile(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}")
_WORD = re.compile(r"[A-Za-z]{3,}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_INDEX = re.compile(r"_?\d+$|_[A-Za-z]$")
_ATTRIBUTE = re.compile(r"\.\s*[A-Za-z_]")

_FOREIGN = re.compile(
    r"""
      //|\d%\d|\d\s*\|\s*\d|(?<!\|)\|\||(?<!\))(?<!\)\ )&|[~@`½]|\n
    | \d\s+\d+(?![\d/])|\.\d+\.|^\d+\s*-\s*\d+$
    | \d[lL]g|log_|\bmod\b
    | [\u4e00-\u9fff]{2}
    """,
    re.VERBOSE,
)
"""Python's operators, several numbers, ranges, and notations that mean something else to SymPy."""
TOO_LARGE = re.compile(
    r"""
      (?:\^|\*\*)\s*-?(?:\d{4,}|\d+\s*(?:\^|\*\*)|\([^()]*(?:\^|\*\*))
    | (?:\d{4,}|\))\s*!
    | (?:factorial|binomial)\([^()]*(?:\d{4,}|\^|\*\*)
    | exp\(\s*exp | \d[eE][-+]?\d{4,}
    """,
    re.VERBOSE,
)
"""Powers and factorials of more digits than can be computed, or shown."""

_LOGARITHM = re.compile(
    r"(?<![A-Za-z])(?:log_[({]?(?P<base>\d+|[a-z](?![a-z]))[)}]?|lg(?![a-z]))\s*"
    r"(?:\((?P<argument>(?:[^()]|\([^()]*\))*)\)|(?P<bare>\d+(?:\.\d+)?|[a-z](?![a-z(])))"
)
_DEGREES = re.compile(r"(\d+(?:\.\d+)?)\s*°")
_TRIGONOMETRIC = re.compile(r"(?:sin|cos|tan|cot|sec|csc)(?![a-z])")
_POWER_OF_FUNCTION = re.compile(r"(sin|cos|tan)\s*\^\s*(\d)\s*(\([^()]*\))")
_JOINED = re.compile(r"((?<![A-Za-z])(?:sin|cos|tan|cot|ln))(?=\d)")
_ARC_FUNCTION = re.compile(r"\b(?:arc)(sin|cos|tan)\b")
_REPEATING = re.compile(r"(\d*\.\d*)\((\d+)\)")
_MIXED_NUMBER = re.compile(r"(?<![\w.])(\d+)\s+(\d+)/(\d+)")
_PERCENTAGE = re.compile(r"(?<![\w.)])(\d+(?:\.\d+)?)%")
_ABSOLUTE = re.compile(r"\|([^|]*)\|")

_MEANINGS: dict[str, Any] = {
    **{letter: sp.Symbol(letter) for letter in ("C", "S", "N", "Q", "O", "beta", "gamma")},
    "e": sp.E,
    "E": sp.Symbol("E"),
    "i": sp.I,
    "lg": lambda x: sp.log(x, 10),
}
"""Names that mean something else to SymPy, or nothing."""

_FORMULA = re.compile(r"(?:\\[A-Za-z]+|[A-Za-z](?![A-Za-z])|[-\d\s^_{}()+*/.!|])+")


def read_expression(text: str) -> Value | None:
    """Read an expression, which has no Chinese words."""
    if re.search(rf"[{HAN}]", text):
        return None
    found = parse_expression(text)
    return None if found is None else type_sympy(found)


def parse_expression(text: str) -> Any:
    """Return the SymPy object that a text is.

    Raises:
        ValueError: it has words that are neither functions nor single letters.
        Exception: of any kind, as SymPy does on what it cannot parse.
    """
    text = _write_angles(write_logarithms(text))
    if not _is_formula(text) or _FOREIGN.search(text) or TOO_LARGE.search(text):
        raise ValueError(f"not a value: {text}")
    plain = _convert_to_sympy(text)
    if "°" in plain:
        raise ValueError(f"an angle, and no number: {text}")
    return parse_expr(plain, local_dict=dict(_MEANINGS), transformations=_TRANSFORMATIONS)


def write_logarithms(text: str) -> str:
    """Return a text whose logarithms to other bases are quotients of natural ones."""
    return _LOGARITHM.sub(_to_quotient, text)


def _write_angles(text: str) -> str:
    """Return a text whose degrees in trigonometric functions are multiples of pi."""
    if not _TRIGONOMETRIC.search(text):
        return text
    return _POWER_OF_FUNCTION.sub(r"(\1\3)^\2", _DEGREES.sub(r"(\1*pi/180)", text))


def _to_quotient(found: re.Match[str]) -> str:
    argument = found["argument"] or found["bare"]
    return f"(ln({argument})/ln({found['base'] or 10}))"


def _is_formula(text: str) -> bool:
    """Return whether a text has no other words than those of formulas, and no attributes, which
    would be Python."""
    if _WORDS.search(text) or _WORD.fullmatch(text):
        words = re.findall(r"[A-Za-z]{2,}", text)
        if not all(word in FUNCTIONS or word in _SYMPY_NAMES for word in words):
            return False
    if not all(map(_is_formula_name, _NAME.findall(text))):
        return False
    return _ATTRIBUTE.search(text.replace("Interval.", "")) is None


def _is_formula_name(name: str) -> bool:
    """Return whether a name is known or short: `sin`, `x_1`, `xy`, `abc`."""
    if "__" in name:
        return False
    bare = _INDEX.sub("", name)
    if len(bare) <= 2 or (len(bare) == 3 and bare.islower()):
        return True
    return bare.lower() in FUNCTIONS or bare in _SYMPY_NAMES


def _convert_to_sympy(text: str) -> str:
    """Return a formula with powers, percentages and the like as SymPy reads them."""
    text = text.replace("²", "^2").replace("³", "^3")
    text = _JOINED.sub(r"\1 ", text)
    text = _ARC_FUNCTION.sub(r"a\1", text)
    text = _REPEATING.sub(_repeat, text)
    text = _MIXED_NUMBER.sub(r"(\1+\2/\3)", text)
    text = _PERCENTAGE.sub(r"(\1/100)", text)
    unpaired = text.count("|") % 2 == 1
    return text.replace("|", "") if unpaired else _ABSOLUTE.sub(r"Abs(\1)", text)


def _repeat(found: re.Match[str]) -> str:
    number = NUMBER.fullmatch(found[0])
    return f"({read_number(number)})" if number else found[0]


def read_by_math_verify(text: str) -> Value | None:
    """Read a formula in LaTeX that the other readers do not know.

    math-verify takes out of a text whatever it can read, so it is given formulas only.
    """
    if not _FORMULA.fullmatch(text) or "circ" in text:  # which it drops
        return None
    logging.disable()  # math-verify warns of the missing timeout; the sandbox is the timeout
    try:
        found = parse(f"${text.strip('$ ')}$", parsing_timeout=None)
        return type_sympy(found[0]) if found and not isinstance(found[0], str) else None
    except Exception:  # SymPy raises anything on what it cannot handle
        return None
    finally:
        logging.disable(logging.NOTSET)
