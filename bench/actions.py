"""The action loop on scenarios, beside agents of other libraries with the same model and tools.

    python -m bench.actions scenarios FOLDER… --out rows.jsonl [--plans] [--no-shortlist]
    python -m bench.actions peers FOLDER… --peer langgraph --python BIN --out rows.jsonl
    python -m bench.actions table rows.jsonl

Each scenario that has ended is a line of the file given as `--out`, so that a run that was stopped
goes on with `--resume`. A row has a variant: `act`, what was changed of it, or the peer's name.
`bench.actions_engine` measures the engine itself, `bench.actions_hostile` counts hostile cases,
`bench.kills_of_actions` kills it.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from concertino.agents.act import planner, shortlist
from concertino.tasks import scenarios
from concertino.tasks.scenarios import Scenario, ScenarioOutcome, load_scenarios, run_scenario

from .actions_one_call import plan_in_one_call
from .actions_peers import PEERS, PeerBench

Row = dict[str, Any]
Run = Callable[[Scenario], ScenarioOutcome]


class Rows:
    """Rows of a file, added one by one."""

    def __init__(self, path: Path | None, *, resume: bool) -> None:
        self._path = path
        self.all: list[Row] = read_rows(path) if resume and path and path.exists() else []
        if path and not resume:
            path.write_text("", encoding="utf-8")

    def has(self, variant: str, scenario: str) -> bool:
        return any(row["variant"] == variant and row["name"] == scenario for row in self.all)

    def add(self, row: Row) -> None:
        """Add a row, on the disk before the next scenario begins."""
        self.all.append(row)
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file; a line that a kill has cut off is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def run_all(chosen: Sequence[Scenario], variant: str, run: Run, rows: Rows) -> None:
    """Run the scenarios that have no row yet, and add theirs."""
    for scenario in chosen:
        if rows.has(variant, scenario.name):
            continue
        outcome = run(scenario)
        row = {"variant": variant, **outcome.model_dump(exclude={"task_ids"})}
        rows.add(row)
        print(format_row(row), flush=True)


@contextmanager
def vary(*, plans: bool | None, shortlisted: bool, one_call: bool) -> Iterator[str]:
    """Change the planner; yields the variant's name."""
    name = "act"
    with ExitStack() as stack:
        if plans is not None:
            name += ", plans" if plans else ", no plans"
            given = partial(scenarios.run_task, inputs={"plans": plans})
            stack.enter_context(patch.object(scenarios, "run_task", given))
        if not shortlisted:
            name += ", no shortlist"
            stack.enter_context(patch.object(shortlist, "MAX_ACTIONS", 1000))
        if one_call:
            name += ", one call"
            stack.enter_context(patch.object(planner, "_plan", plan_in_one_call))
        yield name


def format_row(row: Row) -> str:
    """Return one scenario's row as a line."""
    mark = "+" if row["passed"] else "-"
    return (
        f"{mark} {row['variant']}: {row['name']}, {row['rounds']} rounds, {row['calls']} calls, "
        f"{row['prompt_tokens']} + {row['output_tokens']} tokens, {row['seconds']} s "
        f"{' '.join('; '.join(row['faults']).split())[:200]}"
    )


COLUMNS = ("rounds", "calls", "prompt_tokens", "output_tokens", "seconds")


def format_table(rows: Sequence[Row]) -> str:
    """Return the table of variants: scenarios passed, and the mean of each column a scenario."""
    lines = [
        f"| variant | passed | {' | '.join(name.replace('_', ' ') for name in COLUMNS)} |",
        f"| --- | --- | {' | '.join('---' for _ in COLUMNS)} |",
    ]
    for variant in dict.fromkeys(row["variant"] for row in rows):
        mine = [row for row in rows if row["variant"] == variant]
        means = [f"{statistics.mean(row[name] for row in mine):.1f}" for name in COLUMNS]
        passed = sum(row["passed"] for row in mine)
        lines.append(f"| {variant} | {passed} of {len(mine)} | {' | '.join(means)} |")
    return "\n".join(lines)


def format_matrix(rows: Sequence[Row]) -> str:
    """Return which scenario passed with which variant, and why not."""
    variants = list(dict.fromkeys(row["variant"] for row in rows))
    lines = [f"| scenario | {' | '.join(variants)} |", f"| --- |{' --- |' * len(variants)}"]
    for name in dict.fromkeys(row["name"] for row in rows):
        cells = []
        for variant in variants:
            mine = [row for row in rows if (row["variant"], row["name"]) == (variant, name)]
            said = " ".join("; ".join(mine[-1]["faults"]).split()) if mine else ""
            faults = said[:80].replace("|", "/")
            cells.append("" if not mine else "passed" if mine[-1]["passed"] else faults)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def load_all(folders: Sequence[Path], limit: int | None) -> list[Scenario]:
    """Return the scenarios of all folders."""
    found = [scenario for folder in folders for scenario in load_scenarios(folder)]
    return found[:limit]


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runs = argparse.ArgumentParser(add_help=False)
    runs.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    runs.add_argument("--limit", type=int)
    runs.add_argument("--out", type=Path)
    runs.add_argument("--resume", action="store_true")
    ours = commands.add_parser("scenarios", parents=[runs])
    ours.add_argument("--model", help="a provider or model; the embedded one by default")
    ours.add_argument("--plans", action=argparse.BooleanOptionalAction)
    ours.add_argument("--no-shortlist", dest="shortlisted", action="store_false")
    ours.add_argument("--one-call", action="store_true")
    peers = commands.add_parser("peers", parents=[runs])
    peers.add_argument("--peer", choices=PEERS, required=True)
    peers.add_argument("--python", type=Path, required=True, help="interpreter of its environment")
    peers.add_argument("--url", help="OpenAI base URL; without it the embedded model is started")
    peers.add_argument("--key", default="none")
    peers.add_argument("--model", default="")
    peers.add_argument("--seconds", type=float, default=600, help="limit of a scenario")
    peers.add_argument("--tools", default="", help="names, separated by commas")
    table = commands.add_parser("table")
    table.add_argument("rows", type=Path, nargs="+")
    return parser.parse_args()


def main() -> None:
    """Run what was asked for and print its tables."""
    options = parse_options()
    if options.command == "table":
        rows = [row for path in options.rows for row in read_rows(path)]
    else:
        found = Rows(options.out, resume=options.resume)
        chosen = load_all(options.folders, options.limit)
        if options.command == "scenarios":
            changed = {
                "plans": options.plans,
                "shortlisted": options.shortlisted,
                "one_call": options.one_call,
            }
            with vary(**changed) as variant:
                run_all(chosen, variant, partial(run_scenario, model=options.model), found)
        else:
            with PeerBench.open(options) as bench:
                run_all(chosen, options.peer, bench.run_scenario, found)
        rows = found.all
    print(f"\n{format_table(rows)}\n\n{format_matrix(rows)}")


if __name__ == "__main__":
    main()
