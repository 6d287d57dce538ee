"""Values in INI files, and in files of `name = value` lines without sections."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ....language.messages import say
from ...errors import InvalidCall
from .keys import Key

_SECTION = re.compile(r"\s*\[(?P<name>[^\]]+)\]\s*([#;].*)?$")
_ENTRY = re.compile(r"(?P<head>\s*(?P<name>[^\s=:#;\[][^=:]*?)\s*[=:][ \t]*)(?P<value>.*)$")
_COMMENT = re.compile(r"\s+[;#](\s.*)?$|\s*$")


@dataclass(frozen=True)
class _Entry:
    section: str | None
    name: str
    value: str
    first: int
    """Its first line."""
    last: int
    """Its last line; further ones are indented more than the first."""


def load(text: str) -> Any:
    """Return the data of a text: sections of texts, and the texts before the first section."""
    data: dict[str, Any] = {}
    lines = text.split("\n")
    for line in lines:
        if found := _SECTION.match(line):
            section = data.setdefault(found["name"], {})
            if not isinstance(section, dict):
                raise ValueError(found["name"])
    for entry in _list_entries(lines):
        table = data if entry.section is None else data[entry.section]
        if isinstance(table.get(entry.name), dict):
            raise ValueError(entry.name)
        table[entry.name] = entry.value
    return data


def write(text: str, key: Key, value: Any) -> str:
    """Return a text with another value at a path."""
    section, name = _split_key(key)
    written = _render(value)
    lines = text.split("\n")
    entry = _find_entry(lines, section, name)
    if entry is None:
        return _add(lines, section, name, written)
    head = _ENTRY.match(lines[entry.first])
    if head is None:
        raise InvalidCall(say("act.values.in_place"))
    comment = _COMMENT.search(head["value"])
    kept = comment[0] if comment and entry.first == entry.last else ""
    space = "" if head["head"].endswith((" ", "\t")) or head["value"] else _find_space(lines)
    lines[entry.first : entry.last + 1] = [f"{head['head']}{space}{written}{kept}"]
    return "\n".join(lines)


def remove(text: str, key: Key) -> str:
    """Return a text without the value, or the section, at a path, which exists."""
    lines = text.split("\n")
    if len(key) == 1 and (span := _find_section(lines, str(key[0]))):
        del lines[span[0] : span[1]]
        return "\n".join(lines)
    section, name = _split_key(key)
    entry = _find_entry(lines, section, name)
    if entry is None:
        raise InvalidCall(say("act.values.in_place"))
    del lines[entry.first : entry.last + 1]
    return "\n".join(lines)


def _split_key(key: Key) -> tuple[str | None, str]:
    names = [str(part) for part in key]
    return (".".join(names[:-1]) or None), names[-1]


def _render(value: Any) -> str:
    if isinstance(value, dict | list) or (isinstance(value, str) and "\n" in value):
        raise InvalidCall(say("act.values.ini_value"))
    if isinstance(value, str):
        return value
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _list_entries(lines: Sequence[str]) -> Iterator[_Entry]:
    section = None
    entry: _Entry | None = None
    for number, line in enumerate(lines):
        indented = line[:1] in (" ", "\t") and line.strip() and line.strip()[0] not in "#;"
        if entry and indented:
            value = f"{entry.value}\n{line.strip()}"
            entry = _Entry(entry.section, entry.name, value, entry.first, number)
            continue
        if entry:
            yield entry
            entry = None
        if found := _SECTION.match(line):
            section = found["name"]
        elif found := _ENTRY.match(line):
            entry = _Entry(section, found["name"], _strip(found["value"]), number, number)
    if entry:
        yield entry


def _strip(value: str) -> str:
    return _COMMENT.sub("", value, count=1)


def _find_entry(lines: Sequence[str], section: str | None, name: str) -> _Entry | None:
    entries = [
        entry for entry in _list_entries(lines) if (entry.section, entry.name) == (section, name)
    ]
    return entries[-1] if entries else None


def _find_section(lines: Sequence[str], name: str) -> tuple[int, int] | None:
    """Return the first line of a section, and the line after its last one."""
    begin = None
    for number, line in enumerate(lines):
        found = _SECTION.match(line)
        if found and begin is not None:
            return begin, number
        if found and found["name"] == name:
            begin = number
    return None if begin is None else (begin, len(lines))


def _add(lines: list[str], section: str | None, name: str, written: str) -> str:
    entry = f"{name}{_find_space(lines)}={_find_space(lines)}{written}"
    span = (0, len(lines)) if section is None else _find_section(lines, section)
    if span is None:
        gap = [""] if any(line.strip() for line in lines) else []
        while lines and not lines[-1].strip():
            lines.pop()
        return "\n".join([*lines, *gap, f"[{section}]", entry, ""])
    first = next((n for n, line in enumerate(lines) if _SECTION.match(line)), len(lines))
    begin, end = (-1, first) if section is None else span
    last = max(
        [e.last for e in _list_entries(lines) if begin < e.first < end], default=max(begin, -1)
    )
    lines.insert(last + 1, entry)
    return "\n".join(lines)


def _find_space(lines: Sequence[str]) -> str:
    """Return what stands around `=` in a file."""
    entries = [line for line in lines if _ENTRY.match(line) and not _SECTION.match(line)]
    return " " if not entries or any(re.search(r"\s[=:]", line) for line in entries) else ""
