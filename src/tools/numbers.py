"""Numbers in texts: models invent them, and numbers without a source are not shown."""

import re
from fractions import Fraction

LARGEST_ORDINAL = 10
"""Whole numbers up to this one may count steps and cases; they are not treated as results."""
MAX_DIGITS = 1000
"""Characters of a number that are compared; Python parses at most 4300 digits, slowly."""

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def unknown_numbers(text: str, known: str) -> set[Fraction]:
    """Return the numbers of a text that occur neither in the known text nor as its percentages."""
    values = extract_numbers(known)
    allowed = values | {v / 100 for v in values} | {v * 100 for v in values}
    return {v for v in extract_numbers(text) - allowed if v > LARGEST_ORDINAL or v.denominator != 1}


def extract_numbers(text: str) -> set[Fraction]:
    """Return the numbers written in a text, without signs."""
    return {Fraction(found.replace(",", "")[:MAX_DIGITS]) for found in _NUMBER.findall(text)}
