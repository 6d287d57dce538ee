"""The retriever: what the user's own documents say."""

from langgraph.runtime import Runtime

from ....context import RunContext, open_knowledge_base
from ...sources.passages import retrieve_document_passages
from ..citing import PASSAGES, cite, get_query
from ..contracts import Assignment, Contribution
from ..roles import Role, register_role


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Answer from the knowledge base."""
    base = open_knowledge_base()
    found = await retrieve_document_passages(base, get_query(assignment), PASSAGES, close=True)
    return await cite(assignment, found, [], runtime)


RETRIEVER = register_role(
    Role(
        name="retriever",
        title={"en": "retriever", "zh": "资料员"},
        description={
            "en": "answers from the person's own documents, with citations.",
            "zh": "查用户自己的资料来回答，注明出处。",
        },
        method="documents",
        play=play,
        tools=("knowledge base",),
        checks=("citations",),
    )
)
