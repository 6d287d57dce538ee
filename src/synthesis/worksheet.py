"""A worksheet: tasks for a class as Markdown, with the key under a heading of its own."""

import re
from collections.abc import Sequence

from ..language.messages import Language, say
from ..store.base import TaskStore
from ..tools.sandbox import Sandbox
from .contracts import NewTask, Refusal
from .essence import lift_seed
from .mutate import change_parameters
from .seeds import NoSeed, read_state

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#$|~])")


async def make_variants(
    store: TaskStore, task_id: str, sandbox: Sandbox, count: int, draw: int
) -> list[NewTask] | NoSeed | Refusal:
    """Return variants of a stored task's problem, fewer than `count` if no more are sensible, or
    why there are none.

    Raises:
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    seed = await read_state(store, task_id)
    if isinstance(seed, NoSeed):
        return seed
    lifted = await lift_seed(seed, sandbox)
    if isinstance(lifted, Refusal):
        return lifted
    return await change_parameters(lifted, sandbox, count, seed=draw)


def write_worksheet(title: str, tasks: Sequence[NewTask], language: Language) -> str:
    """Return the tasks and their answers as Markdown; what is markup in their texts is escaped."""
    lines = [
        f"# {_escape(title)}",
        f"## {say('lesson.practice', language)}",
        *[f"{n}. {_escape(task.question)}" for n, task in enumerate(tasks, 1)],
        f"## {say('lesson.key', language)}",
        *[f"{n}. {_escape(task.gold.text)}" for n, task in enumerate(tasks, 1)],
    ]
    return "\n\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
