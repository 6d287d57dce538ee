"""Values in TOML."""

import tomllib
from collections.abc import Callable
from typing import Any

from ....language.messages import say
from ...errors import InvalidCall
from .keys import Key, nest


def load(text: str) -> Any:
    """Return the data of a text.

    Raises:
        ValueError: it is not TOML.
    """
    return tomllib.loads(text)


def write(text: str, key: Key, value: Any) -> str:
    """Return a text with another value at a path."""
    if value is None:
        raise InvalidCall(say("act.values.no_null"))
    return _edit(text, lambda document: _set(document, list(key), value))


def remove(text: str, key: Key) -> str:
    """Return a text without the value at a path, which exists."""

    def delete(document: Any) -> None:
        for part in key[:-1]:
            document = document[part]
        del document[key[-1]]

    return _edit(text, delete)


def _edit(text: str, change: Callable[[Any], None]) -> str:
    import tomlkit

    # tomlkit fails with any of these where, say, a value takes the place of an array of tables.
    try:
        document = tomlkit.parse(text)
        change(document)
        return tomlkit.dumps(document)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InvalidCall(say("act.values.in_place")) from error


def _set(table: Any, rest: list[str | int], value: Any) -> None:
    while len(rest) > 1 and _holds(table, rest[0]):
        table = table[rest.pop(0)]
    value = nest(tuple(rest[1:]), value)
    if _holds(table, rest[0]):
        table[rest[0]] = _like(table[rest[0]], value)
    else:
        _add(table, rest[0], value)


def _holds(table: Any, part: str | int) -> bool:
    return part in table if hasattr(table, "keys") else isinstance(part, int) and part < len(table)


def _add(table: Any, part: str | int, value: Any) -> None:
    """Add a value to a list or table: after the last one of the table itself, before the comments
    and tables that follow, which tomlkit would leave above it."""
    import tomlkit

    last = None if isinstance(value, dict) else _find_last(table)
    if not hasattr(table, "keys"):
        table.append(value)
    elif last is None:
        table[part] = value
    else:
        line = tomlkit.dumps({str(part): value}).rstrip("\n")
        trivia = last.trivia
        trivia.trail = f"{trivia.trail or chr(10)}{trivia.indent}{line}\n"


def _find_last(table: Any) -> Any:
    """Return the last plain value that a table has on a line of its own; None if it has none."""
    from tomlkit.items import AoT, InlineTable, Table

    if isinstance(table, InlineTable):
        return None
    body = getattr(getattr(table, "value", table), "body", ())
    items = [item for name, item in body if name and not isinstance(item, AoT | Table)]
    return items[-1] if items else None


def _like(old: Any, value: Any) -> Any:
    """Return a value as an item in the style of the one that it replaces."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import Date, DateTime, String, Time

    if not isinstance(value, str):
        return value
    if isinstance(old, String) and old.as_string().startswith("'"):
        plain = value.isprintable() and "'" not in value
        return tomlkit.string(value, literal=True) if plain else value
    if isinstance(old, Date | DateTime | Time):
        try:
            return tomlkit.value(value)
        except TOMLKitError:
            return value
    return value
