"""Relations: equations, inequalities and the intervals that they amount to."""

import re
from keyword import iskeyword
from typing import Any

import sympy as sp

from ...language.text import HAN
from .building import build_named, find_set, type_relation
from .expressions import parse_expression
from .latex import NUMBER_SETS
from .readers import PartReaders, Reader
from .values import Equation, Quantity, Region, Text, Truth, Value

RELATION_SIGN = re.compile(r"<=|>=|!=|==|[=<>≠]")
_RELATIONS = {
    "=": sp.Eq,
    "==": sp.Eq,
    "!=": sp.Ne,
    "≠": sp.Ne,
    "<": sp.Lt,
    ">": sp.Gt,
    "<=": sp.Le,
    ">=": sp.Ge,
}
_MEMBER = re.compile(r"[A-Za-z]\s*∈\s*(.+)")
_UNKNOWN = re.compile(r"[A-Za-z](?:_\w+|\d)?|[A-Za-z]\([A-Za-z]\)")
_NAME_IN_WORDS = re.compile(rf"[A-Za-z{HAN}][\w{HAN}' ]*(?:\(\w\))?")
_NAME_BEFORE = re.compile(
    rf"(?P<name>[A-Za-z]{{2}}[A-Za-z ]*?|[{HAN}]{{1,6}}?)\s*"
    r"(?::|\b(?:is|are)\b|(?<![是为])[是为]|(?<=[长宽高深厚重径积价底])(?=\d))\s*(?P<value>[^:].*)"
)
"""A name before its value: `甲: 5`, `the width is 3 cm`."""
_UNION = re.compile(r"∪|\bU\b")
_INTERVAL = re.compile(
    r"(?P<open>[\[(]) (?P<start>[^,\[\]]+) , (?P<end>[^,\[\]]+) (?P<close>[\])])", re.VERBOSE
)


def read_relation(text: str, readers: PartReaders) -> Value | None:
    """Read `x = 5`, `y = 2x + 1`, `x > 3`, `2 < x <= 5`, `x ∈ [1, 2)`."""
    member = _MEMBER.fullmatch(text)
    if member:
        return _read_set(member[1].strip(), readers.answer)
    named = _NAME_BEFORE.fullmatch(text)
    if named and not RELATION_SIGN.search(text):
        return _read_named(named["name"], named["value"], readers.single)
    signs = RELATION_SIGN.findall(text)
    sides = [side.strip() for side in RELATION_SIGN.split(text)]
    if not signs or not all(sides):
        return None
    if len(signs) == 2 and all(sign[0] in "<>" for sign in signs):
        left, middle, right = sides
        both = [f"{left}{signs[0]}{middle}", f"{middle}{signs[1]}{right}"]
        return join_inequalities(both, either=False)
    names = sides[:-1]
    if set(signs) == {"="} and len(names) > 1 and all(map(_UNKNOWN.fullmatch, names)):
        value = readers.single(sides[-1])
        return None if value is None else build_named(dict.fromkeys(names, value))
    if set(signs) == {"="} or signs == ["=="]:  # of `x = 6/2 = 3` the last side is the answer
        return _read_equation(sides[0], sides[-1], readers.single)
    return _read_inequality(text) if len(signs) == 1 else None


def _read_set(text: str, read: Reader) -> Value | None:
    """Read the set that an unknown is a member of, in which `[1, 2]` is an interval."""
    pieces = [_INTERVAL.fullmatch(piece.strip()) for piece in _UNION.split(text)]
    found = [piece for piece in pieces if piece]
    if len(found) == len(pieces):
        return Region(sp.Union(*map(_build_interval, found)))
    return read(NUMBER_SETS.get(text, text))


def _read_named(name: str, content: str, read: Reader) -> Value | None:
    value = None if iskeyword(name) else read(content)
    return build_named({name: value}) if value and not isinstance(value, Text) else None


def _read_inequality(text: str) -> Value | None:
    relation = _parse_relation(text)
    if relation in (sp.true, sp.false):
        return Truth(relation == sp.true)
    has_unknowns = bool(getattr(relation, "free_symbols", None))
    return type_relation(relation) if has_unknowns else None


def _parse_relation(text: str) -> Any:
    """Return the SymPy relation of a text with one sign."""
    left, right = RELATION_SIGN.split(text)
    build = _RELATIONS[RELATION_SIGN.findall(text)[0]]
    return build(parse_expression(left), parse_expression(right))


def join_inequalities(parts: list[str], *, either: bool) -> Value | None:
    """Return the numbers for which all of several inequalities hold, or any; None if they have not
    one unknown."""
    relations = [_parse_relation(part) for part in parts]
    symbols = set().union(*(relation.free_symbols for relation in relations))
    if len(symbols) != 1:
        return None
    sets = [find_set(relation) for relation in relations]
    return Region(sp.Union(*sets) if either else sp.Intersection(*sets))


def _read_equation(left: str, right: str, read: Reader) -> Value | None:
    """Return the value of a name, or of a computation, or else the equation."""
    if _UNKNOWN.fullmatch(left) or _is_name_in_words(left):
        value = read(right)
        return None if value is None else build_named({left: value})
    a = parse_expression(left)
    b = parse_expression(right)
    if not (a - b).free_symbols:  # `3 * 12 = 36`
        return Quantity(b)
    if b.is_Symbol and not a.free_symbols:
        return build_named({b.name: Quantity(a)})
    return Equation(sp.Eq(a, b, evaluate=False))


def _is_name_in_words(text: str) -> bool:
    """Return whether a text is a name in words, `total cost` or `面积`, and no expression."""
    if re.fullmatch(f"[{HAN}]", text):
        return True
    if len(text) <= 1 or text.isdigit() or not _NAME_IN_WORDS.fullmatch(text):
        return False
    return len(text) > 3 or not text.isascii()


def read_intervals(text: str) -> Value | None:
    """Read `[1, 2)` and unions of such; but `(1, 2)` is a pair and `[1, 2]` a list."""
    pieces = [_INTERVAL.fullmatch(piece.strip()) for piece in _UNION.split(text)]
    found = [piece for piece in pieces if piece]
    if len(found) < len(pieces):
        return None
    if len(found) == 1 and not _is_clearly_interval(found[0]):
        return None
    return Region(sp.Union(*map(_build_interval, found)))


def _is_clearly_interval(found: re.Match[str]) -> bool:
    half_open = found["open"] + found["close"] in ("(]", "[)")
    return half_open or "oo" in found[0]


def _build_interval(found: re.Match[str]) -> Any:
    return sp.Interval(
        parse_expression(found["start"]),
        parse_expression(found["end"]),
        left_open=found["open"] == "(",
        right_open=found["close"] == ")",
    )
