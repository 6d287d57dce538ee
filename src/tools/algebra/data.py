"""Detection of made-up data: numbers of a program that the problem does not state."""

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import permutations
from typing import Any

import sympy as sp

from .latex import simplify
from .numerals import NUMBER, read_number

MAX_STATED = 1
"""Most numbers of a problem in which made-up data are looked for."""
LARGEST_COUNT = 12
"""Whole numbers up to this one count sides and months, where no money is asked for."""

_COMMON = frozenset(
    sp.Rational(number)
    for number in (
        *(0, 1, 2),
        *("1/2", "1/4", "3/4", "1/3", "2/3"),
        *(
            13,
            16,
            24,
            36,
            28,
            29,
            30,
            31,
            52,
            60,
            90,
            100,
            144,
            180,
            270,
            360,
            365,
            366,
            500,
            1000,
            1440,
        ),
        *(1760, 3600, 5280, 10_000, 86_400, 100_000, 1_000_000),
        *("3.14", "3.1416", "3.14159", "22/7", "9.8"),
    )
)
"""Conversion factors and constants that a program may know by itself."""


_NUMBER_MAKERS = frozenset(
    ("Fraction", "Decimal", "Rational", "Integer", "Float", "sympify", "S", "int", "float")
)
"""What makes a number of a string."""
_STARTS_WITH_NUMBER = re.compile(r"[$¥￥€£]?\s*\d")
_MONEY = re.compile(r"(?i)\b(?:pay|cost|price|spend|earn|discount|dollars?)|[付价钱元费]")


def find_made_up_numbers(program: str, problem: str) -> list[str]:
    """Return the literals of a program that neither stand in the problem nor follow from two of its
    numbers, and are no common constants, as text.

    Only a problem that states next to nothing is looked at: in others a model does sums in its
    head, and a literal of its own is no sign of made-up data.
    """
    stated = _read_numbers(problem)
    if len(stated) > MAX_STATED:
        return []
    allowed = _COMMON | stated | set(_derive(stated))
    of_money = _MONEY.search(problem) is not None
    unknown = [
        number
        for number in _list_literals(program)
        if number not in allowed and (of_money or not _is_count(number))
    ]
    return [sp.sstr(number) for number in dict.fromkeys(unknown)]


def _is_count(number: Any) -> bool:
    return bool(number.is_integer and number <= LARGEST_COUNT)


def _read_numbers(text: str) -> set[Any]:
    with suppress(ValueError):  # LaTeX that is not known
        text = simplify(text)
    found = set()
    for match in NUMBER.finditer(text):
        if match["han"] == "一" or (match["words"] or "").lower() == "one":
            continue  # `一些`, `one of them`
        try:
            value = abs(read_number(match))
        except ValueError:
            continue
        found |= {value, *(abs(sp.Rational(part)) for part in (value.p, value.q) if part != 1)}
    return found


def _derive(stated: set[Any]) -> Iterator[Any]:
    """Yield what a person computes in the head of one or two numbers."""
    for number in stated:
        yield from (number / 100, 100 - number, 1 - number / 100, 1 + number / 100, 100 + number)
        yield from (
            number * 100,
            number * 60,
            number * 1000,
            number / 1000,
            number / 10,
            1 - number,
        )
        if number:
            yield 1 / number
    for a, b in permutations(stated, 2):
        yield from (a + b, abs(a - b), a * b)
        if b:
            yield a / b


def _list_literals(program: str) -> Iterator[Any]:
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield abs(sp.Rational(str(node.value)))
        for text in _list_value_texts(node):
            yield from _read_numbers(text)


def _list_value_texts(node: ast.AST) -> Iterator[str]:
    """Yield the strings that a node takes for values: what a number is made of, `Fraction("3.5")`,
    and the answer, `answer = "3.5 dollars"`; other strings are names and labels."""
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
        name = called.id if isinstance(called, ast.Name) else called
        parts: list[ast.expr] = node.args if name in _NUMBER_MAKERS else []
    elif isinstance(node, ast.Assign):
        to_answer = any(isinstance(t, ast.Name) and t.id == "answer" for t in node.targets)
        parts = [node.value] if to_answer else []
    else:
        parts = []
    for part in parts:
        if isinstance(part, ast.Constant) and _STARTS_WITH_NUMBER.match(str(part.value)):
            yield str(part.value)
