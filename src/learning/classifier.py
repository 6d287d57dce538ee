"""The router's classifier: a linear one over a sentence embedding and text features.

It is a plain JSON file, so that what was learned can be read, compared and kept under versions, and
using it takes numpy alone.
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
"""Label of what no workflow is for."""

EMBEDDED_TOKENS = 20
"""Tokens of a question that are embedded, about; embedding takes a time for each of them."""
_HEAD_SHARE = 2 / 3


class Classifier(Contract):
    """What training gives and routing takes."""

    schema_version: Literal[1] = 1
    embedder: str
    """The vectors of another one mean something else."""
    features: list[str]
    """Names of the text features, in the order of their weights."""
    labels: list[str]
    weights: list[list[float]]
    """For each label: of the numbers of the embedding, then of the features."""
    bias: list[float]
    temperature: float = Field(gt=0)
    """Divides the scores, so that the probabilities are as high as they are right
    (Guo et al. 2017, "On Calibration of Modern Neural Networks")."""
    trained: datetime
    examples: str = ""
    """Digest of what it was trained on."""
    figures: dict[str, float] = Field(default_factory=dict)
    """What was measured of it, on texts it was not trained on."""

    @model_validator(mode="after")
    def _check_shapes(self) -> Self:
        widths = {len(row) for row in self.weights}
        if len(widths) != 1 or not len(self.labels) == len(self.weights) == len(self.bias):
            raise ValueError("labels, weights and bias do not fit together")
        return self

    def predict_probabilities(self, seen: "Vector") -> dict[str, float]:
        """How probable each label is.

        Args:
            seen: what `build_input_vector` gives of a question.

        Raises:
            ValueError: it is of another embedder.
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
    """What a classifier sees of a question: the numbers of its embedding, then its features."""
    import numpy as np

    features = extract_features(question, inputs)
    return np.concatenate(
        [embedder.embed_query(shorten_question(question)), list(features.values())]
    )


def shorten_question(question: str) -> str:
    """The beginning and the end of a question, where it says what is wanted; addresses by name."""
    words = " ".join(ADDRESS.sub(" URL ", question).split())
    sizes = [_estimate_tokens(character) for character in words]
    if sum(sizes) <= EMBEDDED_TOKENS:
        return words
    first = _count_fitting(sizes, EMBEDDED_TOKENS * _HEAD_SHARE)
    last = _count_fitting(sizes[::-1], EMBEDDED_TOKENS * (1 - _HEAD_SHARE))
    return f"{words[:first]} … {words[len(words) - last :]}"


def _estimate_tokens(character: str) -> float:
    """How many tokens it takes, about."""
    if HAN_CHARACTER.match(character):
        return 0.75
    return 0.22 if character.isalpha() or character == " " else 0.9


def _count_fitting(sizes: list[float], room: float) -> int:
    """How many of the characters fit in."""
    for count, size in enumerate(sizes):
        room -= size
        if room < 0:
            return count
    return len(sizes)
