"""Sends reward events, and prints the number of each that was acknowledged: a program of its own
for tests with many processes. `python -m tests.learning.sender NAME FIRST LAST`."""

import asyncio
import sys

from concertino.learning.bandit import record_rewards
from concertino.learning.contracts import RewardEvent
from concertino.settings import get_settings
from concertino.store.open import open_store


def event(name: str, worth: float, revision: int = 0, workflow: str = "rag_qa") -> RewardEvent:
    """A reward of an open task."""
    return RewardEvent(
        id=name,
        revision=revision,
        task_type="open",
        workflow=workflow,
        reward=worth,
        spent={"tokens": 100.0},
    )


async def send(name: str, first: int, last: int) -> None:
    async with open_store(get_settings().place) as store:
        for number in range(first, last):
            await record_rewards(store, event(f"{name}{number}", number % 2))
            print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(send(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
