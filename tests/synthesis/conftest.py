"""Fixtures: a sandbox, and seeds in a few words."""

from collections.abc import Callable, Iterator

import pytest
from concertino.language.detect import detect_language
from concertino.synthesis.contracts import Seed
from concertino.tools.sandbox import Sandbox

SeedMaker = Callable[..., Seed]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    box = Sandbox()
    yield box
    box.close()


def make_seed(problem: str, program: str, answer: object, **fields: str) -> Seed:
    """A seed from a problem, its program and its answer."""
    return Seed(
        id=fields.get("id", "seed"),
        problem=problem,
        program=program,
        answer=str(answer),
        language=detect_language(problem),
        task_id=fields.get("task_id"),
    )
