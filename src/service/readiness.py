"""Readiness checks: each dependency of a task is tried, with a timeout of a few seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx

from ..errors import ConcertinoError, ModelError
from ..language.messages import say
from ..models.client import create_http_client
from ..models.providers import Choice, choose_provider
from ..settings import Settings
from ..work.ledger import Ledger
from ..work.queues import Queue

OK = "ok"
PATIENCE = 3.0
"""Timeout of a check in seconds."""
MODEL_SECONDS = 30.0
"""Time that the model's state is cached, so that not every probe calls a provider."""


class Readiness:
    """Checks a service's dependencies on request."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        queue: Queue,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._queue = queue
        self._clock = clock
        self._looks: dict[str, asyncio.Task[str]] = {}
        self._model_state: tuple[float, str] | None = None

    async def run_checks(self) -> dict[str, str]:
        """Return `ok` or the problem for each of `database`, `queue` and `model`."""
        checks = {
            "database": self._check_database,
            "queue": self._check_queue,
            "model": self._check_model,
        }
        found = await asyncio.gather(
            *(self._run_in_time(name, look) for name, look in checks.items())
        )
        return dict(zip(checks, found, strict=True))

    async def _run_in_time(self, name: str, look: Callable[[], Awaitable[str]]) -> str:
        # A check that hangs is neither cancelled, since that might hang too, nor repeated.
        if name not in self._looks:
            self._looks[name] = asyncio.ensure_future(_run_check(look))
        done, _ = await asyncio.wait({self._looks[name]}, timeout=PATIENCE)
        if not done:
            return say("ready.no_answer", seconds=PATIENCE)
        return self._looks.pop(name).result()

    async def _check_database(self) -> str:
        async with self._ledger.tasks.transaction() as db:
            await db.execute("delete from submissions where created is null")
        return OK

    async def _check_queue(self) -> str:
        if self._queue.stopping:
            return say("ready.stopping")
        if self._settings.redis_url:
            from ..work.broker import create_redis_client

            async with create_redis_client(self._settings) as redis:
                await redis.ping()
        full = await self._queue.count_waiting() >= self._queue.capacity
        return say("ready.full", limit=self._queue.capacity) if full else OK

    async def _check_model(self) -> str:
        now = self._clock()
        if self._model_state is None or now - self._model_state[0] > MODEL_SECONDS:
            self._model_state = now, await _run_check(lambda: _check_model_server(self._settings))
        return self._model_state[1]


async def _run_check(look: Callable[[], Awaitable[str]]) -> str:
    try:
        return await look()
    except ConcertinoError as error:
        return str(error)
    except Exception as error:
        return type(error).__name__  # its text may contain the address with the password


async def _check_model_server(settings: Settings) -> str:
    """Check that the model's server answers and accepts the key.

    The embedded model is only loaded, and downloaded if necessary, with the first task.
    """
    choice = choose_provider(settings)
    if choice.provider.name != "embedded":
        return await _check_provider(choice)
    path = settings.model_path
    return OK if path is None or path.is_file() else say("weights.missing", path=path)


async def _check_provider(choice: Choice) -> str:
    name = choice.provider.name
    key = choice.api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    try:
        base_url = str(choice.base_url)
        async with create_http_client(base_url, PATIENCE) as http:
            reply = await http.get(f"{base_url.rstrip('/')}/models", headers=headers)
    except httpx.TimeoutException:
        return say("ready.no_answer", seconds=PATIENCE)
    except httpx.HTTPError:
        raise ModelError(say("model.unreachable", name=name)) from None
    if reply.status_code in (401, 403):
        raise ModelError(say("model.key_refused", name=name))
    broken = reply.status_code >= 500
    return say("ready.status", name=name, status=reply.status_code) if broken else OK
