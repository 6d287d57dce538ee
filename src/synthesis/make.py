"""From seeds to new tasks: lift, look whether it is new, change, store, and tell what became of
each."""

from collections.abc import AsyncIterator, Iterable

from pydantic import Field

from ..state import Contract
from ..tools.sandbox import Sandbox
from .contracts import Essence, NewTask, Refusal, Seed
from .database import SeedDatabase
from .essence import lift_seed
from .mutate import change_parameters
from .novelty import NoveltyIndex
from .seeds import NoSeed


class Outcome(Contract):
    """What became of a seed: exactly one of the first three is set."""

    no_seed: NoSeed | None = None
    refusal: Refusal | None = None
    essence: Essence | None = None
    same_as: str | None = None
    """Id of an earlier essence of which this is a copy with other numbers and names; then no tasks
    are made."""
    tasks: list[NewTask] = Field(default_factory=list)
    """New tasks that are stored now."""


async def make_tasks(
    seeds: Iterable[Seed | NoSeed],
    database: SeedDatabase,
    sandbox: Sandbox,
    *,
    count: int,
    draw: int = 0,
) -> AsyncIterator[Outcome]:
    """Make tasks from seeds, and yield what became of each, in order.

    Args:
        count: tasks for each seed, at most.
        draw: seed of the random draws.

    Raises:
        SandboxUnavailable: programs cannot be confined on this machine.
        ConcertinoError: a library is not installed, or the database cannot be used.
    """
    index = NoveltyIndex()
    known, _ = await database.list_essences()
    for essence in known:
        index.add(essence.id, essence.problem)
    ids = {essence.id for essence in known}
    for seed in seeds:
        if isinstance(seed, NoSeed):
            yield Outcome(no_seed=seed)
            continue
        lifted = await lift_seed(seed, sandbox)
        if isinstance(lifted, Refusal):
            yield Outcome(refusal=lifted)
            continue
        if lifted.id not in ids:
            same = index.find_same(lifted.problem)
            if same:
                yield Outcome(essence=lifted, same_as=same)
                continue
            await database.add_essence(lifted)
            index.add(lifted.id, lifted.problem)
            ids.add(lifted.id)
        tasks = await _make_more(lifted, database, sandbox, count, draw)
        yield Outcome(essence=lifted, tasks=tasks)


async def _make_more(
    essence: Essence, database: SeedDatabase, sandbox: Sandbox, count: int, draw: int
) -> list[NewTask]:
    """Make tasks that are not stored yet, and store them."""
    before = [task.id for task in await database.list_tasks(essence.id)]
    made = await change_parameters(essence, sandbox, count, seed=draw, known=before)
    return await database.add_tasks(essence, made)
