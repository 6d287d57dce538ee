"""Fixtures for all tests: a home of their own, no providers, and scripted models."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from concertino.models.weights import ensure_weights, show_progress
from concertino.settings import Settings, get_settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.model_server import ModelServer, use
from tests.scripted_model import ScriptedModel, comprehension, decision, steps

# An example's time is the machine's: on one that is busy a right one would fail for it.
hypothesis_settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("busy machine")

PROVIDER_VARIABLES = (
    "GEMINI_API_KEY",
    "DEEPSEEK_API_KEY",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "VLLM_URL",
    "TAVILY_API_KEY",
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home, English messages, and no provider but the embedded one."""
    for name in PROVIDER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONCERTINO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LC_ALL", "C")
    get_settings.cache_clear()
    yield tmp_path / "home"
    get_settings.cache_clear()


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """What a test's service, or an answer read outside the sandbox, makes of the process's logging
    ends with the test."""
    loggers = [logging.getLogger(name) for name in (None, "concertino", "uvicorn.error")]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    disabled = logging.root.manager.disable
    yield
    logging.disable(disabled)
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture
def scripted() -> Callable[..., ScriptedModel]:
    """A model for a problem whose answer is 36, with changes to its script."""

    def make(**changes: list[Any]) -> ScriptedModel:
        script: dict[str, list[Any]] = {
            "choosing": [decision("solve_math"), decision("complete")],
            "cited_answer": [{"statements": []}],
            "summary": ["12 pens cost 36 dollars."],
            "summary_of_parts": ["12 pens cost 36 dollars."],
            "coordinator": [decision("comprehension"), decision("execution")],
            "comprehension": [comprehension()],
            "planning": [steps([])],
            "execution": ["```python\nprice = 3\nanswer = 12 * price\n```"],
            "repair": ["```python\nanswer = 36\n```"],
            "reasoning": ["12 pens at 3 dollars make \\boxed{36}."],
            "diagnosis": [
                {
                    "issues": [
                        {
                            "what": "the price was misread",
                            "suggestion": "use 3",
                            "type": "misread",
                            "level": "execution",
                        }
                    ]
                }
            ],
            "report": ["1. 12 pens at 3 dollars cost 36 dollars."],
            **changes,
        }
        return ScriptedModel(script=script)

    return make


@pytest.fixture
def serve(
    scripted: Callable[..., ScriptedModel], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., ModelServer]]:
    """Starts a server of the scripted model, and makes it the one that is used."""
    running: list[ModelServer] = []

    def start(**changes: list[Any]) -> ModelServer:
        server = ModelServer(scripted(**changes))
        running.append(server)
        use(monkeypatch, OPENAI_BASE_URL=server.url)
        return server

    yield start
    for server in running:
        server.close()


@pytest.fixture(scope="session")
def weights() -> Path:
    """The real model's file; fetched on a machine that does not have it yet."""
    settings = Settings()
    with show_progress() as progress:
        return ensure_weights(settings.model_path, settings.home / "models", progress=progress)
