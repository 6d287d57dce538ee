"""Paths to values in data: `server.port`, `a.b[0].c`, `/a/b/0`; and what stands at them."""

import json
import re
from typing import Any

from ....language.messages import say
from ...errors import InvalidCall, NotFound, TooLarge

Key = tuple[str | int, ...]
"""A path, part by part. A number is an index of a list."""
MAX_VALUES = 200_000
"""Most values in a file of data, those that are referred to again counted again."""
MAX_SHOWN = 20
"""Most keys named in an error."""

_PART = re.compile(
    r"""\[(?P<index>\d+)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*"|'[^']*')\]|"""
    r"""\.?(?:(?P<string>"(?:[^"\\]|\\.)*"|'[^']*')(?=[.\[]|$)|(?P<bare>[^.\[\]]+))"""
)


def parse_key(key: str) -> Key:
    """Return the parts of a path.

    Raises:
        InvalidCall: it is not written as one.
    """
    key = key.strip().removeprefix("$.")
    if key in ("", ".", "$", "/"):
        return ()
    if key.startswith("/"):
        return _parse_pointer(key)
    parts: list[str | int] = []
    place = 0
    while place < len(key):
        found = _PART.match(key, place)
        if not found:
            raise InvalidCall(say("act.values.bad_key", written=key))
        place = found.end()
        quoted = found["quoted"] or found["string"]
        if found["index"]:
            parts.append(int(found["index"]))
        elif quoted:
            parts.append(json.loads(quoted) if quoted[0] == '"' else quoted[1:-1])
        else:
            parts.append(found["bare"].strip())
    return tuple(parts)


def _parse_pointer(key: str) -> Key:
    from jsonpointer import JsonPointer, JsonPointerException

    try:
        return tuple(JsonPointer(key).parts)
    except JsonPointerException as error:
        raise InvalidCall(say("act.values.bad_key", written=key)) from error


def format_key(key: Key) -> str:
    """Return a path as it can be written in a call."""
    text = "".join(
        f"[{part}]"
        if isinstance(part, int)
        else f".{part}"
        if re.fullmatch(r"[^.\[\]\"'/\s]+", part)
        else f'["{part}"]'
        for part in key
    )
    return text.removeprefix(".") or "."


def settle_key(data: Any, key: Key) -> Key:
    """Return a path with its parts as the data has them: an index for a list, names with dots in
    them whole. Parts that do not exist stay."""
    if not key:
        return ()
    part, taken = key[0], 1
    if isinstance(data, list) and isinstance(part, str) and part.isdecimal():
        part = int(part)
    elif isinstance(data, dict):
        part, taken = _find_name(data, key)
    return (part, *settle_key(_step(data, part), key[taken:]))


def _find_name(table: dict[str, Any], key: Key) -> tuple[str, int]:
    """Return the name in a table that the beginning of a path stands for, and how many parts of
    the path it takes."""
    for count in (1, *range(len(key), 1, -1)):
        name = ".".join(map(str, key[:count]))
        if name in table:
            return name, count
    return str(key[0]), 1


def get_value(data: Any, key: Key) -> Any:
    """Return the value at a settled path.

    Raises:
        NotFound: there is none; the message tells which keys there are.
    """
    for depth, part in enumerate(key):
        if not _holds(data, part):
            raise NotFound(_describe_missing(data, key, depth))
        data = data[part]
    return data


def set_value(data: Any, key: Key, value: Any) -> Any:
    """Return data with another value at a settled path; missing tables are made.

    Raises:
        InvalidCall: the path leads through what is no table or list, or beyond a list's end.
    """
    return _set_value(data, key, value, 0)


def _set_value(data: Any, key: Key, value: Any, depth: int) -> Any:
    if depth == len(key):
        return value
    part = key[depth]
    if data is None and isinstance(part, str):
        data = {}
    if isinstance(data, dict):
        deeper = _set_value(data.get(part), key, value, depth + 1)
        return {**data, part: deeper}
    if isinstance(data, list) and part in (len(data), "-"):  # `-` is the end, as in JSON pointers
        return [*data, _set_value(None, key, value, depth + 1)]
    if not isinstance(part, int) or not _holds(data, part):
        raise InvalidCall(_describe_missing(data, key, depth))
    deeper = _set_value(data[part], key, value, depth + 1)
    return [*data[:part], deeper, *data[part + 1 :]]


def remove_value(data: Any, key: Key) -> Any:
    """Return data without the value at a settled path, which must exist."""
    if not key:
        raise InvalidCall(say("act.values.whole"))
    part = key[0]
    if len(key) > 1:
        return set_value(data, (part,), remove_value(data[part], key[1:]))
    if isinstance(data, dict):
        return {name: value for name, value in data.items() if name != part}
    return [value for index, value in enumerate(data) if index != part]


def nest(key: Key, value: Any) -> Any:
    """Return a value in new tables and lists, by a path in them."""
    for part in reversed(key):
        value = [value] if part in (0, "-") else {str(part): value}
    return value


def read_value(text: str, old: Any = None) -> Any:
    """Return the value that a text stands for: JSON where it is, else the text itself. A string
    stays a string if it takes the place of one.

    Args:
        text: What the caller wrote.
        old: Value that it replaces.
    """
    if isinstance(old, bool) and text.strip().lower() in ("true", "false"):
        return text.strip().lower() == "true"
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(old, str) and not isinstance(value, str) else value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN is no JSON


def flatten(value: Any) -> Any:
    """Return data as JSON has it: dates as text, and what is referred to written out.

    Raises:
        TooLarge: it refers to itself, or is blown up by what it refers to.
    """
    left = [MAX_VALUES]
    try:
        return _flatten(value, left)
    except RecursionError as error:
        raise TooLarge(say("act.values.too_many", count=MAX_VALUES)) from error


def _flatten(value: Any, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise TooLarge(say("act.values.too_many", count=MAX_VALUES))
    if isinstance(value, dict):
        return {_flatten_key(name): _flatten(each, left) for name, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_flatten(each, left) for each in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _flatten_key(name: Any) -> str:
    if name is None or isinstance(name, bool):
        return json.dumps(name)
    return str(name)


def _step(data: Any, part: str | int) -> Any:
    return data[part] if _holds(data, part) else None


def _holds(data: Any, part: Any) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data)


def _describe_missing(data: Any, key: Key, depth: int) -> str:
    """Say that a part of a path is missing, and what there is instead."""
    where, part = format_key(key[:depth]), str(key[depth])
    if isinstance(data, list):
        return say("act.values.no_item", where=where, part=part, count=len(data))
    if not isinstance(data, dict):
        return say("act.values.no_table", where=where, part=part)
    folded = part.casefold()
    names = sorted(map(str, data), key=lambda name: folded not in name.casefold())
    known = ", ".join(names[:MAX_SHOWN]) + (", …" if len(names) > MAX_SHOWN else "")
    return say("act.values.no_key", where=where, part=part, known=known or "-")
