"""The searcher: what the web says."""

from langgraph.runtime import Runtime

from ....context import RunContext
from ....language.messages import say
from ....settings import get_settings
from ....tools.web_search import choose_search_provider
from ...sources.passages import retrieve_page_passages
from ..citing import PASSAGES, cite, get_query
from ..contracts import Assignment, Contribution
from ..roles import Role, register_role

PAGES = 3


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Search the web and answer from the pages that could be read."""
    language = assignment["language"]
    provider = choose_search_provider(get_settings(), language)
    if provider is None:
        return await cite(assignment, [], [say("search.no_provider", language)], runtime)
    query = get_query(assignment)
    urls = [result.url for result in await provider.search(query, PAGES)]
    found, unread = await retrieve_page_passages(query, urls, PASSAGES, language)
    return await cite(assignment, found, unread, runtime)


SEARCHER = register_role(
    Role(
        name="searcher",
        title={"en": "searcher", "zh": "搜索员"},
        description={
            "en": "searches the web and answers from the pages it has read, with citations.",
            "zh": "上网搜索，读过网页后回答，注明出处。",
        },
        method="web",
        play=play,
        tools=("web search", "web pages"),
        checks=("citations",),
    )
)
