"""Whether routing improves over real tasks with a real model.

    python -m bench.learning.real --out rows.jsonl
    python -m bench.learning.real --tasks FILE --out rows.jsonl --passes 5 --model openai

Runs every task several times through the product, without naming a workflow, in a home of its own
beside `--out`. Each answer is compared with the known one, and the comparison counts in the task's
reward. Prints the results of each pass, and finally the bandit's table. A stopped run can be
resumed.

Each line of the task file is a `document` for the knowledge base (`id`, `title`, `text`), or a
task: `question`, the right `workflow`, and the conditions that a right answer fulfils.
"""

import argparse
import asyncio
import json
import os
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from concertino import arun_task
from concertino.graphs.registry import WORKFLOWS
from concertino.language.text import count_units
from concertino.learning.bandit import Bandit
from concertino.settings import get_settings
from concertino.store.open import open_store
from concertino.tasks.ending import record_comparison
from langchain_core.language_models import BaseChatModel
from pydantic import BaseModel, ConfigDict

TASKS = Path(__file__).with_name("tasks.jsonl")
Row = dict[str, Any]
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_NUMBERED = re.compile(r"^\W*\d+[.．、)）]", re.MULTILINE)


class Task(BaseModel):
    """A question whose answer a machine can check; conditions that are not given are not
    checked."""

    model_config = ConfigDict(extra="forbid")

    question: str
    workflow: str
    number: float | None = None
    """Last number in the answer."""
    any_of: list[str] = []
    """Phrases of which the answer contains at least one."""
    all_of: list[str] = []
    """Phrases that the answer contains, all of them."""
    length: tuple[int, int] | None = None
    """Minimum and maximum length, in words or Chinese characters."""
    numbered: int = 0
    """Minimum number of numbered lines."""


def is_right(task: Task, answer: str) -> bool:
    """Return whether the answer fulfils all conditions of the task."""
    text = answer.casefold()
    numbers = _NUMBER.findall(text.replace(",", ""))
    least, most = task.length or (0, len(text))
    return (
        bool(text.strip())
        and (task.number is None or (bool(numbers) and float(numbers[-1]) == task.number))
        and (not task.any_of or any(words.casefold() in text for words in task.any_of))
        and all(words.casefold() in text for words in task.all_of)
        and least <= count_units(answer) <= most
        and len(_NUMBERED.findall(answer)) >= task.numbered
    )


async def run(task: Task, model: str | BaseChatModel | None) -> Row:
    """Run one task through the product, and return its row, with the reward after the
    comparison."""
    result = await arun_task(task.question, model=model)
    right = is_right(task, result["final_answer"] or "")
    async with open_store(get_settings().place) as store:
        reward = await record_comparison(store, result["task_id"], correct=right)
    decided = [record for record in result["iteration_history"] if record["decision"]]
    choices = (record["decision"]["next_action"] for record in decided)
    chosen = next((name for name in choices if name in WORKFLOWS), None)
    suggestion = (result["routing"] or {}).get("suggestion")
    usage = result["usage"]
    return {
        "task_id": result["task_id"],
        "question": task.question,
        "workflow": task.workflow,
        "chosen": chosen,
        "suggestion": suggestion,
        "followed": chosen == suggestion if suggestion else None,
        "status": result["status"],
        "right": right,
        "reward": reward.reward if reward else None,
        "decision_tokens": sum(_tokens(record["usage"]) for record in decided),
        "tokens": _tokens(usage),
        "seconds": usage["seconds"],
    }


async def passes(
    tasks: list[Task], count: int, out: Path, model: str | BaseChatModel | None
) -> list[Row]:
    """Run every task `count` times, each pass in its own order, except for what is already in
    `out`."""
    rows = _earlier(out)
    done = {(row["pass"], row["question"]) for row in rows}
    for number in range(1, count + 1):
        for task in random.Random(number).sample(tasks, len(tasks)):  # noqa: S311
            if (number, task.question) in done:
                continue
            rows.append({"pass": number, **await run(task, model)})
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1], ensure_ascii=False) + "\n")
    return rows


def report(rows: list[Row]) -> str:
    """Return a table with a row for each pass."""
    lines = [
        "| pass | tasks | mean reward | right | suggested as labelled | chosen as labelled "
        "| followed | decision tokens a task | tokens a task | model seconds a task |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for number in sorted({row["pass"] for row in rows}):
        own = [row for row in rows if row["pass"] == number]
        shares = [
            [row["right"] for row in own],
            [row["suggestion"] == row["workflow"] for row in own if row["suggestion"]],
            [row["chosen"] == row["workflow"] for row in own],
            [row["followed"] for row in own if row["followed"] is not None],
        ]
        figures = [
            _mean((row["reward"] for row in own if row["reward"] is not None), 3),
            *(f"{sum(share)} of {len(share)}" for share in shares),
            *(_mean((row[name] for row in own), 0) for name in ("decision_tokens", "tokens")),
            _mean((row["seconds"] for row in own), 1),
        ]
        lines.append(f"| {number} | {len(own)} | {' | '.join(figures)} |")
    return "\n".join(lines)


async def table() -> str:
    """Return the bandit's table."""
    async with open_store(get_settings().place) as store:
        arms = (await Bandit.read(store.checkpointer)).arms
    lines = ["| type | workflow | rewards | value |", "| --- | --- | --- | --- |"]
    lines += [f"| {a.task_type} | {a.workflow} | {a.count} | {a.value:.3f} |" for a in arms]
    return "\n".join(lines)


def read(path: Path) -> tuple[list[Task], list[Row]]:
    """Return the tasks and the documents in a file."""
    lines = _lines(path)
    documents = [line["document"] for line in lines if "document" in line]
    return [Task(**line) for line in lines if "document" not in line], documents


def _earlier(out: Path) -> list[Row]:
    return _lines(out) if out.exists() else []


def _lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _tokens(usage: Row) -> int:
    return int(usage["prompt_tokens"] + usage["output_tokens"])


def _mean(numbers: Iterable[float], digits: int) -> str:
    found = list(numbers)
    return f"{sum(found) / len(found):.{digits}f}" if found else "–"


async def main(path: Path, out: Path, count: int, model: str | None) -> None:
    """Run all passes, and print the results and the bandit's table."""
    from bench.rag import prepare

    tasks, documents = read(path)
    prepare(out.with_suffix(".home").absolute(), documents)
    os.environ.pop("CONCERTINO_DATABASE_URL", None)
    get_settings.cache_clear()
    rows = await passes(tasks, count, out, model)
    print(report(rows))
    print(f"\n{await table()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=Path, default=TASKS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--passes", type=int, default=4)
    parser.add_argument("--model", help="a model or provider by name; the settings' by default")
    given = parser.parse_args()
    asyncio.run(main(given.tasks, given.out, given.passes, given.model))
