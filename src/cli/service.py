"""The commands of the service: `concertino serve`, `concertino worker` and `concertino keys`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import click

from ..errors import ConcertinoError
from ..language.messages import say

if TYPE_CHECKING:
    from ..service.keys import Keys

T = TypeVar("T")


@click.command(help=say("cli.serve.help"), epilog=say("cli.serve.epilog"))
@click.option("--host", default="127.0.0.1", show_default=True, help=say("cli.serve.host"))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help=say("cli.serve.port"),
)
@click.option("--workers-in-process", type=click.IntRange(1, 256), help=say("cli.serve.workers"))
def serve(host: str, port: int, workers_in_process: int | None) -> None:
    try:
        from ..service.server import run_server as serving
        from ..work import logs, tracing
    except ImportError as error:
        raise ConcertinoError(say("service.not_installed", reason=error)) from error
    from ..settings import get_settings

    settings = get_settings()
    if workers_in_process:
        settings = settings.model_copy(update={"serve_workers": workers_in_process})
    logs.configure_logging(settings)
    tracing.configure_tracing(settings)
    with suppress(KeyboardInterrupt):  # Ctrl-C stops the service
        asyncio.run(serving(settings, host, port, click.echo))


@click.command(help=say("cli.worker.help"), epilog=say("cli.worker.epilog"))
@click.option("--tasks", type=click.IntRange(1, 256), help=say("cli.worker.tasks"))
@click.option("--metrics-port", type=click.IntRange(1, 65535), help=say("cli.worker.metrics_port"))
def worker(tasks: int | None, metrics_port: int | None) -> None:
    try:
        from ..work import logs, tracing
        from ..work.worker import run_worker
    except ImportError as error:
        raise ConcertinoError(say("store.not_installed", reason=error)) from error
    from ..settings import get_settings

    settings = get_settings()
    if tasks:
        settings = settings.model_copy(update={"serve_workers": tasks})
    logs.configure_logging(settings)
    tracing.configure_tracing(settings)
    asyncio.run(run_worker(settings, metrics_port, click.echo))


@click.group(help=say("cli.keys.help"))
def keys() -> None:
    pass


@keys.command(help=say("cli.keys.create"), epilog=say("cli.keys.create_epilog"))
@click.argument("name")
@click.option("--requests-per-minute", type=click.IntRange(1), help=say("cli.keys.requests"))
@click.option("--tokens-per-day", type=click.IntRange(0), help=say("cli.keys.tokens"))
def create(name: str, requests_per_minute: int | None, tokens_per_day: int | None) -> None:
    made = _run_with_keys(lambda known: known.create(name, requests_per_minute, tokens_per_day))
    click.echo(say("keys.once"), err=True)
    click.echo(made)


@keys.command("list", help=say("cli.keys.list"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))
def list_(as_json: bool) -> None:
    found = _run_with_keys(lambda known: known.list_keys())
    if as_json:
        rows = [key.model_dump(mode="json") for key in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    if not found:
        click.echo(say("keys.none"), err=True)
    for key in found:
        state = f"-{key.revoked:%Y-%m-%d %H:%M}" if key.revoked else ""
        click.echo(f"{key.key_id}  {key.created:%Y-%m-%d %H:%M}{state:<17}  {key.name}")


@keys.command(help=say("cli.keys.revoke"))
@click.argument("key_id")
def revoke(key_id: str) -> None:
    _run_with_keys(lambda known: known.revoke(key_id))
    click.echo(say("keys.revoked", key_id=key_id))


def _run_with_keys(ask: "Callable[[Keys], Awaitable[T]]") -> T:
    from ..service.keys import Keys
    from ..settings import get_settings
    from ..store.open import open_store

    async def run() -> T:
        async with open_store(get_settings().place) as store:
            known = Keys(store)
            await known.setup()
            return await ask(known)

    return asyncio.run(run())
