"""Aligning the numbers of a problem with the literals of its program.

A number may be changed only where it is certain which literals hold it and that nothing else in
program or text depends on it. Everything else is kept, with the reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, permutations

from .contracts import Kept, Kind, Place, Reason, Slot, Span
from .numerals import Numeral
from .program import NotLiftable, Program, ProgramLiteral
from .ranges import choose_range
from .worlds import is_constant

MAX_NUMBERS = 60
"""Most numbers of a problem, and of a program."""
LARGEST_COMMON = 10
"""Numbers up to this one come up by chance: two literals of that value may mean two things."""
PERCENT = Fraction(100)
_SPOKEN: frozenset[Reason | None] = frozenset(("word", "fraction"))
"""Numbers that explain a literal beyond doubt, as the text says what is done: `half`, `1/4`."""

_QUANTITIES: frozenset[Reason | None] = frozenset(
    ("repeated", "unused", "ambiguous", "derived", "related", "reference")
)
"""Numbers that are kept and yet amounts: others stay larger or smaller than these."""


def align_numbers(
    text: str, numerals: Sequence[Numeral], program: Program
) -> tuple[list[Slot], list[Kept]]:
    """Return the numbers that may be changed, with their places, and those that are kept.

    Raises:
        NotLiftable: the program computes with a number that comes from nowhere, or nothing may be
            changed.
    """
    if max(len(numerals), len(program.literals)) > MAX_NUMBERS:
        raise NotLiftable("too_many", f"{len(numerals)}, {len(program.literals)}")
    settled = [_settle(numeral, numerals, text, program) for numeral in numerals]
    settled = _keep_derived(settled, text, program)
    settled = _keep_related(settled)
    slots = list[Slot]()
    kept = list[Kept]()
    for numeral in settled:
        slot = None
        if not numeral.kept:
            slot = _build_slot(f"n{len(slots) + 1}", numeral, program, settled)
        if slot:
            slots.append(slot)
        else:
            shown = text[numeral.start : numeral.end]
            kept.append(Kept(text=shown, reason=numeral.kept or "constant"))
    if not slots:
        shown = ", ".join(f"{number.text} ({number.reason})" for number in kept)
        raise NotLiftable("nothing_to_change", shown)
    return slots, kept


def list_values(numeral: Numeral) -> set[Fraction]:
    """Return all values that a program may write for a number of the text."""
    found = set(numeral.values)
    return found | {value / PERCENT for value in found} if numeral.percent else found


def find_places(numeral: Numeral, program: Program) -> list[ProgramLiteral]:
    """Return the literals that may hold a number of the text."""
    values = list_values(numeral)
    return [literal for literal in program.literals if literal.value in values]


def _settle(numeral: Numeral, numerals: Sequence[Numeral], text: str, program: Program) -> Numeral:
    """Keep a number for which it is not certain which literals hold it."""
    if numeral.kept:
        return numeral
    own = list_values(numeral)
    if any(own & list_values(other) for other in numerals if other is not numeral):
        return replace(numeral, kept="repeated")
    reason = _judge_places(find_places(numeral, program), numeral, text)
    return replace(numeral, kept=reason)


def _judge_places(places: list[ProgramLiteral], numeral: Numeral, text: str) -> Reason | None:
    if not places:
        return "unused"
    known = is_constant(numeral.value, text)
    if len(places) > 1 and (known or numeral.value <= LARGEST_COMMON):
        return "ambiguous"
    if known and places[0].computed and not numeral.percent:
        return "ambiguous"
    return None


def _keep_derived(numerals: list[Numeral], text: str, program: Program) -> list[Numeral]:
    """Keep the numbers of which a literal may have been computed in the head.

    Raises:
        NotLiftable: a literal is neither stated nor known nor derived.
    """
    derived = set[int]()
    for literal in program.literals:
        reasons = {n.kept for n in numerals if literal.value in list_values(n)}
        if None in reasons or reasons & _SPOKEN or literal.value == 0:
            continue
        if literal.value == PERCENT and literal.computed and any(n.percent for n in numerals):
            continue
        known = bool(reasons) or is_constant(literal.value, text, named=not literal.computed)
        origins = list(_find_origins(literal.value, numerals, pairs_only=known))
        if not origins and not known and not is_constant(literal.value, text):
            raise NotLiftable("unknown_number", str(literal.value))
        derived |= set().union(*origins)
    return _keep(numerals, derived, "derived")


def _find_origins(
    value: Fraction, numerals: Sequence[Numeral], *, pairs_only: bool = False
) -> Iterator[set[int]]:
    """Yield the places of the numbers that give a value: one of them, or two."""
    for place, numeral in enumerate(numerals):
        if not pairs_only and any(value in set(_derive_one(each)) for each in numeral.values):
            yield {place}
    for (i, a), (j, b) in permutations(enumerate(numerals), 2):
        if any(value in set(_derive_two(x, y)) for x in list_values(a) for y in list_values(b)):
            yield {i, j}


def _derive_one(number: Fraction) -> Iterator[Fraction]:
    """Yield what is computed in the head of one number."""
    share = number / 100
    yield from (100 - number, 100 + number, 1 - number, 1 + number, number - 1, 2 * number)
    yield from (share, 1 - share, 1 + share, number / 2, number / 10, number / 1000, number * 100)
    yield from (number * 60, number * 1000, number * 12, number * 7, number**2, 1 - number / 10)
    if number:
        yield from (1 / number, 1 - 1 / number, 1 + 1 / number)


def _derive_two(a: Fraction, b: Fraction) -> Iterator[Fraction]:
    yield from (a + b, a - b, a * b)
    if b:
        yield a / b


def _keep_related(numerals: list[Numeral]) -> list[Numeral]:
    """Keep the numbers that the text itself relates: parts and their total, shares that make 100 %.

    A number that the program does not use is often such a total.
    """
    free = [place for place, numeral in enumerate(numerals) if not numeral.kept]
    related = set[int]()
    for numeral in numerals:
        if numeral.kept == "unused":
            for origin in _find_origins(numeral.value, numerals):
                related |= origin & set(free)
    values = {place: numerals[place].value for place in free}
    if sum(values.values()) in {n.value for n in numerals if n.kept == "unused"}:
        related |= set(free)
    for places in combinations(free, 2):
        if all(numerals[p].percent for p in places) and sum(values[p] for p in places) == PERCENT:
            related |= set(places)
    for a, b, whole in permutations(free, 3):
        if values[a] + values[b] == values[whole] and min(values[a], values[b]) > LARGEST_COMMON:
            related |= {a, b, whole}
    return _keep(numerals, related, "related")


def _keep(numerals: list[Numeral], places: set[int], reason: Reason) -> list[Numeral]:
    return [
        replace(numeral, kept=reason) if place in places and not numeral.kept else numeral
        for place, numeral in enumerate(numerals)
    ]


def _build_slot(
    name: str, numeral: Numeral, program: Program, numerals: Sequence[Numeral]
) -> Slot | None:
    """Return a number as a slot; None if it has no other plausible value."""
    kind: Kind = (
        "percentage"
        if numeral.percent
        else "money"
        if numeral.money
        else "decimal"
        if numeral.places
        else "whole"
    )
    value = numeral.value
    bounds = [n.value for n in numerals if n.kept in _QUANTITIES and n.percent == numeral.percent]
    span = choose_range(value, kind, numeral.writing, numeral.places, numeral.unit, bounds)
    if span is None:
        return None
    return Slot(
        name=name,
        value=to_decimal(value),
        kind=kind,
        unit=numeral.unit,
        low=to_decimal(span.low),
        high=to_decimal(span.high),
        step=to_decimal(span.step),
        writing=numeral.writing,
        places=numeral.places,
        grouped=numeral.grouped,
        capital=numeral.capital,
        article=numeral.article,
        span=Span(start=numeral.start, end=numeral.end),
        literals=[
            Place(span=each.span, type=each.type, hundredths=each.value != value)
            for each in find_places(numeral, program)
        ],
    )


def to_decimal(value: Fraction) -> Decimal:
    """Return a fraction that is a decimal as one."""
    return Decimal(value.numerator) / Decimal(value.denominator)
