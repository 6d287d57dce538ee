"""`HEAD` wherever `GET` is: the same answer without its body."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Answers `HEAD` as `GET` would begin to; a stream is ended with its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        ended = False

        async def send_head(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b""})
            if message.get("more_body"):
                answering.cancel()

        inner: Scope = {**scope, "method": "GET"}
        answering = asyncio.ensure_future(self.app(inner, receive, send_head))
        try:
            await asyncio.wait([answering])
        finally:
            answering.cancel()
        scope.update((name, inner[name]) for name in ("route", "endpoint") if name in inner)
        if not answering.cancelled():
            answering.result()
