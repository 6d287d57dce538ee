from pathlib import Path

import pytest
from concertino.kb import KnowledgeBase

from tests.kb.letter_pairs import LetterPairs


@pytest.fixture
def embedder() -> LetterPairs:
    return LetterPairs()


@pytest.fixture
def base(tmp_path: Path, embedder: LetterPairs) -> KnowledgeBase:
    """An empty base that needs no model."""
    return KnowledgeBase(tmp_path / "base", embedder=embedder)
