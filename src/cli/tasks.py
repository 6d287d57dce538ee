"""Task commands: `concertino solve`, `run`, `resume`, `tasks`, `workflows`, `roles` and
`models`."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConcertinoError, InvalidTask
from ..language.messages import default_language, say
from ..state import RESUMABLE

if TYPE_CHECKING:
    from rich.console import Console

    from ..tasks.api import Approve
    from ..tasks.events import DecisionEvent, Event, TurnEvent

EXIT_CODES = {
    "verified": 0,
    "failed": 1,
    "unverified": 3,
    "no_answer": 4,
    "needs_input": 5,
    "needs_approval": 5,
    "interrupted": 6,
}
"""Exit codes by task status. 2 is a usage error, 130 is Ctrl-C."""

_FORMULA = re.compile(r"-\s*(?:[\d.(\\√]|[^\W\d_]\s*[-+*/^=<>²³]|(?:sin|cos|tan|log|ln|sqrt)\b)")


class _FormulaCommand(click.Command):
    """Accepts a formula that begins with a minus, such as -3x+2=0, as an argument."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, list(args))
        except click.NoSuchOption:
            formulas = [arg for arg in args if _FORMULA.match(arg)]
            if not formulas:
                raise
            others = [arg for arg in args if arg not in formulas]
            return super().parse_args(ctx, [*others, "--", *formulas])


@click.command(cls=_FormulaCommand, help=say("cli.solve.help"), epilog=say("cli.solve.epilog"))
@click.argument("problem")
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json"))
@click.option("--quiet", is_flag=True, help=say("cli.option.quiet"))
@click.option(
    "--max-iterations", type=click.IntRange(1, 100), help=say("cli.option.max_iterations")
)
@click.option("--model", help=say("cli.option.model"))
def solve(
    problem: str, as_json: bool, quiet: bool, max_iterations: int | None, model: str | None
) -> None:
    from ..tasks.api import astream_task

    text = _read_stdin() if problem == "-" else problem
    events = astream_task(text, workflow="solve_math", max_iterations=max_iterations, model=model)
    _play(events, as_json, quiet)


