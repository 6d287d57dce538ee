"""Edits of values written in brackets, `{…}` and `[…]`: all JSON, and flow style in YAML. All other
characters stay as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Item:
    """A member of a table or list, by places in the text."""

    key: str | int
    start: int
    """Where it begins, key included."""
    value: int
    """Where its value begins."""
    end: int


@dataclass(frozen=True)
class Node:
    """A value, by places in the text, with its members."""

    start: int
    end: int
    kind: Literal["table", "list", "other"]
    items: Sequence[Item] = ()

    def find(self, key: str | int) -> int | None:
        """Return the place of a member among the others; the last one of that name."""
        places = [place for place, item in enumerate(self.items) if item.key == key]
        return places[-1] if places else None


def add_item(text: str, node: Node, key: str, value: str, step: str) -> str:
    """Return a text with one more member at the end of a bracketed table or list.

    Args:
        text: The whole text.
        node: The table or list.
        key: The member's key as written, with its colon; empty in a list.
        value: The member's value as written; further lines are indented here.
        step: Indentation of one level, empty if all is on one line.
    """
    if node.items:
        end = node.items[-1].end
        inner = indent_at(text, node.items[-1].start)
        written = key + value.replace("\n", f"\n{inner}")
        return f"{text[:end]}{_find_separator(text, node)}{written}{text[end:]}"
    outer = indent_at(text, node.start)
    written = key + value.replace("\n", f"\n{outer}{step}")
    body = f"\n{outer}{step}{written}\n{outer}" if step else written
    return f"{text[: node.start + 1]}{body}{text[node.end - 1 :]}"


def _find_separator(text: str, node: Node) -> str:
    """Return what stands between the members of a table or list."""
    first = node.items[0]
    if "\n" in text[node.start : first.start]:
        return f",\n{indent_at(text, node.items[-1].start)}"
    if len(node.items) == 1:
        return ", "
    between = text[first.end : node.items[1].start]
    return "," if between == "," else ", "


def remove_item(text: str, node: Node, place: int) -> str:
    """Return a text without a member of a bracketed table or list."""
    items = node.items
    if len(items) == 1:
        return text[: node.start + 1] + text[node.end - 1 :]
    if place + 1 < len(items):
        return text[: items[place].start] + text[items[place + 1].start :]
    return text[: items[place - 1].end] + text[items[place].end :]


def indent_at(text: str, place: int) -> str:
    """Return the indentation of the line of a place."""
    start = text.rfind("\n", 0, place) + 1
    line = text[start:place]
    return line[: len(line) - len(line.lstrip(" \t"))]
