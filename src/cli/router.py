"""The commands of the router: `concertino route`, `router`, `train-router` and `replay`."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import InvalidTask, RouterError
from ..language.messages import say
from .trace import read_traces

if TYPE_CHECKING:
    from ..learning.classifier import Classifier
    from ..learning.held_out import Judgement
    from ..learning.retraining import TrainingReport
    from ..tasks.replay import ReplayRun


@click.command(help=say("cli.route.help"), epilog=say("cli.route.epilog"))
@click.argument("question")
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))
def route(question: str, as_json: bool) -> None:
    from ..graphs.coordinator import choices_for
    from ..graphs.registry import find_home
    from ..learning.router import choose_task_type, guess

    if not question.strip():
        raise InvalidTask(say("invalid.empty"))
    found = guess(question, choices_for(question), home=find_home()).candidates
    if not found:
        raise RouterError(say("router.cannot_run"))
    if as_json:
        click.echo(json.dumps([candidate.model_dump() for candidate in found]))
        return
    for candidate in found:
        click.echo(f"{candidate.workflow:<18}{candidate.p:6.1%}")
    click.echo(say("router.type", type=choose_task_type(found)), err=True)


@click.group(help=say("cli.router.help"))
def router() -> None:
    pass


@router.command(help=say("cli.router.show.help"))
@click.argument("version", type=click.IntRange(0), required=False)
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json"))
def show(version: int | None, as_json: bool) -> None:
    from ..learning.router import get_user_versions

    versions = get_user_versions()
    number = versions.get_current() if version is None else version
    classifier = versions.load(number)
    if as_json:
        fields = classifier.model_dump(mode="json", exclude={"weights", "bias"})
        click.echo(json.dumps({"version": number, **fields}, ensure_ascii=False))
        return
    click.echo(_format_version(number, classifier))
    click.echo(say("router.labels", labels=", ".join(classifier.labels)))


@router.command("versions", help=say("cli.router.versions.help"))
def versions_() -> None:
    from ..learning.router import get_user_versions

    versions = get_user_versions()
    current = versions.get_current()
    for number in versions.list_numbers():
        try:
            line = _format_version(number, versions.load(number))
        except RouterError as error:
            line = f"{number:>4}  {error}"
        click.echo(f"{'*' if number == current else ' '}{line}")


@router.command(help=say("cli.router.rollback.help"), epilog=say("cli.router.rollback.epilog"))
@click.argument("version", type=click.IntRange(0), required=False)
def rollback(version: int | None) -> None:
    from ..learning.router import get_user_versions

    versions = get_user_versions()
    if version is None:
        version = versions.roll_back()
    else:
        versions.use(version)
    click.echo(say("router.in_use", number=version))


@click.command("train-router", help=say("cli.train.help"), epilog=say("cli.train.epilog"))
@click.option(
    "--traces",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help=say("cli.train.traces"),
)
@click.option(
    "--label",
    "rule",
    type=click.Choice(["best", "chosen"]),
    default="best",
    show_default=True,
    help=say("cli.train.label"),
)
@click.option("--force", is_flag=True, help=say("cli.train.force"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json"))
def train_router(traces: tuple[Path, ...], rule: str, force: bool, as_json: bool) -> None:
    from ..graphs.registry import find_home
    from ..learning.retraining import retrain
    from ..learning.router import get_user_versions, load_current_router
    from ..tasks.api import workflows

    reading = read_traces(traces)
    before, old = load_current_router()
    names = [row["name"] for row in workflows()]
    new, report = retrain(
        reading.records, names, old, "best" if rule == "best" else "chosen", find_home()
    )
    versions = get_user_versions()
    number = versions.add(new)
    if report.better or force:
        versions.use(number)
    if as_json:
        summary = {"version": number, "in_use": versions.get_current(), "skipped": reading.skipped}
        click.echo(json.dumps({**summary, **report.model_dump(mode="json")}, ensure_ascii=False))
        return
    _print_report(report, reading.skipped, before, number)
    verdict = "better" if report.better else "forced" if force else "not_better"
    click.echo(say(f"router.{verdict}", old=before, new=number))


@click.command(help=say("cli.replay.help"), epilog=say("cli.replay.epilog"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--workflow", "workflows", multiple=True, help=say("cli.replay.workflow"))
@click.option(
    "--times",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help=say("cli.replay.times"),
)
@click.option("--model", help=say("cli.option.model"))
@click.option("--quiet", is_flag=True, help=say("cli.option.quiet"))
def replay(
    file: Path, workflows: tuple[str, ...], times: int, model: str | None, quiet: bool
) -> None:
    from ..tasks.replay import replay as replaying

    def print_run(done: int, total: int, run: "ReplayRun", status: str) -> None:
        if not quiet:
            words = " ".join(run.asked.question.split())
            click.echo(f"{done}/{total}  {status:<11} {run.workflow:<18} {words[:60]}", err=True)

    outcomes = asyncio.run(replaying(file, workflows, times, model=model, ended=print_run))
    counts = ", ".join(f"{status} {count}" for status, count in sorted(outcomes.items()))
    click.echo(say("replay.done", runs=sum(outcomes.values()), outcomes=counts or "-"))


def _format_version(number: int, classifier: "Classifier") -> str:
    figures = "  ".join(f"{name} {value:.3g}" for name, value in classifier.figures.items())
    return f"{number:>4}  {classifier.trained:%Y-%m-%d %H:%M}  {figures}"


def _print_report(report: "TrainingReport", skipped: int, before: int, number: int) -> None:
    """Print a training report for the user."""
    click.echo(say("router.learned", **report.model_dump(include={"learned", "held_out"})))
    left_out = report.model_dump(include={"without_text", "without_reward", "undecided"})
    click.echo(say("router.left_out", **left_out, skipped=skipped))
    for label, count in report.too_few.items():
        click.echo(say("router.too_few", label=label, count=count))
    for version, judged in ((before, report.before), (number, report.after)):
        figures = "  ".join(f"{name} {value:.3f}" for name, value in judged.figures.items())
        click.echo(f"{version:>4}  {figures}")
        for method, (value, low, high) in judged.rewards.items():
            click.echo(f"      {method} {value:.3f} [{low:.3f}, {high:.3f}]")
        if judged.rewards:
            click.echo(f"      effective_tasks {judged.effective_tasks:.1f}")
    if report.advantage:
        value, low, high = report.advantage
        click.echo(say("router.advantage", value=value, low=low, high=high, drawn=report.drawn))
    _print_confusion(report.after)


def _print_confusion(judged: "Judgement") -> None:
    for label, row in judged.confusion.items():
        taken = ", ".join(f"{name} {count}" for name, count in row.items())
        click.echo(say("router.taken_for", label=label, taken=taken))
