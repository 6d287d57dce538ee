"""Teaches the router from a trace, and tells whether the new one is better.

Time decides what it is judged by: the questions that came last are held out. A new router is
*better* when on these its first candidate is right more often than that of the router in use, or
as often with a lower log loss; and when the rewards in the trace do not speak against it: the
doubly robust interval of its advantage does not lie below zero. With fewer than `MIN_SAMPLES`
questions held out it cannot be told.
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
"""Share of the questions that a new router is judged by."""
OWN_WEIGHT = 3.0
"""How many of the program's examples a question of one's own counts for. Measured: where these are
right it makes no difference, where a fifth of them is wrong the log loss is lower than with 1."""


class TrainingReport(Contract):
    """What came of a training."""

    rule: Rule
    learned: int
    """Questions of the trace; the program's examples come to them."""
    held_out: int
    without_text: int
    without_reward: int
    undecided: int
    too_few: dict[str, int]
    """Workflows with too few questions to be learned yet."""
    before: Judgement
    after: Judgement
    drawn: int
    """Tasks held out whose suggestion was drawn, which the expected rewards rest on."""
    advantage: Estimate | None
    """How much more reward a task gets from the new router."""
    better: bool


def retrain(
    records: Sequence[TraceRecord], workflows: Sequence[str], old: Classifier, rule: Rule = "best"
) -> tuple[Classifier, TrainingReport]:
    """A new router, and how it does against the old one.

    Args:
        workflows: those that are registered.
        rule: which workflow counts as the one for a question.

    Raises:
        RouterError: the trace does not hold two questions to learn from, or scikit-learn is not
            installed.
        EmbedderError: the embedder is not installed.
    """
    questions, left_out = gather(records, rule)
    if len(questions) < 2:
        raise RouterError(say("router.nothing_to_learn", usable=len(questions), **left_out))
    cut = len(questions) - max(1, round(HELD_OUT_SHARE * len(questions)))
    later = HeldOut(questions[cut:], workflows)
    examples, too_few = _collect_examples(questions[:cut])
    new = fit(examples)
    before, after, advantage = (
        later.judge(old),
        later.judge(new),
        later.estimate_advantage(new, old),
    )
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
    """The program's and one's own, and the labels that are too rare to be among them."""
    own = [Example(q.text, q.label, q.inputs, OWN_WEIGHT) for q in questions]
    found = [*load_shipped_examples(), *own]
    counts = Counter(example.label for example in found)
    too_few = {label: count for label, count in counts.items() if count < FOLDS}
    return [example for example in found if example.label not in too_few], too_few


def _is_better(before: Judgement, after: Judgement, advantage: Estimate | None) -> bool:
    old, new = before.figures, after.figures
    ahead = (new["accuracy"], -new["log_loss"]) > (old["accuracy"], -old["log_loss"])
    return ahead and not (advantage and advantage.high < 0)
