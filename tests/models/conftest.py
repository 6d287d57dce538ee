from pathlib import Path

import pytest
from concertino.models.weights import ensure_weights, show_progress
from concertino.settings import Settings


@pytest.fixture(scope="session")
def weights() -> Path:
    """The real model's file; fetched on a machine that does not have it yet."""
    settings = Settings()
    with show_progress() as progress:
        return ensure_weights(settings.model_path, settings.home / "models", progress=progress)
