"""Filling in an essence: its text and its program with other values."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from .contracts import Essence, Place, Slot
from .numerals import choose_article, write_numeral

Values = Mapping[str, Decimal]
"""By slot name."""


def fill_problem(essence: Essence, values: Values) -> str:
    """Return the problem with other values.

    Raises:
        ValueError: a value cannot be written as the seed's is.
    """
    pieces = [
        (slot.span.start, slot.span.end, _write_in_text(slot, values[slot.name]))
        for slot in essence.slots
    ]
    return _replace(essence.problem, pieces)


def fill_program(essence: Essence, values: Values) -> str:
    """Return the program with other values.

    Raises:
        ValueError: a literal cannot hold its value.
    """
    pieces = [
        (place.span.start, place.span.end, _write_literal(place, values[slot.name]))
        for slot in essence.slots
        for place in slot.literals
    ]
    return _replace(essence.program, pieces)


def mask_problem(essence: Essence) -> str:
    """Return the problem with its slots' names in place of their values."""
    return _replace(
        essence.problem,
        [(slot.span.start, slot.span.end, f"[{slot.name}]") for slot in essence.slots],
    )


def mask_program(essence: Essence) -> str:
    """Return the program with its slots' names in place of their values."""
    return _replace(
        essence.program,
        [
            (place.span.start, place.span.end, slot.name)
            for slot in essence.slots
            for place in slot.literals
        ],
    )


def _replace(text: str, pieces: list[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(pieces, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _write_in_text(slot: Slot, value: Decimal) -> str:
    number = write_numeral(
        Fraction(value),
        slot.writing,
        places=slot.places,
        grouped=slot.grouped,
        capital=slot.capital and slot.article is None,
    )
    if slot.article is None:
        return number
    article = choose_article(number)
    shown = article.capitalize() if slot.capital else article
    return f"{shown} {slot.article}{number}"


def _write_literal(place: Place, value: Decimal) -> str:
    number = Fraction(value) / (100 if place.hundredths else 1)
    exact = Decimal(number.numerator) / Decimal(number.denominator)
    if place.type == "int":
        if number.denominator != 1:
            raise ValueError(f"{number} is not whole")
        return str(number)
    plain = f"{exact:f}"
    if place.type == "str":
        return repr(plain)
    return plain if "." in plain else f"{plain}.0"
