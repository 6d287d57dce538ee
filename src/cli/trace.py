"""The commands for traces and rewards: `concertino trace`, `bandit` and `rate`."""

import asyncio
import csv
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from ..errors import ConcertinoError, UnknownTask
from ..language.messages import default_language, say

if TYPE_CHECKING:
    from ..learning.contracts import TraceRecord
    from ..learning.trace import TraceReading
    from ..state import TaskStatus

COLUMNS = (
    *("task_id", "ended", "question", "language", "status", "chosen", "workflow"),
    *("propensity", "followed", "model"),
)
"""Record fields in the table, besides the groups of figures."""

json_option = click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))


@click.command(help=say("cli.rate.help"), epilog=say("cli.rate.epilog"))
@click.argument("task_id")
@click.argument("rating", type=click.IntRange(1, 5))
@click.option("--comment", help=say("cli.rate.comment"))
def rate(task_id: str, rating: int, comment: str | None) -> None:
    from ..state import TRACED
    from ..tasks.api import rate_task

    reward = rate_task(task_id, rating, comment)
    if reward:
        click.echo(say("cli.rate.done", reward=reward.reward))
    elif asyncio.run(_read_status(task_id)) in TRACED:
        click.echo(say("cli.rate.unrewarded"))
    else:
        click.echo(say("cli.rate.later"))


