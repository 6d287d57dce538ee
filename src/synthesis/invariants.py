"""What a new task shares with its seed: the form and sign of every quantity, the program's
decisions, the type of the answer, and the order of given numbers of one kind."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import permutations

from ..state import Answer
from .contracts import Invariants, Slot
from .running import Ran

MAX_PLACES = 2
"""Decimal places that a quantity may have even if the seed's has fewer, unless that is whole."""


def describe_seed(ran: Ran, answer: Answer, slots: list[Slot]) -> Invariants:
    """Return what holds in the seed.

    Args:
        answer: the program's answer in the type that the problem asks for.
    """
    return Invariants(
        path=ran.path,
        shapes={name: describe_shape(value) for name, value in list_quantities(ran).items()},
        answer_kind=answer.kind,
        answer_unit=answer.unit,
        orders=[
            (a.name, b.name)
            for a, b in permutations(slots, 2)
            if a.kind == b.kind and a.unit == b.unit and a.value < b.value
        ],
    )


def find_broken_invariant(held: Invariants, ran: Ran) -> str | None:
    """Return the first invariant that a run does not hold, or None."""
    if ran.path != held.path:
        return "path"
    quantities = list_quantities(ran)
    if quantities.keys() != held.shapes.keys():
        return "facts"
    return next(
        (name for name, shape in held.shapes.items() if not fits_shape(shape, quantities[name])),
        None,
    )


def keeps_order(held: Invariants, values: Mapping[str, Decimal]) -> bool:
    """Return whether values keep the order of the seed's."""
    return all(values[a] < values[b] for a, b in held.orders)


def list_quantities(ran: Ran) -> dict[str, str]:
    """Return a run's facts, and the answer by the name `answer`."""
    return {**ran.facts, "answer": ran.answer.exact}


def describe_shape(value: str) -> str:
    """Return sign and form of a written number: `+w` whole, `+d2` with two decimal places, `-f`
    another fraction, `p` after it for one between 0 and 1; `other` for what is no number."""
    number = _read(value)
    if number is None:
        return "other"
    sign = "+" if number > 0 else "-" if number < 0 else "0"
    proper = "p" if 0 < number < 1 else ""
    places = count_places(number)
    form = "f" if places is None else f"d{places}" if places else "w"
    return f"{sign}{form}{proper}"


def fits_shape(shape: str, value: str) -> bool:
    """Return whether a written number has the sign and form of the seed's."""
    number = _read(value)
    if shape == "other" or number is None:
        return shape == "other" and number is None
    new = describe_shape(value)
    if new[0] != shape[0] or new.endswith("p") != shape.endswith("p"):
        return False
    form = shape[1:].removesuffix("p")
    if form == "w":
        return number.denominator == 1
    if form == "f":
        return True
    places = count_places(number)
    return places is not None and places <= max(MAX_PLACES, int(form[1:]))


def count_places(number: Fraction) -> int | None:
    """Return the decimal places of a number; None if they do not end."""
    bottom = number.denominator
    twos = fives = 0
    while bottom % 2 == 0:
        bottom //= 2
        twos += 1
    while bottom % 5 == 0:
        bottom //= 5
        fives += 1
    return max(twos, fives) if bottom == 1 else None


def _read(value: str) -> Fraction | None:
    try:
        return Fraction(value.strip())
    except (ValueError, ZeroDivisionError):
        return None
