"""Requests as clients sent them that are no development dependencies, recorded from litellm
1.110, llm 0.36, openai 6.49 (npm) and the Vercel AI SDK 6 with openai-compatible 2.0."""

import json
from typing import Any

from fastapi.testclient import TestClient

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


def send(service: TestClient, path: str, body: dict[str, Any]) -> Any:
    return service.post(f"/v1/{path}", json={"model": "concertino/solve_math", **body})


def read(reply: Any) -> str:
    """The answer of a completion, streamed or not."""
    if not reply.headers["content-type"].startswith("text/event-stream"):
        return str(reply.json()["choices"][0]["message"]["content"])
    *lines, end = [line[6:] for line in reply.text.splitlines() if line.startswith("data: ")]
    assert end == "[DONE]"
    chunks = [json.loads(line) for line in lines]
    assert chunks[-1]["usage"]["total_tokens"] > 0
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def test_what_clients_send_is_answered(client: Client) -> None:
    service = client(json_form=[{"dollars": 36}])
    for name, body in ACCEPTED.items():
        reply = send(service, "chat/completions", {"messages": MESSAGES, **body})
        assert reply.status_code == 200, f"{name}: {reply.text}"
        said = read(reply)
        if "response_format" in body:
            assert json.loads(said) == {"dollars": 36}, name
        elif "max_tokens" in body:
            assert reply.json()["choices"][0]["finish_reason"] == "length"
        else:
            assert "36" in said, name


def test_what_clients_cannot_have_is_refused_by_name(client: Client) -> None:
    service = client()
    for name, (body, param) in REFUSED.items():
        reply = send(service, "chat/completions", {"messages": MESSAGES, **body})
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, param), name


def test_clients_of_openai_s_other_interfaces_are_told_which_to_use(client: Client) -> None:
    service = client()
    for name, (path, body) in ELSEWHERE.items():
        reply = send(service, path, body)
        assert reply.status_code == 404, name
        assert "chat/completions" in reply.json()["error"]["message"]
