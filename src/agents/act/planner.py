"""The planner: says which call comes next, or that there is nothing left to do.

It answers twice, each time within a small grammar: first which of a few actions comes next, then
the parameters of this one. Ids and dependencies are the program's.
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime

from ...actions.catalogue import ACTIONS
from ...actions.errors import ActionError, InvalidCall
from ...actions.spec import Action, Params
from ...actions.workspace import Workspace
from ...context import RunContext, resolve_model
from ...errors import StructuredOutputError
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
from ..turns import Stopwatch, count_turns, format_problem, record_turn
from .calls import build_plan, make_call
from .claims import ForeignMessage, MadeUp, NotActed, UnfoundedClaim
from .conclude import conclude
from .desk import MAX_MESSAGE_TOKENS, Desk
from .forms import (
    NextForm,
    QuestionForm,
    build_next_schema,
    build_params_schema,
    build_plan_schema,
    describe_params,
)
from .observation import (
    MAX_FILES,
    find_paths,
    format_actions,
    format_files,
    format_results,
    is_named,
    list_entries,
)
from .shortlist import shortlist_actions

log = logging.getLogger(__name__)

NEXT = load_prompt("act/next")
PARAMS = load_prompt("act/params")
QUESTION = load_prompt("act/question")
AGAIN = load_prompt("act/again")
PLAN_PROMPT = load_prompt("act/plan")

PROGRAM = "python_run"
DONE = "done"
PLAN = "plan"
NEED_INPUT = "need_input"
MAX_NEXT_TOKENS = 150
MAX_PARAMS_TOKENS = 400
MAX_CONTENT_TOKENS = 1500
"""For a call or a plan that may hold the whole content of a file."""
MENDABLE = ("failed", "invalid", "timeout", "too_large")
MAX_FAILURES = 3
"""Calls that fail one after the other before the planner may give up."""
MAX_CHOICES = 3
"""Choices in one turn; after that the planner concludes with what is known."""


async def plan_next(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Say what comes next. Writes `planner_output`."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    language = state["language"]
    results = state.get("call_results", [])
    desk, offered = await asyncio.to_thread(_lay_desk, state, model)
    desk.messages += NEXT[language].messages(
        task=desk.task,
        files=desk.files,
        actions=format_actions(offered, language),
        results=format_results(results, language),
        notes=_format_notes(state),
    )
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


def _lay_desk(state: TaskState, model: LanguageModel) -> tuple[Desk, list[Action[Any, Any]]]:
    """Return the desk, without the conversation, and the actions that are offered. Blocking."""
    task = format_problem(state)
    results = state.get("call_results", [])
    workspace = Workspace(Path(str(state["workspace"])))
    entries = list_entries(workspace)
    known = {entry.path for entry in entries}
    named = find_paths(task)
    beyond = [path for path in named if path not in known]
    paths = [(entry.kind, entry.path) for entry in entries]
    paths += [("file", path) for path in beyond]
    desk = Desk(
        model=model,
        language=state["language"],
        results=results,
        messages=[],
        task=task,
        files=format_files(workspace, entries, task, state["language"]),
        paths=tuple(paths) if len(entries) <= MAX_FILES else (),
        missing=[path for path in beyond if _is_missing(workspace, path, known)],
        may_plan=_may_plan(state, model),
        asked=count_turns(state, "need_input") > 0,
    )
    read_only = state["inputs"].get("mode") == "read_only"
    effects = ("read",) if read_only else ("read", "write", "delete", "execute", "network")
    meant = [entry.path for entry in entries if is_named(entry.path, task)]
    about = [*(meant or known), *beyond]
    offered = shortlist_actions(
        task,
        about,
        results,
        effects,
        state["language"],
        sees_all=len(entries) <= MAX_FILES,
    )
    return desk, offered


def _is_missing(workspace: Workspace, path: str, known: set[str]) -> bool:
    """Return whether nothing is at a path, and no file has that name in any folder or case."""
    name = path.rpartition("/")[2].casefold()
    if any(name == there.rpartition("/")[2].casefold() for there in known):
        return False
    try:
        return workspace.find_kind(path) is None
    except (ActionError, OSError):
        return True


async def _plan(desk: Desk, offered: Sequence[Action[Any, Any]]) -> Planned:
    """Choose what comes next and fill in its form. A choice that leads nowhere gives way to another
    one; where that leads nowhere either, the planner concludes with what is known."""
    left = [action.name for action in offered]
    plan = [PLAN] if desk.may_plan else []
    ends = plan if _must_go_on(desk.results) else [*plan, DONE, NEED_INPUT]
    problem = ""
    for tried in range(MAX_CHOICES):
        mends = not tried and PROGRAM in left and _may_mend(desk.results)
        chosen = _mend_program(desk) if mends else await _choose(desk, (*left, *ends))
        try:
            return await _fill_in(desk, left, chosen)
        except MadeUp as error:  # only the user can know what it is
            return NeedInput(reasoning=chosen.reasoning, question=error.question)
        except NotActed as error:
            problem = str(error)
            left = [name for name in left if ACTIONS[name].has_effects] or left
            ends = []
        except ForeignMessage:
            raise
        except InvalidCall as error:
            problem = str(error)
        except StructuredOutputError as error:
            if chosen.next in (DONE, NEED_INPUT):
                raise
            problem = say("act.no_form", desk.language, action=chosen.next)
            log.debug("%s", error)
        left = [name for name in left if name != chosen.next] or left
        ends = [name for name in ends if name != chosen.next]
        desk.messages += AGAIN[desk.language].messages(problem=problem)
    if not desk.results:
        raise InvalidCall(problem)
    return await conclude(desk, problem[:240], last=True)


def _must_go_on(results: Sequence[CallResult]) -> bool:
    """Return whether it is too early to end: nothing was looked at, or the last calls, fewer than
    three, failed in a way that another one may mend."""
    last = results[-MAX_FAILURES:]
    if not results or results[-1].error_class not in MENDABLE:
        return not results
    return len(last) < MAX_FAILURES or any(result.status == "done" for result in last)


def _may_mend(results: Sequence[CallResult]) -> bool:
    """Return whether the last call is a program that failed for the first time in a row: it is
    written once more, with its error in view, before the planner may go another way."""
    failed = [r.action == PROGRAM and r.error_class in MENDABLE for r in results]
    return failed[-1:] == [True] and failed[-2:-1] != [True]


def _mend_program(desk: Desk) -> NextForm:
    """Choose to write the program that has just failed once more; no model is asked."""
    reasoning = say("act.mend", desk.language, result=desk.results[-1].id)
    chosen = NextForm(reasoning=reasoning, next=PROGRAM)
    desk.messages.append(AIMessage(chosen.model_dump_json()))
    return chosen


async def _choose(desk: Desk, legal: tuple[str, ...]) -> NextForm:
    chosen = await desk.ask(desk.messages, build_next_schema(legal), MAX_NEXT_TOKENS)
    desk.messages.append(AIMessage(chosen.model_dump_json()))
    return chosen


async def _fill_in(desk: Desk, offered: Sequence[str], chosen: NextForm) -> Planned:
    if chosen.next == DONE:
        return await conclude(desk, chosen.reasoning)
    if chosen.next == NEED_INPUT:
        return await _ask_user(desk, chosen.reasoning)
    if chosen.next == PLAN:
        return await _make_plan(desk, offered, chosen.reasoning)
    return await _call_action(desk, ACTIONS[chosen.next], chosen.reasoning)


async def _ask_user(desk: Desk, reasoning: str) -> NeedInput:
    asked = await desk.fill_form(QUESTION, QuestionForm, MAX_MESSAGE_TOKENS, desk.check_question)
    return NeedInput(reasoning=reasoning, question=asked.question, options=asked.options)


async def _call_action(desk: Desk, action: Action[Any, Any], reasoning: str) -> SingleAction:
    calls: list[Call] = []

    def check(params: Params) -> None:
        calls.append(make_call(desk, action.name, params.model_dump(mode="json"), []))

    used = any(result.action == action.name for result in desk.results)
    named = tuple(path for _, path in desk.paths if is_named(path, desk.task))
    form = build_params_schema(action.name, desk.paths, brief=not used, named=named)
    whole = "content" in action.params.model_fields
    await desk.fill_form(
        PARAMS,
        form,
        MAX_CONTENT_TOKENS if whole else MAX_PARAMS_TOKENS,
        check,
        action=action.name,
        fields=describe_params(action.params),
    )
    return SingleAction(reasoning=reasoning, call=calls[-1])


async def _make_plan(desk: Desk, offered: Sequence[str], reasoning: str) -> MiniPlan:
    plans: list[MiniPlan] = []

    def check(form: Any) -> None:
        plans.append(build_plan(form, reasoning, desk))

    first = f"r{len(desk.results) + 1}"
    schema = build_plan_schema(tuple(offered))
    await desk.fill_form(PLAN_PROMPT, schema, MAX_CONTENT_TOKENS, check, first=first)
    return plans[-1]


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
