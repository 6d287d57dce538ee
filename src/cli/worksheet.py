"""`concertino worksheet`: variants of one problem for a class, with the key."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ConcertinoError, InvalidTask
from ..language.messages import Language, say

if TYPE_CHECKING:
    from ..synthesis.contracts import NewTask, Refusal
    from ..synthesis.seeds import NoSeed

SUFFIXES = (".md", ".html")


@click.command(help=say("cli.worksheet.help"), epilog=say("cli.worksheet.epilog"))
@click.argument("problem", required=False)
@click.option("--task", "task_id", help=say("cli.worksheet.task"))
@click.option(
    "--count",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help=say("cli.worksheet.count"),
)
@click.option("--draw", type=int, default=0, help=say("cli.synth.make.draw"))
@click.option("--title", help=say("cli.worksheet.title"))
@click.option("--out", type=click.Path(path_type=Path), help=say("cli.worksheet.out"))
@click.option("--model", help=say("cli.option.model"))
def worksheet(
    problem: str | None,
    task_id: str | None,
    count: int,
    draw: int,
    title: str | None,
    out: Path | None,
    model: str | None,
) -> None:
    from ..tasks.api import run_task

    if (problem is None) == (task_id is None):
        raise InvalidTask(say("cli.worksheet.either"))
    _check_out(out)
    if problem is not None:
        task_id = str(run_task(problem, workflow="solve_math", model=model)["task_id"])
    text, language, made = _write(str(task_id), count, draw, title)
    if made < count:
        click.echo(say("cli.worksheet.fewer", made=made, count=count), err=True)
    if out is None:
        click.echo(text)
        return
    try:
        out.write_text(_render(text, language) if out.suffix == ".html" else text, "utf-8")
    except OSError as error:
        raise ConcertinoError(say("cli.not_written", path=out, reason=error)) from error


def _check_out(out: Path | None) -> None:
    """Check the output file's suffix and folder before the problem is solved."""
    if out and out.suffix not in SUFFIXES:
        raise InvalidTask(say("cli.worksheet.suffix", path=out))
    if out and not out.absolute().parent.is_dir():
        raise InvalidTask(say("invalid.out_folder", folder=out.absolute().parent))


def _write(task_id: str, count: int, draw: int, title: str | None) -> tuple[str, Language, int]:
    """Return the worksheet of a solved task, its language, and the number of its problems.

    Raises:
        UnknownTask: the task is not stored here.
        ConcertinoError: its problem cannot be varied; the message says why.
    """
    from ..synthesis.contracts import Refusal
    from ..synthesis.seeds import NoSeed
    from ..synthesis.worksheet import write_worksheet

    found = asyncio.run(_make_variants(task_id, count, draw))
    if isinstance(found, NoSeed):
        reason = say(f"synth.fault.{found.fault}")
        raise ConcertinoError(say("cli.worksheet.unsolved", reason=reason))
    if isinstance(found, Refusal):
        reason = say(f"synth.obstacle.{found.obstacle}")
        detail = " ".join(found.detail.split())
        raise ConcertinoError(say("cli.worksheet.refused", reason=reason, detail=detail))
    if not found:
        raise ConcertinoError(say("cli.worksheet.none"))
    language = found[0].language
    heading = title or say("cli.worksheet.heading", language)
    return write_worksheet(heading, found, language), language, len(found)


async def _make_variants(task_id: str, count: int, draw: int) -> "list[NewTask] | NoSeed | Refusal":
    from ..context import get_sandbox
    from ..settings import get_settings
    from ..store.open import open_store
    from ..synthesis.worksheet import make_variants

    async with open_store(get_settings().place) as store:
        await store.get(task_id)
        return await make_variants(store, task_id, get_sandbox(), count, draw)


def _render(text: str, language: Language) -> str:
    from .printable import render_markdown

    return render_markdown(text, title=text.partition("\n")[0], language=language, worksheet=True)
