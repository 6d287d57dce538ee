"""The router: candidate workflows for a question, with their probabilities.

It is a linear classifier over the knowledge base's multilingual embedder. Its out-of-scope
probability belongs to the workflow that takes what no other is made for. Without one it is split
evenly among the workflows, so that such text gets flat probabilities, and so is `UNTRIED`: a
workflow that no router was trained on yet gets a small one until it is learned from traces. The
router only advises: without the embedder there are no candidates, and the Coordinator decides
alone.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from ..errors import RouterError
from ..settings import get_settings
from ..state import Candidate
from .classifier import OUT_OF_SCOPE, Classifier, build_input_vector
from .contracts import OPEN_TASK_TYPE
from .versions import SHIPPED, Versions

log = logging.getLogger(__name__)

UNTRIED = 0.05
"""Probability split evenly among the workflows, regardless of the classifier."""
MIN_DECIDED = 0.5
"""Probability above which the first candidate is the task type."""


class Guess(NamedTuple):
    """The router's prediction for a question."""

    candidates: list[Candidate]
    """Candidate workflows, most probable first; empty if no router can run here."""
    none: float = 0.0
    """Probability that the question is for none of them."""


def guess(
    question: str,
    choices: Iterable[str],
    inputs: Mapping[str, Any] | None = None,
    home: str | None = None,
) -> Guess:
    """Predict the workflow for a question.

    Blocks, and loads the embedder on the first call; use `aguess` in an event loop.

    Args:
        choices: the workflows to choose from.
        inputs: the task's inputs other than the question.
        home: the one of them that takes what no other is made for.
    """
    believed = _predict_probabilities(question, inputs)
    if not believed:
        return Guess([])
    return Guess(share_probabilities(believed, choices, home), believed.get(OUT_OF_SCOPE, 0.0))


async def aguess(
    question: str,
    choices: Iterable[str],
    inputs: Mapping[str, Any] | None = None,
    home: str | None = None,
) -> Guess:
    """Run `guess` in a thread."""
    return await asyncio.to_thread(guess, question, choices, inputs, home)


def share_probabilities(
    believed: Mapping[str, float], names: Iterable[str], home: str | None = None
) -> list[Candidate]:
    """Return the probabilities of these workflows, each with an even share of the rest, most
    probable first. What is out of scope belongs to the `home`, if it is one of them."""
    own = {name: believed.get(name, 0.0) for name in names}
    if home in own:
        own[home] += believed.get(OUT_OF_SCOPE, 0.0)
    rest = max(1 - sum(own.values()), 0.0)
    shares = {
        name: (1 - UNTRIED) * (p + rest / len(own)) + UNTRIED / len(own) for name, p in own.items()
    }
    found = [Candidate(workflow=name, p=min(p, 1.0)) for name, p in shares.items()]
    return sorted(found, key=lambda candidate: -candidate.p)


def choose_task_type(ranked: list[Candidate]) -> str:
    """Return the first candidate if it is more probable than all others together, else `open`."""
    return ranked[0].workflow if ranked and ranked[0].p > MIN_DECIDED else OPEN_TASK_TYPE


def load_current_router() -> tuple[int, Classifier]:
    """Load the router in use, with its number; the shipped one if it cannot be read."""
    versions = get_user_versions()
    try:
        number = versions.get_current()
        return number, versions.load(number)
    except RouterError as error:
        _warn_once(str(error))
        return SHIPPED, versions.load(SHIPPED)


def get_user_versions() -> Versions:
    """Return the user's routers."""
    return Versions(get_settings().home / "router")


def _predict_probabilities(question: str, inputs: Mapping[str, Any] | None) -> dict[str, float]:
    """Return the classifier's probabilities; empty if it cannot run."""
    from ..kb.embed import EmbedderError, load_embedder

    _, classifier = load_current_router()
    try:
        embedder = load_embedder(classifier.embedder, get_settings())
        return classifier.predict_probabilities(build_input_vector(embedder, question, inputs))
    except (EmbedderError, ValueError) as error:
        _warn_once(str(error))
        return {}


@cache
def _warn_once(reason: str) -> None:
    """Log a reason once per process."""
    log.warning("the router does not advise as it should: %s", reason)
