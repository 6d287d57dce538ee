"""Suggestion policies with exact propensities: ε-greedy, softmax and Thompson sampling.

The router's probabilities act as prior rewards. A workflow with router probability p₀ starts with
the value p₀, weighted like `prior` rewards:

    value = (prior · p₀ + count · Q) / (prior + count)

which is the posterior mean of a normal mean (Russo et al. 2018, "A Tutorial on Thompson
Sampling", section 4). So the router dominates while data is scarce, and rewards correct it later.
A value learned with a constant α forgets old rewards, so its count is capped at the number of
rewards whose plain mean has the same variance.

Every policy is a distribution over the workflows from which the suggestion is drawn, so its
propensity is exact by construction, also for Thompson sampling, whose distribution is computed by
a fixed quadrature instead of sampling.

ε and the softmax temperature fall as rewards come in, so that the regret from exploration grows
ever more slowly; Thompson sampling does so by itself.
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
"""Quadrature points: equally probable quantiles of a normal distribution."""
COOLING = 60
"""Rewards of a task type, n, after which ε and the temperature fall as 1/√n."""


@dataclass(frozen=True)
class Policy:
    """A policy with its parameters."""

    name: PolicyName = "thompson"
    prior: float = 2.0
    """Weight of the router's probability, in rewards."""
    epsilon: float = 0.1
    """ε-greedy: initial share of suggestions drawn uniformly from all workflows."""
    temperature: float = 0.1
    """Softmax: initial temperature, the value difference that makes one workflow e times as
    probable as another."""
    noise: float = 0.3
    """Thompson sampling: standard deviation of one reward."""
    step: float = 0.05
    """Lower bound of the values' α, see `arms.py`."""


@dataclass(frozen=True)
class Belief:
    """The combined estimate of one workflow's value."""

    mean: float
    weight: float
    """Effective number of rewards, including the router's prior."""


def compute_distribution(
    policy: Policy, candidates: Sequence[Candidate], values: Sequence[ArmValue]
) -> dict[str, float]:
    """Return the probability of suggesting each workflow.

    Args:
        candidates: all workflows that may be chosen.
        values: known values; those of workflows that are not candidates are ignored.

    Returns:
        Probabilities that sum to 1; empty if there are no candidates.
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
    """Combine the router's probabilities with the values from rewards."""
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
    """Draw a workflow with these probabilities; None if there are none."""
    if not probabilities:
        return None
    return chance.choices(list(probabilities), list(probabilities.values()))[0]


def _compute_effective_count(count: int, step: float) -> float:
    """Return the number of rewards whose plain mean has the variance of the value: with a constant
    α, it tends to that of one reward times α / (2 - α) (Sutton & Barto 2018, section 2.5)."""
    return min(count, 2 / step - 1) if step else count


def _cool_policy(policy: Policy, rewards: int) -> Policy:
    """Return the policy as it is after this many rewards for the task type."""
    factor = math.sqrt(COOLING / max(rewards, COOLING))
    return replace(policy, epsilon=policy.epsilon * factor, temperature=policy.temperature * factor)


def _epsilon_greedy(policy: Policy, found: list[Belief]) -> list[float]:
    """Give 1 − ε to the workflows with the highest value, split among ties, and ε evenly to all."""
    highest = max(belief.mean for belief in found)
    best = sum(belief.mean == highest for belief in found)
    even = policy.epsilon / len(found)
    return [even + (1 - policy.epsilon) * (b.mean == highest) / best for b in found]


def _softmax(policy: Policy, found: list[Belief]) -> list[float]:
    highest = max(belief.mean for belief in found)
    return [math.exp((belief.mean - highest) / policy.temperature) for belief in found]


def _thompson(policy: Policy, found: list[Belief]) -> list[float]:
    """Return shares proportional to each workflow's probability of being the best.

    Values are normal about their means. For each workflow, sums over its own quadrature points
    the probability that all others lie below.
    """
    spreads = [policy.noise / math.sqrt(max(belief.weight, 1e-9)) for belief in found]
    shares = []
    for own, (belief, spread) in enumerate(zip(found, spreads, strict=True)):
        above_all = [1.0] * NODES
        for n, (other, width) in enumerate(zip(found, spreads, strict=True)):
            if n != own:
                gap = (other.mean - belief.mean) / width
                ratio = spread / width
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
