"""Lifting: a solved problem and its program become an essence, or it is said why not."""

import hashlib
import re

from ..language.text import split_sentences
from ..state import Answer
from ..tools.answers import fit_answer, is_same_answer, read_answer
from ..tools.sandbox import Sandbox
from .align import align_numbers
from .contracts import (
    Essence,
    Kept,
    Level,
    Refusal,
    Seed,
    Slot,
    SuccessPattern,
)
from .fill import fill_program, mask_problem, mask_program
from .invariants import describe_seed
from .numerals import find_numerals
from .program import NotLiftable, Program, read_program
from .running import Failed, Ran, run_programs
from .watching import MANY

SIMPLE_OPS, MEDIUM_OPS = 2, 4
"""Most operations of a simple problem, and of one of medium complexity."""
_DOMAINS = (
    (
        "geometry",
        r"\b(?:area|perimeter|volume|radius|rectang|square|triang|circle)|面积|周长|体积|半径|直径",
    ),
    ("percentage", r"%|％|percent|百分|打[\d一二三四五六七八九]+折"),
    ("speed", r"\b(?:speed|mph|km/h|miles per hour)\b|速度|每小时行|相遇|追上"),
    ("money", r"[$¥￥€£]|\b(?:dollars?|cents?|cost|price|pay|yuan)\b|[元角]"),
    ("age", r"\b(?:years old|older|younger|age)\b|[岁]"),
    ("time", r"\b(?:hours?|minutes?|days?|weeks?)\b|小时|分钟|[天周]"),
    ("measure", r"\b(?:meters?|metres?|km|kg|grams?|liters?|litres?|feet|inches)\b|[米克吨升]"),
)


async def lift_seed(seed: Seed, sandbox: Sandbox) -> Essence | Refusal:
    """Lift a seed, or say why it cannot be lifted.

    Raises:
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    try:
        program = read_program(seed.program)
        slots, kept = align_numbers(seed.problem, find_numerals(seed.problem), program)
        ran, answer = await _solve_seed(seed, program, sandbox)
        draft = _build_essence(seed, program, slots, kept, ran, answer)
        return await _keep_still(draft, ran, answer, sandbox)
    except NotLiftable as reason:
        return Refusal(seed_id=seed.id, obstacle=reason.obstacle, detail=str(reason)[:300])


async def _solve_seed(seed: Seed, program: Program, sandbox: Sandbox) -> tuple[Ran, Answer]:
    """Run the seed's program and return its answer in the type that the problem asks for.

    Raises:
        NotLiftable: it fails, does not arrive at the seed's answer, or finds several solutions.
    """
    [ran] = await run_programs(sandbox, [program.source])
    if isinstance(ran, Failed):
        raise NotLiftable("fails", ran.error)
    answer = await fit_answer(sandbox, seed.problem, ran.answer)
    if answer is None or answer.kind == "text":
        raise NotLiftable("unreadable_answer", ran.answer.text)
    if not await _is_answer(sandbox, seed, answer):
        raise NotLiftable("wrong_answer", f"{answer.text} ≠ {seed.answer}")
    if MANY in ran.path:
        raise NotLiftable("many_solutions")
    return ran, answer


async def _is_answer(sandbox: Sandbox, seed: Seed, answer: Answer) -> bool:
    """Return whether an answer is the seed's, which may be written without the unit or the percent
    sign that the problem asks for."""
    if await is_same_answer(sandbox, answer.written, seed.answer):
        return True
    read = await read_answer(sandbox, seed.answer)
    stated = await fit_answer(sandbox, seed.problem, read) if read else None
    return stated is not None and await is_same_answer(sandbox, answer.written, stated.written)


async def _keep_still(draft: Essence, ran: Ran, answer: Answer, sandbox: Sandbox) -> Essence:
    """Keep the numbers that do not move the answer.

    Raises:
        NotLiftable: none moves it.
    """
    seed_values = {slot.name: slot.value for slot in draft.slots}
    tried = [(slot, value) for slot in draft.slots for value in (slot.low, slot.high)]
    programs = [fill_program(draft, {**seed_values, s.name: value}) for s, value in tried]
    found = await run_programs(sandbox, programs)
    moving = {
        slot.name
        for (slot, value), other in zip(tried, found, strict=True)
        if value != slot.value and isinstance(other, Ran) and other.answer.exact != ran.answer.exact
    }
    slots = [slot for slot in draft.slots if slot.name in moving]
    still = [slot for slot in draft.slots if slot.name not in moving]
    kept = [
        Kept(text=draft.problem[slot.span.start : slot.span.end], reason="still") for slot in still
    ]
    if not slots:
        raise NotLiftable("nothing_to_change", ", ".join(f"{k.text} ({k.reason})" for k in kept))
    changed = draft.model_copy(
        update={
            "slots": slots,
            "kept": [*draft.kept, *kept],
            "invariants": describe_seed(ran, answer, slots),
        }
    )
    return changed.model_copy(update={"id": digest_skeletons(changed)})


def digest_skeletons(essence: Essence) -> str:
    """Return an essence's identity: the digest of its text and program with the slots masked."""
    skeletons = "\0".join((mask_problem(essence), mask_program(essence)))
    return hashlib.sha256(skeletons.encode()).hexdigest()[:32]


def _build_essence(
    seed: Seed, program: Program, slots: list[Slot], kept: list[Kept], ran: Ran, answer: Answer
) -> Essence:
    return Essence(
        id="",
        seed_id=seed.id,
        task_id=seed.task_id,
        language=seed.language,
        domain=find_domain(seed.problem),
        query=find_query(seed.problem),
        complexity_level=choose_level(len(program.operations)),
        success_pattern=SuccessPattern(
            key_steps=list(program.names),
            execution_pattern=" ".join(program.operations),
            success_indicators=seed.indicators,
        ),
        problem=seed.problem,
        program=program.source,
        slots=slots,
        kept=kept,
        invariants=describe_seed(ran, answer, slots),
        answer=answer,
        n_ops=len(program.operations),
    )


def find_query(problem: str) -> str:
    """Return the sentence that says what is wanted: the last one that asks, or else the last."""
    sentences = [sentence.strip() for sentence in split_sentences(problem) if sentence.strip()]
    asking = [sentence for sentence in sentences if sentence.endswith(("?", "？"))]
    return (asking or sentences or [problem])[-1]


def find_domain(problem: str) -> str:
    """Return what a problem is about, by its words; `counting` if nothing else."""
    found = (name for name, words in _DOMAINS if re.search(words, problem, re.IGNORECASE))
    return next(found, "counting")


def choose_level(operations: int) -> Level:
    """Return the complexity of a problem with so many operations."""
    return (
        "simple"
        if operations <= SIMPLE_OPS
        else "medium"
        if operations <= MEDIUM_OPS
        else "complex"
    )
