"""The workflow `search_qa_strict`: searches the web and answers only from pages it has read."""

from typing import Any, cast

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from ..agents.sources.passages import retrieve_page_passages
from ..agents.turns import (
    InputsState,
    LookupState,
    Stopwatch,
    choose_query,
    count_turns,
    define_input,
    parse_inputs,
    report_progress,
)
from ..context import RunContext
from ..errors import ConcertinoError
from ..language.messages import Language, say
from ..settings import get_settings
from ..state import Output, Source, TaskState, Turn, Usage, WorkflowOutput, output_of
from ..tools.web_search import choose_search_provider
from .cited_answer import conclude_cited
from .registry import Agent, Workflow, register

NAME = "search_qa_strict"
PAGES = 4
PASSAGES = 4
MAX_TRIES = 2


class SearchInputs(BaseModel):
    """What may be given besides the question."""

    model_config = ConfigDict(extra="forbid")

    pages: int = define_input(
        PAGES, ge=1, le=10, en="pages to read of those found", zh="阅读多少个找到的网页"
    )


class SearchInput(LookupState, InputsState, total=False):
    """Part of the task's state that the subgraph reads."""

    language: Language


class SearchState(SearchInput, total=False):
    """State of the subgraph."""

    urls: list[str]
    passages: list[Source]
    notes: list[str]
    """Notes for the user: why there was nothing to answer from."""
    seconds: float
    outputs: dict[str, Output]
    turn: Turn | None
    usage: Usage


async def search(state: SearchInput) -> SearchState:
    """Find pages, twice as many on a second try; without a provider, or offline, note why there are
    none."""
    watch = Stopwatch()
    language = state["language"]
    wanted = parse_inputs(state, SearchInputs).pages * (1 + count_turns(state, NAME))
    found: SearchState = {"urls": [], "notes": [], "passages": []}
    try:
        provider = choose_search_provider(get_settings(), language)
        if provider is None:
            found["notes"] = [say("search.no_provider", language)]
        else:
            results = await provider.search(choose_query(state, NAME), wanted)
            found["urls"] = [result.url for result in results]
            report_progress(
                NAME, say("search.found", language, count=len(results), name=provider.name)
            )
    except ConcertinoError as unavailable:
        found["notes"] = [str(unavailable)]
    return {**found, "seconds": watch.seconds}


async def read(state: SearchState) -> SearchState:
    """Fetch the pages in parallel and select the passages that best fit the question.

    A search result that was not read is not evidence.
    """
    watch = Stopwatch()
    question = choose_query(state, NAME)
    passages, unread = await retrieve_page_passages(
        question, state["urls"], PASSAGES, state["language"]
    )
    notes = state["notes"] if passages else [*state["notes"], *unread]
    return {"passages": passages, "notes": notes, "seconds": state["seconds"] + watch.seconds}


async def answer(state: SearchState, runtime: Runtime[RunContext]) -> TaskState:
    """Answer from the pages read, citing a page for each sentence, or say why there is no
    answer."""
    question = choose_query(state, NAME)
    return await conclude_cited(
        NAME,
        question,
        state["passages"],
        state["language"],
        runtime,
        nothing=_explain_no_answer(state),
        inputs=" ".join([question, *state["urls"]]),
        seconds=state["seconds"],
    )


def build() -> CompiledStateGraph[SearchState, RunContext, SearchInput, WorkflowOutput]:
    """Compile the subgraph."""
    builder = StateGraph(
        SearchState,
        context_schema=RunContext,
        input_schema=SearchInput,
        output_schema=WorkflowOutput,
    )
    builder.add_node("search", search)
    builder.add_node("read", read)
    builder.add_node("answer", cast("Any", answer))
    builder.add_edge(START, "search")
    builder.add_edge("search", "read")
    builder.add_edge("read", "answer")
    builder.add_edge("answer", END)
    return builder.compile()


def _explain_no_answer(state: SearchState) -> Output:
    """Return an output that explains why there is no answer."""
    said = state["notes"] or [say("search.nothing", state["language"])]
    return Output(workflow=NAME, status="no_answer", text="\n\n".join(said))


def _may_search(state: TaskState) -> bool:
    done = output_of(state, NAME)
    tries = count_turns(cast("SearchInput", state), NAME)
    return done is None or (done.status == "unverified" and tries < MAX_TRIES)


SEARCH_QA_STRICT = register(
    Workflow(
        name=NAME,
        description={
            "en": "latest news and current facts from the web, where a search is called for.",
            "zh": "上网搜索最新消息和当前事实，任务要求上网时才用。",
        },
        source_signs=("asks_for_latest", "asks_to_search"),
        inputs=SearchInputs,
        agents=(
            Agent(
                NAME,
                {"en": "searches again, reading more pages.", "zh": "再次搜索，读更多网页。"},
                build(),
                _may_search,
            ),
        ),
        checks={
            "citations": {
                "en": "each sentence stands on the page it cites",
                "zh": "每句话都有所引网页的支持",
            }
        },
        weights={"citations": 3},
    )
)
