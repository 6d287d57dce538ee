"""The workflow `rag_qa`: answers from the user's own documents with citations, or says that they
hold no answer."""

from typing import Any, cast

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict

from ..agents.sources.passages import retrieve_document_passages, retrieve_page_passages
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
from ..context import RunContext, open_knowledge_base
from ..language.messages import Language, say
from ..state import Output, Source, TaskState, Turn, Usage, WorkflowOutput, output_of
from .cited_answer import conclude_cited
from .registry import Agent, Workflow, register

NAME = "rag_qa"
TOP_K = 4
MAX_TRIES = 2


class RagInputs(BaseModel):
    """What may be given besides the question."""

    model_config = ConfigDict(extra="forbid")

    urls: list[str] = define_input(
        [],
        max_length=5,
        en="pages to read beside the documents",
        zh="除资料外还要读的网页",
    )
    top_k: int = define_input(
        TOP_K, ge=1, le=20, en="passages to answer from", zh="用来回答的段落数"
    )


class RagInput(LookupState, InputsState, total=False):
    """Part of the task's state that the subgraph reads."""

    language: Language


class RagState(RagInput, total=False):
    """State of the subgraph."""

    passages: list[Source]
    unread: list[str]
    """Pages that could not be read, with the reason."""
    seconds: float
    outputs: dict[str, Output]
    turn: Turn | None
    usage: Usage


async def retrieve_docs(state: RagInput) -> RagState:
    """Find passages in the knowledge base and in the given pages.

    A second try retrieves twice as many, including passages less similar to the question. The query
    is embedded here, because a vector in the state would only bloat checkpoints.
    """
    watch = Stopwatch()
    inputs = parse_inputs(state, RagInputs)
    wanted = inputs.top_k * (1 + count_turns(state, NAME))
    question = choose_query(state, NAME)
    pages, unread = await retrieve_page_passages(question, inputs.urls, wanted, state["language"])
    documents = await retrieve_document_passages(
        open_knowledge_base(), question, wanted, close=not count_turns(state, NAME)
    )
    passages = [
        source.model_copy(update={"number": number})
        for number, source in enumerate([*pages, *documents], 1)
    ]
    report_progress(NAME, say("rag.found", state["language"], count=len(passages)))
    return {"passages": passages, "unread": unread, "seconds": watch.seconds}


async def rag_answer(state: RagState, runtime: Runtime[RunContext]) -> TaskState:
    """Answer from the passages, or say that they hold no answer."""
    question = choose_query(state, NAME)
    return await conclude_cited(
        NAME,
        question,
        state["passages"],
        state["language"],
        runtime,
        nothing=_explain_no_answer(state),
        inputs=f"{question} {len(state['passages'])}",
        seconds=state["seconds"],
    )


def build() -> CompiledStateGraph[RagState, RunContext, RagInput, WorkflowOutput]:
    """Compile the subgraph."""
    builder = StateGraph(
        RagState, context_schema=RunContext, input_schema=RagInput, output_schema=WorkflowOutput
    )
    builder.add_node("retrieve_docs", retrieve_docs)
    builder.add_node("rag_answer", cast("Any", rag_answer))
    builder.add_edge(START, "retrieve_docs")
    builder.add_edge("retrieve_docs", "rag_answer")
    builder.add_edge("rag_answer", END)
    return builder.compile()


def _explain_no_answer(state: RagState) -> Output:
    """Return an output that explains why there is no answer."""
    lines = [say("rag.nothing", state["language"])]
    lines += [say("rag.unread", state["language"], page=page) for page in state["unread"]]
    return Output(workflow=NAME, status="no_answer", text="\n\n".join(lines))


def _may_answer(state: TaskState) -> bool:
    made_already = output_of(state, NAME)
    tries = count_turns(cast("RagInput", state), NAME)
    return made_already is None or (made_already.status != "verified" and tries < MAX_TRIES)


RAG_QA = register(
    Workflow(
        name=NAME,
        description={
            "en": "an answer from the person's own documents: notes, handbooks, contracts.",
            "zh": "查用户自己的资料来回答：我的笔记、手册、合同、上传的文件。",
        },
        source_signs=("names_own_documents",),
        inputs=RagInputs,
        agents=(
            Agent(
                NAME,
                {
                    "en": "looks again, among twice as many passages.",
                    "zh": "在两倍的段落中再找一次。",
                },
                build(),
                _may_answer,
            ),
        ),
        checks={
            "citations": {
                "en": "each sentence stands on the passage it cites",
                "zh": "每句话都有所引段落的支持",
            }
        },
        weights={"citations": 3},
    )
)
