"""The workflow `teach_explain`: a lesson in five parts, with exercises and their answers."""

from typing import cast

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from ..agents.lesson.checks import check_lesson
from ..agents.lesson.contracts import (
    WORKFLOW,
    LessonInput,
    LessonState,
    collect_sources,
    format_lesson,
)
from ..agents.lesson.exercises import exercise_generate
from ..agents.lesson.plan import TeachExplainInputs, teaching_plan
from ..agents.lesson.repair import reopen
from ..agents.lesson.text import parts_to_write, teaching_explain
from ..agents.turns import count_turns, format_problem
from ..context import RunContext, get_sandbox
from ..state import TaskState, Usage, WorkflowOutput
from .conclusion import (
    build_output,
    format_note,
    has_output,
    has_verified_output,
    record_output,
)
from .registry import Agent, LocalizedText, Workflow, register

REPAIR = "repair_lesson"
MAX_REPAIRS = 2
"""Maximum number of repairs in a task; then the lesson is accepted as it is."""
CHECKS: dict[str, LocalizedText] = {
    "parts": {"en": "all five parts are there", "zh": "五个部分齐全"},
    "exercises": {"en": "number of exercises", "zh": "练习的数量"},
    "answers": {"en": "answers recomputed", "zh": "答案经过复算"},
    "equations": {"en": "calculations in the text hold", "zh": "文中的算式成立"},
    "language": {"en": "the language asked for", "zh": "语言符合要求"},
    "readability": {"en": "length and sentences fit the grade", "zh": "篇幅和句长适合年级"},
}

LessonGraph = CompiledStateGraph[LessonState, RunContext, LessonInput, WorkflowOutput]


def build() -> LessonGraph:
    """Compile the subgraph that makes a lesson."""
    builder = _create_builder()
    builder.add_node("teaching_plan", teaching_plan)
    builder.add_edge(START, "teaching_plan")
    builder.add_conditional_edges("teaching_plan", parts_to_write, ["teaching_explain"])
    return builder.compile()


def build_repair() -> LessonGraph:
    """Compile the subgraph that rewrites what failed its checks."""
    builder = _create_builder()
    builder.add_node("reopen", reopen)
    builder.add_edge(START, "reopen")
    builder.add_conditional_edges(
        "reopen", parts_to_write, ["teaching_explain", "exercise_generate"]
    )
    return builder.compile()


def _create_builder() -> StateGraph[LessonState, RunContext, LessonInput, WorkflowOutput]:
    builder = StateGraph(
        LessonState,
        context_schema=RunContext,
        input_schema=LessonInput,
        output_schema=WorkflowOutput,
    )
    builder.add_node("teaching_explain", teaching_explain)
    builder.add_node("exercise_generate", exercise_generate)
    builder.add_node("conclude", assemble_lesson)
    builder.add_edge("teaching_explain", "exercise_generate")
    builder.add_edge("exercise_generate", "conclude")
    builder.add_edge("conclude", END)
    return builder


async def assemble_lesson(state: LessonState, runtime: Runtime[RunContext]) -> WorkflowOutput:
    """Assemble the lesson and check it."""
    before = state["lesson"]
    problems = state.get("problems", [])
    lesson = before.model_copy(
        update={
            "parts": {**before.parts, **state.get("written", {})},
            "example": problems[-1] if problems else before.example,
            "exercises": state["exercises"],
            "tally": sum(state.get("tallies", []), before.tally),
        }
    )
    checks = (await check_lesson(get_sandbox(), lesson)).checks
    failed = [check.name for check in checks if not check.passed]
    lesson = lesson.model_copy(update={"tries": [*before.tries, failed]})
    costs = state["costs"]
    output = build_output(
        WORKFLOW,
        format_lesson(lesson),
        checks,
        data=lesson.model_dump(mode="json"),
        sources=collect_sources(state),
        language=lesson.language,
        known=format_problem(state),
    )
    update = record_output(
        REPAIR if before.tries else WORKFLOW,
        output,
        summary=f"{lesson.title}; {', '.join(failed) or 'ok'}",
        note=format_note(lesson.title, output, CHECKS, lesson.language),
        inputs=format_problem(state),
        usage=sum((usage for _, usage, _ in costs), Usage()),
        seconds=_compute_elapsed(costs),
    )
    return cast("WorkflowOutput", update)


def _compute_elapsed(costs: list[tuple[str, Usage, float]]) -> float:
    """Return the elapsed seconds: parts of a stage run in parallel, stages one after another."""
    stages = {stage for stage, _, _ in costs}
    return sum(max(s for name, _, s in costs if name == stage) for stage in stages)


def _may_repair(state: TaskState) -> bool:
    if not has_output(state, WORKFLOW) or has_verified_output(state, WORKFLOW):
        return False
    return count_turns(state, REPAIR) < MAX_REPAIRS


TEACH_EXPLAIN = register(
    Workflow(
        name=WORKFLOW,
        description={
            "en": "a lesson: something explained to learners, with exercises and their answers.",
            "zh": "一节课：给学习者的讲解，附练习和答案。",
        },
        inputs=TeachExplainInputs,
        checks=CHECKS,
        weights={"answers": 4, "parts": 2, "exercises": 2},
        agents=(
            Agent(
                WORKFLOW,
                {
                    "en": "plans and writes the whole lesson with its exercises.",
                    "zh": "规划并写出整节课和练习。",
                },
                build(),
                lambda state: not has_output(state, WORKFLOW),
            ),
            Agent(
                REPAIR,
                {
                    "en": "writes again the parts and exercises whose checks failed; the usual "
                    "move after a failed check.",
                    "zh": "重写没有通过检查的部分和练习；检查没通过时通常选它。",
                },
                build_repair(),
                _may_repair,
            ),
        ),
    )
)
