"""Accuracy, tokens, calls and seconds on a file of problems, compared with simpler prompts.

    python -m bench.accuracy ../shared/data/math_dev.jsonl --limit 20

The file has one JSON object per line, with `problem` and `answer`. All rows of the table come from
the same model in the same run. With `--out`, a stopped run can be resumed.
"""

import argparse
import asyncio
import json
import math
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from concertino import asolve_math_problem
from concertino.agents.math.execution import extract_program
from concertino.context import get_sandbox
from concertino.language.detect import detect_language
from concertino.models.client import LanguageModel, get_language_model
from concertino.settings import get_settings
from concertino.state import Usage
from concertino.tools.answers import ProgramError, extract_boxed_answer, is_same_answer, run_program

from . import prompts

Row = dict[str, Any]


async def chain_of_thought(model: LanguageModel, problem: str) -> Row:
    """One call: `Let's think step by step` (Kojima et al. 2022)."""
    asked = prompts.chain_of_thought(problem, detect_language(problem))
    reply = await model.generate_text(asked, max_tokens=1024)
    return _row(prompts.final_line(reply.value), reply.usage, working=reply.value)


async def boxed_reasoning(model: LanguageModel, problem: str) -> Row:
    """One call with Qwen's recommended prompt for mathematics, which verification uses for
    reasoning too."""
    asked = prompts.boxed_reasoning(problem, detect_language(problem))
    reply = await model.generate_text(asked, max_tokens=1024)
    return _row(extract_boxed_answer(reply.value), reply.usage, working=reply.value)


async def program(model: LanguageModel, problem: str) -> Row:
    """One call for a program, run in the sandbox."""
    asked = prompts.program(problem, detect_language(problem))
    reply = await model.generate_text(asked, max_tokens=1024)
    try:
        found = await run_program(get_sandbox(), extract_program(reply.value))
    except ProgramError as error:
        return _row(None, reply.usage, working=f"{reply.value}\n{error}")
    return _row(found.answer.exact, reply.usage, working=reply.value)


async def concertino(model: LanguageModel, problem: str) -> Row:
    """The whole graph, without the cost of its report."""
    result = await asolve_math_problem(problem, storage="memory")
    history = result["iteration_history"]
    usage = sum((Usage(**record["usage"]) for record in history), Usage())
    decisions = [record for record in history if record["decision"]]
    return _row(
        (result["answer"] or {}).get("exact"),
        usage,
        status=result["status"],
        rounds=result["total_iterations"],
        decided=sum(record["source"] == "model" for record in decisions),
        forced=sum(record["source"] == "forced" for record in decisions),
        fallback=sum(record["source"] == "fallback" for record in decisions),
        spent={kind: _by_actor(history, kind) for kind in ("prompt_tokens", "output_tokens")},
        working=[f"{record['actor']}: {record['summary']}" for record in history],
        checks=(result["verification_output"] or {}).get("checks", []),
        attempts=result["attempts"],
        error=result["error"],
    )


def _by_actor(history: list[Row], kind: str) -> dict[str, int]:
    return {
        actor: sum(r["usage"][kind] for r in history if r["actor"] == actor)
        for actor in {record["actor"] for record in history}
    }


ROUTES: dict[str, Callable[[LanguageModel, str], Awaitable[Row]]] = {
    "chain_of_thought": chain_of_thought,
    "boxed_reasoning": boxed_reasoning,
    "program": program,
    "concertino": concertino,
}


def _row(answer: str | None, usage: Usage, **more: Any) -> Row:
    return {"answer": answer, **usage.model_dump(), **more}


async def measure(
    routes: list[str], problems: list[Row], parallel: int, done: list[Row], out: Path | None
) -> list[Row]:
    """Run every problem by every route that is not in `done` yet, `parallel` at a time."""
    model = await get_language_model(get_settings())
    known = {(row["route"], row["problem"]) for row in done}
    gate = asyncio.Semaphore(parallel)

    async def one(route: str, item: Row) -> None:
        async with gate:
            started = time.perf_counter()
            row = await ROUTES[route](model, item["problem"])
            correct = row["answer"] is not None and await is_same_answer(
                get_sandbox(), row["answer"], str(item["answer"]), exact=True
            )
            row |= {"route": route, "problem": item["problem"], "gold": item["answer"]}
            row |= {"correct": correct, "wall": time.perf_counter() - started}
            row["language"] = detect_language(item["problem"])
            done.append(row)
            if out:
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")

    # Problem by problem, so that noise on the machine touches all routes alike.
    todo = [(r, p) for p in problems for r in routes if (r, p["problem"]) not in known]
    await asyncio.gather(*(one(route, item) for route, item in todo))
    return done


