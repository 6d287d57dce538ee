"""Middleware for all requests: security headers, and rules for use without an API key."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..language.messages import say
from ..tools.addresses import is_loopback
from .problems import build_refusal

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Forbids content from other hosts, inline scripts and framing of the page."""

HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class SecurityHeaders:
    """Adds security headers to responses."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_wrapper(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # The page's own files are revalidated by ETag; everything else is never cached.
                headers.setdefault("Cache-Control", "no-cache" if "etag" in headers else "no-store")
            await send(message)

        await self.app(scope, receive, send_wrapper if scope["type"] == "http" else send)


def explain_refusal(scope: Scope, origins: Collection[str] = ()) -> str | None:
    """Return why a request without a key is refused; None if it is allowed.

    Other web pages open in the user's browser must not reach the service on their machine: neither
    through a host name that resolves here (DNS rebinding), nor by a form or `fetch` (CSRF). Pages
    of `origins` may, if they are named: `*` is for services that have keys.
    """
    request = Request(scope)
    headers = Headers(scope=scope)
    if request.client and not is_loopback(request.client.host):
        return say("service.not_loopback")
    if not is_loopback(_strip_port(headers.get("host", ""))):
        return say("service.wrong_host")
    origin = headers.get("origin")
    if origin in origins:
        return None
    foreign = origin is not None and urlsplit(origin).netloc != headers.get("host")
    site = headers.get("sec-fetch-site", "none")
    if request.method not in SAFE_METHODS and (foreign or site not in ("same-origin", "none")):
        return say("service.other_origin")
    return None


class LoopbackOnly:
    """Serves only this machine while there is no API key."""

    def __init__(self, app: ASGIApp, origins: Collection[str] = ()) -> None:
        self.app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["app"].state.service.open:
            reason = explain_refusal(scope, self._origins)
            if reason:
                await build_refusal(scope["path"], 403, reason)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _strip_port(host: str) -> str:
    return host if host.endswith("]") else host.rpartition(":")[0] or host
