"""Structured output: the schema sent to the provider, and parsing of the reply."""

import copy
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)

# OpenAI's strict mode and Gemini reject schemas with string length bounds.
_STRING_BOUNDS = ("minLength", "maxLength")
_DECORATION = ("title", "default", "description")

SHORT = 60
"""Smallest length bound set on a string, in characters: a short sentence."""

# Some servers put the opening tag into the prompt, so that replies contain only the closing one.
_THOUGHTS = re.compile(r"\s*(?:<think>)?.*?</think>\s*|\s*<think>.*", re.DOTALL)
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)(?:```|\Z)", re.DOTALL)


def build_provider_schema(model: type[BaseModel], *, string_bounds: bool) -> dict[str, Any]:
    """Build the JSON schema of `model` in the form that strict providers accept.

    Every property is required and no other is allowed; titles, defaults and descriptions,
    which cost prompt tokens, are omitted. `string_bounds` keeps the bounds on string lengths.
    """
    dropped = _DECORATION if string_bounds else _DECORATION + _STRING_BOUNDS

    def tidy(node: Any, is_schema: bool = True) -> Any:
        if isinstance(node, list):
            return [tidy(item) for item in node]
        if not isinstance(node, dict):
            return node
        kept = {
            key: tidy(value, is_schema=not (is_schema and key in ("properties", "$defs")))
            for key, value in node.items()
            if not (is_schema and key in dropped)
        }
        if is_schema and kept.get("type") == "object" and "properties" in kept:
            kept |= {"required": list(kept["properties"]), "additionalProperties": False}
        return kept

    schema: dict[str, Any] = tidy(model.model_json_schema())
    return schema


@lru_cache(maxsize=256)
def bound_schema(model: type[BaseModel], max_chars: int) -> dict[str, Any]:
    """Return the schema of `model`, with its bounds, fitted to so many characters of a reply."""
    return fit_schema(build_provider_schema(model, string_bounds=True), max_chars)


def fit_schema(schema: dict[str, Any], max_chars: int) -> dict[str, Any]:
    """Tighten a schema's bounds until its longest valid reply has at most `max_chars` characters.

    Strings are not bounded below `SHORT`, nor lists below one item, so it may stay longer. A
    reply that reaches its token limit is truncated JSON, and would be again in a repair. Strings
    are shortened first, then the longest lists.
    """
    bounds = copy.deepcopy(schema)
    while _longest_reply(bounds, bounds) > max_chars:
        strings = [node for node in _walk(bounds) if node.get("maxLength", 0) > SHORT]
        lists = [
            node
            for node in _walk(bounds)
            if node.get("maxItems", 0) > max(1, node.get("minItems", 0))
        ]
        if strings:
            longest = max(strings, key=lambda node: int(node["maxLength"]))
            longest["maxLength"] = max(SHORT, int(longest["maxLength"] * 0.9))
        elif lists:
            longest = max(lists, key=lambda node: int(node["maxItems"]))
            longest["maxItems"] -= 1
        else:
            break
    return bounds


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema within a schema, itself included."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)


def _longest_reply(node: dict[str, Any], root: dict[str, Any]) -> int:
    """Return the length in characters of the longest JSON that a schema allows; unbounded strings
    count as empty."""
    if "$ref" in node:
        return _longest_reply(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    if options := node.get("anyOf"):
        return max(_longest_reply(option, root) for option in options)
    if words := node.get("enum", [node["const"]] if "const" in node else []):
        return max(len(json.dumps(word)) for word in words)
    if node.get("type") == "array":
        return 2 + int(node.get("maxItems", 1)) * (2 + _longest_reply(node.get("items", {}), root))
    if node.get("type") == "object":
        fields = node.get("properties", {}).items()
        return 2 + sum(len(name) + 6 + _longest_reply(field, root) for name, field in fields)
    return 2 + int(node.get("maxLength", 0)) if node.get("type") == "string" else 6


def strip_thoughts(reply: str) -> str:
    """Remove a reasoning model's leading thoughts from a reply; unterminated ones leave nothing."""
    thoughts = _THOUGHTS.match(reply)
    return reply[thoughts.end() :] if thoughts else reply


def extract_json(text: str) -> str:
    """Return the JSON object in a reply, which may be fenced or surrounded by prose.

    Raises:
        ValueError: the reply has no valid JSON object.
    """
    if fenced := _FENCE.search(text):
        text = fenced.group(1)
    start = text.find("{")
    if start < 0:
        raise ValueError("the reply holds no JSON object")
    value, _ = json.JSONDecoder().raw_decode(text, start)
    return json.dumps(value, ensure_ascii=False)


def parse_reply(text: str, model: type[M]) -> M:
    """Parse a reply as a `model`.

    Raises:
        ValueError: it has no JSON, or does not validate (pydantic's error is a ValueError).
    """
    return model.model_validate_json(extract_json(text))


def format_validation_error(invalid: ValueError) -> str:
    """Format a validation error in one line, without the invalid values."""
    if isinstance(invalid, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'value'}: {item['msg']}"
            for item in invalid.errors(include_url=False, include_input=False)[:5]
        )
    return str(invalid)
