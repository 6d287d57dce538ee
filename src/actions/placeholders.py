"""Placeholders: `{{r3.rows[0].name}}` stands for a value of an earlier result.

A value that is one placeholder keeps its type; inside text it becomes text. Placeholders are filled
in once, in the parsed parameters, and what they stand for is never read for placeholders again.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from ..language.messages import Language, say
from .errors import InvalidCall

_PLACEHOLDER = re.compile(r"\{\{\s*(r\d+)((?:\.\w+|\[-?\d+\])*)\s*\}\}")
_STEP = re.compile(r"\.(\w+)|\[(-?\d+)\]")


class Reference(NamedTuple):
    """What a placeholder refers to."""

    result: str
    """Id of the result."""
    path: tuple[str | int, ...]
    """Field names and list positions, from the result's data on."""


def find_references(value: Any) -> list[Reference]:
    """Return the references in a value and in everything inside it."""
    return list(_walk_references(value))


def _walk_references(value: Any) -> Iterator[Reference]:
    if isinstance(value, str):
        for match in _PLACEHOLDER.finditer(value):
            yield _parse(match)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _walk_references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _walk_references(part)


def _parse(match: re.Match[str]) -> Reference:
    steps = _STEP.findall(match[2])
    return Reference(match[1], tuple(name or int(place) for name, place in steps))


def check_references(
    params: Mapping[str, Any], known: Mapping[str, type[BaseModel]], language: Language
) -> None:
    """Check that all placeholders name results that exist or are planned, and fields they have.

    Args:
        params: Parameters of a call.
        known: Model of each result's data, by id.

    Raises:
        InvalidCall: one does not; the message lists what there is.
    """
    for reference in find_references(dict(params)):
        if reference.result not in known:
            there = ", ".join(known) or "-"
            raise InvalidCall(
                say("act.no_such_result", language, name=reference.result, known=there)
            )
        fields = known[reference.result].model_fields
        first = reference.path[0] if reference.path else None
        if first is not None and first not in fields:
            raise InvalidCall(
                say(
                    "act.no_such_field",
                    language,
                    name=_format_reference(reference),
                    known=", ".join(fields),
                )
            )


def fill_in(value: Any, results: Mapping[str, Any], language: Language) -> Any:
    """Return a value with its placeholders replaced by what they refer to.

    Args:
        value: A parameter, or all of them.
        results: Data of each result, by id.

    Raises:
        InvalidCall: a placeholder refers to nothing; the message lists what there is.
    """
    if isinstance(value, Mapping):
        return {name: fill_in(part, results, language) for name, part in value.items()}
    if isinstance(value, list):
        return [fill_in(part, results, language) for part in value]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value.strip())
    if whole:
        return look_up(_parse(whole), results, language)
    return _PLACEHOLDER.sub(
        lambda match: format_value(look_up(_parse(match), results, language)), value
    )


def look_up(reference: Reference, results: Mapping[str, Any], language: Language) -> Any:
    """Return the value that a reference refers to.

    Raises:
        InvalidCall: there is none.
    """
    if reference.result not in results:
        there = ", ".join(results) or "-"
        raise InvalidCall(say("act.no_such_result", language, name=reference.result, known=there))
    value = results[reference.result]
    for step in reference.path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            known = ", ".join(map(str, value)) if isinstance(value, Mapping) else _measure(value)
            name = _format_reference(reference)
            raise InvalidCall(say("act.no_such_field", language, name=name, known=known)) from None
    return value


def format_value(value: Any) -> str:
    """Return a value as text inside other text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _measure(value: Any) -> str:
    return f"0 … {len(value) - 1}" if isinstance(value, list) and value else "-"


def _format_reference(reference: Reference) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in reference.path)
    return f"{reference.result}{path}"
