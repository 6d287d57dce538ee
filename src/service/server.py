"""The application behind uvicorn, started and stopped with care for what is running."""

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from ..errors import ConcertinoError
from ..language.messages import say
from ..settings import Settings
from ..store.open import open_store
from ..tools.addresses import is_loopback
from .app import create_app
from .keys import Keys


class Server(uvicorn.Server):
    """Stops taking tasks and ends the event streams before it waits for connections to close:
    a reader who follows a task would else keep it from stopping."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,  # questions stand in the addresses of searches
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        self._app = app
        self._settings = settings

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._app.state.service.queue.drain(self._settings.serve_shutdown_seconds)
        await super().shutdown(sockets)


async def run_server(settings: Settings, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until the process is told to stop.

    Args:
        tell: called with what the person at the terminal should know.

    Raises:
        ConcertinoError: it cannot listen there, or may not without an API key.
    """
    async with open_store(settings.place) as store:
        keys = Keys(store)
        await keys.setup()
        with_keys = await keys.has_active_key()
    if not with_keys and not is_loopback(host):
        raise ConcertinoError(say("service.keys_needed", host=host))
    app = create_app(settings)
    with _listen(host, port) as listening:
        name = f"[{host}]" if ":" in host else host
        tell(say("service.listening", url=f"http://{name}:{listening.getsockname()[1]}"))
        if not with_keys:
            tell(say("service.no_keys_yet"))
        await Server(app, settings).serve(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=2048)
        # asyncio does so only where a socket names its protocol; else an answer may wait 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise ConcertinoError(
            say("service.port", host=host, port=port, reason=error.strerror or error)
        ) from error
