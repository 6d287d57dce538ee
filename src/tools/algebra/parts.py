"""Several values side by side: `2 and 3`, `x = 3, y = 4`, `甲 > 乙 > 丙`."""

import re

from ...language.text import HAN
from .building import build_items, build_named
from .nesting import measure_depth
from .quantities import read_quantity
from .readers import Reader
from .relations import RELATION_SIGN, join_inequalities
from .values import Items, Quantity, Text, Value

_SEPARATOR = re.compile(
    r"\s*(?:[,;]|\band\b|\bor\b|或者|或|以及|及|和|与|并且|且)\s*", re.IGNORECASE
)
_OR = re.compile(r"\bor\b|或|∨", re.IGNORECASE)
_NAME_FIRST = re.compile(
    rf"([A-Za-z][A-Za-z ]+?|[{HAN}]+?)\s*"
    r"(?:[:是为有]|\b(?:are|is|was|has|have|had|gets?|got)\b)?\s*(-?\d.*)"
)
_COMPARISON = re.compile(r"[<>=]")
_NAME = re.compile(rf"[A-Za-z]+|[{HAN}]+")


def read_parts(text: str, read: Reader) -> Value | None:
    """Read several values side by side: `2 and 3`, `x = 3, y = 4`, `23只鸡，12只兔`."""
    parts = _split_parts(text)
    if len(parts) < 2:
        return None
    if all(map(_is_inequality, parts)):
        return join_inequalities(parts, either=_OR.search(text) is not None)
    pairs = [pair for pair in map(_read_name_first, parts) if pair]
    if len(pairs) == len(parts):
        return build_named(dict(pairs))
    readings = [read(_complete(part, parts[0])) for part in parts]
    values = [value for value in readings if value is not None]
    if len(values) < len(parts) or any(isinstance(value, Text) for value in values):
        return None
    return _name_by_labels(values) or build_items(values, ordered=False)


def _split_parts(text: str) -> list[str]:
    """Split at commas and conjunctions outside brackets, but not within numbers."""
    parts = []
    start = 0
    for found in _SEPARATOR.finditer(text):
        if measure_depth(text, found.start()) != 0 or _is_within_number(text, found):
            continue
        parts.append(text[start : found.start()].strip())
        start = found.end()
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def _is_within_number(text: str, separator: re.Match[str]) -> bool:
    """Return whether a separator is the comma of `1,000`."""
    if separator[0] != ",":
        return False
    before = re.search(r"(?<![\d.])\d{1,3}$", text[: separator.start()])
    after = re.match(r"\d{3}(?!\d)", text[separator.end() :])
    return before is not None and after is not None


def _is_inequality(part: str) -> bool:
    signs = RELATION_SIGN.findall(part)
    return len(signs) == 1 and signs[0] not in ("=", "==")


def _read_name_first(part: str) -> tuple[str, Value] | None:
    """Read `鸡23只` and `chickens: 23`."""
    found = _NAME_FIRST.fullmatch(part)
    value = read_quantity(found[2]) if found else None
    if found is None or not isinstance(value, Quantity):
        return None
    counted = value.unit is None
    return found[1], Quantity(value.number) if counted else value


def _complete(part: str, first: str) -> str:
    """Return the second half of `x = 2 or 3` with its name."""
    name, sign, _ = first.partition("=")
    bare = RELATION_SIGN.search(part) is None
    return f"{name.strip()}={part}" if sign and bare and len(name.strip()) == 1 else part


def _name_by_labels(values: list[Value]) -> Value | None:
    """Return counts of different things by what is counted, and measures by what they are of; None
    if they are no such values."""
    counts = [value for value in values if isinstance(value, Quantity) and value.label]
    named: dict[str, Value] = {
        value.label: Quantity(value.number, value.unit, places=value.places) for value in counts
    }
    return build_named(named) if len(named) == len(values) else None


def read_chain(text: str, read: Reader) -> Value | None:
    """Read things put in order: `1 < 2 < 3`, `甲 > 乙 > 丙`; the smallest first."""
    for sign in "<>":
        parts = [part.strip() for part in text.split(sign)]
        if len(parts) < 3 or not all(parts) or any(map(_COMPARISON.search, parts)):
            continue
        ordered = _read_names_or_numbers(parts, read)
        if ordered:
            smallest_first = ordered if sign == "<" else ordered[::-1]
            return Items(tuple(smallest_first), ordered=True)
    return None


def _read_names_or_numbers(parts: list[str], read: Reader) -> list[Value]:
    """Return the values of parts that are all numbers, or all names; else none."""
    readings = [read(part) for part in parts]
    numbers: list[Value] = [
        value for value in readings if isinstance(value, Quantity) and value.number.is_number
    ]
    if len(numbers) == len(parts):
        return numbers
    if numbers or not all(map(_NAME.fullmatch, parts)):
        return []
    return [Text(part) for part in parts]
