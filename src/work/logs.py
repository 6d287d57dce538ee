"""Logs: one line per event, with the id of its task, as text or JSON.

They contain no questions, answers or headers except the user agent; configured secrets and strings
that look like our API keys are masked everywhere.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from opentelemetry import trace
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..settings import MASK, Settings, mask_secrets

LogFields = dict[str, Any]

PROBE_PATHS = ("/health/", "/metrics", "/page/", "/favicon.ico")
"""Prefixes of paths that are requested repeatedly."""

_KEY = re.compile(r"\b(concertino_[0-9a-f]{8}_)[\w-]{20,}")
_log_fields: ContextVar[LogFields] = ContextVar("facts")

log = logging.getLogger(__name__)


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Configure logging from the settings.

    Args:
        stream: output stream; None is standard error.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(settings.log_format, settings.secrets))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("concertino", "uvicorn.error"):
        logging.getLogger(name).setLevel(settings.log_level.upper())


def add_log_fields(**facts: Any) -> None:
    """Add fields to all further log lines of the current request or task."""
    _log_fields.set({**_log_fields.get({}), **facts})


@contextmanager
def log_context(**facts: Any) -> Iterator[None]:
    """Log only these fields with lines from within the context."""
    before = _log_fields.set(facts)
    try:
        yield
    finally:
        _log_fields.reset(before)


class LineFormatter(logging.Formatter):
    """Formats a record as a line of text, or as a line of JSON with all known fields."""

    def __init__(self, kind: Literal["text", "json"], secrets: list[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._kind = kind
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record) if self._kind == "text" else self._format_json(record)
        return _KEY.sub(rf"\1{MASK}", mask_secrets(line, self._secrets))

    def _format_json(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_log_fields.get({}),
            **getattr(record, "facts", {}),
        }
        if (span := trace.get_current_span().get_span_context()).is_valid:
            line["trace_id"] = trace.format_trace_id(span.trace_id)
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class AccessLog:
    """Logs each answered request; uvicorn's own access log would contain search queries."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.perf_counter) -> None:
        self.app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = self._clock()
        status = 0

        async def send_wrapper(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with log_context():
            try:
                await self.app(scope, receive, send_wrapper)
            except Exception:
                status = 500
                raise
            finally:
                _log_request(scope, status, self._clock() - began)


def is_probe(scope: MutableMapping[str, Any]) -> bool:
    """Return whether a request is routine and needs no trace or INFO log line."""
    return bool(scope["path"].startswith(PROBE_PATHS))


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", None) or "-"
    facts = {
        "method": scope["method"],
        "route": route,
        "status": status,
        "seconds": round(seconds, 4),
        "client": (scope.get("client") or ("-",))[0],
        "agent": Headers(scope=scope).get("user-agent", "")[:200],
    }
    level = logging.DEBUG if is_probe(scope) else logging.INFO
    words = scope["method"], route, status, 1000 * seconds
    log.log(level, "%s %s %d %.0f ms", *words, extra={"facts": facts})
