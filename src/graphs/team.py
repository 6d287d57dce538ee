"""The workflow `team`: the home of every task that no other workflow is made for."""

from typing import Any, cast

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send

from ..agents.team.alone import settle_alone
from ..agents.team.assembly import assemble_team
from ..agents.team.assigning import Draft, assign_all, read_asked
from ..agents.team.blind import settle_blind, start_blind
from ..agents.team.checks import DECISIVE, check_part
from ..agents.team.contracts import (
    WORKFLOW,
    Assignment,
    Contribution,
    TeamInput,
    TeamPlan,
    TeamState,
)
from ..agents.team.inputs import TeamInputs
from ..agents.team.managed import settle_managed, start_managed
from ..agents.team.roles import ROLES, name_roles
from ..agents.turns import Stopwatch, count_turns, format_problem, parse_inputs, report_progress
from ..context import RunContext
from ..errors import ConcertinoError, ModelError, StructuredOutputError
from ..language.messages import Language, say
from ..language.reading import repair_text
from ..state import Check, Output, TaskState, Usage, WorkflowOutput, output_of
from .conclusion import build_output, format_note, record_output
from .registry import Agent, LocalizedText, Workflow, register

MAX_TURNS = 2
"""How often the team may play; the second time only for what failed a check."""
CHECKS: dict[str, LocalizedText] = {
    "language": {"en": "it is in the language asked for", "zh": "语言符合要求"},
    "form": {"en": "it has the form asked for", "zh": "形式符合要求"},
    "length": {"en": "it has the length asked for", "zh": "长度符合要求"},
    "kept": {"en": "names and numbers that were given are kept", "zh": "保留了给出的名称和数字"},
    "complete": {"en": "nothing is cut off", "zh": "没有中断"},
    "citations": {
        "en": "each sentence stands on the passage it cites",
        "zh": "每句话都有所引段落的支持",
    },
    "parts": {"en": "every part holds", "zh": "各部分都成立"},
    "agreement": {"en": "two methods agree", "zh": "两种方法结果一致"},
    "runs": {"en": "the code runs", "zh": "代码可以运行"},
    "tests": {"en": "the code passes its tests", "zh": "代码通过测试"},
}


async def assemble(state: TeamInput) -> Command[Any]:
    """Choose the team, and send its first assignments."""
    language = state["language"]
    given = parse_inputs(state, TeamInputs)
    plan = assemble_team(read_asked(state), given, output_of(state, WORKFLOW), language)
    report_progress(WORKFLOW, _describe_plan(plan, language))
    planned = cast("TeamState", {**state, "plan": plan})
    return Command(update={"plan": plan}, goto=_send(_start(planned)) or "settle")


def _describe_plan(plan: TeamPlan, language: Language) -> str:
    topology = say(f"team.topology.{plan.topology}", language)
    roles = name_roles(plan.roles, language)
    return say("team.plan", language, topology=topology, roles=roles, why=plan.reasoning)


def _start(state: TeamState) -> list[Assignment]:
    match state["plan"].topology:
        case "single":
            return [assign_all(state["plan"].roles[0], 1, state)]
        case "decentralized":
            return start_blind(state)
    return start_managed(state)


def _send(assignments: list[Assignment]) -> list[Send]:
    return [Send("play_role", assignment) for assignment in assignments]


async def play_role(state: Assignment, runtime: Runtime[RunContext]) -> TeamState:
    """Have one role do its assignment, and check its part. A role that cannot do it, unlike a model
    that is not there, is no reason to lose what the others make."""
    role = ROLES[state["role"]]
    assert role.play is not None  # noqa: S101  (only roles that play are sent anything)
    try:
        part = await role.play(state, runtime)
    except StructuredOutputError as error:
        part = _build_failure(state, error).model_copy(update={"usage": error.usage})
    except ModelError:
        raise
    except ConcertinoError as error:
        part = _build_failure(state, error)
    if state["alone"]:
        return {"contributions": [part]}
    checked = await check_part(part, state)
    report_progress(WORKFLOW, _describe_part(checked, state["language"]))
    return {"contributions": [checked]}


def _build_failure(state: Assignment, error: ConcertinoError) -> Contribution:
    return Contribution(
        role=state["role"],
        number=state["number"],
        round=state["round"],
        instructions=state["instructions"],
        text="",
        error=str(error)[:300],
    )


def _describe_part(part: Contribution, language: Language) -> str:
    """Describe a part in one line: who speaks, what of, and what did not hold."""
    who = ROLES[part.role].title[language]
    begins = " ".join((part.text or part.error).split())[:100]
    failed = [f"{_name(c, language)} ({c.detail[:60]})" for c in part.checks if not c.passed]
    return "; ".join([f"{who}: {begins}", *failed])


def _name(check: Check, language: Language) -> str:
    return CHECKS[check.name][language] if check.name in CHECKS else check.name


async def settle(state: TeamState, runtime: Runtime[RunContext]) -> Command[Any]:
    """Send further assignments, or conclude the turn with the better of this version and the one
    before."""
    watch = Stopwatch()
    spent = Usage()
    found: list[Assignment] | Draft
    match state["plan"].topology:
        case "single":
            found = await settle_alone(state)
        case "decentralized":
            found = await settle_blind(state)
        case _:
            found, spent = await settle_managed(state, runtime)
    if not isinstance(found, Draft):
        return Command(update={"spent": spent}, goto=_send(found))
    output = build_team_output(found, state)
    before = output_of(state, WORKFLOW)
    if before is not None and count_failed(before) < count_failed(output):
        output = before
    return Command(update=_record(state, output, spent, watch.seconds), goto=END)


