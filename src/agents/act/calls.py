"""Calls as the planner makes them: with ids, dependencies, and values that come from somewhere."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...actions.catalogue import ACTIONS
from ...actions.errors import InvalidCall
from ...actions.placeholders import check_references, find_references
from ...actions.python.actions import find_missing_module, find_syntax_error
from ...language.messages import Language, say
from ...state import Call, MiniPlan, OnFailure
from .claims import MadeUp, MissingModule
from .desk import Desk

WRITTEN = ("content", "new", "value", "values", "cells")
"""Parameters that are written into files."""
_NUMBER = re.compile(r"\d[\d.:/-]*\d")
_DATE = re.compile(r"\b(?:19|20)\d\d(?:-|/|年)\d\d?\b")
_DIGITS = re.compile(r"\d+")


def make_call(
    desk: Desk,
    action: str,
    params: dict[str, Any],
    earlier: list[Call],
    on_failure: OnFailure = "replan",
) -> Call:
    """Return a call with its id and what it depends on.

    Args:
        desk: The planner's desk.
        action: Name of the action.
        params: Its parameters, with placeholders.
        earlier: The steps before it in the same plan, whose results it may use.
        on_failure: What its failure means for the plan.

    Raises:
        InvalidCall: it refers to what does not exist, repeats a call, or writes a made-up value.
    """
    known = desk.list_known() | {call.id: ACTIONS[call.action].data for call in earlier}
    check_references(params, known, desk.language)
    refuse_repeated(action, params, desk)
    refuse_made_up(action, params, desk)
    if action == "python_run":
        refuse_broken_program(params["code"], desk.language)
    mine = {call.id for call in desk.results} | {call.id for call in earlier}
    used = {reference.result for reference in find_references(params)}
    return Call(
        id=f"r{len(desk.results) + len(earlier) + 1}",
        action=action,
        params=params,
        depends_on=sorted(used & mine),
        on_failure=on_failure,
    )


def build_plan(form: Any, reasoning: str, desk: Desk) -> MiniPlan:
    """Return a filled-in plan; a step may use the steps before it.

    Raises:
        InvalidCall: a step cannot be called so.
    """
    calls: list[Call] = []
    for step in form.steps:
        params = step.model_dump(mode="json", exclude={"action", "on_failure"})
        calls.append(make_call(desk, step.action, params, calls, step.on_failure))
    return MiniPlan(reasoning=reasoning, goal=form.goal, steps=calls)


def refuse_broken_program(code: str, language: Language) -> None:
    """Refuse a program that cannot begin.

    Raises:
        InvalidCall: it is no Python.
        MissingModule: it imports what is not installed.
    """
    if problem := find_syntax_error(code):
        raise InvalidCall(problem)
    if missing := find_missing_module(code):
        raise MissingModule(say("act.no_module", language, name=missing))


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


def refuse_made_up(action: str, params: Mapping[str, Any], desk: Desk) -> None:
    """Refuse to write a date, price or other number that stands neither in the task nor in the
    files nor in a result, until the user has been asked once.

    Raises:
        MadeUp: there is one.
    """
    if desk.asked:
        return
    text = desk.known_text
    known = set(map(int, _DIGITS.findall(text) + _DIGITS.findall(text.replace(",", ""))))
    for number in _list_written_numbers(action, params):
        parts = list(map(int, _DIGITS.findall(number)))
        large = [part for part in parts if part >= 100]
        if not all(part in known for part in large) or not any(part in known for part in parts):
            about = params.get("old") or params.get("key") or params.get("path") or number
            raise MadeUp(number, str(about).strip()[:100], desk.language)


def _list_written_numbers(action: str, params: Mapping[str, Any]) -> Iterator[str]:
    """Yield the numbers that a call writes as they stand in it; of a program the dates."""
    if action == "python_run":
        yield from _DATE.findall(str(params.get("code")))
        return
    for name in WRITTEN:
        yield from _NUMBER.findall(str(params.get(name, "")).replace(",", ""))
