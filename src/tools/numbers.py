"""The numbers of a text: models invent them, and one that is known from nowhere is not shown."""

import re
from fractions import Fraction

LARGEST_ORDINAL = 10
"""Small whole numbers count steps and cases; they are not taken for results."""
MAX_DIGITS = 1000
"""Longer numbers are told apart by so many; Python reads at most 4300, slowly."""

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def unknown_numbers(text: str, known: str) -> set[Fraction]:
    """The numbers of a text that occur neither in the known text nor as a percentage of it."""
    values = extract_numbers(known)
    allowed = values | {v / 100 for v in values} | {v * 100 for v in values}
    return {v for v in extract_numbers(text) - allowed if v > LARGEST_ORDINAL or v.denominator != 1}


def extract_numbers(text: str) -> set[Fraction]:
    """The numbers written in a text, without their signs."""
    return {Fraction(found.replace(",", "")[:MAX_DIGITS]) for found in _NUMBER.findall(text)}
