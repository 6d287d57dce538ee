"""What a task has earned: `reward = quality − λ · cost`, every part of it a named term of 0 to 1.

**Quality** is the weighted mean of what can be known of the result without asking a model: its
status, each check of its workflow by the name it is registered under, and what is said of cited
answers below. A reference answer, where one is given, counts more than all of these together, and
a person's rating more than everything else. A term never grows with length alone, so padding an
answer earns nothing.

**Cost** compares what was spent with what the workflow's tasks usually spend: `x / (x + usual)`,
one half where it is as usual, so that the unit of the machine does not matter.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..language.messages import Language, say
from ..language.text import count_units
from ..state import Check, Output, Record, TaskState, Usage
from .contracts import Baseline, Reward, Term

RULES_VERSION = "1"
"""Version of what is said here; traces name it."""

STATUS_VALUES = {"verified": 1.0, "unverified": 0.4, "no_answer": 0.1}
NO_ANSWER_VALUE = 0.3
"""What it is worth to say that the documents or pages hold no answer."""
STATUS_WEIGHT = 2.0
REFERENCE, RATING = "reference", "rating"
OPINIONS = {REFERENCE: 2.0, RATING: 9.0}
"""What may be said of a result from outside, with its weight against that of all before it."""

BREVITY_LIMITS: dict[Language, int] = {"en": 100, "zh": 200}
"""Words, or Chinese characters, that an answer to a question may have before each more tells
against it."""

COST_WEIGHTS = {"tokens": 3.0, "seconds": 2.0, "calls": 2.0, "loads": 1.0, "memory": 1.0}

TERM_NAMES = ("status", "source", "brevity", *OPINIONS, *COST_WEIGHTS)
"""The terms that are not checks of a workflow."""


@dataclass(frozen=True)
class Evidence:
    """What there is to judge a task by."""

    status: str
    workflow: str
    """The one that concluded it."""
    output: Output | None
    """What that workflow made."""
    language: Language
    features: Mapping[str, float]
    """Of the question."""
    sources: Mapping[str, Collection[str]]
    """The workflows that answer from a source of knowledge, each with the features by which a
    question asks for it."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Of the workflow's checks, as it is registered; 1 where nothing is said."""
    opinions: Mapping[str, float] = field(default_factory=dict)
    """Those of `OPINIONS` that there are, 0 to 1."""


def build_quality_terms(judged: Evidence) -> list[Term]:
    """All that tells how good a result is. Of a task that failed, that it did."""
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
    """What was said from outside of a result that was rewarded so."""
    terms = reward.quality_terms if reward else []
    return {term.name: term.value for term in terms if term.name in OPINIONS}


def build_cost_terms(spent: Mapping[str, float], usual: Baseline) -> list[Term]:
    """What the task cost, each quantity against its usual."""
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
    """What a term of `TERM_NAMES` says, in both languages."""
    return {"en": say(f"reward.{name}", "en"), "zh": say(f"reward.{name}", "zh")}


def combine_terms(quality: list[Term], cost: list[Term], cost_weight: float) -> Reward:
    """The reward of these terms.

    Args:
        cost_weight: the setting's λ.
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
    """What a task's own record says that it cost; waiting for people or for its turn is no cost."""
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
    """Passed or not; citations by how many sentences found no support, whatever stands beside
    them."""
    value = float(check.passed)
    if check.name == "citations" and judged.output and "sentences" in judged.output.data:
        data = judged.output.data
        value = 1 / (1 + data["sentences"] - data["supported"])
    return Term(name=check.name, value=value, weight=judged.weights.get(check.name, 1.0))


def _score_source(judged: Evidence) -> list[Term]:
    """Of what was answered from documents or pages: whether the question called for these, and
    whether the answer keeps to the point."""
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
