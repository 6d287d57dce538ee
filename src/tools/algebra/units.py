"""Units of measure in answers: alone, as products and quotients, and before other words."""

import re
from typing import Any, NamedTuple

import sympy as sp

from ..measures import POWERS, UNITS, Dimension


class Unit(NamedTuple):
    """A unit as written, with what it measures."""

    name: str
    """Spelling of the text: `km/h`, `平方厘米`."""
    factor: Any
    """Exact SymPy multiple of the dimension's base unit."""
    dimension: Dimension


_SYMBOLS = frozenset(["m", "t", "g", "h", "s", "d", "L", "l", "N", "V", "A", "J", "W", "B"])
"""Units of one letter, which are also variables: they need a space before them."""

MAX_UNIT_CHARS = 40

_PLURAL = re.compile(r"(?<=[a-z]{3})(?:(?<=ch|sh)es|(?<!s)s)$")
_SQUARED = re.compile(r"(?:square|sq\.?)\s+|平方")
_CUBED = re.compile(r"(?:cubic|cu\.?)\s+|立方")
_DEGREES = re.compile(r"(?i)^degrees? (c|f)(?:elsius|ahrenheit)?$")
_PER = re.compile(r"\s*/\s*|\s+(?:per|an?)\s+|每")
_TIMES = re.compile(r"\s*[·⋅*]\s*")
_POWER = re.compile(r"\s*(?:\^\s*\{?\(?(-?\d)\)?\}?|\*\*\s*(\d)|([²³]))$")


_ANGLE: Dimension = (("angle", 1),)
_RADIANS = dict.fromkeys(("rad", "radian", "弧度"), (180 / sp.pi, _ANGLE))
_KNOWN: dict[str, tuple[Any, Dimension]] = {
    name: (sp.Rational(factor.numerator, factor.denominator), POWERS.get(base, ((base, 1),)))
    for name, (factor, base) in UNITS.items()
} | _RADIANS


def find_unit(text: str) -> Unit | None:
    """Return the unit that a text is, `km/h` or `平方厘米`; None if it is none.

    Multiples of the same kind combine: `元/千克`, `m/s^2`, `kg·m`.
    """
    parts = [part.strip() for part in _PER.split(text.strip().rstrip("."))]
    if not 1 <= len(parts) <= 3 or not all(parts):
        return None
    factor = sp.Integer(1)
    powers = dict[str, int]()
    for place, part in enumerate(parts):
        for atom in _TIMES.split(part):
            found = _find_atom("分钟" if place and atom == "分" else atom)
            if found is None:
                return None
            sign = -1 if place else 1
            factor *= found[0] ** sign
            for base, power in found[1]:
                powers[base] = powers.get(base, 0) + sign * power
    dimension = tuple(sorted((base, power) for base, power in powers.items() if power))
    return Unit(text.strip(), factor, dimension)


def _find_atom(text: str) -> tuple[Any, Dimension] | None:
    """Return factor and dimension of a unit without products, perhaps with a power."""
    text = _DEGREES.sub(lambda found: f"°{found[1].upper()}", text)
    power = 1
    if found := _POWER.search(text):
        raised = found[1] or found[2] or {"²": "2", "³": "3"}[found[3]]
        power = int(raised)
        text = text[: found.start()]
    for pattern, exponent in ((_SQUARED, 2), (_CUBED, 3)):
        if found := pattern.match(text):
            power = power * exponent
            text = text[found.end() :]
    known = _KNOWN.get(text.strip()) or _KNOWN.get(singular(text.strip().lower()))
    if known is None:
        return None
    return known[0] ** power, tuple((base, n * power) for base, n in known[1])


def singular(word: str) -> str:
    """Return an English noun without its plural ending, as a key; `boxes` and `box` agree."""
    return _PLURAL.sub("", word)


_IRREGULAR = {
    **{"child": "children", "person": "people", "man": "men", "mouse": "mice"},
    **{"woman": "women", "policeman": "policemen", "fireman": "firemen"},
    **{"goose": "geese", "tooth": "teeth", "foot": "feet", "ox": "oxen", "die": "dice"},
}


def is_same_noun(a: str, b: str) -> bool:
    """Return whether two English nouns, perhaps after adjectives, are one but for their number."""
    *first, noun = a.split() or [""]
    *second, other = b.split() or [""]
    alike = noun == other or other in _list_plurals(noun) or noun in _list_plurals(other)
    return alike and first == second


def _list_plurals(word: str) -> list[str]:
    if word in _IRREGULAR:
        return [_IRREGULAR[word]]
    plurals = [f"{word}s"]
    if re.search("(?:s|x|z|ch|sh|o)$", word):
        plurals.append(f"{word}es")
    if re.search("[^aeiou]y$", word):
        plurals.append(f"{word[:-1]}ies")
    if re.search("(?:f|fe)$", word):
        plurals.append(re.sub("fe?$", "ves", word))
    return plurals


def needs_space(name: str) -> bool:
    """Return whether a unit is a single letter, which after a digit is read as a variable."""
    return name in _SYMBOLS


def split_unit(text: str) -> tuple[Unit | None, str]:
    """Split a text into the longest unit that it starts with, and the rest.

    Only whole words count in English; in Chinese prose may follow directly.
    """
    for end in _list_ends(text):
        unit = find_unit(text[:end])
        if unit is not None:
            return unit, text[end:].strip()
    return None, text.strip()


def _list_ends(text: str) -> list[int]:
    """Return the places at which a unit could end, the last one first; not within a word."""
    longest = min(len(text), MAX_UNIT_CHARS)
    inside = (text[end - 1 : end + 1] for end in range(1, longest + 1))
    return [
        end
        for end, around in reversed(list(enumerate(inside, 1)))
        if not (len(around) == 2 and around.isascii() and around.isalpha())
    ]
