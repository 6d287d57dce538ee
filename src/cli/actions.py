"""Commands for tasks that work on files: `concertino actions`, `undo` and `scenario`."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ..language.messages import default_language, say


@click.command(help=say("cli.actions.help"))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))
def actions(as_json: bool) -> None:
    from ..actions.catalogue import describe_actions

    rows = describe_actions()
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        names = ", ".join(row["params"]["properties"])
        click.echo(f"{row['name']}({names})  [{row['effect']}]")
        click.echo(f"    {row['obstacle'] or row['description'][default_language()]}")


@click.command(help=say("cli.undo.help"))
@click.argument("task_id")
def undo(task_id: str) -> None:
    from ..tasks.api import undo_task

    found = undo_task(task_id)
    if found["restored"]:
        click.echo(say("act.undone", paths=", ".join(found["restored"])))
    if found["left"]:
        click.echo(say("act.undo_left", paths=", ".join(found["left"])), err=True)
        sys.exit(1)
    if not found["restored"]:
        click.echo(say("act.nothing_to_undo", task_id=task_id), err=True)


@click.group(help=say("cli.scenario.help"))
def scenario() -> None:
    pass


@scenario.command("run", help=say("cli.scenario.help"), epilog=say("cli.scenario.epilog"))
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help=say("cli.option.json_list"))
@click.option("--model", help=say("cli.option.model"))
def run_scenarios(path: Path, as_json: bool, model: str | None) -> None:
    from ..tasks.scenarios import load_scenarios, run_scenario

    outcomes = []
    for one in load_scenarios(path):
        outcome = run_scenario(one, model=model)
        outcomes.append(outcome)
        if not as_json:
            click.echo(_format_outcome(outcome.model_dump()))
    if as_json:
        click.echo(json.dumps([o.model_dump() for o in outcomes], ensure_ascii=False))
    else:
        passed = sum(outcome.passed for outcome in outcomes)
        click.echo(f"{passed}/{len(outcomes)}")
    sys.exit(0 if all(outcome.passed for outcome in outcomes) else 1)


def _format_outcome(outcome: dict[str, Any]) -> str:
    mark = "✓" if outcome["passed"] else "✗"
    return (
        f"{mark} {outcome['name']:<24} {outcome['rounds']:>3} {outcome['calls']:>3} "
        f"{outcome['prompt_tokens']:>6} {outcome['output_tokens']:>5} {outcome['seconds']:>6.1f} s"
        f"  {'; '.join(outcome['faults'])}"
    )
