"""A small Internet on loopback: names, public-looking addresses, and sites that misbehave."""

import gzip
import socket
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PUBLIC = "93.184.216.34"
CERTIFICATE = Path(__file__).with_name("secure_test.pem")
"""Of `secure.test` and no other name."""


@dataclass
class Answer:
    """What a site answers; a body of parts is sent part by part, as long as it lasts."""

    body: bytes | str | Iterable[bytes] = b""
    content_type: str | None = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def redirect(location: str, body: bytes | Iterable[bytes] = b"", **headers: str) -> Answer:
    """A redirect, to wherever."""
    return Answer(body, status=302, headers={"Location": location, **headers})


def article(text: str, title: str = "A page") -> str:
    """An HTML page with this text as its article."""
    return (
        f"<!doctype html><html><head><title>{title}</title></head>"
        f"<body><article><p>{text}</p></article></body></html>"
    )


def gzip_bomb(megabytes: int) -> bytes:
    """Some KB that unpack to so many MB of text."""
    return gzip.compress(b"<p>boom</p>" + b" " * megabytes * 10**6)


class Site:
    """Real HTTP on loopback: an `Answer` for each path."""

    def __init__(self, answers: dict[str, Answer], *, secure: bool = False) -> None:
        self.answers = answers
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        """Path with query, headers and body of each request."""
        self.stopped = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        if secure:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.stopped.set()
        self._http.shutdown()
        self._http.server_close()


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            site.requests.append((self.path, dict(self.headers), body))
            answer = site.answers.get(self.path.partition("?")[0], Answer("gone", status=404))
            self.send_response(answer.status)
            if answer.content_type is not None:
                self.send_header("Content-Type", answer.content_type)
            for name, value in answer.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            try:
                for part in _parts(answer.body):
                    self.wfile.write(part)
                    if site.stopped.is_set():
                        break
            except OSError:
                pass  # the client has had enough

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


def _parts(body: bytes | str | Iterable[bytes]) -> Iterable[bytes]:
    if isinstance(body, str):
        return [body.encode()]
    return [body] if isinstance(body, bytes) else body


class Internet:
    """Resolves names and routes addresses to sites; keeps what was asked and dialled."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.routes: dict[tuple[str, int], int] = {}
        self.resolved: list[str] = []
        self.dialled: list[str] = []

    def name(self, host: str, *answers: list[str]) -> None:
        """What the name resolves to: each answer once, the last one for ever."""
        self.names[host] = list(answers)

    def serve(self, site: Site, address: str = PUBLIC, port: int = 80) -> None:
        """Let that address and port lead to the site."""
        self.routes[address, port] = site.port

    def resolve(self, host: str, port: int, **options: Any) -> list[Any]:
        self.resolved.append(host)
        answers = self.names.get(host)
        if answers is None:  # numbers, in all their forms, are understood without a server
            return socket.getaddrinfo(host, port, **{**options, "flags": socket.AI_NUMERICHOST})
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
            for a in addresses
        ]

    def route(self, address: tuple[Any, ...]) -> tuple[str, int]:
        self.dialled.append(address[0])
        port = self.routes.get((address[0], address[1]))
        if port is None:
            raise ConnectionRefusedError(address)
        return "127.0.0.1", port
