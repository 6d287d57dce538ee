"""The workflow `write_story`: plans a story, writes it segment by segment and checks it."""

from collections import Counter
from typing import cast

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from ..agents.story.checks import (
    Finding,
    check_characters,
    check_language,
    check_length,
    check_plot,
    check_repetition,
    check_role,
    missing_names,
)
from ..agents.story.contracts import (
    MAX_CHAPTERS,
    MAX_LENGTH,
    MIN_LENGTH,
    WORKFLOW,
    StoryInput,
    StoryInputs,
    StoryState,
    format_story,
    opening_of,
)
from ..agents.story.generate import after_part, remember, write_part
from ..agents.story.plan import plan_story
from ..agents.story.request import read_request
from ..agents.story.rewrite import ACTOR, open_draft, rewrite_segment
from ..agents.story.role_play import earlier_turns, play_turn
from ..agents.turns import Stopwatch, format_problem, get_instructions
from ..context import RunContext, resolve_model
from ..language.messages import say
from ..language.text import count_units
from ..state import Output, TaskState, Usage, WorkflowOutput, output_of, turns
from .conclusion import (
    build_output,
    describe_output,
    format_note,
    has_verified_output,
    record_output,
)
from .registry import Agent, LocalizedText, Workflow, register

MAX_WRITES, MAX_REWRITES = 2, 3
"""Maximum number of times that a task may write its story, and rewrite parts of it."""
CHECKS: dict[str, LocalizedText] = {
    "language": {"en": "it is in the language asked for", "zh": "语言符合要求"},
    "length": {"en": "its length is within 15 %", "zh": "长度与要求相差不超过15%"},
    "characters": {"en": "everyone named appears", "zh": "指定的人物都出场"},
    "plot": {"en": "every plot point is told", "zh": "情节要点都写到"},
    "repetition": {"en": "no part repeats another", "zh": "各部分没有重复"},
    "role": {"en": "it stays in its role", "zh": "没有跳出角色"},
}

Subgraph = CompiledStateGraph[StoryState, RunContext, StoryInput, WorkflowOutput]


def route_after_request(state: StoryState) -> str:
    """Return the node for a request: a turn of a role-play, a plan, or a refusal."""
    brief = state["brief"]
    if not (MIN_LENGTH <= brief.length <= MAX_LENGTH and brief.chapters <= MAX_CHAPTERS):
        return "refuse"
    return "play_turn" if brief.kind == "role_play" else "plan_story"


def route_after_draft(state: StoryState) -> str:
    """Return the node that rewrites a draft: a turn as a whole, a story segment by segment."""
    return "play_turn" if state["brief"].kind == "role_play" else route_after_rewriting(state)


def route_after_rewriting(state: StoryState) -> str:
    """Return the node for the next faulty segment, or else for the checks."""
    return "rewrite_segment" if state["to_rewrite"] else "judge"


async def refuse(state: StoryState) -> WorkflowOutput:
    """Explain why a story of this length or number of chapters is not written."""
    brief = state["brief"]
    language = state["language"]
    key, value, low, high = "stories.bad_length", brief.length, MIN_LENGTH, MAX_LENGTH
    if MIN_LENGTH <= brief.length <= MAX_LENGTH:
        key, value, low, high = "stories.bad_chapters", brief.chapters, 1, MAX_CHAPTERS
    text = say(key, language, value=value, low=low, high=high)
    return _record_story(
        state, Output(workflow=WORKFLOW, status="no_answer", text=text), Usage(), 0.0
    )


async def judge(state: StoryState, runtime: Runtime[RunContext]) -> WorkflowOutput:
    """Check and format the story, but keep the previous version if it has fewer faults."""
    watch = Stopwatch()
    if not any(state["segments"]):
        text = say("stories.nothing", state["language"])
        output = Output(workflow=WORKFLOW, status="no_answer", text=text)
        spent = Usage()
    else:
        findings, spent = await _run_checks(state, runtime)
        output = _build_story_output(state, findings)
    before = output_of(state, WORKFLOW)
    return _record_story(state, _choose_better(before, output), spent, watch.seconds)


