"""The planner's end of a task: what it says is checked against what was done before it counts."""

from typing import Any

from ...actions.catalogue import ACTIONS
from ...language.detect import is_foreign
from ...language.messages import say
from ...prompts import load_prompt
from ...state import Done
from .claims import (
    ForeignMessage,
    HiddenResult,
    KeptThing,
    RepeatedTask,
    UnfoundedClaim,
    UnfoundedNumber,
    UntouchedFile,
    find_ids,
    find_kept,
    find_unfounded_claim,
    find_unfounded_numbers,
    find_untouched,
)
from .desk import MAX_MESSAGE_TOKENS, Desk
from .forms import build_done_schema

DONE_PROMPT = load_prompt("act/done")
MAX_TOLD = 2
"""Results told in their own words, where the model only points at them."""
MAX_TOLD_CHARS = 240


async def conclude(desk: Desk, reasoning: str, *, last: bool = False) -> Done:
    """Have the end told.

    Args:
        desk: The planner's desk.
        reasoning: Why it is the end.
        last: Whether nothing else can be done, so that numbers that are in no result and files that
            are missing are accepted; the report marks them.

    Raises:
        InvalidCall: what is said does not hold.
        StructuredOutputError: the model gave nothing usable.
    """
    form = build_done_schema(tuple(result.id for result in desk.results))
    try:
        filled: Any = await desk.fill_form(
            DONE_PROMPT, form, MAX_MESSAGE_TOKENS, lambda done: _check(desk, done, last)
        )
    except HiddenResult:
        return _tell_results(desk, reasoning)
    message = filled.message
    if desk.repeats_task(message):
        message = _tell_changes(desk)
    untouched = find_untouched(message, desk.missing, desk.results)
    return Done(
        reasoning=reasoning,
        outcome="partial" if untouched and filled.outcome == "complete" else filled.outcome,
        evidence=list(dict.fromkeys(filled.evidence)),
        message=message,
    )


def _check(desk: Desk, done: Any, last: bool) -> None:
    claim = find_unfounded_claim(done.message, desk.results)
    if claim and done.outcome != "impossible":
        raise UnfoundedClaim(say("act.no_effect", desk.language, claim=claim))
    if is_foreign(done.message, desk.language):
        raise ForeignMessage(say("act.foreign", desk.language, message=done.message))
    if desk.repeats_task(done.message) and not desk.changed_paths:
        raise RepeatedTask(say("act.tells_the_task", desk.language))
    if last:
        return
    if ids := find_ids(done.message, desk.results):
        raise HiddenResult(say("act.hidden", desk.language, result=ids[0]))
    untouched = find_untouched(done.message, desk.missing, desk.results)
    tried = any(
        result.status != "done" or ACTIONS[result.action].has_effects for result in desk.results
    )
    if untouched and (done.outcome == "complete" or not tried):
        raise UntouchedFile(say("act.missing", desk.language, paths=", ".join(untouched)))
    kept = find_kept(desk.task, desk.results)
    if kept and done.outcome == "complete":
        raise KeptThing(say("act.kept", desk.language, name=kept))
    numbers = find_unfounded_numbers(done.message, desk.found_text)
    if numbers:
        raise UnfoundedNumber(say("act.unfounded", desk.language, value=numbers[0]))


def _tell_results(desk: Desk, reasoning: str) -> Done:
    """Return an end that tells what the last calls gave, in their own words."""
    found = [result for result in desk.results if result.status == "done"][-MAX_TOLD:]
    lines = [result.preview[:MAX_TOLD_CHARS] for result in found]
    return Done(
        reasoning=reasoning,
        outcome="partial",
        evidence=[result.id for result in found],
        message=say("act.found", desk.language, found="\n".join(lines)),
    )


def _tell_changes(desk: Desk) -> str:
    """Return a message that names the files that were changed."""
    return say("act.changed", desk.language, paths=", ".join(desk.changed_paths))
