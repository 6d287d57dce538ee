"""Sides of arithmetic relations, read with their types: mixed numbers, quantities, compounds.

A side is read in two ways: its bare numbers (`3 km + 500 m` is `3+500`), and its numbers multiplied
by the factors of their units (`3*1000+500*1`), which needs terms of one dimension. A compound such
as `5元3角` has no first reading. Units unknown to the lookup measure only themselves.
"""

import re
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from ..language.text import HAN, HAN_CHARACTER
from .measures import POWERS, Dimension

Lookup = Callable[[str], tuple[Fraction, str] | None]
"""Returns a unit's factor and the name of its dimension; None for unknown units."""

UNIT = (
    r"(?!\s?(?:and|or|so|then|but|because|since|if|when|which|where|as|is|are|was)\b"
    r"|[和与且而但又余]|分之)"
    r"(?:\s?(?:°?[A-Za-z]{2,}(?:\^[23](?!\d))?|[mgshLl]|°C?)[²³]?(?:/(?:h|s|[A-Za-z]{2,}))?(?![A-Za-z])"
    rf"|[$¥￥€£](?:/[A-Za-z]{{2,}})?|[{HAN}]{{1,4}}(?:/[{HAN}]{{1,2}})?)"
)
MULTIPLE = (
    r"(?:\s?(?:ten|dozen|hundred|thousand|million|billion)s?(?![A-Za-z])"
    r"|(?:千(?![米克瓦卡])|[万亿打百])+)"
)
_MIXED = r"\d+(?:\s+|\s?又\s?)\d+/\d+(?!\d|\.\d)"
_REPEATING = r"\d+\.\d*⟨\d+⟩|\d+\.\d+(?:\.{3,}|…+)(?!\s*\d)"
NUMBER = rf"(?:(?>{_MIXED}|{_REPEATING}|\d+(?:\.\d+)?%?(?:\^\d+)?){MULTIPLE}?)"
OPERAND = rf"(?:{NUMBER}{UNIT}(?:\s?{NUMBER}{UNIT}){{1,3}}|{NUMBER}{UNIT}?)"
NO_UNIT = re.compile(
    r"at|in|for|from|to|with|the|of|per|each|every|left|more|remaining|total|altogether|now"
)

_FRACTION = r"(?<![\d^./])\d+/\d+(?![\d^]|\.\d)"
_PART = re.compile(
    rf"\s*(?P<number>(?>{_MIXED}|{_FRACTION}|{_REPEATING}|\d+(?:\.\d+)?(?:%(?!\s*\d))?(?:\^\d+)?))"
    rf"(?P<multiple>{MULTIPLE})?(?P<unit>{UNIT})?"
)
_SIGN = re.compile(r"\s*([-+*/÷^()])")
_MULTIPLES = dict(zip("百千万亿打", (100, 1000, 10**4, 10**8, 12), strict=True)) | {
    "ten": 10,
    "dozen": 12,
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
}
_AMBIGUOUS = {
    "分": {"time": "分钟", "yuan": "fen"},
    "点": {"time": "小时"},
    "点钟": {"time": "小时"},
    "in": {"length": "inch"},
    "m": {"clock": "minute", "": "m"},
}
"""Units whose meaning the other units of a relation decide, with the one meant otherwise."""
_HINTS = {
    "clock": re.compile(r"\d\s?h(?:(?:ou)?rs?)?\s?\d+\s?m(?![A-Za-z])"),
    "length": re.compile(r"\d\s?in\s*[-+*/÷)=]"),
}
"""Signs of a meaning other than a unit: minutes after hours, `in` where no word can follow."""
_CHINESE_UNIT = re.compile(r"(?:平方|立方)?[千厘分毫公]?[米克升里斤顷钟吨]|.")
_MONEY = {"$": "dollar", "¥": "元", "￥": "元", "€": "euro", "£": "pound"}
_MAX_DEPTH = 40
_POWERS = {"²": 2, "³": 3, "^2": 2, "^3": 3, "平方": 2, "立方": 3}


class Quantity(NamedTuple):
    """A side, or a part of one, in both readings."""

    plain: str
    """Python arithmetic of the bare numbers; empty if they cannot be taken alone."""
    typed: str
    """Python arithmetic in base units; empty if terms are of different dimensions."""
    dimension: Dimension
    units: frozenset[tuple[str, Fraction]]
    """Names and factors of the units; a known one is named by its dimension."""
    single: bool
    """Whether this is one number with at most one unit, or one compound."""


class Side(NamedTuple):
    """One side of a relation."""

    whole: Quantity
    first: Quantity
    last: Quantity


def find_kinds(text: str, lookup: Lookup) -> frozenset[str]:
    """Return the base dimensions of the text's unambiguous units."""
    units = [found["unit"] for found in _PART.finditer(text) if found["unit"]]
    names = [part.strip() for unit in units for part in unit.split("/")]
    known = [read_unit(name, frozenset(), lookup) for name in names]
    kinds = {base for _, _, dimension in known for base, _ in dimension}
    kinds |= {kind for kind, pattern in _HINTS.items() if pattern.search(text)}
    return frozenset(kinds)


