"""Reading server-sent events in tests."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Event(NamedTuple):
    id: int | None
    type: str
    data: dict[str, Any]


def events_in(lines: Iterable[str]) -> Iterator[Event]:
    """The events of a stream's lines; comments are left out."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "data" in fields:
            number = int(fields["id"]) if "id" in fields else None
            yield Event(number, fields.get("event", ""), json.loads(fields["data"]))
        fields = {}
