"""Values in brackets: coordinates, sets, lists, matrices and dicts."""

import re
from dataclasses import replace

from .building import build_items, build_list, build_named
from .nesting import find_end, split_outside
from .parts import read_parts
from .readers import PartReaders, Reader
from .relations import read_relation
from .values import Items, Value

_POINT = re.compile(r"(?:点|Point2?D?|(?P<name>[A-Z]))\s*(?P<coordinates>\([^()]*,[^()]*\))")
_SET_BUILDER = re.compile(r"\{\s*[A-Za-z]\s*[|:]\s*(?P<condition>.*[<>].*)\}")
_DICT_START = re.compile(r"""['"\w][^,]*:""")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_QUOTES = " '\""


def read_brackets(text: str, readers: PartReaders) -> Value | None:
    """Read a coordinate, a set, a list, a matrix, or a dict, as written in brackets."""
    point = _POINT.fullmatch(text)
    if point:
        content = _read_enclosed(point["coordinates"], readers.single)
        return build_named({point["name"]: content}) if point["name"] and content else content
    builder = _SET_BUILDER.fullmatch(text)
    if builder:
        condition = builder["condition"]
        return read_relation(condition, readers) or read_parts(condition, readers.single)
    return _read_enclosed(text, readers.single)


def _read_enclosed(text: str, read: Reader) -> Value | None:
    """Read what one pair of brackets encloses."""
    opening = text[:1]
    closing = _CLOSING.get(opening)
    if closing is None or text[-1] != closing or find_end(text) != len(text) - 1:
        return None
    inside = text[1:-1].strip()
    if opening == "{" and _DICT_START.match(inside):
        return _read_dict(inside, read)
    parts = split_outside(inside, ",")
    if len(parts) < 2 and opening == "(":
        return None
    readings = [read(part) for part in parts if part]
    values = [value for value in readings if value is not None]
    if len(values) < len(readings):
        return None
    if opening == "[":
        return _build_square(values, rows=all(part.startswith("[") for part in parts))
    return build_items(values, ordered=opening == "(")


def _build_square(values: list[Value], *, rows: bool) -> Value:
    """Return what square brackets enclose."""
    listed = build_list(list(map(_keep_row, values)) if rows else values)
    if isinstance(listed, Items) and len(values) == 2:
        return replace(listed, square=True)
    return listed


def _keep_row(value: Value) -> Value:
    """Return a list of one value, which is that value elsewhere, as a row of a matrix."""
    return value if isinstance(value, Items) else Items((value,))


def _read_dict(inside: str, read: Reader) -> Value | None:
    named = {}
    for part in split_outside(inside, ","):
        name, _, content = part.partition(":")
        key = name.strip(_QUOTES)
        value = read(content.strip())
        if value is None or not key:
            return None
        named[key] = value
    return build_named(named)
