"""The application under uvicorn, with graceful start and shutdown."""

import socket
from collections.abc import Callable
from contextlib import AsyncExitStack

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
    """A uvicorn server that drains tasks and ends event streams before closing connections.

    Otherwise a reader following a task would delay the shutdown. The application is started here,
    since uvicorn would log the traceback of what keeps it from starting.

    Args:
        ready: called once the application has started.
    """

    def __init__(
        self, app: FastAPI, settings: Settings, ready: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                access_log=False,  # search URLs contain questions
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=5,
            )
        )
        self._app = app
        self._settings = settings
        self._ready = ready
        self._running = AsyncExitStack()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._running.enter_async_context(self._app.router.lifespan_context(self._app))
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._app.state.service.queue.drain(self._settings.serve_shutdown_seconds)
        await super().shutdown(sockets)
        await self._running.aclose()


async def run_server(settings: Settings, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until the process receives a stop signal.

    Args:
        tell: called with each message for the terminal.

    Raises:
        ConcertinoError: the address is not available, or not allowed without an API key; another
            service works on this home; or the database or Redis cannot be used.
    """
    if settings.redis_url:
        await _check_redis(settings)
    async with open_store(settings.place) as store:
        keys = Keys(store)
        await keys.setup()
        with_keys = await keys.has_active_key()
    if not with_keys and not is_loopback(host):
        raise ConcertinoError(say("service.keys_needed", host=host))
    with _listen(host, port) as listening:
        name = f"[{host}]" if ":" in host else host

        def tell_ready() -> None:
            tell(say("service.listening", url=f"http://{name}:{listening.getsockname()[1]}"))
            if not with_keys:
                tell(say("service.no_keys_yet"))

        await Server(create_app(settings), settings, tell_ready).serve(sockets=[listening])


async def _check_redis(settings: Settings) -> None:
    try:
        from ..work.broker import check_redis
    except ImportError as error:
        raise ConcertinoError(say("store.not_installed", reason=error)) from error
    await check_redis(settings)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(address[:2], family=family, backlog=2048)
        # asyncio sets it only for sockets with an explicit protocol; else replies may wait 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise ConcertinoError(
            say("service.port", host=host, port=port, reason=error.strerror or error)
        ) from error
