"""Language negotiation for the service's messages."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..language.messages import Language, use_language


class AcceptLanguage:
    """Answers each request in the supported language its `Accept-Language` prefers.

    If it names none, the language of the service's environment is used.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with use_language(choose_language(Headers(scope=scope).get("accept-language", ""))):
            await self.app(scope, receive, send)


def choose_language(header: str) -> Language | None:
    """Return the supported language with the highest weight, the first if tied; else None."""
    weights: dict[Language, float] = {}
    for part in header.split(","):
        name, _, weight = part.partition(";")
        language = name.strip().lower().partition("-")[0]
        if language in ("en", "zh"):
            weights.setdefault("zh" if language == "zh" else "en", _parse_weight(weight))
    best = max(weights, key=lambda each: weights[each], default=None)
    return best if best and weights[best] > 0 else None


def _parse_weight(parameter: str) -> float:
    try:
        return float(parameter.partition("=")[2] or 1)
    except ValueError:
        return 0.0
