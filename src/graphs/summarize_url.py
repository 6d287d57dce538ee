"""The workflow `summarize_url`: reads pages and summarizes them, long ones part by part."""

import asyncio
import operator
import re
from typing import Annotated, Any, cast

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from ..agents.sources.passages import read_pages
from ..agents.sources.summary import MAX_PARTS, PART_TOKENS, combine, summarize, with_known_numbers
from ..agents.turns import (
    InputsState,
    QuestionState,
    Stopwatch,
    define_input,
    format_problem,
    parse_inputs,
    report_progress,
)
from ..context import RunContext, resolve_model
from ..kb.split import Section, split
from ..language.detect import detect_language
from ..language.messages import Language, say
from ..language.text import count_units
from ..state import Check, Output, Source, TaskState, Turn, Usage, WorkflowOutput
from .conclusion import build_output, record_output
from .registry import Agent, Workflow, register

NAME = "summarize_url"

_URL = re.compile(r"https?://[^\s<>\"'，。；、！？）】》」]+")


class SummarizeInputs(BaseModel):
    """What may be given besides the question."""

    model_config = ConfigDict(extra="forbid")

    urls: list[str] = define_input(
        [],
        max_length=5,
        en="pages, beside those the task names",
        zh="除任务中写明的网页外，另外要读的网页",
    )
    length: int = define_input(120, ge=20, le=1000, en="words of the summary", zh="概括的字数")


class SummarizeInput(QuestionState, InputsState, total=False):
    """Part of the task's state that the subgraph reads."""

    language: Language


class PagePart(TypedDict):
    """A part of a page and its summary."""

    number: int
    title: str
    text: str
    summary: str


class SummarizeState(SummarizeInput, total=False):
    """State of the subgraph; summaries of parts arrive in any order."""

    pages: list[Source]
    notes: list[str]
    """Notes for the user: unreadable pages, and what was omitted."""
    parts: list[PagePart]
    summaries: Annotated[list[PagePart], operator.add]
    costs: Annotated[list[Usage], operator.add]
    seconds: Annotated[list[float], operator.add]
    """Seconds spent on each part; parts are summarized in parallel."""
    fetch_seconds: float
    outputs: dict[str, Output]
    turn: Turn | None
    usage: Usage


class PagePartTask(SummarizeInput, total=False):
    """One part, sent to its own run of the node."""

    part: PagePart
    length: int
    alone: bool
    """Whether this is the only part, so that its summary is the final one."""


def collect_urls(state: SummarizeInput) -> list[str]:
    """Return the distinct URLs in the inputs and the question, at most five."""
    named = [url.rstrip(".,;:!?)") for url in _URL.findall(format_problem(state))]
    given = parse_inputs(state, SummarizeInputs).urls
    return list(dict.fromkeys([*given, *named]))[:5]


async def fetch_pages(state: SummarizeInput) -> SummarizeState:
    """Fetch the pages and split them into parts."""
    watch = Stopwatch()
    language = state["language"]
    pages, notes = await read_pages(collect_urls(state), language)
    cut = [
        (page.title, piece.text)
        for page in pages
        for piece in split([Section(page.text)], PART_TOKENS, 0)
    ]
    if len(cut) > MAX_PARTS:
        notes.append(say("summary.beginning_only", language, read=MAX_PARTS, parts=len(cut)))
    report_progress(
        NAME, say("summary.read", language, pages=len(pages), parts=len(cut[:MAX_PARTS]))
    )
    return {
        "pages": [
            Source(number=n, title=page.title, location=page.final_url, text=page.text)
            for n, page in enumerate(pages, 1)
        ],
        "notes": notes,
        "fetch_seconds": watch.seconds,
        "parts": [
            PagePart(number=n, title=title, text=text, summary="")
            for n, (title, text) in enumerate(cut[:MAX_PARTS], 1)
        ],
    }


