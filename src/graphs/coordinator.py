"""The outer graph: the Coordinator in the middle; every agent returns to it."""

from functools import cache
from typing import Any, cast

from langchain_core.messages import AIMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Overwrite, interrupt
from pydantic import ValidationError

from ..agents.coordinator import Options, build_turn_record, decide, format_routing
from ..agents.restate import has_wishes, restate
from ..agents.turns import fingerprint, format_problem, parse_inputs
from ..context import RunContext
from ..errors import InvalidTask
from ..language.detect import detect_language
from ..language.messages import say
from ..learning.features import find_named_sources
from ..learning.routing import route_task
from ..models.structured import format_validation_error
from ..settings import get_settings
from ..state import TaskInput, TaskState, Turn, Usage
from .intake import PersonsAnswer, check_length, check_types, clean_values, read_messages
from .registry import WORKFLOWS, Workflow, find_home, list_sources
from .rules import (
    COMPLETE,
    NEED_INPUT,
    active_workflow,
    find_agent,
    legal_actions,
    list_available_workflows,
    total_iterations,
)

Graph = CompiledStateGraph[TaskState, RunContext, TaskInput, TaskState]

REPORT = "report"


def check_input(task: TaskInput) -> None:
    """Check that a task can be worked on.

    Raises:
        InvalidTask: a value has the wrong type, the question is empty or too long, the workflow is
            unknown, or the inputs do not match its model.
    """
    check_types(task)
    question = task.get("question") or ""
    if not question.strip():
        raise InvalidTask(say("invalid.empty"))
    check_length(question)
    check_length(task.get("instructions") or "")
    check_inputs(check_workflow(task.get("workflow")), task.get("inputs") or {})


def check_inputs(workflow: str | None, inputs: dict[str, Any]) -> None:
    """Check that inputs fit the workflow or, if none is named, any workflow that has such inputs.

    Raises:
        InvalidTask: an input is unknown or malformed.
    """
    flows = [WORKFLOWS[workflow]] if workflow else list(WORKFLOWS.values())
    known = {name for flow in flows for name in flow.inputs.model_fields}
    if unknown := set(inputs) - known:
        raise InvalidTask(
            say(
                "invalid.unknown_inputs",
                names=", ".join(sorted(unknown)),
                known=", ".join(sorted(known)) or "-",
            )
        )
    errors: list[str] = []
    for flow in flows:
        try:
            parse_inputs({"inputs": inputs}, flow.inputs)
        except ValidationError as error:
            errors.append(
                say("invalid.inputs", workflow=flow.name, error=format_validation_error(error))
            )
    concerned = [flow for flow in flows if set(inputs) & set(flow.inputs.model_fields)]
    if errors and len(errors) == len(concerned):
        raise InvalidTask(" ".join(errors))


def check_workflow(name: str | None) -> str | None:
    """Return `name` if it is None or the name of a registered workflow.

    Raises:
        InvalidTask: there is no such workflow.
    """
    if name is not None and name not in WORKFLOWS:
        known = ", ".join(sorted(WORKFLOWS))
        raise InvalidTask(say("invalid.workflow", workflow=name, known=known))
    return name


