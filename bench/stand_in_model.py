"""A stand-in for a model's server: answers after a fixed time, streaming evenly over that time.

    python -m bench.stand_in_model --latency 1.0

It prints the address where it listens. Its answers fit every request for the task in
`bench.service`: a value of the given schema, or a text that is a program, a solution and a report
at once. Decisions and streamed words contain the time at which they were sent. `GET /calls` returns
the number of calls.
"""

import argparse
import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

PREFERRED = ("solve_math", "execution", "verification", "complete")
WORDS = 20
"""Number of words in a streamed text."""
TEXT = "```python\nanswer = 12 * 3\n```\n12 pens at 3 dollars make \\boxed{36}."
USAGE = {"prompt_tokens": 400, "completion_tokens": 60, "total_tokens": 460}


class StandIn:
    """The server's application."""

    def __init__(self, latency: float) -> None:
        self.latency, self.calls = latency, 0
        self.app = Starlette(
            routes=[
                Route("/v1/models", self.models),
                Route("/v1/chat/completions", self.complete, methods=["POST"]),
                Route("/calls", self.list_calls),
            ]
        )

    async def models(self, request: Request) -> Response:
        return JSONResponse({"data": [{"id": "stand-in"}]})

    async def list_calls(self, request: Request) -> Response:
        return JSONResponse(self.calls)

    async def complete(self, request: Request) -> Response:
        self.calls += 1
        asked = await request.json()
        if asked.get("stream"):
            return StreamingResponse(self._words(), media_type="text/event-stream")
        await asyncio.sleep(self.latency)
        schema = asked.get("response_format", {}).get("json_schema", {}).get("schema")
        content = json.dumps(value_of(schema, schema)) if schema else TEXT
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return JSONResponse({**_head("chat.completion"), "choices": [choice], "usage": USAGE})

    async def _words(self) -> AsyncIterator[str]:
        for _ in range(WORDS):
            await asyncio.sleep(self.latency / WORDS)
            delta = {"content": f"at {time.time():.4f} "}
            yield _chunk([{"index": 0, "delta": delta, "finish_reason": None}])
        yield _chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}])
        yield _chunk([], usage=USAGE)
        yield "data: [DONE]\n\n"


def value_of(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """Return the shortest value of a schema; of an enum, the preferred value that moves the task
    on."""
    if "$ref" in schema:
        return value_of(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "enum" in schema:
        return next((each for each in PREFERRED if each in schema["enum"]), schema["enum"][0])
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return value_of(schema["anyOf"][0], root)
    match schema.get("type"):
        case "object":
            return {name: value_of(each, root) for name, each in schema["properties"].items()}
        case "array":
            return [value_of(schema["items"], root)] * schema.get("minItems", 0)
        case "boolean":
            return False
        case "integer" | "number":
            return schema.get("minimum", 1)
    return f"at {time.time():.4f}"


def _head(kind: str) -> dict[str, Any]:
    return {"id": f"call-{time.time_ns()}", "object": kind, "created": 1, "model": "stand-in"}


def _chunk(choices: list[dict[str, Any]], **more: Any) -> str:
    data = {**_head("chat.completion.chunk"), "choices": choices, **more}
    return f"data: {json.dumps(data)}\n\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency", type=float, default=1.0)
    arguments = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        app = StandIn(arguments.latency).app
        config = uvicorn.Config(app, log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
