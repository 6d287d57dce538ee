"""The outer graph: the Coordinator in the middle, every agent returning to it."""

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from ..agents.coordinator import Options, decide, enter
from ..agents.turns import fingerprint
from ..context import RunContext
from ..errors import InvalidTask
from ..language import detect_language
from ..messages import Language, say
from ..settings import get_settings
from ..state import TaskInput, TaskState, Turn
from . import solve_math as solve_math
from .registry import WORKFLOWS, Workflow
from .rules import (
    COMPLETE,
    NEED_INPUT,
    candidates,
    find_action,
    legal_actions,
    owner_of,
    total_iterations,
    turns,
)

Graph = CompiledStateGraph[TaskState, RunContext, TaskInput, TaskState]

REPORT = "report"


def check_input(task: TaskInput) -> None:
    """Refuse what cannot be worked on.

    Raises:
        InvalidTask: the question is empty, not text or too long, the workflow is unknown, or its
            inputs are not of its model.
    """
    question, limit = task.get("question"), get_settings().max_question_chars
    if not isinstance(question, str) or not question.strip():
        raise InvalidTask(say("invalid.empty"))
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise InvalidTask(say("invalid.encoding")) from error
    if len(question) > limit:
        raise InvalidTask(say("invalid.too_long", length=len(question), limit=limit))
    if workflow := check_workflow(task.get("workflow")):
        try:
            WORKFLOWS[workflow].inputs.model_validate(task.get("inputs") or {})
        except ValueError as error:
            raise InvalidTask(say("invalid.inputs", workflow=workflow, error=error)) from error


def check_workflow(name: str | None) -> str | None:
    """The name, where it is None or that of a registered workflow.

    Raises:
        InvalidTask: it is not.
    """
    if name is not None and name not in WORKFLOWS:
        known = ", ".join(sorted(WORKFLOWS))
        raise InvalidTask(say("invalid.workflow", workflow=name, known=known))
    return name


async def receive(state: TaskInput) -> TaskState:
    """Check the task, and fill in what the caller left out."""
    check_input(state)
    return {
        "question": state["question"].strip(),
        "inputs": state.get("inputs") or {},
        "language": detect_language(state["question"]),
        "workflow": state.get("workflow"),
        "max_iterations": state.get("max_iterations") or get_settings().max_iterations,
        "status": "running",
    }


async def coordinator(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Enter what was played into the history, and decide who plays next."""
    turn = state.get("turn")
    entered = [enter(turn, state)] if turn else []
    seen: TaskState = {**state, "history": [*state.get("history", []), *entered]}
    update = await decide(seen, _options(seen), runtime)
    return {**update, "history": [*entered, *update["history"]], "turn": None}


async def need_input(state: TaskState) -> TaskState:
    """Ask the person and wait, over a restart if need be. Nothing else happens here: the node
    runs again from its top when the answer comes."""
    decision = state["decision"]
    assert decision is not None  # noqa: S101  (only a decision leads here)
    answer: str = interrupt({"question": decision.instructions}, response_schema=str)
    return {
        "clarifications": [answer],
        "turn": Turn(actor=NEED_INPUT, summary=answer[:300], fingerprint=fingerprint(answer)),
    }


async def report(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Let the workflow that played last conclude the task."""
    update: TaskState = await _concluding(state).report(state, runtime)
    return update


def route(state: TaskState) -> str:
    """Where the decision leads."""
    decision = state["decision"]
    assert decision is not None  # noqa: S101  (the Coordinator has just made it)
    return REPORT if decision.next_action == COMPLETE else decision.next_action


def build_graph(checkpointer: BaseCheckpointSaver[str] | None = None) -> Graph:
    """Compile the graph with every registered workflow's actions around the Coordinator."""
    builder = StateGraph(TaskState, context_schema=RunContext, input_schema=TaskInput)
    builder.add_node("receive", receive)
    builder.add_node("coordinator", coordinator)
    builder.add_node(NEED_INPUT, need_input)
    builder.add_node(REPORT, report)
    builder.add_edge(START, "receive")
    builder.add_edge("receive", "coordinator")
    actions = [action for flow in WORKFLOWS.values() for action in flow.actions]
    for action in actions:
        builder.add_node(action.name, action.node)
    players = [*(action.name for action in actions), NEED_INPUT]
    builder.add_conditional_edges("coordinator", route, [*players, REPORT])
    for player in players:
        builder.add_edge(player, "coordinator")
    builder.add_edge(REPORT, END)
    return builder.compile(checkpointer=checkpointer, name="concertino")


def _options(state: TaskState) -> Options:
    legal, language = legal_actions(state), state["language"]
    return Options(
        legal=legal,
        descriptions={name: _description(name, language) for name in legal},
        signals=[line for flow in candidates(state) for line in flow.signals(state)],
        rounds_left=state["max_iterations"] - total_iterations(state),
    )


def _description(name: str, language: Language) -> str:
    if name in (COMPLETE, NEED_INPUT):
        return say(f"action.{name}", language)
    return find_action(name).description[language]


def _concluding(state: TaskState) -> Workflow:
    owners = [owner for turn in reversed(turns(state)) if (owner := owner_of(turn.actor))]
    return owners[0] if owners else candidates(state)[0]


graph = build_graph()
"""For LangGraph's server and Studio, which bring their own checkpointer."""