async def _run_checks(
    state: StoryState, runtime: Runtime[RunContext]
) -> tuple[list[Finding], Usage]:
    """Run all checks that apply to what was written."""
    brief = state["brief"]
    segments = state["segments"]
    language = state["language"]
    found = [check_language(segments, brief, language)]
    if (plan := state.get("plan")) is None:
        found.append(check_role(segments, language))
        found.append(check_repetition(segments, brief, language, earlier_turns(state)))
        if state.get("inputs", {}).get("length"):
            found.append(check_length(segments, brief, language))
        return found, Usage()
    plot, spent = await check_plot(await resolve_model(runtime), segments, brief, plan, language)
    found += [
        check_length(segments, brief, language),
        check_characters(segments, brief, plan, language),
        plot,
        check_repetition(segments, brief, language, opening_of(state)),
    ]
    return found, spent


def _build_story_output(state: StoryState, findings: list[Finding]) -> Output:
    """Return the story as Markdown, with its parts as data."""
    brief = state["brief"]
    plan = state.get("plan")
    segments = state["segments"]
    opening = opening_of(state)
    return build_output(
        WORKFLOW,
        format_story(plan.title if plan else "", segments, brief.chapters, brief.language, opening),
        [finding.check for finding in findings],
        language=brief.language,
        known="\n\n".join([format_problem(state), opening, earlier_turns(state)]),
        data={
            "request": brief.model_dump(),
            "plan": plan.model_dump() if plan else None,
            "segments": segments,
            "count": count_units("\n".join(segments)),
            "target": brief.length,
            "missing": missing_names(segments, brief, plan),
            "faults": {f.check.name: f.places for f in findings if not f.check.passed},
        },
    )


def _choose_better(before: Output | None, new: Output) -> Output:
    """Return the version that fails fewer checks, then the one with fewer faulty segments; the new
    one if equal."""
    return new if before is None or _rank_faults(new) <= _rank_faults(before) else before


def _rank_faults(output: Output) -> tuple[bool, int, int]:
    failed = [check for check in output.checks if not check.passed]
    faults: dict[str, list[int]] = output.data.get("faults", {})
    return output.status == "no_answer", len(failed), sum(map(len, faults.values()))


def _record_story(
    state: StoryState, output: Output, spent: Usage, seconds: float
) -> WorkflowOutput:
    """Return the subgraph's output, recorded under the name of the agent that played."""
    decision = state.get("decision")
    actor = decision.next_action if decision else WORKFLOW
    title = (output.data.get("plan") or {}).get("title", "")
    failed = [f"{c.name}: {c.detail[:60]}" for c in output.checks if not c.passed]
    summary = "; ".join(filter(None, [title, *failed]))
    return cast(
        "WorkflowOutput",
        record_output(
            actor,
            output,
            summary=summary or output.text,
            note=format_note(title, output, CHECKS, state["language"]) if summary else "",
            inputs=format_problem(state) + get_instructions(state),
            usage=state.get("spent", Usage()) + spent,
            seconds=state.get("seconds", 0.0) + seconds,
        ),
    )


def build() -> Subgraph:
    """Compile the subgraph that writes a story or a turn; it shares the outer checkpointer."""
    builder = _create_builder()
    builder.add_node("read_request", read_request)
    builder.add_node("refuse", refuse)
    builder.add_node("plan_story", plan_story)
    builder.add_node("write_part", write_part)
    builder.add_node("remember", remember)
    builder.add_edge(START, "read_request")
    builder.add_conditional_edges(
        "read_request", route_after_request, ["refuse", "plan_story", "play_turn"]
    )
    builder.add_edge("refuse", END)
    builder.add_edge("plan_story", "write_part")
    builder.add_conditional_edges("write_part", after_part, ["write_part", "remember", "judge"])
    builder.add_edge("remember", "write_part")
    return builder.compile()


