"""Traces teach the router; a new one has to be better on the questions that came last."""

from collections.abc import Sequence

import numpy as np
import pytest
from concertino.errors import RouterError
from concertino.learning.classifier import OUT_OF_SCOPE, Classifier, build_input_vector
from concertino.learning.contracts import Candidate, Routing, TraceRecord
from concertino.learning.held_out import MIN_SAMPLES
from concertino.learning.retraining import TrainingReport, retrain
from concertino.learning.training import Example, fit

from tests.learning.conftest import AsLongAsTheReal
from tests.learning.test_labels import run

KNOWN = ["rag_qa", "search_qa_strict", "solve_math", "summarize_url", "teach_explain"]
WORDS = {"rag_qa": "memo", "solve_math": "sum", "teach_explain": "lesson"}

pytestmark = pytest.mark.usefixtures("letter_pairs")


def questions(labels: Sequence[str], first_hour: int = 0, reward: float = 0.9) -> list[TraceRecord]:
    """One good run for each label, an hour apart, told apart by a word."""
    return [
        run(f"{WORDS.get(label, label)} number {hour} please", label, reward, hour)
        for hour, label in enumerate(labels, start=first_hour)
    ]


def drawn(records: list[TraceRecord], seed: int, wanted: float) -> list[TraceRecord]:
    """The same tasks with a suggestion that was drawn evenly; `wanted` is what it earns to be
    suggested the workflow that ran."""
    found = []
    suggestions = np.random.default_rng(seed).choice(KNOWN, len(records)).tolist()
    for task, suggestion in zip(records, suggestions, strict=True):
        even = dict.fromkeys(KNOWN, 1 / len(KNOWN))
        routing = Routing(
            task_type="open",
            candidates=[Candidate(workflow=name, p=p) for name, p in even.items()],
            probabilities=even,
            suggestion=suggestion,
        )
        earned = wanted if suggestion == task.chosen else 1 - wanted
        assert task.reward
        reward = task.reward.model_copy(update={"reward": earned})
        changes = {"routing": routing, "propensity": 1 / len(KNOWN), "reward": reward}
        found.append(task.model_copy(update=changes))
    return found


@pytest.fixture
def old() -> Classifier:
    """A router that takes every memo for a sum."""
    shown = [
        Example(f"{word} number {n} please", label)
        for word, label in (("memo", "solve_math"), ("poem", "rag_qa"), ("hello", OUT_OF_SCOPE))
        for n in range(9)
    ]
    return fit(shown)


def trained(records: list[TraceRecord], old: Classifier) -> tuple[Classifier, TrainingReport]:
    return retrain(records, KNOWN, old)


def test_a_router_that_was_wrong_is_taught_and_judged_by_what_came_last(old: Classifier) -> None:
    new, report = trained(questions(["rag_qa", "teach_explain"] * 30), old)

    assert (report.learned, report.held_out) == (45, 15)
    assert report.before.figures["accuracy"] == 0
    assert report.after.figures["accuracy"] == 1
    assert report.before.confusion["rag_qa"].get("rag_qa") is None
    assert report.after.confusion["rag_qa"] == {"rag_qa": 7}
    assert report.better
    assert (
        new.predict_probabilities(build_input_vector(AsLongAsTheReal(), "memo number 99 please"))[
            "rag_qa"
        ]
        > 0.5
    )


def test_one_that_is_no_better_is_told_so(old: Classifier) -> None:
    records = questions(["rag_qa", "teach_explain"] * 30)
    new, _ = trained(records, old)
    _, report = trained(records, new)
    assert report.after.figures["accuracy"] == report.before.figures["accuracy"] == 1
    assert report.after.figures["log_loss"] == pytest.approx(report.before.figures["log_loss"])
    assert not report.better


def test_what_changed_after_it_learned_tells_against_it(old: Classifier) -> None:
    before, after = questions(["rag_qa"] * 36), questions(["rag_qa"] * 12, 36)
    changed = [task.model_copy(update={"chosen": "solve_math"}) for task in after]
    _, report = trained(before + changed, old)
    assert report.after.figures["accuracy"] == 0
    assert not report.better


def test_too_few_questions_held_out_cannot_tell(old: Classifier) -> None:
    _, report = trained(questions(["rag_qa", "teach_explain"] * 8), old)
    assert report.held_out < MIN_SAMPLES
    assert report.after.figures["accuracy"] > report.before.figures["accuracy"]
    assert not report.better


def test_rewards_that_speak_for_it_are_estimated(old: Classifier) -> None:
    good = drawn(questions(["rag_qa", "teach_explain"] * 60), 1, wanted=0.9)
    _, report = retrain(good, KNOWN, old, "chosen")
    assert report.drawn == 30
    assert 0 < report.after.effective_tasks <= 30
    assert set(report.after.rewards) == {
        "inverse_propensity",
        "self_normalised",
        "doubly_robust",
    }
    assert report.advantage
    assert report.advantage.low > 0
    assert report.better


def test_rewards_that_speak_against_it_outweigh_its_labels(old: Classifier) -> None:
    poor = drawn(questions(["rag_qa", "teach_explain"] * 200), 2, wanted=0.0)
    _, report = retrain(poor, [*KNOWN, "solve_math"], old, "chosen")
    assert report.after.figures["accuracy"] == 1
    assert report.advantage
    assert report.advantage.high < 0
    assert not report.better


def test_tasks_whose_workflow_was_named_say_nothing_of_the_policy(old: Classifier) -> None:
    tasks = drawn(questions(["rag_qa", "teach_explain"] * 30), 3, wanted=0.9)
    named = [task.model_copy(update={"named": task.chosen}) for task in tasks]
    _, report = retrain(named, KNOWN, old, "chosen")
    assert (report.drawn, report.advantage, report.after.rewards) == (0, None, {})


def test_a_workflow_of_ones_own_is_learned_from_its_traces(old: Classifier) -> None:
    own = questions(["counting", "rag_qa", "counting", "teach_explain"] * 15)
    new, report = retrain(own, [*KNOWN, "counting"], old)
    assert "counting" in new.labels
    assert report.after.confusion["counting"]["counting"] > 0
    assert report.too_few == {}


def test_a_workflow_with_too_few_traces_waits(old: Classifier) -> None:
    own = questions(["counting", *["rag_qa", "teach_explain"] * 20])
    new, report = retrain(own, [*KNOWN, "counting"], old)
    assert report.too_few == {"counting": 1}
    assert "counting" not in new.labels


def test_a_trace_without_texts_says_how_many_tasks_are_of_no_use(old: Classifier) -> None:
    hashed = [run(f"hmac:{n}", "rag_qa", 0.9, n) for n in range(7)]
    with pytest.raises(RouterError, match=r"0 questions.*7 tasks whose text.*TRACE_TEXTS=full"):
        trained(hashed, old)
