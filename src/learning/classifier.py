"""The router's classifier: a linear model over a sentence embedding and text features.

It is stored as plain JSON, so that it can be read, compared and versioned; inference needs only
numpy.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from ..language.detect import ADDRESS
from ..language.text import HAN_CHARACTER
from ..state import Contract
from .features import extract_features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..kb.embed import Embedder

    Vector = NDArray[np.float64]

OUT_OF_SCOPE = "out_of_scope"
"""Label of questions that no workflow handles."""

EMBEDDED_TOKENS = 20
"""Approximate number of question tokens embedded; embedding time grows with each."""
_HEAD_SHARE = 2 / 3


class Classifier(Contract):
    """A trained router model."""

    schema_version: Literal[1] = 1
    embedder: str
    """Name of the embedder; vectors of another one are not comparable."""
    features: list[str]
    """Text feature names, in the order of their weights."""
    labels: list[str]
    weights: list[list[float]]
    """Shape (labels, embedding dimensions + features), in that column order."""
    bias: list[float]
    temperature: float = Field(gt=0)
    """Divisor of the scores that calibrates the probabilities (Guo et al. 2017, "On Calibration of
    Modern Neural Networks")."""
    trained: datetime
    examples: str = ""
    """Digest of the training examples."""
    figures: dict[str, float] = Field(default_factory=dict)
    """Metrics on texts it was not trained on."""

    @model_validator(mode="after")
    def _check_shapes(self) -> Self:
        widths = {len(row) for row in self.weights}
        if len(widths) != 1 or not len(self.labels) == len(self.weights) == len(self.bias):
            raise ValueError("labels, weights and bias do not fit together")
        return self

    def predict_probabilities(self, seen: "Vector") -> dict[str, float]:
        """Return the probability of each label.

        Args:
            seen: a question's vector from `build_input_vector`.

        Raises:
            ValueError: the vector's length does not fit, as with another embedder.
        """
        import numpy as np

        weights, bias = self._arrays
        scores = weights @ seen + bias
        odds = np.exp((scores - scores.max()) / self.temperature)
        return dict(zip(self.labels, (odds / odds.sum()).tolist(), strict=True))

    @cached_property
    def _arrays(self) -> "tuple[Vector, Vector]":
        import numpy as np

        return np.array(self.weights), np.array(self.bias)


def build_input_vector(
    embedder: "Embedder", question: str, inputs: Mapping[str, Any] | None = None
) -> "Vector":
    """Return a question's input vector: its embedding, then its features."""
    import numpy as np

    features = extract_features(question, inputs)
    return np.concatenate(
        [embedder.embed_query(shorten_question(question)), list(features.values())]
    )


def shorten_question(question: str) -> str:
    """Cut a question to its start and end, where the request is, with addresses as `URL`."""
    words = " ".join(ADDRESS.sub(" URL ", question).split())
    sizes = [_estimate_tokens(character) for character in words]
    if sum(sizes) <= EMBEDDED_TOKENS:
        return words
    first = _count_fitting(sizes, EMBEDDED_TOKENS * _HEAD_SHARE)
    last = _count_fitting(sizes[::-1], EMBEDDED_TOKENS * (1 - _HEAD_SHARE))
    return f"{words[:first]} … {words[len(words) - last :]}"


def _estimate_tokens(character: str) -> float:
    """Estimate the number of tokens of a character."""
    if HAN_CHARACTER.match(character):
        return 0.75
    return 0.22 if character.isalpha() or character == " " else 0.9


def _count_fitting(sizes: list[float], room: float) -> int:
    """Return how many of the leading characters fit."""
    for count, size in enumerate(sizes):
        room -= size
        if room < 0:
            return count
    return len(sizes)