def build_team_output(draft: Draft, state: TeamState) -> Output:
    """Return a draft as the workflow's output: proofread, and verified only if a check showed it to
    be right, not merely in order."""
    language = state["language"]
    asked = read_asked(state)
    text = draft.text
    if text and asked.kind != "code":
        text = repair_text(text, asked.language or language, cut_off=draft.cut_off)
    if not text:
        why = _explain_nothing(state)
        data = _describe_team(state)
        return Output(workflow=WORKFLOW, status="no_answer", text=why, data=data)
    checks = draft.checks
    if draft.cut_off:
        told = say("team.cut_off", language)
        checks = [*checks, Check(name="complete", passed=False, detail=told)]
    output = build_output(
        WORKFLOW,
        text,
        checks,
        sources=draft.sources,
        data=_describe_team(state),
        language=asked.language or "en",
        known=format_problem(state),
        mixed=draft.mixed or asked.language is None,
    )
    shown = any(check.passed and check.name in DECISIVE for check in checks)
    if output.status == "verified" and not shown:
        return output.model_copy(update={"status": "unverified"})
    return output


def _explain_nothing(state: TeamState) -> str:
    errors = [part.error for part in state.get("contributions", []) if part.error]
    return "\n\n".join([say("team.nothing", state["language"]), *dict.fromkeys(errors)])


def count_failed(output: Output) -> int:
    """Return how many checks an output failed; more than any for none at all."""
    if output.status == "no_answer":
        return len(CHECKS) + 1
    return sum(not check.passed for check in output.checks)


def _describe_team(state: TeamState) -> dict[str, Any]:
    """Return the plan and each role's part as plain data, without the texts."""
    shown = {"role", "number", "round", "instructions", "value", "checks", "error", "seconds"}
    parts = [part.model_dump(include=shown) for part in state.get("contributions", [])]
    return {"plan": state["plan"].model_dump(), "parts": parts}


def _record(state: TeamState, output: Output, spent: Usage, seconds: float) -> WorkflowOutput:
    parts = state.get("contributions", [])
    failed = [f"{c.name}: {c.detail[:60]}" for c in output.checks if not c.passed]
    who = name_roles(state["plan"].roles, state["language"])
    summary = "; ".join([f"{who}: {output.text[:120]}", *failed])
    longest: dict[int, float] = {}
    for part in parts:
        longest[part.round] = max(part.seconds, longest.get(part.round, 0.0))
    return cast(
        "WorkflowOutput",
        record_output(
            WORKFLOW,
            output,
            summary=" ".join(summary.split()),
            note=format_note(who, output, CHECKS, state["language"]),
            inputs=format_problem(state),
            usage=sum((part.usage for part in parts), state.get("spent", Usage()) + spent),
            seconds=seconds + sum(longest.values()),
        ),
    )


def build() -> CompiledStateGraph[TeamState, RunContext, TeamInput, WorkflowOutput]:
    """Compile the subgraph; it shares the outer checkpointer."""
    builder = StateGraph(
        TeamState, context_schema=RunContext, input_schema=TeamInput, output_schema=WorkflowOutput
    )
    builder.add_node("assemble", assemble, destinations=("play_role", "settle"))
    builder.add_node("play_role", play_role)
    builder.add_node("settle", settle, destinations=("play_role", END))
    builder.add_edge(START, "assemble")
    builder.add_edge("play_role", "settle")
    return builder.compile()


def _may_play(state: TaskState) -> bool:
    """Return whether the team may play: at first, and once more where one role alone failed a
    check; larger teams have had their exchange."""
    output = output_of(state, WORKFLOW)
    if output is None:
        return True
    if output.data["plan"]["topology"] != "single":
        return False
    return count_failed(output) > 0 and count_turns(cast("Any", state), WORKFLOW) < MAX_TURNS


def _is_asked_for(state: TaskState) -> bool:
    """Return whether the person says something about the team."""
    given = parse_inputs(cast("Any", state), TeamInputs)
    return bool(given.topology or given.roles)


def _may_complete(state: TaskState) -> bool:
    """Return whether the text is as good as it gets."""
    return output_of(state, WORKFLOW) is not None and not _may_play(state)


TEAM = register(
    Workflow(
        name=WORKFLOW,
        description={
            "en": "everything else: code, a translation, a letter, a comparison, a plan, advice, "
            "general knowledge, talk.",
            "zh": "其他一切：代码、翻译、书信、对比、计划、建议、常识问答、闲聊。",
        },
        inputs=TeamInputs,
        checks=CHECKS,
        weights={"tests": 3, "agreement": 3, "runs": 2, "citations": 2},
        agents=(
            Agent(
                WORKFLOW,
                {
                    "en": "does the task again, minding the checks that failed.",
                    "zh": "针对没有通过的检查再做一次。",
                },
                build(),
                _may_play,
            ),
        ),
        called_for=_is_asked_for,
        complete=_may_complete,
        takes_the_rest=True,
    )
)
