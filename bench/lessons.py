"""Lessons: checks passed at the first try and after the loop, and wrong answers caught.

    python -m bench.lessons --n 10

Writes `--n` lessons in each language with the model in the settings, and prints Markdown tables.
Afterwards a wrong answer is planted in one computed exercise of each lesson, once alone and once
with an expression that leads to it, and then confirmed like any other. With `--out`, a stopped run
can be resumed.
"""

import argparse
import asyncio
import json
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from concertino import arun_task
from concertino.agents.lesson.answers import Draft, confirm
from concertino.context import get_sandbox
from concertino.language.messages import Language
from concertino.models.client import LanguageModel, get_language_model
from concertino.settings import get_settings
from concertino.state import Answer
from concertino.tools.answers import is_same_answer, read_answer

Row = dict[str, Any]

CHECKS = ("parts", "exercises", "answers", "equations", "language", "readability")
TOPICS: dict[Language, list[str]] = {
    "en": [
        "Adding and subtracting two-digit numbers with carrying, for grade 2",
        "What multiplication means, for a grade 3 class, with 5 exercises",
        "Perimeter and area of rectangles, grade 4",
        "Explain how a plant makes its food to my grade 5 pupils, 3 questions",
        "Adding fractions with different denominators for grade 5",
        "Percentages in shop sales, for 12-year-olds",
        "Ratios and recipes, grade 6, three exercises",
        "Solving equations such as 4x - 7 = 13, grade 7",
        "Why we have seasons, a lesson for grade 6",
        "The Pythagorean theorem for grade 8",
    ],
    "zh": [
        "给二年级讲两位数的进位加法和退位减法",
        "给三年级讲两位数乘一位数，出5道练习",
        "四年级：长方形的周长和面积",
        "给五年级讲植物怎样制造养分，出3个问题",
        "五年级异分母分数加减法",
        "给12岁的孩子讲商店打折里的百分数",
        "六年级比和比例的应用，三道练习",
        "初一：解形如 4x - 7 = 13 的方程",
        "给六年级讲为什么会有四季",
        "八年级勾股定理",
    ],
}


async def lesson(task: str, language: Language) -> Row:
    """Write one lesson, and return its cost, checks and exercises."""
    started = time.perf_counter()
    result = await arun_task(task, workflow="teach_explain", storage="memory")
    row: Row = {
        "task": task,
        "language": language,
        "status": result["status"],
        "error": result["error"],
        "seconds": time.perf_counter() - started,
        **{name: result["usage"][name] for name in ("calls", "prompt_tokens", "output_tokens")},
    }
    output = result["outputs"].get("teach_explain")
    if output:
        data = output["data"]
        row |= {name: data[name] for name in ("tries", "tally", "exercises", "grade", "plan")}
        row["text"] = output["text"]
    return row


async def planted(model: LanguageModel, row: Row) -> list[Row]:
    """Plant a wrong answer in the lesson's first computed exercise with a number, and return what
    is shown."""
    for exercise in row.get("exercises", []):
        value = await read_answer(get_sandbox(), exercise["answer"])
        if exercise["computed"] and value is not None and _is_number(value.exact):
            fair = exercise["working"] or value.exact
            wrong = str(Fraction(value.exact) + 1)
            drafts = [(False, exercise["working"] or ""), (True, f"{fair} + 1")]
            return [
                {"led": led, **await _shown(model, row, exercise["question"], given, wrong, value)}
                for led, given in drafts
            ]
    return []


async def _shown(
    model: LanguageModel, row: Row, question: str, expression: str, wrong: str, value: Answer
) -> Row:
    draft = Draft(question=question, expression=expression, answer=wrong)
    settled = await confirm(model, get_sandbox(), draft, row["language"])
    shown = settled.exercise.answer if settled.exercise else None
    caught = shown is None or not await is_same_answer(get_sandbox(), shown, wrong, exact=True)
    right = shown is not None and await is_same_answer(
        get_sandbox(), shown, value.exact, exact=True
    )
    return {"caught": caught, "right": right}


async def measure(number: int, parallel: int, done: list[Row], out: Path | None) -> list[Row]:
    """Write every lesson that is not in `done` yet, `parallel` at a time."""
    model = await get_language_model(get_settings())
    known = {row["task"] for row in done}
    gate = asyncio.Semaphore(parallel)

    async def one(task: str, language: Language) -> None:
        async with gate:
            row = await lesson(task, language)
            row["planted"] = await planted(model, row)
        done.append(row)
        if out:
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    # In turns, so that a stopped run has seen both languages.
    pairs = zip(TOPICS["en"][:number], TOPICS["zh"][:number], strict=True)
    todo = [(task, language) for pair in pairs for language, task in zip(TOPICS, pair, strict=True)]
    await asyncio.gather(*(one(task, language) for task, language in todo if task not in known))
    return done


def table(rows: list[Row]) -> str:
    """Return tables: shares of lessons by check, then cost, then answers."""
    groups = {language: [row for row in rows if row["language"] == language] for language in TOPICS}
    groups = {name: mine for name, mine in groups.items() if mine} | {"both": rows}
    lines = [
        "| checks passed | " + " | ".join(f"{name}: first try | after" for name in groups) + " |",
        "| --- |" + " --- | --- |" * len(groups),
    ]
    for check in ("all", *CHECKS):
        cells = [_passed(mine, check, place) for mine in groups.values() for place in (0, -1)]
        lines.append(f"| {check} | " + " | ".join(cells) + " |")
    lines += ["", "| per lesson | " + " | ".join(groups) + " |", "| --- |" + " --- |" * len(groups)]
    for name in ("seconds", "calls", "prompt_tokens", "output_tokens"):
        cells = [f"{sum(row[name] for row in mine) / len(mine):.0f}" for mine in groups.values()]
        lines.append(f"| {name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *_answers(rows)])


def _passed(rows: list[Row], check: str, place: int) -> str:
    tries = [row["tries"][place] for row in rows if row.get("tries")]
    good = sum(not failed if check == "all" else check not in failed for failed in tries)
    return f"{good}/{len(rows)}"


def _answers(rows: list[Row]) -> list[str]:
    tallies = [row["tally"] for row in rows if "tally" in row]
    total = {n: sum(tally[n] for tally in tallies) for n in ("computed", "corrected", "dropped")}
    lines = [
        f"answers drafted: {total['computed'] + total['dropped']}, confirmed {total['computed']}, "
        f"of these claimed wrongly and corrected {total['corrected']}; "
        f"not used {total['dropped']}"
    ]
    for led, how in ((False, "alone"), (True, "with an expression that leads to them")):
        mine = [plant for row in rows for plant in row["planted"] if plant["led"] is led]
        caught, right = (sum(plant[name] for plant in mine) for name in ("caught", "right"))
        lines.append(
            f"wrong answers planted {how}: {len(mine)}, caught {caught}, put right {right}"
        )
    return lines


def _is_number(exact: str) -> bool:
    try:
        Fraction(exact)
    except ValueError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10, help="lessons in each language, at most 10")
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSONL to keep every lesson in, and to go on from")
    args = parser.parse_args()
    kept = (
        args.out.read_text(encoding="utf-8").splitlines() if args.out and args.out.exists() else []
    )
    done = [json.loads(line) for line in kept]
    print(table(asyncio.run(measure(args.n, args.parallel, done, args.out))))


if __name__ == "__main__":
    main()
