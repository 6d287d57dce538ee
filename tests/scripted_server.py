"""A stand-in for an OpenAI-compatible server, over real HTTP on loopback."""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any

Reply = tuple[int, dict[str, Any] | str | Iterable[str]]
"""A status with a body or with what the model says, an iterable its words one by one."""


class ScriptedServer:
    """Answers each request by `respond`, given its body; keeps what it was asked."""

    def __init__(
        self,
        respond: Callable[[dict[str, Any]], Reply],
        models: tuple[int, dict[str, Any]] = (200, {"data": [{"id": "first-model"}]}),
    ) -> None:
        self.models = models
        """What it answers when it is asked for its models."""
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.dropped = threading.Event()
        """Set when a client has hung up in the middle of a text."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, respond))
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()


def _handler(
    server: ScriptedServer, respond: Callable[[dict[str, Any]], Reply]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.keys.append(self.headers["Authorization"])
            self._send(*server.models)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append(body)
            server.keys.append(self.headers["Authorization"])
            status, reply = respond(body)
            if isinstance(reply, dict):
                self._send(status, reply)
            elif body.get("stream"):
                self._stream(words_in(reply) if isinstance(reply, str) else reply)
            else:
                self._send(status, completion("".join(reply)))

        def _send(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, words: Iterable[str]) -> None:
            self.protocol_version = "HTTP/1.1"  # its client can tell an end from a break
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                for data in chain(map(json.dumps, chunks(words)), ["[DONE]"]):
                    event = f"data: {data}\n\n".encode()
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                server.dropped.set()

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 5,
    "total_tokens": 25,
    "prompt_tokens_details": {"cached_tokens": 8},
}


def words_in(text: str) -> list[str]:
    """A text cut up before each space."""
    return re.findall(r"\s*\S+|\s+$", text)


def chunks(words: Iterable[str]) -> Iterator[dict[str, Any]]:
    """A reply as a stream has it, with what it cost at the end."""
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    for word in words:
        choice = {"index": 0, "delta": {"content": word}, "finish_reason": None}
        yield {**head, "choices": [choice]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    yield {**head, "choices": [], "usage": USAGE}


def completion(content: str, finish_reason: str = "stop") -> dict[str, Any]:
    """A reply as it comes in one piece, with what it cost."""
    message = {"role": "assistant", "content": content}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
        "usage": USAGE,
    }
