"""Values in JSON."""

import json
import re
from typing import Any

from ....language.messages import say
from ...errors import InvalidCall
from .flow import Item, Node, add_item, indent_at, remove_item
from .keys import Key, nest

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def load(text: str) -> Any:
    """Return the data of a text.

    Raises:
        ValueError: it is not JSON.
    """
    return json.loads(text)


def write(text: str, key: Key, value: Any) -> str:
    """Return a text with another value at a path."""
    node, rest = _descend(text, key)
    step = _find_step(text)
    if not rest:
        indent = indent_at(text, node.start)
        written = _render(value, text, step).replace("\n", f"\n{indent}")
        return text[: node.start] + written + text[node.end :]
    name = ""
    if node.kind == "table":
        name = _render(rest[0], text, "") + _find_colon(text, node)
    elif node.kind != "list":
        raise InvalidCall(say("act.values.in_place"))
    return add_item(text, node, name, _render(nest(rest[1:], value), text, step), step)


def remove(text: str, key: Key) -> str:
    """Return a text without the value at a path, which exists."""
    node = _descend(text, key[:-1])[0]
    place = node.find(key[-1])
    if place is None:
        raise InvalidCall(say("act.values.in_place"))
    return remove_item(text, node, place)


def _descend(text: str, key: Key) -> tuple[Node, Key]:
    """Return the deepest node on a path, and the parts of the path that are missing in it."""
    node = _scan(text, 0)
    for depth, part in enumerate(key):
        place = node.find(part)
        if place is None:
            return node, key[depth:]
        node = _scan(text, node.items[place].value)
    return node, ()


def _scan(text: str, start: int) -> Node:
    """Return the node that begins at a place of a valid JSON text."""
    start = _skip_space(text, start)
    closing = {"{": "}", "[": "]"}.get(text[start])
    if closing is None:
        return Node(start, _DECODER.raw_decode(text, start)[1], "other")
    items: list[Item] = []
    place = _skip_space(text, start + 1)
    while text[place] != closing:
        begin = place
        key: str | int = len(items)
        if closing == "}":
            key, place = _DECODER.raw_decode(text, place)
            place = _skip_space(text, _skip_space(text, place) + 1)
        end = _DECODER.raw_decode(text, place)[1]
        items.append(Item(key, begin, place, end))
        place = _skip_space(text, end)
        if text[place] == ",":
            place = _skip_space(text, place + 1)
    return Node(start, place + 1, "table" if closing == "}" else "list", items)


def _skip_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _find_step(text: str) -> str:
    """Return the indentation of one level in a JSON text; empty if it is on one line."""
    found = re.search(r"[{\[][ \t]*\r?\n([ \t]+)[^\s]", text)
    if not found:
        return ""
    outer = indent_at(text, found.start())
    return found[1].removeprefix(outer) or found[1]


def _find_colon(text: str, node: Node) -> str:
    """Return what stands between the names and values of a table."""
    if node.items:
        item = node.items[0]
        return text[_DECODER.raw_decode(text, item.start)[1] : item.value]
    return ":" if _is_compact(text) else ": "


def _is_compact(text: str) -> bool:
    return not re.search(r"[:,]\s", text) and ":" in text


def _render(value: Any, text: str, step: str) -> str:
    """Return a value as a JSON text would have it: its indentation, spaces and escapes."""
    return json.dumps(
        value,
        ensure_ascii=text.isascii() and "\\u" in text,
        indent=step or None,
        separators=(",", ":") if _is_compact(text) else None,
    )
