"""Which workflows a question may be for, and how probable each is.

A linear classifier over the knowledge base's multilingual embedder. What it holds to be nobody's
task is shared out evenly among the workflows, and so is `UNTRIED`: text out of scope gets flat
probabilities, and a workflow that no router was trained on yet gets a small one until traces teach
it. It only advises: without the embedder there are no candidates, and the Coordinator decides
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
"""Probability that is shared out evenly, whatever the classifier says."""
MIN_DECIDED = 0.5
"""Probability from which on the first candidate counts as the task's type."""


class Guess(NamedTuple):
    """What the router thinks of a question."""

    candidates: list[Candidate]
    """The workflows that it may be for, most probable first; none where no router can run here."""
    none: float = 0.0
    """How probable it is that it is for none of them."""


def guess(
    question: str,
    choices: Iterable[str],
    inputs: Mapping[str, Any] | None = None,
) -> Guess:
    """Which workflow a question may be for, if for any.

    It computes, and loads the embedder at first: in an event loop `aguess` is the one to use.

    Args:
        choices: the workflows to choose among.
        inputs: what the task brings besides the question.
    """
    believed = _predict_probabilities(question, inputs)
    if not believed:
        return Guess([])
    return Guess(share_probabilities(believed, choices), believed.get(OUT_OF_SCOPE, 0.0))


async def aguess(
    question: str,
    choices: Iterable[str],
    inputs: Mapping[str, Any] | None = None,
) -> Guess:
    """`guess`, in a thread."""
    return await asyncio.to_thread(guess, question, choices, inputs)


def share_probabilities(believed: Mapping[str, float], names: Iterable[str]) -> list[Candidate]:
    """What is believed of these workflows, and for each an even share of the rest; most probable
    first."""
    own = {name: believed.get(name, 0.0) for name in names}
    rest = max(1 - sum(own.values()), 0.0)
    shares = {
        name: (1 - UNTRIED) * (p + rest / len(own)) + UNTRIED / len(own) for name, p in own.items()
    }
    found = [Candidate(workflow=name, p=min(p, 1.0)) for name, p in shares.items()]
    return sorted(found, key=lambda candidate: -candidate.p)


def choose_task_type(ranked: list[Candidate]) -> str:
    """The first candidate where it is more probable than all others together, else `open`."""
    return ranked[0].workflow if ranked and ranked[0].p > MIN_DECIDED else OPEN_TASK_TYPE


def load_current_router() -> tuple[int, Classifier]:
    """The router in use and its number; the shipped one where that cannot be read."""
    versions = get_user_versions()
    try:
        number = versions.get_current()
        return number, versions.load(number)
    except RouterError as error:
        _warn_once(str(error))
        return SHIPPED, versions.load(SHIPPED)


def get_user_versions() -> Versions:
    """The routers of this user."""
    return Versions(get_settings().home / "router")


def _predict_probabilities(question: str, inputs: Mapping[str, Any] | None) -> dict[str, float]:
    """The classifier's probabilities; none where it cannot run."""
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
    """Say it once a process."""
    log.warning("the router does not advise as it should: %s", reason)
