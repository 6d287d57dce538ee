"""Advice to the Coordinator for choosing a workflow: the router's candidates, the bandit's values
and its policy's suggestion."""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from ..settings import Settings, get_settings
from .bandit import Bandit
from .contracts import OPEN_TASK_TYPE, ArmValue, Routing
from .policy import Policy, compute_distribution, draw
from .router import aguess, choose_task_type, load_current_router

log = logging.getLogger(__name__)


async def route_task(
    question: str,
    inputs: Mapping[str, Any],
    choices: Sequence[str],
    checkpointer: BaseCheckpointSaver[str] | None,
    settings: Settings | None = None,
    chance: random.Random | None = None,
    home: str | None = None,
) -> Routing:
    """Build the advice for a task. Never fails: missing or unreadable parts are left out.

    Args:
        choices: the workflows that may be chosen.
        checkpointer: holds the bandit's table; None for no knowledge of earlier tasks.
        chance: source of randomness for the suggestion.
        home: the workflow that takes what no other one is made for.
    """
    try:
        return await _build_advice(
            question, inputs, choices, checkpointer, settings or get_settings(), chance, home
        )
    except Exception as error:
        _warn_once(f"{type(error).__name__}: {error}")
        return Routing(task_type=OPEN_TASK_TYPE)


async def _build_advice(
    question: str,
    inputs: Mapping[str, Any],
    choices: Sequence[str],
    checkpointer: BaseCheckpointSaver[str] | None,
    settings: Settings,
    chance: random.Random | None,
    home: str | None,
) -> Routing:
    candidates, none = await aguess(question, choices, inputs, home)
    kind = choose_task_type(candidates)
    values: list[ArmValue] = []
    if checkpointer:
        values = (await Bandit.read(checkpointer)).list_values(kind)
    version = str((await asyncio.to_thread(load_current_router))[0]) if candidates else None
    policy = build_policy(settings)
    # The Coordinator is not shown a suggestion for an open task, so none is made.
    probabilities = (
        {} if kind == OPEN_TASK_TYPE else compute_distribution(policy, candidates, values)
    )
    return Routing(
        task_type=kind,
        candidates=candidates,
        none=none,
        values=values,
        policy=policy.name,
        probabilities=probabilities,
        suggestion=draw(probabilities, chance or random.SystemRandom()),
        router_version=version,
    )


def build_policy(settings: Settings) -> Policy:
    """Build the policy from the settings."""
    return Policy(
        settings.bandit_policy,
        settings.bandit_prior,
        settings.bandit_epsilon,
        settings.bandit_temperature,
        settings.bandit_noise,
        settings.bandit_step,
    )


@cache
def _warn_once(reason: str) -> None:
    """Log a reason once per process."""
    log.warning("the Coordinator goes without advice: %s", reason)
