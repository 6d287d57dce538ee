"""The planner: says which call comes next, or that there is nothing left to do.

It answers twice, each time within a small grammar: first which of a few actions comes next, then
the parameters of this one. Ids and dependencies are the program's.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime

from ...actions.catalogue import ACTIONS
from ...actions.errors import InvalidCall
from ...actions.placeholders import check_references, find_references
from ...actions.spec import Action, Params
from ...actions.workspace import Workspace
from ...context import RunContext, resolve_model
from ...errors import StructuredOutputError
from ...language.detect import is_foreign
from ...language.messages import Language, say
from ...models.client import LanguageModel
from ...prompts import load_prompt
from ...state import (
    Call,
    CallResult,
    Done,
    Ending,
    MiniPlan,
    NeedInput,
    Planned,
    SingleAction,
    TaskState,
)
from ..turns import Stopwatch, format_problem, record_turn
from .claims import ForeignMessage, UnfoundedClaim, find_unfounded_claim
from .desk import Desk
from .forms import (
    NextForm,
    QuestionForm,
    build_done_schema,
    build_next_schema,
    build_plan_schema,
    describe_params,
)
from .observation import format_actions, format_files, format_results
from .shortlist import shortlist_actions

NEXT = load_prompt("act/next")
PARAMS = load_prompt("act/params")
DONE_PROMPT = load_prompt("act/done")
QUESTION = load_prompt("act/question")
AGAIN = load_prompt("act/again")
PLAN_PROMPT = load_prompt("act/plan")

DONE = "done"
PLAN = "plan"
NEED_INPUT = "need_input"
MAX_NEXT_TOKENS = 150
MAX_PARAMS_TOKENS = 1500
MAX_MESSAGE_TOKENS = 400
MAX_CHOICES = 2
"""Choices in one turn; after that the planner concludes with what is known."""


async def plan_next(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Say what comes next. Writes `planner_output`."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    language = state["language"]
    results = state.get("call_results", [])
    workspace = Workspace(Path(str(state["workspace"])))
    files = await asyncio.to_thread(format_files, workspace, format_problem(state), language)
    offered = await asyncio.to_thread(_shortlist, state, files, results)
    messages = NEXT[language].messages(
        task=format_problem(state),
        files=files,
        actions=format_actions(offered, language),
        results=format_results(results, language),
        notes=_format_notes(state),
    )
    desk = Desk(model, language, results, messages, format_problem(state), _may_plan(state, model))
    try:
        planned: Planned = await _plan(desk, offered)
        failure = None
    except (InvalidCall, StructuredOutputError) as error:
        failure = str(error)
        planned = _give_up(error, results, language)
    return record_turn(
        "planner",
        planned,
        summary=failure or _summarize(planned),
        inputs=format_results(results, language),
        usage=desk.usage,
        seconds=watch.seconds,
        failed=failure is not None,
    )


async def _plan(desk: Desk, offered: Sequence[Action[Any, Any]]) -> Planned:
    """Choose what comes next and fill in its form. A choice that leads nowhere gives way to another
    one; where that leads nowhere either, the planner concludes with what is known."""
    left = list(offered)
    problem = ""
    for _ in range(MAX_CHOICES):
        chosen = await _choose(desk, left)
        try:
            return await _fill_in(desk, left, chosen)
        except InvalidCall as error:
            if chosen.next == DONE:
                raise
            problem = str(error)
        left = [action for action in left if action.name != chosen.next] or left
        desk.messages += AGAIN[desk.language].messages(problem=problem)
    if not desk.results:
        raise InvalidCall(problem)
    return await _conclude(desk, problem[:240])


async def _choose(desk: Desk, offered: Sequence[Action[Any, Any]]) -> NextForm:
    names = [action.name for action in offered]
    plan = [PLAN] if desk.may_plan else []
    ends = [DONE, NEED_INPUT] if desk.results else []  # first it has to look
    legal = (*names, *plan, *ends)
    chosen = await desk.ask(desk.messages, build_next_schema(legal), MAX_NEXT_TOKENS)
    desk.messages.append(AIMessage(chosen.model_dump_json()))
    return chosen


async def _fill_in(desk: Desk, offered: Sequence[Action[Any, Any]], chosen: NextForm) -> Planned:
    if chosen.next == DONE:
        return await _conclude(desk, chosen.reasoning)
    if chosen.next == NEED_INPUT:
        asked = await desk.fill_form(
            QUESTION, QuestionForm, MAX_MESSAGE_TOKENS, desk.check_question
        )
        return NeedInput(reasoning=chosen.reasoning, question=asked.question, options=asked.options)
    if chosen.next == PLAN:
        return await _make_plan(desk, offered, chosen.reasoning)
    return await _call_action(desk, ACTIONS[chosen.next], chosen.reasoning)


async def _call_action(desk: Desk, action: Action[Any, Any], reasoning: str) -> SingleAction:
    known = desk.list_known()

    def check(params: Params) -> None:
        check_references(params.model_dump(), known, desk.language)
        refuse_repeated(action.name, params.model_dump(mode="json"), desk)

    params = await desk.fill_form(
        PARAMS,
        action.params,
        MAX_PARAMS_TOKENS,
        check,
        action=action.name,
        fields=describe_params(action.params),
    )
    filled = params.model_dump(mode="json")
    call = Call(
        id=f"r{len(desk.results) + 1}",
        action=action.name,
        params=filled,
        depends_on=sorted({reference.result for reference in find_references(filled)}),
    )
    return SingleAction(reasoning=reasoning, call=call)


async def _make_plan(desk: Desk, offered: Sequence[Action[Any, Any]], reasoning: str) -> MiniPlan:
    plans: list[MiniPlan] = []

    def check(form: Any) -> None:
        plans.append(build_plan(form, reasoning, desk))

    first = f"r{len(desk.results) + 1}"
    schema = build_plan_schema(tuple(action.name for action in offered))
    await desk.fill_form(PLAN_PROMPT, schema, MAX_PARAMS_TOKENS, check, first=first)
    return plans[-1]


def build_plan(form: Any, reasoning: str, desk: Desk) -> MiniPlan:
    """Return a filled-in plan with ids and dependencies; a step may use the steps before it.

    Raises:
        InvalidCall: a step refers to what does not exist, or repeats a call.
    """
    known = desk.list_known()
    calls: list[Call] = []
    for step in form.steps:
        params = step.model_dump(mode="json", exclude={"action", "on_failure"})
        check_references(params, known, desk.language)
        refuse_repeated(step.action, params, desk)
        mine = {call.id for call in calls}
        call = Call(
            id=f"r{len(desk.results) + len(calls) + 1}",
            action=step.action,
            params=params,
            depends_on=sorted({r.result for r in find_references(params)} & mine),
            on_failure=step.on_failure,
        )
        known[call.id] = ACTIONS[call.action].data
        calls.append(call)
    return MiniPlan(reasoning=reasoning, goal=form.goal, steps=calls)


async def _conclude(desk: Desk, reasoning: str) -> Done:
    ids = tuple(result.id for result in desk.results)

    def check(done: Any) -> None:
        claim = find_unfounded_claim(done.message, desk.results)
        if claim and done.outcome != "impossible":
            raise UnfoundedClaim(say("act.no_effect", desk.language, claim=claim))
        if is_foreign(done.message, desk.language):
            raise ForeignMessage(say("act.foreign", desk.language, message=done.message))

    form = build_done_schema(ids)
    filled: Any = await desk.fill_form(DONE_PROMPT, form, MAX_MESSAGE_TOKENS, check)
    return Done(
        reasoning=reasoning,
        outcome=filled.outcome,
        evidence=list(dict.fromkeys(filled.evidence)),
        message=filled.message,
    )


def refuse_repeated(action: str, params: dict[str, Any], desk: Desk) -> None:
    """Refuse a call that has been done before with nothing changed since, or that failed.

    Raises:
        InvalidCall: it would only give what is known.
    """
    changed = max((n for n, r in enumerate(desk.results) if r.effects), default=-1)
    same = [
        result
        for place, result in enumerate(desk.results)
        if result.action == action and result.params == params and place > changed
    ]
    if same:
        raise InvalidCall(say("act.repeated", desk.language, name=same[-1].id))


def _shortlist(
    state: TaskState, files: str, results: Sequence[CallResult]
) -> list[Action[Any, Any]]:
    question = format_problem(state)
    words = [line.split(" (")[0].split("（")[0] for line in files.splitlines()]
    paths = [word for word in words if "." in word]
    named = [path for path in paths if path.rpartition("/")[2] in question]
    allowed = ["read", "write", "delete", "execute", "network"]
    if state["inputs"].get("mode") == "read_only":
        allowed = ["read"]
    return shortlist_actions(question, named or paths, results, allowed, state["language"])


def _format_notes(state: TaskState) -> str:
    """Return what the planner must mind: the last failure, what the user denied."""
    failed = [r for r in state.get("call_results", [])[-2:] if r.status != "done"]
    return "\n".join(f"! {result.id}: {result.preview}" for result in failed)


def _may_plan(state: TaskState, model: LanguageModel) -> bool:
    """Return whether mini-plans are offered: as asked for or, by default, to any model but the
    embedded one, whose plans have not been measured."""
    asked = state["inputs"].get("plans")
    return not model.embedded if asked is None else bool(asked)


def _give_up(error: Exception, results: Sequence[CallResult], language: Language) -> Done:
    """Return the end of a task whose planner gave nothing usable."""
    changed = any(result.effects for result in results)
    key = "nothing_changed" if isinstance(error, UnfoundedClaim) else "unfinished"
    message = str(error) if isinstance(error, ForeignMessage) else say(f"act.{key}", language)
    outcome: Ending = "partial" if changed else "impossible"
    return Done(reasoning="", outcome=outcome, evidence=[], message=message)


def _summarize(planned: Planned) -> str:
    match planned:
        case SingleAction(call=call):
            values = ", ".join(str(value)[:60] for value in call.params.values())
            return f"{call.id} {call.action}({values})"
        case NeedInput(question=question):
            return question
        case Done(outcome=outcome, message=message):
            return f"{outcome}: {message}"
    return planned.reasoning
