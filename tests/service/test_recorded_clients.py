"""Requests as clients sent them that are no development dependencies, recorded from litellm
1.110, llm 0.36, openai 6.49 (npm) and the Vercel AI SDK 6 with openai-compatible 2.0."""

import json
from typing import Any

import pytest

from tests.model_server import PENS
from tests.service.conftest import Client

MESSAGES = [{"role": "user", "content": PENS}]
DOLLARS = {
    "type": "object",
    "properties": {"dollars": {"type": "integer"}},
    "required": ["dollars"],
}
BOUNDED = {"type": "integer", "minimum": -9007199254740991, "maximum": 9007199254740991}
ZOD = {
    **DOLLARS,
    "$schema": "http://json-schema.org/draft-07/schema#",
    "properties": {"dollars": BOUNDED},
    "additionalProperties": False,
}
USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def in_schema(name: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    asked = {"name": name, "schema": schema, **more}
    return {"response_format": {"type": "json_schema", "json_schema": asked}}


ACCEPTED = {
    "litellm": {"temperature": 0.7, "top_p": 0.9, "seed": 5},
    "litellm, streamed": USAGE,
    "llm": {**USAGE, "seed": 5, "temperature": 0.7},
    "llm, not streamed": {"stream": False},
    "llm, stop": {**USAGE, "stop": "x", "temperature": 1.9, "presence_penalty": 1.0},
    "llm, schema": {**USAGE, **in_schema("output", DOLLARS)},
    "llm, json": {**USAGE, "response_format": {"type": "json_object"}},
    "npm, parse": in_schema("c", {**DOLLARS, "additionalProperties": False}, strict=True),
    "AI SDK, object": in_schema("response", ZOD, strict=True),
    "AI SDK, streamed": USAGE,
    "AI SDK, short": {"max_tokens": 10},
}
FUNCTION = {"name": "f", "description": None, "parameters": {"type": "object", "properties": {}}}
PICTURE = [{"type": "text", "text": PENS}, {"type": "image_url", "image_url": {"url": "data:"}}]
REFUSED = {
    "litellm, n": ({"n": 2}, "n"),
    "llm, bias": ({**USAGE, "logit_bias": {"5": 1}}, "logit_bias"),
    "llm, tools": ({**USAGE, "tools": [{"type": "function", "function": FUNCTION}]}, "tools"),
    "AI SDK, tools": (
        {"tools": [{"type": "function", "function": FUNCTION}], "tool_choice": "auto"},
        "tools",
    ),
    "AI SDK, picture": (
        {"messages": [{"role": "user", "content": PICTURE}]},
        "messages[0].content[1].type",
    ),
}
ELSEWHERE = {
    "litellm": ("responses", {"input": PENS}),
    "litellm, text": ("completions", {"prompt": PENS}),
    "AI SDK": (
        "responses",
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": PENS}]}]},
    ),
}


def send(client: Client, path: str, body: dict[str, Any]) -> Any:
    service = client(json_form=[{"dollars": 36}])
    return service.post(f"/v1/{path}", json={"model": "concertino/solve_math", **body})


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=list(ACCEPTED))
def test_what_a_client_sends_is_answered(client: Client, body: dict[str, Any]) -> None:
    reply = send(client, "chat/completions", {"messages": MESSAGES, **body})
    assert reply.status_code == 200, reply.text
    if not body.get("stream"):
        [choice] = reply.json()["choices"]
        said = choice["message"]["content"]
    else:
        *lines, end = [line[6:] for line in reply.text.splitlines() if line.startswith("data: ")]
        assert end == "[DONE]"
        *chunks, last = map(json.loads, lines)
        assert last["usage"]["total_tokens"] > 0
        deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
        said = "".join(delta.get("content") or "" for delta in deltas)
    if "max_tokens" in body:
        assert choice["finish_reason"] == "length"
    elif "response_format" in body:
        assert json.loads(said) == {"dollars": 36}
    else:
        assert "36" in said


@pytest.mark.parametrize(("body", "param"), REFUSED.values(), ids=list(REFUSED))
def test_what_a_client_cannot_have_is_refused_by_name(
    client: Client, body: dict[str, Any], param: str
) -> None:
    reply = send(client, "chat/completions", {"messages": MESSAGES, **body})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(("path", "body"), ELSEWHERE.values(), ids=list(ELSEWHERE))
def test_a_client_of_another_of_openai_s_interfaces_is_told_which_to_use(
    client: Client, path: str, body: dict[str, Any]
) -> None:
    reply = send(client, path, body)
    assert reply.status_code == 404
    assert "chat/completions" in reply.json()["error"]["message"]
