"""The page reader: what the pages at given addresses say."""

from langgraph.runtime import Runtime

from ....context import RunContext
from ....language.detect import ADDRESS
from ...sources.passages import retrieve_page_passages
from ..citing import PASSAGES, cite
from ..contracts import Assignment, Contribution
from ..request import list_addresses
from ..roles import Role, register_role


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Read the pages that the part names, or else the task, and answer from them."""
    urls = list_addresses(assignment["instructions"]) or list_addresses(assignment["task"])
    question = ADDRESS.sub(" ", assignment["task"])
    found, unread = await retrieve_page_passages(question, urls, PASSAGES, assignment["language"])
    return await cite({**assignment, "instructions": question}, found, unread, runtime)


PAGE_READER = register_role(
    Role(
        name="page_reader",
        title={"en": "page reader", "zh": "网页阅读者"},
        description={
            "en": "answers from the pages that the task names, with citations.",
            "zh": "读任务中给出的网页来回答，注明出处。",
        },
        method="pages",
        play=play,
        tools=("web pages",),
        needs=lambda task: bool(list_addresses(task)),
        checks=("citations",),
    )
)