@click.command(help=say("cli.bandit.help"), epilog=say("cli.bandit.epilog"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json"))
def bandit(as_json: bool) -> None:
    from ..tasks.api import bandit_table

    table = bandit_table()
    if as_json:
        click.echo(json.dumps(table, ensure_ascii=False))
        return
    policy = table["policy"]
    settings = ", ".join(f"{name} {value}" for name, value in policy.items() if name != "name")
    click.echo(say("cli.bandit.policy", name=policy["name"], settings=settings))
    if not table["arms"]:
        click.echo(say("cli.bandit.empty"), err=True)
    for arm in table["arms"]:
        when = datetime.fromisoformat(arm["updated"]).astimezone()
        click.echo(
            f"{arm['task_type']:<18}{arm['workflow']:<18}{arm['count']:>6}  "
            f"{arm['value']:>6.3f}  {when:%Y-%m-%d %H:%M}"
        )


@click.group(help=say("cli.trace.help"), epilog=say("cli.trace.epilog"))
def trace() -> None:
    pass


@trace.command(help=say("cli.trace.show.help"), epilog=say("cli.trace.show.epilog"))
@click.argument("task_id", required=False)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help=say("cli.option.limit"),
)
@json_option
def show(task_id: str | None, limit: int, as_json: bool) -> None:
    records = [record for record in _read() if task_id in (None, record.task_id)]
    if task_id and not records:
        raise UnknownTask(say("cli.trace.unknown", task_id=task_id))
    shown = records[-limit:]
    if as_json:
        rows = [record.model_dump(mode="json") for record in shown]
        click.echo(json.dumps(rows, ensure_ascii=False))
    elif task_id:
        _explain(shown[0])
    else:
        for record in reversed(shown):
            click.echo(_format_record(record))


@trace.command(help=say("cli.trace.stats.help"))
@json_option
def stats(as_json: bool) -> None:
    from ..learning import statistics

    records = _read()
    workflows, actors = (
        statistics.summarize_workflows(records),
        statistics.summarize_actors(records),
    )
    advice = statistics.summarize_advice(records)
    if as_json:
        click.echo(json.dumps({"workflows": workflows, "actors": actors, "advice": advice}))
        return
    for row in workflows:
        click.echo(say("cli.trace.stats.line", **row))
    if actors:
        click.echo(say("cli.trace.stats.actors"))
    for row in actors:
        click.echo(say("cli.trace.stats.actor", **row))
    if advice["suggested"]:
        click.echo(say("cli.trace.stats.advice", **advice))


@trace.command(help=say("cli.trace.export.help"), epilog=say("cli.trace.export.epilog"))
@click.argument("out", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help=say("cli.trace.export.since"))
def export(out: Path, since: datetime | None) -> None:
    records = [r for r in _read() if since is None or r.ended >= since.astimezone()]
    write = _write_table if out.suffix == ".csv" else _write_lines
    try:
        to_file = str(out) != "-"
        opened = out.open("w", encoding="utf-8", newline="") if to_file else nullcontext(sys.stdout)
        with opened as file:
            write(file, records)
    except OSError as error:
        raise ConcertinoError(say("cli.not_written", path=out, reason=error)) from error
    click.echo(say("cli.trace.exported", count=len(records)), err=True)


async def _read_status(task_id: str) -> "TaskStatus":
    from ..settings import get_settings
    from ..store.open import open_store

    async with open_store(get_settings().place) as store:
        return (await store.get(task_id)).status


def read_traces(paths: Sequence[Path] = ()) -> "TraceReading":
    """Read the traces in these files and folders, or else the user's own trace.

    Raises:
        ConcertinoError: a file cannot be read.
    """
    from ..learning.trace import Trace, read_trace_files
    from ..settings import get_settings

    try:
        return read_trace_files(paths) if paths else Trace.of(get_settings()).read()
    except OSError as error:
        raise ConcertinoError(say("cli.trace.unreadable", reason=error)) from error


def _read() -> list["TraceRecord"]:
    found = read_traces()
    if not found.records:
        click.echo(say("cli.trace.empty"), err=True)
    if found.skipped:
        click.echo(say("cli.trace.skipped", count=found.skipped), err=True)
    return found.records


def _format_record(record: "TraceRecord") -> str:
    earned = f"{record.reward.reward:.3f}" if record.reward else "-"
    question = " ".join((record.question or "").split())[:50]
    return (
        f"{record.task_id}  {record.ended.astimezone():%Y-%m-%d %H:%M}  {record.status:<11} "
        f"{record.workflow or '-':<17}{earned:>6}  {question}"
    )


def _explain(record: "TraceRecord") -> None:
    """Print how a task's workflow was chosen, and its reward term by term."""
    click.echo(_format_record(record))
    if routing := record.routing:
        likely = ", ".join(f"{c.workflow} {c.p:.2f}" for c in routing.candidates) or "-"
        click.echo(say("cli.trace.routing", type=routing.task_type, likely=likely))
        if routing.suggestion:
            message = say(
                "cli.trace.suggestion",
                workflow=routing.suggestion,
                propensity=record.propensity,
                chosen=record.chosen or "-",
            )
            click.echo(message)
    if reward := record.reward:
        click.echo(say("cli.trace.reward", quality=reward.quality, cost=reward.cost))
        for term in [*reward.quality_terms, *reward.cost_terms]:
            meaning = _describe_term(term.name, record.workflow)
            click.echo(f"  {term.name:<14}{term.value:>6.2f} × {term.weight:<7.3g}{meaning}")


def _describe_term(term: str, workflow: str | None) -> str:
    from ..learning.reward import TERM_NAMES, describe_term
    from ..tasks.api import workflows

    language = default_language()
    if term in TERM_NAMES:
        return describe_term(term)[language]
    checks = {flow["name"]: flow["checks"] for flow in workflows()}
    return str(checks.get(workflow, {}).get(term, {}).get(language, ""))


def _write_lines(file: TextIO, records: list["TraceRecord"]) -> None:
    file.writelines(f"{record.model_dump_json()}\n" for record in records)


def _write_table(file: TextIO, records: list["TraceRecord"]) -> None:
    """Write records as CSV: one row per task, one column per number."""
    rows = [
        {
            **record.model_dump(mode="json", include=set(COLUMNS)),
            "task_type": record.routing and record.routing.task_type,
            "suggestion": record.routing and record.routing.suggestion,
            **{
                name: record.reward and getattr(record.reward, name)
                for name in ("quality", "cost", "reward")
            },
            **{f"spent_{name}": value for name, value in record.spent.items()},
            **{f"feature_{name}": value for name, value in record.features.items()},
        }
        for record in records
    ]
    writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