def read_side(text: str, kinds: frozenset[str], lookup: Lookup) -> Side | None:
    """Read a side; None if it is not arithmetic."""
    reader = _Reader(text, kinds, lookup)
    whole = reader.read_sum(0)
    if whole is None or text[reader.read :].strip():
        return None
    return Side(whole, reader.operands[0], reader.operands[-1])


def normalize_unit(name: str) -> str:
    """Return one spelling for a unit's forms: `hour` for `hours`, the first character of an unknown
    Chinese one, as prose may follow directly."""
    if HAN_CHARACTER.match(name):
        chinese = _CHINESE_UNIT.match(name)
        return chinese[0] if chinese else name
    name = _MONEY.get(name, name.lower())
    return name.removesuffix("s").removesuffix("e") if len(name) > 3 else name


class _Reader:
    """A recursive-descent reader of one side."""

    def __init__(self, text: str, kinds: frozenset[str], lookup: Lookup) -> None:
        self.text = text
        self.kinds = kinds
        self.lookup = lookup
        self.read = 0
        self.operands: list[Quantity] = []

    def read_sum(self, depth: int) -> Quantity | None:
        found = self._read_product(depth)
        while found and (sign := self._take("+-")):
            term = self._read_product(depth)
            found = term and _add(found, sign, term)
        return found

    def _read_product(self, depth: int) -> Quantity | None:
        found = self._read_factor(depth)
        while found and (sign := self._take("*/÷")):
            factor = self._read_factor(depth)
            found = factor and _multiply(found, "*" if sign == "*" else "/", factor)
        return found

    def _read_factor(self, depth: int) -> Quantity | None:
        negative = False
        while sign := self._take("+-"):
            negative ^= sign == "-"
        found = self._read_bracket(depth) if self._take("(") else self._read_operand()
        if found and self._take("^"):
            power = self._read_factor(depth + 1) if depth < _MAX_DEPTH else None
            found = power and _raise(found, power)
        return _negate(found) if found and negative else found

    def _read_bracket(self, depth: int) -> Quantity | None:
        inner = self.read_sum(depth + 1) if depth < _MAX_DEPTH else None
        return _wrap(inner) if inner and self._take(")") else None

    def _read_operand(self) -> Quantity | None:
        parts = []
        while part := _PART.match(self.text, self.read):
            parts.append(part)
            self.read = part.end()
            if not part["unit"]:
                break
        read = [_read_part(part, self.kinds, self.lookup) for part in parts]
        found = read[0] if len(read) == 1 else _join_compound(read)
        if found:
            self.operands.append(found)
        return found

    def _take(self, signs: str) -> str:
        found = _SIGN.match(self.text, self.read)
        if not found or found[1] not in signs:
            return ""
        self.read = found.end()
        return found[1]


def _add(left: Quantity, sign: str, right: Quantity) -> Quantity:
    """Join two terms. Unlike units leave no plain reading, unlike dimensions no typed one."""
    alike = not (left.units and right.units and left.units != right.units)
    plain = alike and left.plain and right.plain
    typed = left.typed and right.typed and left.dimension == right.dimension
    return Quantity(
        f"{left.plain}{sign}{right.plain}" if plain else "",
        f"{left.typed}{sign}{right.typed}" if typed else "",
        left.dimension,
        left.units | right.units,
        single=False,
    )


def _multiply(left: Quantity, sign: str, right: Quantity) -> Quantity:
    powers = dict(left.dimension)
    for base, power in right.dimension:
        powers[base] = powers.get(base, 0) + (power if sign == "*" else -power)
    return Quantity(
        f"{left.plain}{sign}{right.plain}" if left.plain and right.plain else "",
        f"{left.typed}{sign}{right.typed}" if left.typed and right.typed else "",
        _sort_powers(powers),
        left.units | right.units,
        single=False,
    )


def _raise(base: Quantity, power: Quantity) -> Quantity | None:
    if power.units or not power.plain or not base.plain:
        return None
    exponent = int(power.plain) if re.fullmatch(r"\d", power.plain) else None
    dimension = _sort_powers({name: size * (exponent or 0) for name, size in base.dimension})
    typed = base.typed if exponent is not None or not base.dimension else ""
    return Quantity(
        f"{base.plain}**{power.plain}",
        f"{typed}**{power.plain}" if typed else "",
        dimension,
        base.units,
        single=False,
    )


def _negate(found: Quantity) -> Quantity:
    plain, typed = (f"-{text}" if text else "" for text in (found.plain, found.typed))
    return found._replace(plain=plain, typed=typed)


def _wrap(inner: Quantity) -> Quantity:
    plain, typed = (f"({text})" if text else "" for text in (inner.plain, inner.typed))
    return inner._replace(plain=plain, typed=typed)


