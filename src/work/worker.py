"""A worker process that takes tasks from Redis and runs them; any number, on any machine."""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Annotated

from prometheus_client import start_http_server
from taskiq import Context, TaskiqDepends
from taskiq.acks import AcknowledgeType
from taskiq.receiver import Receiver

from ..errors import ConcertinoError
from ..language.messages import say
from ..models.client import close_language_models
from ..settings import Settings
from ..store.open import open_store
from .broker import CARRY_OUT, MessageBroker, create_redis_client, resend_lost
from .ledger import Ledger
from .metrics import Metrics
from .notifier import wait_at_most
from .runner import Runner
from .wire import RedisRelay

RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class Worker:
    """Takes messages and acknowledges each when nothing is left to do on its task.

    So a dead worker's messages are redelivered to another worker.
    """

    def __init__(self, runner: Runner, deliveries: MessageBroker, tasks_at_a_time: int) -> None:
        self._runner = runner
        self._deliveries = deliveries
        self._number = tasks_at_a_time
        self._slots = asyncio.Semaphore(tasks_at_a_time)
        deliveries.broker.is_worker_process = True

        async def carry_out(task_id: str, context: Annotated[Context, TaskiqDepends()]) -> None:
            await self._deliver(task_id, context)

        deliveries.broker.register_task(carry_out, CARRY_OUT)

    async def run(self, stop: asyncio.Event) -> None:
        """Process tasks until `stop` is set and the current ones have finished."""
        while not stop.is_set():
            receiver = Receiver(
                self._deliveries.broker,
                max_async_tasks=self._number,
                ack_type=AcknowledgeType.MANUAL,
            )
            try:
                await receiver.listen(stop)
            except Exception as error:
                log.warning("no tasks can be taken for the moment: %s", _find_root_cause(error))
                await wait_at_most(stop, RETRY_SECONDS)

    async def _deliver(self, task_id: str, context: Context) -> None:
        try:
            async with self._slots:
                outcome = await self._runner.carry_out(task_id)
        except Exception:
            log.exception("task %s could not be stored", task_id)
            return
        if outcome == "stopped":
            await self._deliveries.send(task_id)
        if outcome != "busy":
            await context.ack()


async def run_worker(
    settings: Settings, metrics_port: int | None, tell: Callable[[str], None]
) -> None:
    """Run tasks until the process receives SIGTERM or SIGINT.

    Args:
        metrics_port: port for Prometheus metrics; None disables them.
        tell: called with each message for the terminal.

    Raises:
        ConcertinoError: the configured database or Redis server cannot be used, or the port.
    """
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        wire = RedisRelay(create_redis_client(settings), settings)
        deliveries = MessageBroker(settings)
        ledger = Ledger(await stack.enter_async_context(open_store(settings.place)))
        await ledger.setup()
        metrics = Metrics(lambda: 0, lambda: runner.running)
        runner = Runner(
            *(ledger, wire.notifier, wire.live_text, metrics),
            documents_of=settings.documents_of,
        )
        if metrics_port is not None:
            _serve_metrics(metrics_port, metrics)
        await wire.start()
        stack.push_async_callback(wire.stop)
        stack.push_async_callback(deliveries.stop)
        stack.push_async_callback(close_language_models)
        lost = resend_lost(ledger, deliveries, settings.lease_seconds)
        stack.callback(asyncio.create_task(lost).cancel)
        worker = Worker(runner, deliveries, settings.serve_workers)
        working = asyncio.create_task(worker.run(stop))
        tell(say("service.working", number=settings.serve_workers))
        await stop.wait()
        await runner.drain(settings.serve_shutdown_seconds)
        await working


def _serve_metrics(port: int, metrics: Metrics) -> None:
    try:
        start_http_server(port, registry=metrics.registry)
    except OSError as error:
        reason = error.strerror or error
        raise ConcertinoError(say("service.metrics_port", port=port, reason=reason)) from error


def _find_root_cause(error: BaseException) -> BaseException:
    return _find_root_cause(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
