"""The few actions among which the planner chooses: a small model loses its way among twenty."""

from collections.abc import Sequence
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from ...actions.catalogue import ACTIONS
from ...actions.spec import Action
from ...errors import ConcertinoError
from ...kb.embed import DEFAULT_EMBEDDER, Embedder, load_embedder
from ...language.messages import Language
from ...settings import get_settings
from ...state import CallResult

MAX_ACTIONS = 8
BASICS = ("file_list", "file_read", "file_search", "python_run")
"""Always offered, but a listing where the planner sees the whole workspace anyway."""
ON_REQUEST = ("delete", "execute")
"""Effects that the user's own words have to ask for: what a file says cannot bring them in."""
SUFFIX_BONUS = 0.15
"""Added to the similarity of an action made for a file type in the task: about the distance between
the first and the fifth action."""


def shortlist_actions(
    question: str,
    paths: Sequence[str],
    results: Sequence[CallResult],
    mode_allows: Sequence[str],
    language: Language,
    *,
    sees_all: bool = False,
) -> list[Action[Any, Any]]:
    """Return at most eight actions, in the order of the catalogue.

    Args:
        question: The task.
        paths: Files of the task: those named, or else all.
        results: Results so far; an action that turned out to be unavailable is left out, and for
            once one that has failed twice in a row.
        mode_allows: Effects that the mode may allow.
        language: Language of the task.
        sees_all: Whether the planner is shown all files and folders, so that only a task that asks
            for a listing needs one.
    """
    suffixes = {PurePosixPath(path).suffix.lower() for path in paths}
    gone = {result.action for result in results if result.error_class == "unavailable"}
    if sees_all and not is_asked_for(ACTIONS["file_list"], question):
        gone.add("file_list")
    last = results[-2:]
    if len(last) == 2 and all(result.status == "failed" for result in last):
        gone |= {last[0].action} & {last[1].action}  # another way is needed
    usable = [
        action
        for action in ACTIONS.values()
        if action.name not in gone
        and action.effect in mode_allows
        and (not action.suffixes or suffixes.intersection(action.suffixes))
        and (action.effect not in ON_REQUEST or is_asked_for(action, question))
        and not action.find_obstacle()
        and (action.name != "result_read" or any(result.artifact for result in results))
    ]
    scores = _score(question, language)

    def rank(action: Action[Any, Any]) -> float:
        basic = action.name in (*BASICS, "result_read") or is_asked_for(action, question)
        made_for = SUFFIX_BONUS if action.suffixes else 0.0
        return basic + scores.get(action.name, 0.0) + made_for

    best = sorted(usable, key=rank, reverse=True)[:MAX_ACTIONS]
    return [action for action in usable if action in best]


def is_asked_for(action: Action[Any, Any], question: str) -> bool:
    """Return whether the task's words ask for an action."""
    return action.asked_for is not None and action.asked_for.search(question) is not None


def _score(question: str, language: Language) -> dict[str, float]:
    """Return the similarity of each action's description to the task."""
    embedder = _load_embedder()
    if embedder is None:
        return {}
    names, vectors = _embed_descriptions(language)
    similar = vectors @ embedder.embed_query(question)
    return dict(zip(names, map(float, similar), strict=True))


@cache
def _embed_descriptions(language: Language) -> tuple[tuple[str, ...], Any]:
    embedder = _load_embedder()
    assert embedder is not None  # noqa: S101  (the only caller has checked)
    names = tuple(ACTIONS)
    return names, embedder.embed_passages([ACTIONS[name].description[language] for name in names])


def _load_embedder() -> Embedder | None:
    """Return the embedder of this machine, or None where it is not installed."""
    try:
        return load_embedder(DEFAULT_EMBEDDER, get_settings())
    except ConcertinoError:
        return None
