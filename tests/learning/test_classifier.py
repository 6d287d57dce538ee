"""The classifier: what it reads of a question, and what it makes of it."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from concertino.learning.classifier import Classifier, shorten_question
from pydantic import ValidationError


def classifier(**changes: Any) -> Classifier:
    given: dict[str, Any] = {
        "embedder": "letter-pairs",
        "features": ["has_url"],
        "labels": ["a", "b"],
        "weights": [[2.0, 0.0], [0.0, 2.0]],
        "bias": [0.0, 0.0],
        "temperature": 1.0,
        "trained": datetime(2026, 3, 1, tzinfo=UTC),
    }
    return Classifier(**{**given, **changes})


def test_a_short_question_is_read_as_it_is() -> None:
    assert shorten_question("  What is\n17 % of 90? ") == "What is 17 % of 90?"


@pytest.mark.parametrize("word", ["lantern ", "灯笼和"])
def test_of_a_long_question_the_beginning_and_the_end_are_read(word: str) -> None:
    read = shorten_question("Compute this: " + word * 400 + "how many are left?")
    assert read.startswith("Compute this: ")
    assert read.endswith("are left?")
    assert len(read) < 100


def test_an_address_is_read_as_one_word_also_right_beside_chinese() -> None:
    assert shorten_question("概括https://example.org/a?b=c的内容") == "概括 URL 的内容"


def test_probabilities_sum_to_one_and_are_the_more_even_the_hotter() -> None:
    seen = np.array([1.0, 0.0])
    cool, hot = (classifier(temperature=t).predict_probabilities(seen) for t in (1.0, 100.0))
    assert cool["a"] == pytest.approx(np.exp(2) / (np.exp(2) + 1))
    assert sum(hot.values()) == pytest.approx(1)
    assert hot["a"] == pytest.approx(0.505, abs=1e-3)


def test_a_vector_of_another_embedder_is_refused() -> None:
    with pytest.raises(ValueError, match="mismatch"):
        classifier().predict_probabilities(np.ones(5))


@pytest.mark.parametrize(
    "wrong", [{"bias": [0.0]}, {"weights": [[1.0], [1.0, 2.0]]}, {"temperature": 0.0}]
)
def test_a_file_whose_parts_do_not_fit_together_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        classifier(**wrong)


def test_it_survives_being_written_and_read() -> None:
    made = classifier()
    assert Classifier.model_validate_json(made.model_dump_json()) == made
