"""The reward of a task, `reward = quality − λ · cost`, built from named terms from 0 to 1.

**Quality** is the weighted mean of what is known about the result without asking a model: its
status, each check of its workflow under its registered name, and the terms for cited answers
below. A reference answer, if given, outweighs all of these together, and a user's rating outweighs
everything else. No term grows with length alone, so padding an answer earns nothing.

**Cost** compares each quantity spent with its usual value for the workflow's tasks:
`x / (x + usual)`, which is 0.5 at the usual value, so the machine's scale does not matter.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..language.messages import Language, say
from ..language.text import count_units
from ..state import Check, Output, Record, TaskState, Usage
from .contracts import Baseline, Reward, Term

RULES_VERSION = "1"
"""Version of the reward rules, recorded in traces."""

STATUS_VALUES = {"verified": 1.0, "unverified": 0.4, "no_answer": 0.1}
NO_ANSWER_VALUE = 0.3
"""Status value for reporting that the documents or pages hold no answer."""
STATUS_WEIGHT = 2.0
REFERENCE, RATING = "reference", "rating"
OPINIONS = {REFERENCE: 2.0, RATING: 9.0}
"""External opinions on a result, each with its weight relative to all terms before it."""

BREVITY_LIMITS: dict[Language, int] = {"en": 100, "zh": 200}
"""Length of a cited answer, in words or Chinese characters, above which `brevity` falls."""

COST_WEIGHTS = {"tokens": 3.0, "seconds": 2.0, "calls": 2.0, "loads": 1.0, "memory": 1.0}

TERM_NAMES = ("status", "source", "brevity", *OPINIONS, *COST_WEIGHTS)
"""Names of the terms that are not workflow checks."""


@dataclass(frozen=True)
class Evidence:
    """The data that a task's quality is computed from."""

    status: str
    workflow: str
    """The workflow that concluded the task."""
    output: Output | None
    """Output of that workflow."""
    language: Language
    features: Mapping[str, float]
    """Features of the question."""
    sources: Mapping[str, Collection[str]]
    """Workflows that answer from a knowledge source, each with the features that indicate a request
    for it."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Weights of the workflow's checks, as registered; 1 if not listed."""
    opinions: Mapping[str, float] = field(default_factory=dict)
    """Values from 0 to 1 of the given `OPINIONS`, by name."""


def build_quality_terms(judged: Evidence) -> list[Term]:
    """Build the quality terms; for a failed task, only status and opinions."""
    terms = [Term(name="status", value=_score_status(judged), weight=STATUS_WEIGHT)]
    if judged.status in STATUS_VALUES:
        checks = judged.output.checks if judged.output else []
        terms += [_score_check(check, judged) for check in checks]
        terms += _score_source(judged)
    for name, share in OPINIONS.items():
        if name in judged.opinions:
            weight = share * sum(term.weight for term in terms)
            terms.append(Term(name=name, value=judged.opinions[name], weight=weight))
    return terms


def extract_opinions(reward: Reward | None) -> dict[str, float]:
    """Return the external opinions included in a reward."""
    terms = reward.quality_terms if reward else []
    return {term.name: term.value for term in terms if term.name in OPINIONS}


def build_cost_terms(spent: Mapping[str, float], usual: Baseline) -> list[Term]:
    """Build the cost terms, each quantity relative to its usual value."""
    return [
        Term(
            name=name,
            value=_normalize_cost(spent[name], usual.usual.get(name, spent[name])),
            weight=w,
        )
        for name, w in COST_WEIGHTS.items()
        if name in spent
    ]


def describe_term(name: str) -> dict[Language, str]:
    """Return the description of a term of `TERM_NAMES` in both languages."""
    return {"en": say(f"reward.{name}", "en"), "zh": say(f"reward.{name}", "zh")}


def combine_terms(quality: list[Term], cost: list[Term], cost_weight: float) -> Reward:
    """Combine terms into a reward.

    Args:
        cost_weight: λ, from the settings.
    """
    good, dear = _average_terms(quality), _average_terms(cost)
    return Reward(
        quality=good,
        cost=dear,
        reward=good - cost_weight * dear,
        quality_terms=quality,
        cost_terms=cost,
    )


def measure_costs(state: TaskState) -> dict[str, float]:
    """Return the costs recorded in a task's state; waiting for users or in the queue is free."""
    usage: Usage = state.get("usage", Usage())
    history: list[Record] = state.get("history", [])
    return {
        "tokens": float(usage.prompt_tokens - usage.cached_tokens + usage.output_tokens),
        "seconds": sum(record.seconds for record in history),
        "calls": float(usage.calls),
    }


def _score_status(judged: Evidence) -> float:
    if judged.status == "no_answer" and judged.workflow in judged.sources:
        return NO_ANSWER_VALUE
    return STATUS_VALUES.get(judged.status, 0.0)


def _score_check(check: Check, judged: Evidence) -> Term:
    """Score a check as 1 or 0; citations by the number of unsupported sentences, however many are
    supported."""
    value = float(check.passed)
    if check.name == "citations" and judged.output and "sentences" in judged.output.data:
        data = judged.output.data
        value = 1 / (1 + data["sentences"] - data["supported"])
    return Term(name=check.name, value=value, weight=judged.weights.get(check.name, 1.0))


def _score_source(judged: Evidence) -> list[Term]:
    """Build the terms of an answer from documents or pages: whether the question asked for that
    source, and whether the answer is brief."""
    if judged.workflow not in judged.sources:
        return []
    called_for = {
        name
        for name, features in judged.sources.items()
        if any(judged.features.get(feature) for feature in features)
    }
    terms = []
    if called_for:
        terms.append(Term(name="source", value=float(judged.workflow in called_for), weight=1.0))
    if judged.output and judged.status != "no_answer" and _is_cited(judged.output):
        size = max(1, count_units(judged.output.text))
        terms.append(
            Term(name="brevity", value=min(1.0, BREVITY_LIMITS[judged.language] / size), weight=1.0)
        )
    return terms


def _is_cited(output: Output) -> bool:
    return any(check.name == "citations" for check in output.checks)


def _normalize_cost(spent: float, usual: float) -> float:
    return spent / (spent + usual) if spent > 0 else 0.0


def _average_terms(terms: list[Term]) -> float:
    weight = sum(term.weight for term in terms)
    return sum(term.value * term.weight for term in terms) / weight if weight else 0.0
