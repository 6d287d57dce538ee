"""Cited answers of the roles that look things up."""

from langgraph.runtime import Runtime

from ...context import RunContext, resolve_model
from ...language.messages import say
from ...state import Source, Usage
from ..sources.cited_answer import answer_from
from ..turns import Stopwatch
from .contracts import Assignment, Contribution

PASSAGES = 4


def get_query(assignment: Assignment) -> str:
    """Return what is looked for: the part, or else the whole task."""
    return assignment["instructions"] or assignment["task"]


async def cite(
    assignment: Assignment, passages: list[Source], notes: list[str], runtime: Runtime[RunContext]
) -> Contribution:
    """Answer from passages, a citation for each sentence; without an answer the part has failed.

    Args:
        notes: Why something could not be read.

    Raises:
        ModelError: the model is unreachable or gave no valid answer.
    """
    watch = Stopwatch()
    language = assignment["language"]
    part = Contribution(
        role=assignment["role"],
        number=assignment["number"],
        round=assignment["round"],
        instructions=assignment["instructions"],
        text="",
        usage=Usage(),
        error=" ".join(notes) or say("team.nothing_found", language),
    )
    if not passages:
        return part
    model = await resolve_model(runtime)
    found = await answer_from(model, get_query(assignment), passages, language)
    changes = {"usage": found.usage, "seconds": watch.seconds}
    if found.text:
        told = {"text": found.text, "sources": found.sources, "checks": [found.check], "error": ""}
        return part.model_copy(update={**changes, **told})
    return part.model_copy(update=changes)
