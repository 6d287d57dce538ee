"""Answers of two methods, put into canonical form and compared in the sandbox."""

import re
from itertools import combinations
from typing import NamedTuple

from ...context import get_sandbox
from ...language.messages import Language, say
from ...state import Check
from ...tools.answers import is_same_answer
from .contracts import Contribution
from .roles import ROLES

_BOX = re.compile(r"\$*\\boxed\{([^{}]*)\}\$*")


class Vote(NamedTuple):
    """What blind answers come to."""

    best: Contribution | None
    """The answer that is given; None if no role found one."""
    check: Check


async def compare_answers(parts: list[Contribution], language: Language) -> Vote:
    """Accept an answer at which two different methods arrive; else give the one that was computed.

    Raises:
        SandboxUnavailable: programs cannot be confined on this machine.
    """
    found = [part for part in parts if part.value]
    for one, other in combinations(found, 2):
        if ROLES[one.role].method == ROLES[other.role].method:
            continue
        if await is_same_answer(get_sandbox(), one.value, other.value):
            told = say("team.agree", language, value=one.value[:80])
            return Vote(
                _choose_shown(one, other), Check(name="agreement", passed=True, detail=told)
            )
    values = " / ".join(part.value[:60] for part in found) or "-"
    told = say("team.differ", language, values=values)
    best = min(found, key=lambda part: (not ROLES[part.role].tools, -part.round), default=None)
    return Vote(best, Check(name="agreement", passed=False, detail=told))


def format_answer(part: Contribution) -> str:
    """Return a part's text with its boxed answer in bold."""
    return _BOX.sub(r"**\1**", part.text)


def _choose_shown(one: Contribution, other: Contribution) -> Contribution:
    """Return the part that explains the answer in words, if there is one."""
    return other if ROLES[one.role].tools and not ROLES[other.role].tools else one
