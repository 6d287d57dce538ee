"""What stands before the Coordinator when it chooses: the router's candidates, and the bandit's
values and suggestion."""

import logging
import random
from collections.abc import Mapping
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from ..settings import Settings, get_settings
from .bandit import Bandit
from .contracts import ArmValue, Routing
from .policy import Policy, distribution, draw
from .router import acandidates, in_use, task_type

log = logging.getLogger(__name__)

CHANCE = random.SystemRandom()


async def route_task(
    question: str,
    inputs: Mapping[str, Any],
    checkpointer: BaseCheckpointSaver[str] | None,
    chance: random.Random = CHANCE,
) -> Routing:
    """Ask router and bandit about a task. Where one cannot be had, the other advises alone; a
    task is never lost for want of advice.

    Args:
        question: the task as it stands on its own.
        inputs: what it brings besides.
        checkpointer: where the bandit's table is; None goes without.
        chance: draws the suggestion.
    """
    ranked = await acandidates(question, inputs)
    kind = task_type(ranked)
    values = await _values(kind, checkpointer)
    policy = policy_of(get_settings())
    probabilities = distribution(policy, ranked, values)
    return Routing(
        task_type=kind,
        candidates=ranked,
        values=values,
        policy=policy.name,
        probabilities=probabilities,
        suggestion=draw(probabilities, chance),
        router_version=str(in_use()[0]) if ranked else None,
    )


def policy_of(settings: Settings) -> Policy:
    """The policy that the settings ask for."""
    return Policy(
        name=settings.bandit_policy,
        prior=settings.bandit_prior,
        epsilon=settings.bandit_epsilon,
        temperature=settings.bandit_temperature,
        noise=settings.bandit_noise,
    )


async def _values(kind: str, checkpointer: BaseCheckpointSaver[str] | None) -> list[ArmValue]:
    if checkpointer is None:
        return []
    try:
        return (await Bandit.read(checkpointer)).values(kind)
    except Exception:
        log.warning("the bandit's table could not be read", exc_info=True)
        return []