def _join_compound(parts: list[Quantity]) -> Quantity | None:
    """Return the sum of `5元3角`; None unless known units of one dimension descend."""
    factors = [factor for part in parts for _, factor in part.units]
    descends = all(a > b for a, b in pairwise(factors))
    dimensions = {part.dimension for part in parts}
    if len(factors) != len(parts) or not descends or len(dimensions) > 1:
        return None
    dimension = parts[0].dimension
    if not dimension or dimension[0][0].startswith("?"):
        return None
    units = frozenset[tuple[str, Fraction]]().union(*(part.units for part in parts))
    typed = "+".join(part.typed for part in parts)
    return Quantity("", f"({typed})", dimension, units, single=True)


def _read_part(part: re.Match[str], kinds: frozenset[str], lookup: Lookup) -> Quantity:
    number = _read_number(part["number"])
    factor = Fraction(_read_multiple(part["multiple"]))
    names = list[str]()
    if part["multiple"]:
        names.append(part["multiple"].strip().lower().removesuffix("s"))
    powers: dict[str, int] = {}
    if part["unit"] and not NO_UNIT.fullmatch(_strip(part["unit"], kinds)):
        for place, atom in enumerate(part["unit"].strip().split("/")):
            name, size, bases = read_unit(atom, kinds, lookup)
            names.append(name)
            factor *= size if place == 0 else 1 / size
            for base, power in bases:
                powers[base] = powers.get(base, 0) + (power if place == 0 else -power)
    units = frozenset({("/".join(names), factor)} if names else ())
    scaled = f"({number}*{factor.numerator}/{factor.denominator})"
    typed = number if factor == 1 or not number else scaled
    return Quantity(number, typed, _sort_powers(powers), units, single=True)


def _strip(unit: str, kinds: frozenset[str]) -> str:
    """Return a unit's bare text, with `in` as inch among lengths."""
    bare = unit.strip().lower()
    return "inch" if bare == "in" and "length" in kinds else bare


def _read_number(text: str) -> str:
    """Convert a number to Python arithmetic."""
    if mixed := re.fullmatch(r"(\d+)(?:\s+|\s?又\s?)(\d+)/(\d+)", text):
        return f"({mixed[1]}+{mixed[2]}/{mixed[3]})"
    if "/" in text:
        return f"({text})"
    if repeating := re.fullmatch(r"(\d+\.\d*)⟨(\d+)⟩", text):
        return _format_repeating(repeating[1], repeating[2])
    if cut := re.fullmatch(r"(\d+\.\d*?)(\d+?)\2+[.…]+", text):
        return _format_repeating(cut[1], cut[2])
    if text.endswith((".", "…")):
        return ""  # digits that do not tell how they continue
    if "%" in text:
        return f"({text.replace('%', '/100')})" if text.endswith("%") else ""
    return text.replace("^", "**")


def _format_repeating(start: str, period: str) -> str:
    """Return `0.1` with the period 6 as a fraction."""
    whole, _, fixed = start.partition(".")
    shift = 10 ** len(fixed)
    value = Fraction(int(whole + fixed), shift)
    value += Fraction(int(period), shift * (10 ** len(period) - 1))
    return f"({value.numerator}/{value.denominator})"


def _read_multiple(text: str | None) -> int:
    bare = (text or "").strip().lower()
    if HAN_CHARACTER.match(bare):
        product = 1
        for character in bare:
            product *= _MULTIPLES[character]
        return product
    return _MULTIPLES.get(bare.removesuffix("s"), 1)


def read_unit(text: str, kinds: frozenset[str], lookup: Lookup) -> tuple[str, Fraction, Dimension]:
    """Return name, factor and dimension of a unit without a slash."""
    name = text.strip()
    power = 1
    for mark, size in _POWERS.items():
        if name.endswith(mark) or (HAN_CHARACTER.match(mark) and name.startswith(mark)):
            name = name.removesuffix(mark).removeprefix(mark)
            power = size
            break
    for spelled in _list_spellings(name):
        meanings = _AMBIGUOUS.get(spelled, {"": spelled})
        meant = next((unit for kind, unit in meanings.items() if kind in kinds or not kind), "")
        found = lookup(meant) if meant else None
        if found:
            bases = POWERS.get(found[1], ((found[1], 1),))
            dimension = _sort_powers({base: size * power for base, size in bases})
            return repr(dimension), found[0] ** power, dimension
        if not meant:
            break
    unknown = normalize_unit(name)
    return f"{unknown}{power}", Fraction(1), ((f"?{unknown}", power),)


def _list_spellings(name: str) -> Iterable[str]:
    """Return what a unit may be: a Chinese one may begin with 个 and be followed by prose."""
    if not HAN_CHARACTER.match(name):
        return [name]
    starts = [name[:size] for size in range(len(name), 0, -1)]
    bare = name.removeprefix("个")
    return starts if bare == name else [bare[:size] for size in range(len(bare), 0, -1)]


def _sort_powers(powers: dict[str, int]) -> Dimension:
    return tuple(sorted((base, power) for base, power in powers.items() if power))
