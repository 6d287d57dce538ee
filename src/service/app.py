"""The ASGI application: middleware, routes and lifespan."""

import asyncio
import logging
import mimetypes
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from filelock import AcquireReturnProxy, FileLock, Timeout
from langchain_core.language_models import BaseChatModel
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.cors import CORSMiddleware

from .. import __version__
from ..errors import ConcertinoError
from ..language.messages import say
from ..settings import Settings, get_settings
from ..store.open import open_store
from ..work.ledger import Ledger
from ..work.live_text import LiveText
from ..work.logs import AccessLog, is_probe
from ..work.metrics import RequestTimes
from ..work.notifier import Notifier
from ..work.queues import LocalQueue, Queue
from . import problems
from .dependencies import Service
from .guard import LoopbackOnly, SecurityHeaders
from .heads import HeadAsGet
from .keys import Keys
from .languages import AcceptLanguage
from .limits import OpenStreams, RateLimit, RateLimiter
from .readiness import Readiness
from .routes import chat, health, kb, learning, tasks, threads, workflows, workspaces
from .uploads import Uploads

PAGE = Path(__file__).with_name("page")
FILE_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
"""Media types of the page's files; Windows may map others, and browsers then run no modules."""
EXPOSED_HEADERS = ("Location", "Preference-Applied", "Retry-After", "X-Should-Retry")
"""Headers that pages of the allowed origins may read."""
DAY = 24 * 60 * 60.0
FORM_ROOM = 64 << 10
"""Bytes allowed for a multipart form besides its file."""

log = logging.getLogger(__name__)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(settings: Settings | None = None, *, model: BaseChatModel | None = None) -> FastAPI:
    """Create the ASGI application that serves the tasks in the settings' store.

    Without an API key it serves only this machine, whatever address it listens on.

    Args:
        model: a chat model for all tasks, only without Redis; None uses the model each task
            requests, else the settings' model.
    """
    settings = settings or get_settings()
    app = FastAPI(
        title="Concertino",
        version=__version__,
        description="A language model conducts a small ensemble of agents.",
        lifespan=_build_lifespan(settings, model),
        docs_url=None,  # they load scripts from other hosts
        redoc_url=None,
        telemetry={"exclude": is_probe, "operation_spans": False, "metrics": False, "logs": False},
        form_limits={"max_fields": 8, "max_files": 1, "max_part_size": 64 << 10},
        responses=problems.document_problems(400, 401, 403, 413, 415, 422, 429),
    )
    app.add_middleware(HeadAsGet)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.serve_max_body_kb << 10)
    problems.install(app)
    app.add_middleware(LoopbackOnly, origins=settings.origins)
    app.add_middleware(SecurityHeaders)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED_HEADERS,
        )
    app.add_middleware(RequestTimes)
    app.add_middleware(AcceptLanguage)
    app.add_middleware(AccessLog)
    for routes in (tasks, threads, workflows, learning, chat, health):
        app.include_router(routes.router)
    app.include_router(kb.router, max_body_size=(settings.kb_max_file_mb << 20) + FORM_ROOM)
    app.include_router(workspaces.router, max_body_size=settings.kb_max_file_mb << 20)
    for ending, kind in FILE_TYPES.items():
        mimetypes.add_type(kind, ending)
    app.mount("/page", StaticFiles(directory=PAGE, check_dir=False), name="page")
    app.add_api_route("/", _serve_page, include_in_schema=False)
    return app


async def _serve_page() -> FileResponse:
    return FileResponse(PAGE / "index.html")


def _build_lifespan(settings: Settings, model: BaseChatModel | None) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(open_store(settings.place))
            if not settings.redis_url:
                stack.enter_context(_lock_home(settings.home))
            service = await _build_service(settings, model, Ledger(store))
            await service.queue.start()
            stack.push_async_callback(service.queue.stop, settings.serve_shutdown_seconds)
            await service.uploads.start()
            stack.push_async_callback(service.uploads.stop)
            if days := settings.serve_event_days:
                pruning = asyncio.create_task(_prune_daily(service.ledger, days))
                stack.callback(pruning.cancel)
            app.state.service = service
            yield

    return lifespan


async def _prune_daily(ledger: Ledger, days: int) -> None:
    while True:
        try:
            await ledger.prune(days)
        except Exception as error:
            log.warning("old events are deleted another time: %s", type(error).__name__)
        await asyncio.sleep(DAY)


async def _build_service(
    settings: Settings, model: BaseChatModel | None, ledger: Ledger
) -> Service:
    keys = Keys(ledger.tasks)
    documents = settings.documents_of
    joined = _build_backend(settings, ledger, documents, model)
    await ledger.setup()
    await keys.setup()
    return Service(
        settings=settings,
        ledger=ledger,
        keys=keys,
        notifier=joined.notifier,
        live_text=joined.live_text,
        queue=joined.queue,
        uploads=Uploads(
            *(ledger.tasks, joined.notifier, settings.home / "uploads", documents),
            shared=settings.database_url is not None,
        ),
        streams=OpenStreams(settings.serve_streams),
        rates=joined.rates,
        readiness=Readiness(settings, ledger, joined.queue),
        open=not await keys.has_active_key(),
        model=model,
    )


class Backend(NamedTuple):
    """The components that connect requests and workers."""

    notifier: Notifier
    live_text: LiveText
    queue: Queue
    rates: RateLimiter


def _build_backend(
    settings: Settings,
    ledger: Ledger,
    documents: Callable[[str | None], Path | None],
    model: BaseChatModel | None,
) -> Backend:
    """Build the backend for this process only or, with Redis, for all processes."""
    if settings.redis_url:
        try:
            from ..work.broker import create_redis_client
            from ..work.remote import RemoteQueue
            from ..work.wire import RedisRelay
            from .rates import SharedRateLimit
        except ImportError as error:
            raise ConcertinoError(say("store.not_installed", reason=error)) from error
        redis = create_redis_client(settings)
        wire = RedisRelay(redis, settings)
        rates = SharedRateLimit(redis, settings.redis_prefix)
        remote = RemoteQueue(ledger, wire, settings, documents)
        return Backend(wire.notifier, wire.live_text, remote, rates)
    notifier = Notifier()
    live_text = LiveText()
    queue = LocalQueue(
        *(ledger, notifier, live_text),
        workers=settings.serve_workers,
        capacity=settings.serve_queue,
        documents_of=documents,
        model=model,
    )
    return Backend(notifier, live_text, queue, RateLimit())


def _lock_home(home: Path) -> AcquireReturnProxy[FileLock]:
    """Lock a home for one service: two would both process its queue.

    Raises:
        ConcertinoError: another service has locked it, or it cannot be written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return FileLock(home / "service.lock").acquire(timeout=0)
    except Timeout:
        raise ConcertinoError(say("service.already", home=home)) from None
    except OSError as error:
        raise ConcertinoError(say("store.unusable", home=home, reason=error)) from error
