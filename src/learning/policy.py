"""Which workflow to suggest: ε-greedy, softmax and Thompson sampling, with exact propensities.

The router's opinion comes in as if it were rewards. A workflow that it gives the probability p₀
begins with the value p₀, and that weighs as much as `prior` rewards would:

    value = (prior · p₀ + count · Q) / (prior + count)

which is the posterior mean of a normal mean (Russo et al. 2018, "A Tutorial on Thompson
Sampling", section 4). So the router decides while little is known, and experience corrects it.
A value that follows a drifting world by a constant α forgets, and its count is cut to the number of
rewards whose plain mean would be as sure.

Every policy is a distribution over the workflows; the suggestion is drawn from that very
distribution, so its propensity is exact by construction, also for Thompson sampling, whose
distribution is computed by a fixed quadrature and not by drawing.

ε and the temperature of softmax fall as rewards come in, so that what is lost by exploring grows
ever more slowly; Thompson sampling has that of itself.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist
from typing import Literal

from .contracts import ArmValue, Candidate

PolicyName = Literal["epsilon_greedy", "softmax", "thompson"]

NODES = 100
"""Points of the quadrature: quantiles of a normal distribution, equally probable each."""
COOLING = 60
"""Rewards for a type of task from which on ε and the temperature fall, with their square root."""


@dataclass(frozen=True)
class Policy:
    """How values become a choice."""

    name: PolicyName = "thompson"
    prior: float = 2.0
    """How many rewards the router's opinion weighs as much as."""
    epsilon: float = 0.1
    """Of ε-greedy: share of the suggestions that are at first made evenly among all."""
    temperature: float = 0.1
    """Of softmax: the difference of values at which at first one is e times as probable as the
    other."""
    noise: float = 0.3
    """Of Thompson sampling: standard deviation of one reward."""
    step: float = 0.05
    """The smallest α that the values are learned by, see `arms.py`."""


@dataclass(frozen=True)
class Belief:
    """What is thought of one workflow."""

    mean: float
    weight: float
    """How many rewards it rests on, the router's opinion among them."""


def compute_distribution(
    policy: Policy, candidates: Sequence[Candidate], values: Sequence[ArmValue]
) -> dict[str, float]:
    """How probable each workflow is to be suggested.

    Args:
        candidates: all that may be chosen.
        values: of some of them; others are left out.

    Returns:
        Probabilities that sum to 1; nothing where there is nothing to choose from.
    """
    found = compute_beliefs(policy, candidates, values)
    if not found:
        return {}
    rewards = sum(value.count for value in values if value.workflow in found)
    shares = _SHARES[policy.name](_cool_policy(policy, rewards), list(found.values()))
    total = sum(shares)
    return {name: share / total for name, share in zip(found, shares, strict=True)}


def compute_beliefs(
    policy: Policy, candidates: Sequence[Candidate], values: Sequence[ArmValue]
) -> dict[str, Belief]:
    """The router's opinion and experience, as one."""
    known = {value.workflow: value for value in values}
    nothing = ArmValue(workflow="", value=0.0, count=0)
    found: dict[str, Belief] = {}
    for candidate in candidates:
        arm = known.get(candidate.workflow, nothing)
        count = _compute_effective_count(arm.count, policy.step)
        weight = policy.prior + count
        mean = (policy.prior * candidate.p + count * arm.value) / weight if weight else candidate.p
        found[candidate.workflow] = Belief(mean, weight)
    return found


def draw(probabilities: Mapping[str, float], chance: random.Random) -> str | None:
    """A workflow by these probabilities; None where there is none."""
    if not probabilities:
        return None
    return chance.choices(list(probabilities), list(probabilities.values()))[0]


def _compute_effective_count(count: int, step: float) -> float:
    """How many rewards' plain mean would be as sure as the value: with a constant α its variance
    settles at that of one reward times α / (2 - α) (Sutton & Barto 2018, section 2.5)."""
    return min(count, 2 / step - 1) if step else count


def _cool_policy(policy: Policy, rewards: int) -> Policy:
    """The policy once so many rewards have been counted for the type of task."""
    factor = math.sqrt(COOLING / max(rewards, COOLING))
    return replace(policy, epsilon=policy.epsilon * factor, temperature=policy.temperature * factor)


def _epsilon_greedy(policy: Policy, found: list[Belief]) -> list[float]:
    """The best by value, those that are level sharing it; and ε evenly among all."""
    highest = max(belief.mean for belief in found)
    best = sum(belief.mean == highest for belief in found)
    even = policy.epsilon / len(found)
    return [even + (1 - policy.epsilon) * (b.mean == highest) / best for b in found]


def _softmax(policy: Policy, found: list[Belief]) -> list[float]:
    highest = max(belief.mean for belief in found)
    return [math.exp((belief.mean - highest) / policy.temperature) for belief in found]


def _thompson(policy: Policy, found: list[Belief]) -> list[float]:
    """How probable each is to be the best, its value being normal about its mean.

    For each workflow: the mean, over the points of its own distribution, of the probability that
    all others lie below that point.
    """
    spreads = [policy.noise / math.sqrt(max(belief.weight, 1e-9)) for belief in found]
    shares = []
    for own, (belief, spread) in enumerate(zip(found, spreads, strict=True)):
        above_all = [1.0] * NODES
        for n, (other, width) in enumerate(zip(found, spreads, strict=True)):
            if n != own:
                gap, ratio = (other.mean - belief.mean) / width, spread / width
                above_all = [
                    so_far * math.erfc((gap - ratio * node) / _ROOT_2) / 2
                    for so_far, node in zip(above_all, _compute_nodes(), strict=True)
                ]
        shares.append(sum(above_all))
    return shares


@cache
def _compute_nodes() -> list[float]:
    return [NormalDist().inv_cdf((n + 0.5) / NODES) for n in range(NODES)]


_ROOT_2 = math.sqrt(2)
_SHARES = {"epsilon_greedy": _epsilon_greedy, "softmax": _softmax, "thompson": _thompson}
