"""The commands of task synthesis: `concertino synth make`, `seeds`, `tasks`, `certify` and
`export`."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ConcertinoError, InvalidTask
from ..language.messages import say
from .trace import read_traces

if TYPE_CHECKING:
    from ..store.base import TaskStore
    from ..synthesis.contracts import Essence, NewTask, Seed, Slot
    from ..synthesis.database import SeedDatabase
    from ..synthesis.export import Form
    from ..synthesis.make import Outcome
    from ..synthesis.seeds import NoSeed

TELLING = {"same_as": "same", "essence": "lifted", "refusal": "refused", "no_seed": "unread"}
"""What an outcome is counted as, by the first of its fields that is set."""

json_option = click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))


@click.group(help=say("cli.synth.help"))
def synth() -> None:
    pass


@synth.command(help=say("cli.synth.make.help"), epilog=say("cli.synth.make.epilog"))
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--count",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    help=say("cli.synth.make.count"),
)
@click.option("--draw", type=int, default=0, help=say("cli.synth.make.draw"))
@click.option(
    "--out", type=click.Path(path_type=Path, allow_dash=True), help=say("cli.synth.make.out")
)
@json_option
def make(files: tuple[Path, ...], count: int, draw: int, out: Path | None, as_json: bool) -> None:
    outcomes = asyncio.run(_make(files, count, draw, quiet=as_json or str(out) == "-"))
    if not outcomes:
        raise InvalidTask(say("cli.synth.no_seeds"))
    if out:
        _write_tasks(out, [task for outcome in outcomes for task in outcome.tasks])
    if as_json:
        rows = [outcome.model_dump(mode="json") for outcome in outcomes]
        click.echo(json.dumps(rows, ensure_ascii=False))
    click.echo(_format_total(outcomes), err=True)


@synth.command(help=say("cli.synth.seeds.help"))
@json_option
def seeds(as_json: bool) -> None:
    essences, skipped, made = asyncio.run(_read_essences())
    if skipped:
        click.echo(say("synth.skipped", count=skipped), err=True)
    if as_json:
        rows = [essence.model_dump(mode="json") for essence in essences]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    if not essences:
        click.echo(say("cli.synth.empty"), err=True)
    for essence in essences:
        words = " ".join(essence.problem.split())[:60]
        click.echo(
            f"{essence.id[:12]}  {essence.status:<10}{essence.domain:<11}"
            f"{essence.complexity_level:<8}{made[essence.id]:>5}  {words}"
        )


@synth.command(help=say("cli.synth.tasks.help"))
@json_option
def tasks(as_json: bool) -> None:
    found = asyncio.run(_read_tasks())
    if as_json:
        rows = [task.model_dump(mode="json") for task in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    if not found:
        click.echo(say("cli.synth.empty"), err=True)
    for task in found:
        click.echo(f"{' '.join(task.question.split())}\n    = {task.gold.text}")


@synth.command(help=say("cli.synth.certify.help"))
@click.option("--limit", type=click.IntRange(1), help=say("cli.synth.certify.limit"))
@click.option("--model", help=say("cli.option.model"))
def certify(limit: int | None, model: str | None) -> None:
    asyncio.run(_certify(limit, model))


@synth.command(help=say("cli.synth.export.help"), epilog=say("cli.synth.export.epilog"))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--form",
    type=click.Choice(["messages", "sharegpt", "prompt"]),
    default="messages",
    show_default=True,
    help=say("cli.synth.export.form"),
)
@click.option("--drafts", is_flag=True, help=say("cli.synth.export.drafts"))
def export(folder: Path, form: "Form", drafts: bool) -> None:
    from ..synthesis.export import write_export

    found = asyncio.run(_read_exported(drafts))
    if not found:
        raise InvalidTask(say("cli.synth.export.none"))
    try:
        counts = write_export(folder, found, form)
    except OSError as error:
        raise ConcertinoError(say("cli.not_written", path=folder, reason=error)) from error
    click.echo(say("cli.synth.exported", train=counts["train"], test=counts["test"]), err=True)


async def _read_exported(drafts: bool) -> list["NewTask"]:
    """Return the tasks of certified essences, or of all that are not retired."""
    wanted = ("certified", "draft") if drafts else ("certified",)
    async with _open_database() as (_, database):
        essences, _ = await database.list_essences()
        ids = {essence.id for essence in essences if essence.status in wanted}
        return [task for task in await database.list_tasks() if task.essence_id in ids]


async def _certify(limit: int | None, model: str | None) -> None:
    from ..context import get_sandbox
    from ..models.client import close_language_models, get_language_model
    from ..settings import get_settings
    from ..synthesis.certify import certify as certifying
    from ..synthesis.certify import choose_status

    try:
        async with _open_database() as (_, database):
            essences, _ = await database.list_essences()
            for essence in [each for each in essences if each.certificate is None][:limit]:
                solver = await get_language_model(get_settings(), model)
                found = await certifying(essence, solver, get_sandbox())
                status = choose_status(found)
                await database.record_certificate(essence.id, found, status)
                told = {**found.model_dump(include={"agreed", "tried"}), "status": status}
                tokens = found.usage.output_tokens
                click.echo(say("synth.certified", seed=essence.seed_id, tokens=tokens, **told))
    finally:
        await close_language_models()


async def _make(files: Sequence[Path], count: int, draw: int, *, quiet: bool) -> list["Outcome"]:
    from ..context import get_sandbox
    from ..synthesis.make import make_tasks

    outcomes = []
    async with _open_database() as (store, database):
        found = list(_read_files(files)) if files else await _read_stored(store)
        async for outcome in make_tasks(found, database, get_sandbox(), count=count, draw=draw):
            outcomes.append(outcome)
            if not quiet:
                click.echo(_format_outcome(outcome))
    return outcomes


@asynccontextmanager
async def _open_database() -> AsyncIterator[tuple["TaskStore", "SeedDatabase"]]:
    from ..settings import get_settings
    from ..store.open import open_store
    from ..synthesis.database import SeedDatabase

    async with open_store(get_settings().place) as store:
        yield store, await SeedDatabase.open(store)


def _read_files(files: Sequence[Path]) -> Iterator["Seed | NoSeed"]:
    from ..synthesis.seeds import read_file

    for path in files:
        try:
            yield from read_file(path)
        except OSError as error:
            raise ConcertinoError(say("replay.unreadable", path=path, reason=error)) from error


async def _read_stored(store: "TaskStore") -> list["Seed | NoSeed"]:
    """Read the seeds among the tasks of the trace."""
    from ..synthesis.seeds import read_task

    return [await read_task(store, record) for record in read_traces().records]


async def _read_essences() -> tuple[list["Essence"], int, Counter[str]]:
    async with _open_database() as (_, database):
        essences, skipped = await database.list_essences()
        made = Counter(task.essence_id for task in await database.list_tasks())
    return essences, skipped, made


async def _read_tasks() -> list["NewTask"]:
    async with _open_database() as (_, database):
        return await database.list_tasks()


def _write_tasks(out: Path, made: Sequence["NewTask"]) -> None:
    to_file = str(out) != "-"
    try:
        with out.open("w", encoding="utf-8") if to_file else nullcontext(sys.stdout) as file:
            file.writelines(f"{task.model_dump_json()}\n" for task in made)
    except OSError as error:
        raise ConcertinoError(say("cli.not_written", path=out, reason=error)) from error


def _classify(outcome: "Outcome") -> str:
    return next(kind for field, kind in TELLING.items() if getattr(outcome, field) is not None)


def _format_total(outcomes: Sequence["Outcome"]) -> str:
    counts = Counter(_classify(outcome) for outcome in outcomes)
    return say(
        "synth.total",
        seeds=len(outcomes),
        tasks=sum(len(outcome.tasks) for outcome in outcomes),
        lifted=counts["lifted"],
        same=counts["same"],
        refused=counts["refused"],
        unread=counts["unread"],
    )


def _format_outcome(outcome: "Outcome") -> str:
    if found := outcome.no_seed:
        reason = say(f"synth.fault.{found.fault}")
        detail = _format_detail(found.detail)
        return say("synth.no_seed", place=found.place, reason=reason, detail=detail)
    if refusal := outcome.refusal:
        reason = say(f"synth.obstacle.{refusal.obstacle}")
        detail = _format_detail(refusal.detail)
        return say("synth.refused", seed=refusal.seed_id, reason=reason, detail=detail)
    essence = outcome.essence
    assert essence  # noqa: S101  (one of the three is set)
    if outcome.same_as:
        return say("synth.same", seed=essence.seed_id, other=outcome.same_as[:12])
    return _format_lifted(essence, len(outcome.tasks))


def _format_lifted(essence: "Essence", made: int) -> str:
    """Format what may be changed in a seed and what is kept, number by number."""
    comma = say("report.comma")
    slots = comma.join(_format_slot(slot) for slot in essence.slots)
    numbers = comma.join(
        f"{number.text} ({say(f'synth.reason.{number.reason}')})" for number in essence.kept
    )
    kept = say("synth.kept", numbers=numbers) if numbers else ""
    return say("synth.lifted", seed=essence.seed_id, slots=slots, kept=kept, tasks=made)


def _format_slot(slot: "Slot") -> str:
    unit = f" {slot.unit}" if slot.unit.isascii() and slot.unit else slot.unit
    return say("synth.slot", value=slot.value, unit=unit, low=slot.low, high=slot.high)


def _format_detail(detail: str) -> str:
    return say("synth.detail", detail=" ".join(detail.split())) if detail else ""
