"""Examples become a router whose probabilities are as high as they are right."""

import difflib
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from bench.choosing import TASKS
from concertino.errors import RouterError
from concertino.language.detect import detect_language
from concertino.learning import training
from concertino.learning.classifier import OUT_OF_SCOPE, build_input_vector
from concertino.learning.training import Example, digest_examples, fit, load_shipped_examples
from concertino.learning.versions import SHIPPED, Versions

from tests.learning.conftest import AsLongAsTheReal

EXAMPLES = load_shipped_examples()
LABELS = sorted({example.label for example in EXAMPLES})


def probabilities(classifier: training.Classifier, question: str) -> dict[str, float]:
    return classifier.predict_probabilities(build_input_vector(AsLongAsTheReal(), question))


@pytest.mark.parametrize("label", LABELS)
def test_every_label_has_examples_enough_in_both_languages(label: str) -> None:
    languages = Counter(detect_language(e.question) for e in EXAMPLES if e.label == label)
    assert languages.total() >= 60
    assert min(languages["en"], languages["zh"]) >= 30


def test_examples_differ_from_each_other_and_from_what_the_choice_is_measured_by() -> None:
    questions = [example.question.casefold() for example in EXAMPLES]
    assert len(set(questions)) == len(questions)
    for _, measured in TASKS:
        near = difflib.get_close_matches(measured.casefold(), questions, n=1, cutoff=0.8)
        assert near == []


def test_the_router_that_comes_with_the_program_is_made_from_its_examples(tmp_path: Path) -> None:
    shipped = Versions(tmp_path).load(SHIPPED)
    remedy = "python -m concertino.learning.training makes it anew"
    assert shipped.examples == digest_examples(EXAMPLES), remedy
    assert shipped.labels == LABELS
    assert OUT_OF_SCOPE in shipped.labels


@pytest.mark.usefixtures("letter_pairs")
def test_it_learns_what_examples_show() -> None:
    shown = [Example(f"{word} {n}", word) for word in ("apple", "brick", "cloud") for n in range(9)]
    learned = fit(shown)
    assert learned.labels == ["apple", "brick", "cloud"]
    assert probabilities(learned, "brick 77")["brick"] > 0.9
    assert learned.figures["accuracy"] == 1


@pytest.mark.usefixtures("letter_pairs")
def test_where_there_is_nothing_to_learn_it_is_not_sure_of_anything() -> None:
    chance = np.random.default_rng(1)
    words = ["".join(chance.choice(list("abcdefghijklmnop"), 30)) for _ in range(200)]
    shown = [Example(word, str(chance.choice(["x", "y", "z"]))) for word in words]
    learned = fit(shown)
    sure = [max(probabilities(learned, example.question).values()) for example in shown]
    assert np.mean(sure) < 0.5
    assert learned.figures["calibration_error"] < 0.1


@pytest.mark.usefixtures("letter_pairs")
def test_the_file_computes_what_scikit_learn_does() -> None:
    shown = [Example(f"{word} {n}", word) for word in ("apple", "brick", "cloud") for n in range(9)]
    learned = fit(shown)
    labels = np.array([example.label for example in shown])
    seen = training.build_matrix(shown)
    theirs = training.build_regression(learned.figures["strength"]).fit(seen, labels)
    ours = learned.model_copy(update={"temperature": 1.0})
    for row, expected in zip(seen, theirs.predict_proba(seen), strict=True):
        assert list(ours.predict_probabilities(row).values()) == pytest.approx(expected, abs=1e-3)


@pytest.mark.usefixtures("letter_pairs")
def test_an_example_may_count_for_several() -> None:
    shown = [
        Example("same words", label, weight=weight)
        for label, weight in (("light", 1.0), ("heavy", 4.0), ("middling", 3.0))
        for _ in range(8)
    ]
    assert probabilities(fit(shown), "same words")["heavy"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.usefixtures("letter_pairs")
def test_a_label_with_too_few_examples_is_named() -> None:
    shown = [Example(f"apple {n}", "apple") for n in range(9)] + [Example("kiwi", "kiwi")]
    with pytest.raises(RouterError, match=r"5 examples each. Too few: \['kiwi'\]"):
        fit(shown)


@pytest.mark.usefixtures("letter_pairs")
def test_without_scikit_learn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", None)
    with pytest.raises(RouterError, match=r"pip install 'concertino\[train\]'"):
        fit(EXAMPLES)


def test_a_digest_does_not_depend_on_the_order() -> None:
    assert (
        digest_examples(EXAMPLES)
        == digest_examples(EXAMPLES[::-1])
        != digest_examples(EXAMPLES[1:])
    )
