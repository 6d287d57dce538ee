"""Replies as JSON (`response_format`): the answer is put into the form by one call of the model.

The provider's grammar holds the reply to the schema where it has one; it is validated either way.
"""

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from ...language.detect import detect_language
from ...language.messages import say
from ...models.client import Form, LanguageModel, Reply
from ...models.structured import extract_json
from ...prompts import load_prompt
from ...tools.fence import fence
from ..problems import Refusal
from .request import ResponseFormat

PROMPT = load_prompt("chat/json")
PARAM = "response_format.json_schema.schema"
MAX_SCHEMA_BYTES = 32 << 10
"""Longer schemas make llama.cpp's grammar fail."""
MAX_TOKENS = 4000


def check_format(asked: ResponseFormat | None) -> Form[str] | None:
    """Return the form that is asked for; None for plain text.

    Raises:
        Refusal: the schema is missing, is none, or has parts that cannot be held to.
    """
    if asked is None or asked.type == "text":
        return None
    if asked.type == "json_object":
        schema: dict[str, Any] = {"type": "object"}
        return Form("json_object", schema, schema, extract_json)
    if asked.json_schema is None:
        raise _refuse(say("chat.no_schema"), "response_format.json_schema")
    schema = asked.json_schema.schema_
    _check_schema(schema)
    # Without a registry a reference would be fetched from wherever it points.
    validator = Draft202012Validator(schema, registry=Registry())

    def parse(text: str) -> str:
        found = extract_json(text)
        try:
            error = next(validator.iter_errors(json.loads(found)), None)
        except RecursionError:
            raise ValueError("the schema refers to itself without end") from None
        if error:
            raise ValueError(f"{error.json_path}: {error.message[:200]}")
        return found

    return Form(asked.json_schema.name, schema, schema, parse)


def _check_schema(schema: dict[str, Any]) -> None:
    if len(json.dumps(schema)) > MAX_SCHEMA_BYTES:
        raise _refuse(say("chat.schema_size", limit=MAX_SCHEMA_BYTES >> 10))
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise _refuse(say("chat.schema", reason=error.message[:200])) from None
    if schema.get("type") != "object":
        raise _refuse(say("chat.schema_object"))
    resolver = Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for name, value in _walk(schema):
        # Patterns are run against what a model wrote, and bad ones never end.
        if name in ("pattern", "patternProperties", "$dynamicRef", "$id"):
            raise _refuse(say("chat.schema_keyword", keyword=name))
        if name == "$ref":
            try:
                resolver.lookup(str(value))
            except Unresolvable:
                raise _refuse(say("chat.schema_ref", ref=str(value)[:100])) from None


def _walk(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield every keyword of a schema with its value; names of properties are no keywords."""
    if isinstance(node, list):
        for item in node:
            yield from _walk(item)
    elif isinstance(node, dict):
        for name, value in node.items():
            yield name, value
            if name in ("const", "enum", "default", "examples"):
                continue
            named = name in ("properties", "$defs", "definitions", "dependentSchemas")
            yield from _walk(list(value.values()) if named else value)


def _refuse(message: str, param: str = PARAM) -> Refusal:
    return Refusal(400, message, param=param, code="invalid_value")


async def write_json(
    model: LanguageModel, form: Form[str], question: str, answer: str
) -> Reply[str]:
    """Put an answer into a form.

    Raises:
        ModelError: the model is unreachable, or gave no valid reply.
    """
    language = detect_language(question)
    return await model.generate_json(
        PROMPT[language].messages(
            question=fence(question, "request"), answer=fence(answer, "answer")
        ),
        form,
        max_tokens=min(MAX_TOKENS, 600 + len(answer) // 2),
        language=language,
    )
