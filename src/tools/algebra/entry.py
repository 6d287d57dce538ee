"""What `tools/answers.py` calls in the sandbox: plain data in, plain data out."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sympy as sp

from .asking import fit_value, list_broken_forms, list_forms, read_question
from .comparing import group_values, is_same_value
from .data import find_made_up_numbers as find_made_up_numbers
from .objects import type_object
from .reading import read_value
from .showing import describe, write_whole
from .substitution import find_held_relations
from .values import Text, Value

MAX_FACT_CHARS = 200

_WARMING_PAIRS = (
    ("30 students", "thirty pupils"),
    ("(x - 2)(x + 3)", "x^2 + x - 6"),
    ("x = 2, y = 3", "(2, 3)"),
    ("x1 = 2, x2 = 3", "{3, 2}"),
    (r"\frac{1}{2} + \sqrt{8}", "1/2 + 2*sqrt(2)"),
    ("3小时25分", "205分钟"),
    ("x < 3 or x > 5", "(-oo, 3) ∪ (5, oo)"),
    ("Interval.open(4, oo)", "Eq(3*x - y - 1, 0)"),
    ("75%", "3/4"),
    ("3:2", "3余2"),
    ("2024-05-01", "下午3点"),
    ("[[1, 2], [3, 4]]", "{'a': 3}"),
    ("$5/kg", "五分之三"),
    ("36π cm²", "sin(x)^2"),
)
"""Answers of every type."""


def warm_up() -> None:
    """Compare answers of every type, as SymPy fills caches on first use, and put one back."""
    for left, right in _WARMING_PAIRS:
        compare_answers(left, right)
    check_substitution("Solve x^2 - 5x + 6 = 0 and x > 2.", "x = 3")
    fit_answer("What is the area of a square with sides of 3 cm?", "9")


def build_outcome(namespace: dict[str, Any]) -> str:
    """Return a program's result as JSON: the described `answer`, and named values as `facts`."""
    facts = {}
    for name, item in namespace.items():
        if name == "answer" or name.startswith("_") or not _is_fact(item):
            continue
        facts[name] = write_whole(type_object(item))[:MAX_FACT_CHARS]
    answer = describe(type_object(namespace["answer"]))
    return json.dumps({"answer": answer, "facts": facts})


def _is_fact(item: Any) -> bool:
    if isinstance(item, list | tuple | set):
        return 0 < len(item) <= 12 and all(_is_fact(part) for part in item)
    if isinstance(item, sp.Basic):
        return not isinstance(item, sp.Symbol)
    return isinstance(item, int | float | Fraction | Decimal) and not isinstance(item, bool)


def describe_answer(text: str, *, words: bool = True) -> dict[str, Any] | None:
    """Return a written answer, described; None if it is only words and those are not wanted."""
    value = read_value(text)
    return None if isinstance(value, Text) and not words else describe(value)


def compare_answers(left: str, right: str, *, exact: bool = False) -> bool:
    """Return whether two written answers are equal; unless `exact`, up to rounding."""
    if left.strip() == right.strip():
        return bool(left.strip())
    return is_same_value(_read(left), _read(right), rounded=not exact)


def _read(text: str) -> Value:
    """Read an answer; one that is empty or too large is text, and equal only to itself."""
    try:
        return read_value(text)
    except ValueError:
        return Text(text)


def group_answers(answers: list[str]) -> list[int]:
    """Return a group number for each written answer, equal for equal answers."""
    return group_values([_read(answer) for answer in answers])


def fit_answer(problem: str, answer: str) -> dict[str, Any] | None:
    """Return an answer as the problem asks for it, with its unit; None if it is no answer to it."""
    value = fit_value(read_value(answer), read_question(problem))
    return describe(value) if value is not None else None


def find_broken_forms(problem: str, answer: str, forms: list[str]) -> tuple[list[str], list[str]]:
    """Return the forms that an answer is held to, those given and the problem's, and those that it
    violates."""
    asked = read_question(problem)
    return list_forms(asked, forms), list_broken_forms(read_value(answer), asked, forms)


def check_substitution(problem: str, answer: str) -> str | None:
    """Return the problem's relations that hold for the answer, or None if that is inconclusive."""
    return find_held_relations(problem, read_value(answer))
