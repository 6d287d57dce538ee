"""Retraining of the router from a trace, and comparison with the router in use.

The split is by time: the latest questions are held out. On these, a new router is *better* if its
first candidate is right more often than that of the router in use, or equally often with a lower
log loss, and if the rewards in the trace do not contradict this: the doubly robust interval of its
advantage must not lie below zero. With fewer than `MIN_SAMPLES` held-out questions, it never counts
as better.
"""

from collections import Counter
from collections.abc import Sequence

from ..errors import RouterError
from ..language.messages import say
from ..state import Contract
from .classifier import Classifier
from .contracts import TraceRecord
from .evaluation import Estimate
from .held_out import MIN_SAMPLES, HeldOut, Judgement
from .labels import Question, Rule, gather
from .training import FOLDS, Example, fit, load_shipped_examples

HELD_OUT_SHARE = 0.25
"""Share of the questions held out to evaluate a new router."""
OWN_WEIGHT = 3.0
"""Weight of a question from the trace relative to a shipped example. Measured: no difference if
the shipped examples are right; lower log loss than with 1 if a fifth of them is wrong."""


class TrainingReport(Contract):
    """The result of a retraining."""

    rule: Rule
    learned: int
    """Training questions from the trace, in addition to the shipped examples."""
    held_out: int
    without_text: int
    without_reward: int
    undecided: int
    too_few: dict[str, int]
    """Number of examples of each label with too few to be learned yet."""
    before: Judgement
    after: Judgement
    drawn: int
    """Held-out tasks with a drawn suggestion, the basis of the expected rewards."""
    advantage: Estimate | None
    """Estimated reward gain per task of the new router over the old one."""
    better: bool


def retrain(
    records: Sequence[TraceRecord],
    workflows: Sequence[str],
    old: Classifier,
    rule: Rule = "best",
    home: str | None = None,
) -> tuple[Classifier, TrainingReport]:
    """Train a new router and compare it with the old one.

    Args:
        workflows: the registered workflows.
        rule: how questions are labelled.
        home: the workflow that takes what no other is made for.

    Raises:
        RouterError: the trace has fewer than two usable questions, or scikit-learn is not
            installed.
        EmbedderError: the embedder is not installed.
    """
    questions, left_out = gather(records, rule)
    if len(questions) < 2:
        raise RouterError(say("router.nothing_to_learn", usable=len(questions), **left_out))
    cut = len(questions) - max(1, round(HELD_OUT_SHARE * len(questions)))
    later = HeldOut(questions[cut:], workflows, home)
    examples, too_few = _collect_examples(questions[:cut])
    new = fit(examples)
    before = later.judge(old)
    after = later.judge(new)
    advantage = later.estimate_advantage(new, old)
    enough = len(questions) - cut >= MIN_SAMPLES
    return new, TrainingReport(
        rule=rule,
        learned=cut,
        held_out=len(questions) - cut,
        **left_out,
        too_few=too_few,
        before=before,
        after=after,
        drawn=len(later.drawn),
        advantage=advantage,
        better=enough and _is_better(before, after, advantage),
    )


def _collect_examples(questions: Sequence[Question]) -> tuple[list[Example], dict[str, int]]:
    """Return the shipped and own examples, and the counts of labels left out as too rare."""
    own = [Example(q.text, q.label, q.inputs, OWN_WEIGHT) for q in questions]
    found = [*load_shipped_examples(), *own]
    counts = Counter(example.label for example in found)
    too_few = {label: count for label, count in counts.items() if count < FOLDS}
    return [example for example in found if example.label not in too_few], too_few


def _is_better(before: Judgement, after: Judgement, advantage: Estimate | None) -> bool:
    old, new = before.figures, after.figures
    ahead = (new["accuracy"], -new["log_loss"]) > (old["accuracy"], -old["log_loss"])
    return ahead and not (advantage and advantage.high < 0)