@click.command(cls=_FormulaCommand, help=say("cli.run.help"), epilog=say("cli.run.epilog"))
@click.argument("task")
@click.option("--workflow", help=say("cli.option.workflow"))
@click.option("--input", "-i", "inputs", multiple=True, help=say("cli.option.input"))
@click.option("--workspace", type=click.Path(path_type=Path), help=say("cli.option.workspace"))
@click.option(
    "--mode", type=click.Choice(["read_only", "workspace", "ask"]), help=say("cli.option.mode")
)
@click.option("--thread", "thread_id", help=say("cli.option.thread"))
@click.option("--out", type=click.Path(path_type=Path), help=say("cli.option.out"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json"))
@click.option("--quiet", is_flag=True, help=say("cli.option.quiet"))
@click.option(
    "--max-iterations", type=click.IntRange(1, 100), help=say("cli.option.max_iterations")
)
@click.option("--model", help=say("cli.option.model"))
def run(
    task: str,
    workflow: str | None,
    inputs: tuple[str, ...],
    workspace: Path | None,
    mode: Any,
    thread_id: str | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    max_iterations: int | None,
    model: str | None,
) -> None:
    from ..tasks.api import astream_task

    _check_out(out)
    events = astream_task(
        _read_stdin() if task == "-" else task,
        workflow=workflow,
        inputs=_parse_inputs(inputs),
        thread_id=thread_id,
        max_iterations=max_iterations,
        model=model,
        workspace=workspace,
        mode=mode,
        approve=_choose_approve(as_json or quiet),
    )
    _play(events, as_json, quiet, out)


@click.command(help=say("cli.workflows.help"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))
def workflows(as_json: bool) -> None:
    from ..tasks.api import workflows as known

    rows = known()
    language = default_language()
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    description = "description_zh" if language == "zh" else "description"
    for row in rows:
        click.echo(f"{row['name']:<18}{row['description'][language]}")
        for name, schema in row["inputs"].get("properties", {}).items():
            click.echo(f"{'':<18}  -i {name}=…  {schema[description]}")


@click.command(help=say("cli.roles.help"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))
def roles(as_json: bool) -> None:
    from ..tasks.api import roles as known

    rows = known()
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    language = default_language()
    for row in rows:
        tools = f" [{', '.join(row['tools'])}]" if row["tools"] else ""
        click.echo(f"{row['name']:<13}{row['description'][language]}{tools}")


@click.command(help=say("cli.resume.help"), epilog=say("cli.resume.epilog"))
@click.argument("task_id")
@click.option("--answer", help=say("cli.option.answer"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json"))
@click.option("--quiet", is_flag=True, help=say("cli.option.quiet"))
@click.option("--model", help=say("cli.option.model"))
def resume(task_id: str, answer: str | None, as_json: bool, quiet: bool, model: str | None) -> None:
    from ..tasks.api import aresume_stream

    approve = _choose_approve(as_json or quiet)
    _play(aresume_stream(task_id, answer, model=model, approve=approve), as_json, quiet)


_limit_option = click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help=say("cli.option.limit"),
)
_json_option = click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))
_thread_option = click.option(
    "--thread", "of_thread", is_flag=True, help=say("cli.option.of_thread")
)


@click.group(
    invoke_without_command=True, help=say("cli.tasks.help"), epilog=say("cli.tasks.epilog")
)
@_limit_option
@_json_option
@click.pass_context
def tasks(ctx: click.Context, limit: int, as_json: bool) -> None:
    if ctx.invoked_subcommand is None:
        _list_tasks(limit, as_json, "", say("cli.no_tasks"))


@tasks.command(help=say("cli.tasks.search.help"), epilog=say("cli.tasks.search.epilog"))
@click.argument("words", nargs=-1, required=True)
@_limit_option
@_json_option
def search(words: tuple[str, ...], limit: int, as_json: bool) -> None:
    _list_tasks(limit, as_json, " ".join(words), say("cli.none_found"))


@tasks.command(help=say("cli.tasks.rename.help"), epilog=say("cli.tasks.rename.epilog"))
@click.argument("task_id")
@click.argument("name")
@_thread_option
def rename(task_id: str, name: str, of_thread: bool) -> None:
    from ..tasks.api import rename_task, rename_thread

    (rename_thread if of_thread else rename_task)(task_id, name)
    click.echo(say("cli.tasks.renamed"))


@tasks.command(help=say("cli.tasks.delete.help"), epilog=say("cli.tasks.delete.epilog"))
@click.argument("task_id")
@_thread_option
@click.option("--yes", is_flag=True, help=say("cli.option.yes"))
def delete(task_id: str, of_thread: bool, yes: bool) -> None:
    from ..tasks.api import delete_task, delete_thread

    if not yes:
        click.confirm(say("cli.tasks.delete.sure", task_id=task_id), abort=True)
    (delete_thread if of_thread else delete_task)(task_id)
    click.echo(say("cli.tasks.deleted"))


def _list_tasks(limit: int, as_json: bool, query: str, none_found: str) -> None:
    from ..tasks.api import list_tasks

    found = list_tasks(limit, query)
    if as_json:
        click.echo(json.dumps([task.model_dump(mode="json") for task in found], ensure_ascii=False))
        return
    if not found:
        click.echo(none_found, err=True)
    for task in found:
        question = " ".join((task.name or task.question).split())[:50]
        click.echo(
            f"{task.task_id}  {task.updated:%Y-%m-%d %H:%M}  {task.status:<11}  {question}"
            + (f"  = {task.final_answer}" if task.final_answer else "")
        )


@click.command(help=say("cli.models.help"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))
def models(as_json: bool) -> None:
    from ..models.providers import list_providers
    from ..settings import get_settings

    rows = list_providers(get_settings())
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        mark = "*" if row["chosen"] else " "
        click.echo(f"{mark} {row['provider']:<11} {row['model'] or '-':<28} {row['state']}")
    click.echo(next(row["because"] for row in rows if row["chosen"]))


def _choose_approve(silent: bool) -> "Approve | None":
    """Return a function that asks in the terminal, or None where there is none."""
    if silent or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None

    from ..agents.act.approve import format_approval
    from ..state import Approval

    def ask(approvals: list[dict[str, Any]]) -> str:
        for approval in approvals:
            asked = Approval.model_validate(approval)
            click.echo(format_approval(asked, default_language()))
        return str(click.prompt(say("cli.approve_here")))

    return ask


def _parse_inputs(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Parse `name=value` pairs into task inputs; list inputs and repeated names become lists."""
    from ..tasks.api import workflows

    schemas = [row["inputs"].get("properties", {}) for row in workflows()]
    lists = {name for each in schemas for name in each if each[name].get("type") == "array"}
    inputs: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise InvalidTask(say("invalid.input_pair", pair=pair))
        name = name.strip()
        if name in lists or name in inputs:
            earlier = inputs.get(name, [])
            inputs[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            inputs[name] = value
    return inputs


def _check_out(out: Path | None) -> None:
    """Check the output file's suffix and folder before the task runs."""
    if out is None:
        return
    if out.suffix not in (".md", ".html", ".json"):
        raise InvalidTask(say("invalid.out", path=out))
    if not out.absolute().parent.is_dir():
        raise InvalidTask(say("invalid.out_folder", folder=out.absolute().parent))


def _write(out: Path, result: dict[str, Any]) -> None:
    from .printable import render_result

    text = result["report"] or ""
    if out.suffix == ".html":
        text = render_result(result)
    elif out.suffix == ".json":
        text = json.dumps(result, ensure_ascii=False, indent=2)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConcertinoError(say("cli.not_written", path=out, reason=error)) from error
    click.echo(say("cli.written", path=out), err=True)


def _read_stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidTask(say("invalid.encoding")) from error


def _play(
    events: "AsyncIterator[Event]", as_json: bool, quiet: bool, out: Path | None = None
) -> None:
    """Follow a task to its end and exit with the code of its status."""
    from rich.console import Console

    console = Console(highlight=False, quiet=quiet or as_json)
    seen: dict[str, Any] = {}

    async def follow() -> dict[str, Any]:
        async for event in events:
            seen.update(event)
            _print_event(console, event)
        return dict(seen["result"])

    try:
        result = asyncio.run(follow())
    except KeyboardInterrupt:
        click.echo(say("cli.interrupted", task_id=seen.get("task_id", "")), err=True)
        sys.exit(130)
    if out:
        _write(out, result)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
    elif quiet:
        click.echo(result["final_answer"] or "")
    else:
        _print_result(console, result)
    if result["error"]:
        click.echo(f"concertino: {result['error']}", err=True)
    if result["error"] and result["status"] in RESUMABLE:
        click.echo(say("cli.go_on", task_id=result["task_id"]), err=True)
    sys.exit(EXIT_CODES[result["status"]])


def _print_event(console: "Console", event: "Event") -> None:
    """Print one line when a round is decided, and one when it has been played."""
    from rich.markup import escape

    from ..agents.coordinator import MIN_PROBABILITY
    from ..state import OPEN_TASK_TYPE

    if event["type"] == "started":
        console.print(say("cli.started", task_id=event["task_id"]), style="dim")
    elif event["type"] == "routing":
        likely = [c for c in event["candidates"] if c["p"] >= MIN_PROBABILITY]
        if likely and event["task_type"] != OPEN_TASK_TYPE:
            candidates = ", ".join(f"{c['workflow']} {c['p']:.2f}" for c in likely)
            console.print(say("cli.routing", candidates=candidates), style="dim", markup=False)
    elif event["type"] == "decision":
        why = escape(event["reasoning"])
        instructions = f" — {escape(event['instructions'])}" if event["instructions"] else ""
        console.print(
            f"[bold cyan]{event['round']:>2} → {event['next_action']}[/] {why}{instructions}"
        )
        _print_cost(console, event, f"{event['source']}, ")
    elif event["type"] == "result":
        for effect in event["effects"]:
            console.print(effect["diff"], style="dim", markup=False)
    elif event["type"] == "progress":
        console.print(f"   · {escape(event['summary'])}", style="dim")
    elif event["type"] == "turn":
        mark = "[red]✗[/]" if event["failed"] else "[green]✓[/]"
        console.print(f"   {mark} {escape(event['note'] or event['summary'])}")
        _print_cost(console, event)


def _print_cost(console: "Console", event: "DecisionEvent | TurnEvent", before: str = "") -> None:
    cost = say("cli.cost", tokens=event["usage"]["output_tokens"], seconds=event["seconds"])
    console.print(f"     {before}{cost}", style="dim")


def _print_result(console: "Console", result: dict[str, Any]) -> None:
    from rich.markdown import Markdown

    console.print()
    if result["report"]:
        # Rich treats a backslash as an escape; LaTeX must keep its own.
        console.print(Markdown(result["report"].replace("\\", "\\\\")))
    if result["answer"]:  # of a calculation; elsewhere the report is the answer
        answer = say("cli.answer", result["language"], answer=result["final_answer"])
        console.print(f"\n{answer}", style="bold green", markup=False)
    if result["input_request"]:
        asked = {"question": result["input_request"], "task_id": result["task_id"]}
        console.print(say(f"cli.{result['status']}", result["language"], **asked), markup=False)
    usage = result["usage"]
    console.print(
        say("cli.total", rounds=result["total_iterations"], **usage), style="dim", markup=False
    )
    if result["final_answer"]:
        console.print(
            say("cli.thread", result["language"], thread_id=result["thread_id"]),
            style="dim",
            markup=False,
        )
