"""How rightly answers are compared and put back, on labelled data in `bench/answers`.

    python -m bench.comparing

Every pair of answers is compared, every answer put back into its question, and every answer fitted
to what its question asks, in the real sandbox, one after another. For each kind: how many there
are, how many the code gets wrong in either direction; then each of those, and the milliseconds of
a comparison. A call that fails or runs out of time counts as "different" or "not verified", as it
does in the product.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from concertino.tools.answers import (
    check_substitution,
    find_broken_forms,
    fit_answer,
    is_same_answer,
    read_answer,
)
from concertino.tools.sandbox import Sandbox, default_sandbox
from pydantic import BaseModel

Case = TypeVar("Case", bound=BaseModel)

DATA = Path(__file__).parent / "answers"


class Pair(BaseModel):
    """Two written answers, and whether a teacher would call them the same."""

    left: str
    right: str
    equal: bool
    kind: str
    language: str


class Substitution(BaseModel):
    """An answer to a question with relations, and whether putting it back proves it."""

    question: str
    answer: str
    verified: bool
    kind: str
    language: str


class Question(BaseModel):
    """A question, an answer, and whether the answer is of the type and in the bounds asked for."""

    question: str
    answer: str
    fits: bool
    why: str
    language: str


class Judged(BaseModel):
    """One labelled case with what the code said of it."""

    kind: str
    text: str
    wanted: bool
    found: bool


def load(name: str, case: type[Case]) -> list[Case]:
    """Return the cases of a file, one a line."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [case.model_validate(json.loads(line)) for line in lines if line.strip()]


async def compare(sandbox: Sandbox, pairs: Iterable[Pair]) -> tuple[list[Judged], list[float]]:
    """Return each pair as judged, and the milliseconds of each comparison."""
    judged, taken = [], []
    for pair in pairs:
        started = time.perf_counter()
        found = await is_same_answer(sandbox, pair.left, pair.right)
        taken.append((time.perf_counter() - started) * 1000)
        text = f"{pair.left}  |  {pair.right}"
        judged.append(Judged(kind=pair.kind, text=text, wanted=pair.equal, found=found))
    return judged, taken


async def substitute(sandbox: Sandbox, cases: Iterable[Substitution]) -> list[Judged]:
    """Return each substitution as judged."""
    judged = []
    for case in cases:
        found = await check_substitution(sandbox, case.question, case.answer) is not None
        text = f"{case.question}  |  {case.answer}"
        judged.append(Judged(kind=case.kind, text=text, wanted=case.verified, found=found))
    return judged


async def fit(sandbox: Sandbox, cases: Iterable[Question]) -> list[Judged]:
    """Return each answer to a question as judged: its type, and the forms it is held to."""
    judged = []
    for case in cases:
        read = await read_answer(sandbox, case.answer)
        answer = await fit_answer(sandbox, case.question, read) if read else None
        found = answer is not None
        if answer is not None:
            _, broken = await find_broken_forms(sandbox, case.question, answer, [])
            found = not broken
        text = f"{case.question}  |  {case.answer}  |  {case.why}"
        judged.append(Judged(kind=case.language, text=text, wanted=case.fits, found=found))
    return judged


def report(judged: Sequence[Judged], wrongly: str, missed: str) -> None:
    """Print the table of kinds, then every case that was judged wrongly."""
    print(f"| kind | cases | {wrongly} | {missed} |")
    print("| --- | --- | --- | --- |")
    for kind in dict.fromkeys(case.kind for case in judged):
        print(row(kind, [case for case in judged if case.kind == kind]))
    print(row("all", judged))
    for name, found in ((wrongly, True), (missed, False)):
        print(f"\n{name}:")
        for case in judged:
            if case.found is found and case.wanted is not found:
                print(f"  [{case.kind}] {case.text}")


def row(kind: str, judged: Sequence[Judged]) -> str:
    """Return one row: each number of mistakes beside how many cases could have had it."""
    different = [case for case in judged if not case.wanted]
    same = [case for case in judged if case.wanted]
    wrongly = sum(case.found for case in different)
    missed = sum(not case.found for case in same)
    return f"| {kind} | {len(judged)} | {wrongly} of {len(different)} | {missed} of {len(same)} |"


async def main() -> None:
    """Print all tables."""
    pairs = load("pairs.jsonl", Pair)
    substitutions = load("substitutions.jsonl", Substitution)
    questions = load("questions.jsonl", Question)
    sandbox = default_sandbox()
    await is_same_answer(sandbox, "1", "1")  # starts the sandbox
    judged, taken = await compare(sandbox, pairs)
    report(judged, 'false "equal"', 'false "different"')
    p95 = statistics.quantiles(taken, n=20)[-1]
    print(
        f"\nmilliseconds of a comparison: median {statistics.median(taken):.1f}, "
        f"p95 {p95:.1f}, slowest {max(taken):.0f}\n"
    )
    report(await substitute(sandbox, substitutions), 'false "verified"', "missed")
    print()
    report(await fit(sandbox, questions), "accepted wrongly", "refused wrongly")
    sandbox.close()


if __name__ == "__main__":
    asyncio.run(main())
