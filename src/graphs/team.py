"""The workflow `team`: the home of every task that no other workflow is made for."""

from typing import Any, cast

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send
from pydantic import BaseModel, ConfigDict

from ..agents.team import ensemble as ensemble
from ..agents.team.assembly import assemble_team
from ..agents.team.checks import DECISIVE, check_text
from ..agents.team.contracts import (
    WORKFLOW,
    Assignment,
    Contribution,
    TeamInput,
    TeamPlan,
    TeamState,
)
from ..agents.team.request import Asked, read_request
from ..agents.team.roles import ROLES, name_roles
from ..agents.turns import Stopwatch, count_turns, format_problem, report_progress
from ..context import RunContext
from ..language.messages import Language, say
from ..language.reading import repair_text
from ..state import Check, Output, TaskState, Usage, WorkflowOutput, output_of
from ..tools.fence import fence
from .conclusion import build_output, record_output
from .registry import Agent, LocalizedText, Workflow, register

MAX_TURNS = 2
"""How often the team may play; the second time only for what failed a check."""
MAX_MATERIAL_CHARS = 4000
CHECKS: dict[str, LocalizedText] = {
    "language": {"en": "it is in the language asked for", "zh": "语言符合要求"},
    "form": {"en": "it has the form asked for", "zh": "形式符合要求"},
    "length": {"en": "it has the length asked for", "zh": "长度符合要求"},
    "kept": {"en": "names and numbers that were given are kept", "zh": "保留了给出的名称和数字"},
    "complete": {"en": "nothing is cut off", "zh": "没有中断"},
    "runs": {"en": "the code runs", "zh": "代码可以运行"},
    "tests": {"en": "the code passes its tests", "zh": "代码通过测试"},
}


class TeamInputs(BaseModel):
    """What may be given besides the question."""

    model_config = ConfigDict(extra="forbid")


async def assemble(state: TeamInput) -> Command[Any]:
    """Choose the team, and send its first assignments."""
    language = state["language"]
    plan = assemble_team(_read_asked(state), language)
    report_progress(WORKFLOW, _describe_plan(plan, language))
    return Command(update={"plan": plan}, goto=_send_roles(plan, state))


def _describe_plan(plan: TeamPlan, language: Language) -> str:
    topology = say(f"team.topology.{plan.topology}", language)
    roles = name_roles(plan.roles, language)
    return say("team.plan", language, topology=topology, roles=roles, why=plan.reasoning)


def _send_roles(plan: TeamPlan, state: TeamInput) -> list[Send]:
    """Return the first assignments: the whole task, to each role."""
    tasks = [build_assignment(role, n, state) for n, role in enumerate(plan.roles, 1)]
    return [Send("play_role", task) for task in tasks]


def build_assignment(role: str, number: int, state: TeamInput) -> Assignment:
    """Return the whole task as one role's assignment."""
    return Assignment(
        role=role,
        number=number,
        task=format_problem(state),
        instructions="",
        material=_collect_material(state),
        findings=_list_findings(state),
        language=state["language"],
        aloud=True,
        seed=count_turns(state, WORKFLOW),
    )


def _collect_material(state: TeamInput) -> str:
    """Return what other workflows made for this task, fenced as data."""
    made = [o for name, o in state.get("outputs", {}).items() if name != WORKFLOW]
    texts = [fence(o.text[:MAX_MATERIAL_CHARS], o.workflow) for o in made if o.text]
    return "\n\n".join(texts)


def _list_findings(state: TeamInput) -> str:
    """Return what was wrong with the version before, with that version; empty at first."""
    before = output_of(state, WORKFLOW)
    if before is None:
        return ""
    failed = [f"- {_name(c, state['language'])}: {c.detail}" for c in before.checks if not c.passed]
    shown = fence(before.text[:MAX_MATERIAL_CHARS], WORKFLOW)
    return say("team.findings", state["language"], version=shown, failed="\n".join(failed))


def _name(check: Check, language: Language) -> str:
    return CHECKS[check.name][language] if check.name in CHECKS else check.name


