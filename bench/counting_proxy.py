"""A proxy before an OpenAI-compatible server that counts calls and tokens."""

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 3600


class CountingProxy:
    """Passes chat completions on, and counts calls and tokens."""

    def __init__(self, url: str, key: str) -> None:
        self.calls = 0
        self.prompt_tokens = 0
        self.output_tokens = 0
        self._upstream = f"{url.rstrip('/')}/chat/completions"
        self._key = key
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _build_handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()

    def forward(self, body: bytes) -> tuple[int, bytes]:
        """Pass a request on; returns the status and the answer."""
        if json.loads(body).get("stream"):
            return 400, b'{"error": {"message": "streams are not counted"}}'
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        request = urllib.request.Request(self._upstream, body, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
                answer = response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        self._count(json.loads(answer).get("usage") or {})
        return 200, answer

    def _count(self, usage: dict[str, Any]) -> None:
        with self._lock:
            self.calls += 1
            self.prompt_tokens += usage.get("prompt_tokens", 0)
            self.output_tokens += usage.get("completion_tokens", 0)


def _build_handler(proxy: CountingProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, answer = proxy.forward(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *given: Any) -> None:
            pass

    return Handler
