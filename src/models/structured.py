"""Structured output: the schema that goes to the provider, and the value that comes back."""

import json
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)

# OpenAI's strict mode and Gemini refuse schemas that bound the length of a string.
_STRING_BOUNDS = ("minLength", "maxLength")
_DECORATION = ("title", "default", "description")

# Some servers give the opening tag to the model themselves, so that only the end comes back.
_THOUGHTS = re.compile(r"\s*(?:<think>)?.*?</think>\s*|\s*<think>.*", re.DOTALL)
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)(?:```|\Z)", re.DOTALL)


def provider_schema(model: type[BaseModel], *, string_bounds: bool) -> dict[str, Any]:
    """JSON schema of `model` in the form that strict providers take.

    Every property is required and no other is allowed; titles, defaults and descriptions,
    which cost prompt tokens, are left out. `string_bounds` keeps the lengths of strings.
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


def without_thoughts(reply: str) -> str:
    """A reply without the thoughts that a reasoning model begins it with; nothing is left where
    they have no end."""
    thoughts = _THOUGHTS.match(reply)
    return reply[thoughts.end() :] if thoughts else reply


def extract_json(text: str) -> str:
    """The JSON object within a reply that may use fences, or chat around it."""
    if fenced := _FENCE.search(text):
        text = fenced.group(1)
    start = text.find("{")
    if start < 0:
        raise ValueError("the reply holds no JSON object")
    value, _ = json.JSONDecoder().raw_decode(text, start)
    return json.dumps(value, ensure_ascii=False)


def parse_reply(text: str, model: type[M]) -> M:
    """The reply as a `model`.

    Raises:
        ValueError: no JSON in it, or not of that shape (pydantic's error is one).
    """
    return model.model_validate_json(extract_json(text))


def explain(invalid: ValueError) -> str:
    """A validation error in one line, without the values that were wrong."""
    if isinstance(invalid, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'value'}: {item['msg']}"
            for item in invalid.errors(include_url=False, include_input=False)[:5]
        )
    return str(invalid)