def dispatch_parts(state: SummarizeState) -> list[Send] | str:
    """Send each part to its own run of the node."""
    parts = state["parts"]
    length = parse_inputs(state, SummarizeInputs).length
    if len(parts) > 1:
        length = max(length // 2, 40)
    common: dict[str, Any] = {
        key: state.get(key)
        for key in ("question", "restated", "clarifications", "language")
        if key in state
    }
    common |= {"length": length, "alone": len(parts) == 1}
    return [Send("summarize_part", {**common, "part": part}) for part in parts] or "finish_summary"


async def summarize_part(state: PagePartTask, runtime: Runtime[RunContext]) -> SummarizeState:
    """Summarize one part."""
    watch = Stopwatch()
    part = state["part"]
    language = state["language"]
    reply = await summarize(
        await resolve_model(runtime),
        part["text"],
        part["title"],
        format_problem(state),
        state["length"],
        language,
        aloud=state["alone"],
    )
    return {
        "summaries": [{**part, "summary": reply.value}],
        "costs": [reply.usage],
        "seconds": [watch.seconds],
    }


async def finish_summary(state: SummarizeState, runtime: Runtime[RunContext]) -> TaskState:
    """Combine the summaries of the parts into one, and check it against the pages."""
    watch = Stopwatch()
    language = state["language"]
    task = format_problem(state)
    length = parse_inputs(state, SummarizeInputs).length
    parts = sorted(state.get("summaries", []), key=lambda part: part["number"])
    usage = sum(state.get("costs", []), Usage())
    text = parts[0]["summary"] if parts else ""
    if len(parts) > 1:
        reply = await combine(
            await resolve_model(runtime),
            [part["summary"] for part in parts],
            parts[0]["title"],
            task,
            length,
            language,
        )
        text = reply.value
        usage += reply.usage
    output = await asyncio.to_thread(_check_summary, text, length, state)
    return record_output(
        NAME,
        output,
        summary=output.text,
        inputs=" ".join(collect_urls(state)),
        usage=usage,
        seconds=state["fetch_seconds"] + max(state.get("seconds", []), default=0) + watch.seconds,
    )


def _check_summary(text: str, length: int, state: SummarizeState) -> Output:
    language = state["language"]
    notes = state["notes"]
    everything = "\n".join(f"{page.title}\n{page.text}" for page in state["pages"])
    summary, dropped = with_known_numbers(text, everything)
    if not summary:
        why = [
            say("summary.nothing" if collect_urls(state) else "summary.no_url", language),
            *notes,
        ]
        return Output(workflow=NAME, status="no_answer", text="\n\n".join(why))
    length_found = count_units(summary)
    spoken = say(f"language.{language}", language)
    checks = [
        Check(name="numbers", passed=not dropped, detail="; ".join(dropped) or "✓"),
        Check(name="length", passed=length_found <= 2 * length, detail=str(length_found)),
        Check(name="language", passed=detect_language(summary) == language, detail=spoken),
    ]
    read = build_output(
        NAME,
        summary,
        checks,
        sources=_shorten_pages(state["pages"]),
        language=language,
        known=f"{format_problem(state)}\n{everything}",
    )
    return read.model_copy(update={"text": "\n\n".join([read.text, *notes])})


def _shorten_pages(pages: list[Source]) -> list[Source]:
    """Shorten the text of the pages to 300 characters, to keep checkpoints small."""
    return [page.model_copy(update={"text": page.text[:300]}) for page in pages]


def build() -> CompiledStateGraph[SummarizeState, RunContext, SummarizeInput, WorkflowOutput]:
    """Compile the subgraph."""
    builder = StateGraph(
        SummarizeState,
        context_schema=RunContext,
        input_schema=SummarizeInput,
        output_schema=WorkflowOutput,
    )
    builder.add_node("fetch_pages", fetch_pages)
    builder.add_node("summarize_part", summarize_part)
    builder.add_node("finish_summary", cast("Any", finish_summary))
    builder.add_edge(START, "fetch_pages")
    builder.add_conditional_edges(
        "fetch_pages", dispatch_parts, ["summarize_part", "finish_summary"]
    )
    builder.add_edge("summarize_part", "finish_summary")
    builder.add_edge("finish_summary", END)
    return builder.compile()


def _names_a_page(state: TaskState) -> bool:
    return bool(collect_urls(cast("SummarizeInput", state)))


SUMMARIZE_URL = register(
    Workflow(
        name=NAME,
        description={
            "en": "a summary of the page at a URL that the task names.",
            "zh": "任务中给出网址的网页的概括。",
        },
        source_signs=("has_url",),
        inputs=SummarizeInputs,
        agents=(
            Agent(
                NAME,
                {"en": "reads the pages again.", "zh": "重新读取网页并概括。"},
                build(),
            ),
        ),
        checks={
            "numbers": {
                "en": "every number stands on the page",
                "zh": "每个数字都出自网页",
            },
            "length": {"en": "it is as short as asked for", "zh": "长度符合要求"},
            "language": {
                "en": "it is in the language of the question",
                "zh": "所用语言与问题一致",
            },
        },
        weights={"numbers": 3},
        available=_names_a_page,
    )
)
