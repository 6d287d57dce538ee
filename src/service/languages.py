"""What the service says to a person, in the language that their client asks for."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..language.messages import Language, use_language


class AcceptLanguage:
    """Answers each request in the language of ours that its `Accept-Language` likes best; where it
    names neither, in that of the service's environment."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with use_language(choose_language(Headers(scope=scope).get("accept-language", ""))):
            await self.app(scope, receive, send)


def choose_language(header: str) -> Language | None:
    """The language of ours that the header gives the most weight, the first one of equals."""
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
