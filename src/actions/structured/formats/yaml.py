"""Values in YAML. A file is edited at the places that the parser tells, never written anew, so that
comments, order, quotes and line breaks stay."""

import io
import json
import re
from functools import cache
from typing import Any

from ....language.messages import say
from ...errors import InvalidCall
from .flow import Item, Node, add_item, remove_item
from .keys import Key, nest

_VALUE = re.compile(r"[ \t]*:[ \t]*(\*[^\s,\]}]+)?")
"""What follows a key whose value is nothing or an alias."""
_AFTER_DASH = re.compile(r"(?:\s|#[^\n]*\n)*")
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
"""Anchor and tag of a value."""


def load(text: str) -> Any:
    """Return the data of a text.

    Raises:
        ValueError: it is not YAML, or more than one document.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _build_constructor()
    try:
        documents = list(yaml.load_all(io.StringIO(text)))
    except YAMLError as error:
        raise ValueError(str(error)) from error
    if len(documents) > 1:
        raise ValueError(say("act.values.documents", count=len(documents)))
    return documents[0] if documents and documents[0] is not None else {}


@cache
def _build_constructor() -> Any:
    """Return a constructor that takes values with tags of an application as what they are."""
    from ruamel.yaml.constructor import SafeConstructor
    from ruamel.yaml.nodes import MappingNode, ScalarNode

    class Constructor(SafeConstructor):
        def construct_plain(self, node: Any) -> Any:
            if isinstance(node, ScalarNode):
                return self.construct_scalar(node)
            if isinstance(node, MappingNode):
                return self.construct_mapping(node, deep=True)
            return self.construct_sequence(node, deep=True)

    Constructor.add_constructor(None, Constructor.construct_plain)
    return Constructor


def write(text: str, key: Key, value: Any) -> str:
    """Return a text with another value at a path."""
    root = _compose(text)
    if root is None or (_is_empty(root) and key):
        start = text if not text or text.endswith("\n") else f"{text}\n"
        return start + _render_block(nest(key, value), 0, _find_step(text)).lstrip("\n") + "\n"
    node, parent = root, None
    for depth, part in enumerate(key):
        place = _find_child(node, part)
        if place is None and not _is_empty(node):
            return _add(text, node, key[depth:], value)
        if place is None:
            return _replace(text, parent, nest(key[depth:], value))
        parent = (node, place)
        node = _get_child(node, place)
    return _replace(text, parent, value)


def remove(text: str, key: Key) -> str:
    """Return a text without the value at a path, which exists."""
    node = _compose(text)
    for part in key[:-1]:
        node = _get_child(node, _require(_find_child(node, part)))
    place = _require(_find_child(node, key[-1]))
    if node.flow_style:
        return remove_item(text, _scan_flow(text, node), place)
    if len(node.value) == 1:
        empty = "{}" if _is_table(node) else "[]"
        return text[: node.start_mark.index] + empty + text[_find_end(text, node) :]
    return _remove_block(text, node, place)


def _remove_block(text: str, node: Any, place: int) -> str:
    """Return a text without a member of a block that has others: without its lines, or, where it
    begins on a line of another block, without what is up to the next member."""
    start, _, end = _find_member(text, node, place)
    line = text.rfind("\n", 0, start) + 1
    if text[line:start].strip():
        if place + 1 == len(node.value):
            raise InvalidCall(say("act.values.in_place"))
        return text[:start] + text[_find_member(text, node, place + 1)[0] :]
    after = text.find("\n", end)
    if after < 0:
        return text[: max(line - 1, 0)]
    return text[:line] + text[after + 1 :]


def _compose(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML(pure=True).compose(text)


def _is_table(node: Any) -> bool:
    return str(node.id) == "mapping"


def _is_list(node: Any) -> bool:
    return str(node.id) == "sequence"


def _is_empty(node: Any) -> bool:
    return str(node.id) == "scalar" and str(node.tag) == "tag:yaml.org,2002:null"


def _require(place: int | None) -> int:
    """Return a place; what a table has only by a merge key (`<<`) has none."""
    if place is None:
        raise InvalidCall(say("act.values.in_place"))
    return place


def _find_child(node: Any, part: str | int) -> int | None:
    if _is_table(node):
        names = [name.value for name, _ in node.value]
        return names.index(str(part)) if str(part) in names else None
    if _is_list(node) and isinstance(part, int) and part < len(node.value):
        return part
    return None


def _get_child(node: Any, place: int) -> Any:
    return node.value[place][1] if _is_table(node) else node.value[place]


def _find_member(text: str, node: Any, place: int) -> tuple[int, int, int]:
    """Return where a member begins, its key or dash included, where its value begins, and where
    it ends."""
    child = _get_child(node, place)
    begin, end = child.start_mark.index, child.end_mark.index
    if _is_list(node):
        earlier = begin < node.start_mark.index or any(child is it for it in node.value[:place])
        if earlier or begin == end:
            raise InvalidCall(say("act.values.in_place"))  # an alias, or nothing
        start = begin if node.flow_style else _find_dash(text, begin)
        return start, begin, _find_end(text, child)
    name = node.value[place][0]
    if name.end_mark.index <= begin < end:
        return name.start_mark.index, begin, _find_end(text, child)
    found = _VALUE.match(text, name.end_mark.index)
    if not found:
        raise InvalidCall(say("act.values.in_place"))
    if found[1]:
        return name.start_mark.index, found.start(1), found.end(1)
    end = len(text[: found.end()].rstrip(" \t"))
    return name.start_mark.index, end, end


def _find_dash(text: str, begin: int) -> int:
    """Return where the dash is of an item whose value begins at a place."""
    dash = text.rfind("-", 0, begin)
    while dash >= 0 and not _AFTER_DASH.fullmatch(text, dash + 1, begin):
        dash = text.rfind("-", 0, dash)
    if dash < 0:
        raise InvalidCall(say("act.values.in_place"))
    return dash


def _find_end(text: str, node: Any) -> int:
    """Return where what is written of a value ends."""
    start: int = node.start_mark.index
    end: int = node.end_mark.index
    if node.id == "scalar" or node.flow_style or not node.value:
        return start + len(text[start:end].rstrip())
    return _find_member(text, node, len(node.value) - 1)[2]


def _scan_flow(text: str, node: Any) -> Node:
    items = []
    for place in range(len(node.value)):
        start, value, end = _find_member(text, node, place)
        name = node.value[place][0].value if _is_table(node) else place
        items.append(Item(name, start, value, end))
    kind: Any = "table" if _is_table(node) else "list"
    return Node(node.start_mark.index, node.end_mark.index, kind, items)


def _replace(text: str, parent: tuple[Any, int] | None, value: Any) -> str:
    """Return a text with another value of a member."""
    if parent is None:
        raise InvalidCall(say("act.values.whole"))
    node, place = parent
    start, begin, end = _find_member(text, node, place)
    old = _get_child(node, place)
    aliased = old.start_mark.index < start
    found = _PROPERTIES.match(text, begin)
    if found and found[0] and not aliased:
        begin = min(found.end(), end)
    column = node.start_mark.column if _is_table(node) else node.start_mark.column + 2
    style = None if aliased else old
    written = _render(value, style, bool(node.flow_style), column, _find_step(text))
    head = _VALUE.match(text, node.value[place][0].end_mark.index) if _is_table(node) else None
    colon = len(head[0].rstrip()) + head.start() if head else begin
    if "\n" in text[colon:begin]:  # a block on lines of its own
        comment = text[colon : text.find("\n", colon)]
        gap = f"{comment}{written}" if written.startswith("\n") else f" {written}{comment}"
        return text[:colon] + gap.rstrip(" ") + text[end:]
    if written.startswith("\n"):
        begin = len(text[:begin].rstrip(" \t"))
    elif begin and text[begin - 1] in ":-":
        written = f" {written}"
    return text[:begin] + written + text[end:]


def _add(text: str, node: Any, rest: Key, value: Any) -> str:
    """Return a text with a new member at the end of a table or list."""
    if not (_is_table(node) or _is_list(node)):
        raise InvalidCall(say("act.values.in_place"))
    step = _find_step(text)
    value = nest(rest[1:], value)
    name = f"{_render_text(str(rest[0]), None)}: " if _is_table(node) else ""
    if node.flow_style:
        written = _render(value, None, True, 0, step)
        return add_item(text, _scan_flow(text, node), name, written, "")
    column = node.start_mark.column
    written = _render(value, None, False, column if name else column + 2, step)
    head = (name or "- ").rstrip() if written.startswith("\n") else name or "- "
    after = text.find("\n", _find_end(text, node))
    after = len(text) if after < 0 else after
    return f"{text[:after]}\n{' ' * column}{head}{written}{text[after:]}"


def _find_step(text: str) -> int:
    """Return the number of spaces by which a file indents."""
    found = re.search(r"^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n( +)[^\s#-]", text, re.MULTILINE)
    return max(len(found[2]) - len(found[1]), 1) if found else 2


def _render(value: Any, old: Any, flow: bool, column: int, step: int) -> str:
    """Return a value as it is written after its key or dash.

    Args:
        value: Plain data.
        old: The value that it replaces.
        flow: Whether it stands in brackets.
        column: Column of its key.
        step: Indentation of one level.
    """
    if isinstance(value, str):
        return _render_text(value, old)
    if isinstance(value, dict) and value and not flow:
        return _render_block(value, column + step, step)
    return json.dumps(value, ensure_ascii=False)


def _render_block(value: Any, column: int, step: int) -> str:
    """Return a table as lines of their own."""
    if not isinstance(value, dict):
        return _render(value, None, True, column, step)
    lines = []
    for name, each in value.items():
        written = _render(each, None, False, column, step)
        space = "" if written.startswith("\n") else " "
        lines.append(f"\n{' ' * column}{_render_text(name, None)}:{space}{written}")
    return "".join(lines)


def _render_text(text: str, old: Any) -> str:
    """Return a text in the quotes of the one that it replaces, and in none if it needs none."""
    style = getattr(old, "style", None)
    if style == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    timestamp = getattr(old, "tag", None) == "tag:yaml.org,2002:timestamp"
    if style != '"' and (timestamp or _is_plain(text)):
        return text
    return json.dumps(text, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    """Return whether a text is read as itself without quotes, in and out of brackets."""
    if not text.isprintable() or not text.strip():
        return False
    try:
        return bool(load(f"a: {text}") == {"a": text} and load(f"[{text}]") == [text])
    except ValueError:
        return False