def build_rewriting() -> Subgraph:
    """Compile the subgraph that rewrites what failed; it shares the outer checkpointer."""
    builder = _create_builder()
    builder.add_node("open_draft", open_draft)
    builder.add_node("rewrite_segment", rewrite_segment)
    builder.add_edge(START, "open_draft")
    builder.add_conditional_edges(
        "open_draft", route_after_draft, ["play_turn", "rewrite_segment", "judge"]
    )
    builder.add_conditional_edges(
        "rewrite_segment", route_after_rewriting, ["rewrite_segment", "judge"]
    )
    return builder.compile()


def _create_builder() -> StateGraph[StoryState, RunContext, StoryInput, WorkflowOutput]:
    """Return a builder with the nodes both subgraphs share: role-play turns and the final
    checks."""
    builder = StateGraph(
        StoryState, context_schema=RunContext, input_schema=StoryInput, output_schema=WorkflowOutput
    )
    builder.add_node("play_turn", play_turn)
    builder.add_node("judge", judge)
    builder.add_edge("play_turn", "judge")
    builder.add_edge("judge", END)
    return builder


def _count_turns_by_actor(state: TaskState) -> Counter[str]:
    return Counter(record.actor for record in turns(state))


def _output(state: TaskState) -> Output | None:
    return output_of(state, WORKFLOW)


def _may_write(state: TaskState) -> bool:
    """Return whether the story may be written: at first, and again if it failed its checks."""
    refused = _output(state) is not None and not _may_be_mended(state)
    return (
        not has_verified_output(state, WORKFLOW)
        and not refused
        and _count_turns_by_actor(state)[WORKFLOW] < MAX_WRITES
    )


def _may_rewrite(state: TaskState) -> bool:
    return _may_be_mended(state) and _count_turns_by_actor(state)[ACTOR] < MAX_REWRITES


def _may_be_mended(state: TaskState) -> bool:
    """Return whether there is a story with faults in known segments."""
    output = _output(state)
    return output is not None and bool(output.data.get("faults"))


def _list_signals(state: TaskState) -> list[str]:
    """Return the failed checks and the remaining tries."""
    if has_verified_output(state, WORKFLOW) or not _may_be_mended(state):
        return describe_output(state, WORKFLOW)
    played = _count_turns_by_actor(state)
    left = f"{ACTOR} {MAX_REWRITES - played[ACTOR]}, {WORKFLOW} {MAX_WRITES - played[WORKFLOW]}"
    return [*describe_output(state, WORKFLOW), f"tries left: {left}"]


WRITE_STORY = register(
    Workflow(
        name=WORKFLOW,
        description={
            "en": "a story: a tale, the continuation of one, a turn of a role-play.",
            "zh": "故事：童话、续写、改写，或角色扮演的一个回合。",
        },
        inputs=StoryInputs,
        checks=CHECKS,
        weights={"plot": 2, "language": 2, "role": 2},
        agents=(
            # Before `write_story`, so that it is the fallback for an unusable decision.
            Agent(
                ACTOR,
                {
                    "en": "rewrites only the parts of the story in which a check failed; the usual "
                    "next move then. Say in instructions what to mend.",
                    "zh": "只改写故事中没有通过检查的部分；检查未通过时通常这样做。"
                    "在 instructions 中说明要改什么。",
                },
                build_rewriting(),
                _may_rewrite,
            ),
            Agent(
                WORKFLOW,
                {
                    "en": "plans and writes the whole story; a second time only where most of it "
                    "is wrong.",
                    "zh": "拟定情节并写出整个故事；只有大部分内容都有问题时才重写一次。",
                },
                build(),
                _may_write,
            ),
        ),
        signals=_list_signals,
    )
)
