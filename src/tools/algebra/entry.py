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