async def receive(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Clean and check the task and fill in what the caller omitted; a follow-up inherits the inputs
    of the previous task. A conversation whose last message is the user's stands for a question. A
    workspace counts only where effects are recorded: a client of LangGraph's own server could name
    any folder of that machine."""
    again = _forget_earlier_run() if state.get("history") else TaskState()
    said = state.get("messages", [])
    state = clean_values({**state, **read_messages(said)})
    if said and not state.get("question"):
        raise InvalidTask(say("invalid.last_message"))
    check_input(cast("TaskInput", state))
    recorded = runtime.context is not None and runtime.context.effects is not None
    earlier = state.get("earlier") or []
    inherited = earlier[-1]["inputs"] if earlier else {}
    return {
        **again,
        "question": state["question"].strip(),
        "inputs": {**inherited, **(state.get("inputs") or {})},
        "language": detect_language(state["question"]),
        "workflow": state.get("workflow"),
        "active": state.get("workflow"),
        "earlier": earlier,
        "workspace": state.get("workspace") if recorded else None,
        "instructions": state.get("instructions") or "",
        "max_iterations": state.get("max_iterations") or get_settings().max_iterations,
        "status": "running",
    }


def _forget_earlier_run() -> TaskState:
    """Empty what a run on the same LangGraph thread has left; our own tasks have a thread each."""
    added = ("history", "attempts", "clarifications", "call_results", "verdicts")
    lists = dict.fromkeys(added, Overwrite([]))
    single = ("restated", "turn", "decision", "answer", "final_answer", "report", "routing")
    outputs = [name for name in TaskState.__annotations__ if name.endswith("_output")]
    return cast(
        "TaskState",
        {
            **lists,
            "outputs": Overwrite({}),
            "approvals": [],
            "usage": Overwrite(Usage()),
            **dict.fromkeys((*single, *outputs, "reward")),
        },
    )


async def router(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Ask the classifier and the bandit which workflow may fit the task. They only advise."""
    context = runtime.context or RunContext()
    question = format_problem(state)
    inputs = state["inputs"]
    return {
        "routing": await route_task(
            question,
            inputs,
            list_available_workflows(state),
            context.checkpointer,
            home=find_home(),
        )
    }


def choices_for(question: str, inputs: dict[str, Any] | None = None) -> list[str]:
    """Return the names of the registered workflows that accept this task."""
    return list_available_workflows({"question": question, "inputs": inputs or {}})


async def coordinator(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Record the last turn in the history, and decide which agent plays next."""
    turn = state.get("turn")
    entered = [build_turn_record(turn, state)] if turn else []
    seen: TaskState = {**state, "history": [*state.get("history", []), *entered]}
    update = await decide(seen, _build_options(seen), runtime)
    decision = update["decision"]
    if decision and decision.next_action in WORKFLOWS:
        update["active"] = decision.next_action
    return {**update, "history": [*entered, *update["history"]], "turn": None}


async def need_input(state: TaskState) -> TaskState:
    """Ask the user and wait for the answer, across restarts if necessary.

    Nothing else happens here, because the node runs again from its start when the answer arrives.
    """
    decision = state["decision"]
    assert decision is not None  # noqa: S101  (only a decision leads here)
    answer = interrupt({"question": decision.instructions}, response_schema=PersonsAnswer)
    return {
        "clarifications": [answer],
        "turn": Turn(actor=NEED_INPUT, summary=answer[:300], fingerprint=fingerprint(answer)),
    }


async def report(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Conclude the task with the workflow that was played last; a conversation gets its reply."""
    flow = active_workflow(state)
    assert flow is not None  # noqa: S101  (`complete` is legal only once a workflow has played)
    concluded = await flow.conclude(state, runtime)
    if state.get("messages"):
        concluded["messages"] = [AIMessage(concluded.get("report") or "")]
    return concluded


def route_decision(state: TaskState) -> str:
    """Return the node that a decision leads to.

    A workflow of several agents leads back to the Coordinator, which then chooses the first agent.
    """
    decision = state["decision"]
    assert decision is not None  # noqa: S101  (the Coordinator has just made it)
    chosen = decision.next_action
    if chosen == COMPLETE:
        return REPORT
    return chosen if chosen == NEED_INPUT or find_agent(chosen) else "coordinator"


def build_graph(checkpointer: BaseCheckpointSaver[str] | None = None) -> Graph:
    """Return the graph of the Coordinator and the agents of all registered workflows.

    It is compiled only once, because compiling takes longer than a step of the graph.
    """
    return _compile_graph(tuple(WORKFLOWS.values())).copy({"checkpointer": checkpointer})


@cache
def _compile_graph(workflows: tuple[Workflow, ...]) -> Graph:
    builder = StateGraph(TaskState, context_schema=RunContext, input_schema=TaskInput)
    builder.add_node("receive", receive)
    builder.add_node("restate", restate)
    builder.add_node("router", router)
    builder.add_node("coordinator", coordinator)
    builder.add_node(NEED_INPUT, need_input)
    builder.add_node(REPORT, report)
    builder.add_edge(START, "receive")
    builder.add_conditional_edges("receive", _route_received, ["restate", "router", "coordinator"])
    builder.add_conditional_edges("restate", _route_choice, ["router", "coordinator"])
    builder.add_edge("router", "coordinator")
    agents = [agent for flow in workflows for agent in flow.agents]
    for agent in agents:
        builder.add_node(agent.name, agent.node)
    players = [*(agent.name for agent in agents), NEED_INPUT]
    builder.add_conditional_edges("coordinator", route_decision, ["coordinator", *players, REPORT])
    for player in players:
        builder.add_edge(player, "coordinator")
    builder.add_edge(REPORT, END)
    return builder.compile(name="concertino")


def _route_received(state: TaskState) -> str:
    return "restate" if state["earlier"] or has_wishes(state) else _route_choice(state)


def _route_choice(state: TaskState) -> str:
    """Skip the router if the workflow is already chosen."""
    return "coordinator" if state["workflow"] else "router"


def _build_options(state: TaskState) -> Options:
    legal = legal_actions(state)
    flow = active_workflow(state)
    own = {agent.name for agent in flow.agents} if flow else set()
    choosing = all(name in WORKFLOWS and name not in own for name in legal if name != COMPLETE)
    return Options(
        legal=legal,
        descriptions={name: _describe_choice(name, own, state) for name in legal},
        signals=flow.signals_of(state) if flow else [],
        rounds_left=state["max_iterations"] - total_iterations(state),
        choosing=choosing,
        router=_format_advice(state, legal) if choosing else "-",
        question=flow.question(state) if flow and flow.question else "",
    )


def _format_advice(state: TaskState, legal: list[str]) -> str:
    named = find_named_sources(format_problem(state), list_sources())
    given = [name for name, flow in WORKFLOWS.items() if flow.called_for(state)]
    return format_routing(
        state.get("routing"), legal, [*given, *named], state["language"], find_home()
    )


def _describe_choice(name: str, own: set[str], state: TaskState) -> str:
    """Describe a choice: an agent of the active workflow, or another workflow."""
    agent = find_agent(name)
    language = state["language"]
    if agent and (name in own or name not in WORKFLOWS):
        return agent.description[language]
    if name in WORKFLOWS:
        return WORKFLOWS[name].description[language]
    return say(f"action.{name}", language)


graph = build_graph()
"""Graph for LangGraph's server and Studio, which supply their own checkpointer."""