async def play_role(state: Assignment, runtime: Runtime[RunContext]) -> TeamState:
    """Have one role do its assignment."""
    play = ROLES[state["role"]].play
    assert play is not None  # noqa: S101  (only roles that play are sent anything)
    return {"contributions": [await play(state, runtime)]}


async def settle(state: TeamState) -> WorkflowOutput:
    """Check what was made, and conclude the turn with the better of this version and the one
    before."""
    watch = Stopwatch()
    contribution = state["contributions"][-1]
    output = await check_contribution(contribution, state)
    before = output_of(state, WORKFLOW)
    if before is not None and count_failed(before) < count_failed(output):
        output = before
    return _record(state, output, watch.seconds)


async def check_contribution(contribution: Contribution, state: TeamState) -> Output:
    """Return a role's text as the workflow's output: proofread, and checked as far as a machine
    can."""
    language = state["language"]
    asked = _read_asked(state)
    code = asked.kind == "code"
    text = contribution.text
    if not code:
        text = repair_text(text, asked.language or language, cut_off=contribution.cut_off)
    if not text:
        return Output(workflow=WORKFLOW, status="no_answer", text=say("team.nothing", language))
    checks = await check_text(text, asked, language)
    if contribution.cut_off:
        checks.append(Check(name="complete", passed=False, detail=say("team.cut_off", language)))
    output = build_output(
        WORKFLOW,
        text,
        checks,
        data=_describe_team(state),
        language=asked.language or "en",
        known=format_problem(state),
    )
    return grade(output)


def grade(output: Output) -> Output:
    """Return the output as verified only if a check showed it to be right, not merely in order."""
    shown = any(check.passed and check.name in DECISIVE for check in output.checks)
    if output.status == "verified" and not shown:
        return output.model_copy(update={"status": "unverified"})
    return output


def count_failed(output: Output) -> int:
    """Return how many checks an output failed; more than any for none at all."""
    if output.status == "no_answer":
        return len(CHECKS) + 1
    return sum(not check.passed for check in output.checks)


def _describe_team(state: TeamState) -> dict[str, Any]:
    """Return the plan and each role's part as plain data."""
    parts = [
        each.model_dump(include={"role", "number", "instructions", "checks", "error", "seconds"})
        for each in state["contributions"]
    ]
    return {"plan": state["plan"].model_dump(), "parts": parts}


def _record(state: TeamState, output: Output, seconds: float) -> WorkflowOutput:
    parts = state["contributions"]
    failed = [f"{c.name}: {c.detail[:60]}" for c in output.checks if not c.passed]
    who = name_roles(state["plan"].roles, state["language"])
    summary = "; ".join([f"{who}: {output.text[:120]}", *failed])
    return cast(
        "WorkflowOutput",
        record_output(
            WORKFLOW,
            output,
            summary=" ".join(summary.split()),
            inputs=format_problem(state),
            usage=sum((part.usage for part in parts), Usage()),
            seconds=seconds + max(part.seconds for part in parts),
        ),
    )


def _read_asked(state: TeamInput) -> Asked:
    return read_request(format_problem(state), state["language"])


def build() -> CompiledStateGraph[TeamState, RunContext, TeamInput, WorkflowOutput]:
    """Compile the subgraph; it shares the outer checkpointer."""
    builder = StateGraph(
        TeamState, context_schema=RunContext, input_schema=TeamInput, output_schema=WorkflowOutput
    )
    builder.add_node("assemble", assemble, destinations=("play_role",))
    builder.add_node("play_role", play_role)
    builder.add_node("settle", settle)
    builder.add_edge(START, "assemble")
    builder.add_edge("play_role", "settle")
    builder.add_edge("settle", END)
    return builder.compile()


def _may_play(state: TaskState) -> bool:
    """Return whether the team may play: at first, and once more where a check failed."""
    output = output_of(state, WORKFLOW)
    if output is None:
        return True
    return count_failed(output) > 0 and count_turns(cast("Any", state), WORKFLOW) < MAX_TURNS


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
        weights={"tests": 3, "runs": 2},
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
        complete=_may_complete,
        takes_the_rest=True,
    )
)
