"""Operators that make new tasks from an essence.

`parameter` draws other values for the slots; the answer is what the program computes with them.
"""

import hashlib
import random
from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction

from ..state import Answer
from ..tools.answers import find_broken_forms, fit_answer
from ..tools.sandbox import Sandbox
from .contracts import Essence, NewTask, Slot
from .fill import fill_problem, fill_program
from .invariants import find_broken_invariant, keeps_order
from .numerals import find_numerals
from .running import BATCH, Failed, run_programs

MAX_BATCHES = 12
"""Batches of values that are tried for one essence."""
_DRAWS = 20
"""Draws for each place in a batch; orders and earlier values rule some out."""


async def change_parameters(
    essence: Essence,
    sandbox: Sandbox,
    count: int,
    *,
    seed: int = 0,
    known: Collection[str] = (),
) -> list[NewTask]:
    """Make up to `count` tasks with other values, fewer if no more are found.

    Args:
        seed: of the draws; the same seed gives the same tasks.
        known: ids of tasks that are not made again.

    Raises:
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    draw = random.Random(f"{essence.id} {seed}")  # noqa: S311 - not a secret
    taken = {tuple(slot.value for slot in essence.slots)}
    ids = set(known)
    tasks = list[NewTask]()
    for _ in range(MAX_BATCHES):
        drawn = _draw_batch(essence, draw, taken)
        if not drawn or len(tasks) >= count:
            break
        programs = [fill_program(essence, values) for values in drawn]
        found = await run_programs(sandbox, programs)
        for values, program, ran in zip(drawn, programs, found, strict=True):
            if len(tasks) >= count:
                break
            if isinstance(ran, Failed) or find_broken_invariant(essence.invariants, ran):
                continue
            task = await _finish_task(essence, sandbox, values, program, ran.answer)
            if task and task.id not in ids:
                ids.add(task.id)
                tasks.append(task)
    return tasks


def _draw_batch(
    essence: Essence, draw: random.Random, taken: set[tuple[Decimal, ...]]
) -> list[dict[str, Decimal]]:
    """Draw a batch of values that keep the seed's order, none of them twice."""
    batch = list[dict[str, Decimal]]()
    for _ in range(BATCH * _DRAWS):
        values = {slot.name: _draw_value(slot, draw) for slot in essence.slots}
        key = tuple(values.values())
        if key in taken or not keeps_order(essence.invariants, values):
            continue
        if not _can_be_filled(essence, values):
            continue
        taken.add(key)
        batch.append(values)
        if len(batch) == BATCH:
            break
    return batch


def _draw_value(slot: Slot, draw: random.Random) -> Decimal:
    return slot.low + slot.step * draw.randint(0, int((slot.high - slot.low) / slot.step))


def _can_be_filled(essence: Essence, values: dict[str, Decimal]) -> bool:
    """Return whether all places can hold their values: a literal that is whole cannot hold 2.5."""
    try:
        fill_program(essence, values)
        return reads_as_filled(essence, values, fill_problem(essence, values))
    except ValueError:
        return False


def reads_as_filled(essence: Essence, values: dict[str, Decimal], question: str) -> bool:
    """Return whether a new text states the new numbers and no others: read again, it has the seed's
    numbers with only the slots changed."""
    wanted = {slot.span.start: Fraction(values[slot.name]) for slot in essence.slots}
    before = [wanted.get(n.start, n.value) for n in find_numerals(essence.problem)]
    after = [numeral.value for numeral in find_numerals(question)]
    return before == after


async def _finish_task(
    essence: Essence, sandbox: Sandbox, values: dict[str, Decimal], program: str, answer: Answer
) -> NewTask | None:
    """Return the task; None if its answer is not as the question asks for, or stands in it."""
    question = fill_problem(essence, values)
    gold = await fit_answer(sandbox, question, answer)
    held = essence.invariants
    if gold is None or (gold.kind, gold.unit) != (held.answer_kind, held.answer_unit):
        return None
    _, broken = await find_broken_forms(sandbox, question, gold, ())
    if broken or _stands_in(question, gold.exact):
        return None
    return NewTask(
        id=hashlib.sha256(question.encode()).hexdigest()[:32],
        essence_id=essence.id,
        language=essence.language,
        question=question,
        values=values,
        gold=gold,
        program=program,
        level=essence.complexity_level,
    )


def _stands_in(question: str, exact: str) -> bool:
    try:
        value = Fraction(exact)
    except (ValueError, ZeroDivisionError):
        return False
    return any(value == numeral.value for numeral in find_numerals(question))