def table(rows: list[Row], routes: list[str]) -> str:
    """Return the figures of each route, per problem, and their ratios to the first route."""
    lines = [
        "| route | n | accuracy (95 %) | en | zh | output tokens | prompt (cached) | calls | s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for route in routes:
        mine = [row for row in rows if row["route"] == route]
        if not mine:
            continue
        low, high = _wilson(sum(row["correct"] for row in mine), len(mine))
        lines.append(
            f"| {route} | {len(mine)} | {_share(mine)} ({low:.2f} to {high:.2f}) "
            f"| {_share(mine, 'en')} | {_share(mine, 'zh')} | {_mean(mine, 'output_tokens'):.0f} "
            f"| {_mean(mine, 'prompt_tokens'):.0f} ({_mean(mine, 'cached_tokens'):.0f}) "
            f"| {_mean(mine, 'calls'):.1f} | {_mean(mine, 'seconds'):.1f} |"
        )
    return "\n".join(lines + _ratios(rows, routes) + _decisions(rows))


def _ratios(rows: list[Row], routes: list[str]) -> list[str]:
    ours = [row for row in rows if row["route"] == "concertino"]
    lines = [""]
    for route in routes:
        theirs = [row for row in rows if row["route"] == route]
        if route == "concertino" or not ours or not theirs:
            continue
        accuracy = _mean(ours, "correct") / max(_mean(theirs, "correct"), 1e-9)
        tokens = _mean(ours, "output_tokens") / _mean(theirs, "output_tokens")
        lines.append(f"concertino / {route}: accuracy x {accuracy:.2f}, tokens x {tokens:.2f}")
    return lines


def _decisions(rows: list[Row]) -> list[str]:
    ours = [row for row in rows if row["route"] == "concertino"]
    if not ours:
        return []
    by = {key: sum(row[key] for row in ours) for key in ("decided", "forced", "fallback")}
    lines = [
        f"decisions: {by['decided']} by model, {by['forced']} forced, {by['fallback']} fallback"
    ]
    for status in sorted({row["status"] for row in ours}):
        group = [row for row in ours if row["status"] == status]
        lines.append(f"{status}: {len(group)}, of these right {_share(group)}")
    for kind in ("prompt_tokens", "output_tokens"):
        actors = sorted({actor for row in ours for actor in row["spent"][kind]})
        means = {a: sum(row["spent"][kind].get(a, 0) for row in ours) / len(ours) for a in actors}
        figures = ", ".join(f"{actor} {tokens:.0f}" for actor, tokens in means.items())
        lines.append(f"{kind.replace('_', ' ')}: {figures}")
    return lines


def _share(rows: list[Row], language: str | None = None) -> str:
    chosen = [row for row in rows if language is None or row["language"] == language]
    return f"{_mean(chosen, 'correct'):.3f}" if chosen else "-"


def _mean(rows: list[Row], key: str) -> float:
    return sum(row[key] for row in rows) / len(rows)


def _wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's score interval for a proportion (Wilson 1927)."""
    share, square = hits / n, z * z
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / (1 + square / n)
    return centre - half, centre + half


def _has(path: Path | None) -> bool:
    return path is not None and path.exists()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="JSONL with problem and answer")
    parser.add_argument("--limit", type=int, help="problems to take, in a fixed random order")
    parser.add_argument("--routes", default=",".join(ROUTES), help="comma-separated")
    parser.add_argument("--parallel", type=int, default=4)
    parser.add_argument("--out", type=Path, help="JSONL to keep every row in, and to go on from")
    args = parser.parse_args()
    problems = [json.loads(line) for line in args.data.read_text(encoding="utf-8").splitlines()]
    random.Random(0).shuffle(problems)  # noqa: S311  (a stopped run has seen all kinds)
    routes = args.routes.split(",")
    kept = args.out.read_text(encoding="utf-8").splitlines() if _has(args.out) else []
    done = [json.loads(line) for line in kept]
    chosen = problems[: args.limit]
    rows = asyncio.run(measure(routes, chosen, args.parallel, done, args.out))
    print(table(rows, routes))


if __name__ == "__main__":
    main()
