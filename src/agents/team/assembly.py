"""The team for a task: the simplest one that may do it, chosen by rules."""

from ...language.messages import Language, say
from .contracts import TeamPlan
from .request import Asked, Kind

_BY_KIND: dict[Kind, str] = {
    "code": "programmer",
    "translation": "translator",
    "plan": "planner",
    "text": "writer",
    "rewriting": "assistant",
    "answer": "assistant",
}


def choose_role(asked: Asked) -> str:
    """Return the role that does a task alone."""
    return _BY_KIND[asked.kind]


def assemble_team(asked: Asked, language: Language) -> TeamPlan:
    """Return the team for a task."""
    return TeamPlan(
        reasoning=say("team.why.single", language),
        topology="single",
        roles=[choose_role(asked)],
        source="rule",
    )
