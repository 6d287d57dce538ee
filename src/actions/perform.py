"""Performing one call: placeholders, the action itself, the policy, and its effects."""

import asyncio
import inspect
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..language.messages import say, use_language
from ..models.structured import format_validation_error
from ..state import Approval, Call, CallResult, Verdict
from ..store.effects import EffectLog
from .artifacts import MAX_PREVIEW_CHARS, Artifacts, cut_data
from .catalogue import ACTIONS
from .effects import Intent, begin, carry_out, describe_made, format_diff
from .errors import (
    ActionError,
    Conflict,
    Denied,
    InvalidCall,
    NotFound,
    TimedOut,
    Transient,
    Unavailable,
)
from .placeholders import fill_in, find_references
from .policy import Mode, Request, rule
from .spec import Action, ActionContext, Outcome
from .versions import Versions

TRIES = 3
"""Times that a call without effects is tried while it fails in passing."""
PAUSE_SECONDS = 0.2
"""Longest pause before the second try; it doubles before each further one."""

_CLASS_OF_OS_ERROR: tuple[tuple[type[OSError], type[ActionError]], ...] = (
    (FileNotFoundError, NotFound),
    (PermissionError, Denied),
    (FileExistsError, Conflict),
    (ConnectionError, Transient),
    (TimeoutError, TimedOut),
)


@dataclass(frozen=True)
class Performer:
    """What calls of one task are performed with."""

    context: ActionContext
    log: EffectLog
    versions: Versions
    artifacts: Artifacts
    mode: Mode
    verdicts: Sequence[Verdict]
    question: str
    """The user's words; what they name is not untrusted."""
    untrusted: frozenset[str] = frozenset()
    """Ids of results whose data is somebody else's text."""

    async def perform(self, call: Call) -> CallResult | Approval:
        """Perform a call; an approval is returned instead if the user must be asked first.

        A call that was begun before a crash is finished, never done again.
        """
        with use_language(self.context.language):
            try:
                found = await self._finish_begun(call)
                return found or await self._perform_anew(call)
            except (ActionError, OSError) as error:
                return self._fail(call, call.params, classify_error(error))

    async def _perform_anew(self, call: Call) -> CallResult | Approval:
        language = self.context.language
        action = ACTIONS[call.action]
        filled = fill_in(call.params, self.context.results, language)
        try:
            params = action.params.model_validate(filled)
        except ValidationError as error:
            raise InvalidCall(format_validation_error(error)) from error
        if obstacle := action.find_obstacle():
            raise Unavailable(obstacle)
        acts_itself = action.effect in ("execute", "network")
        outcome = None if acts_itself else await self._run(action, params)
        request = Request(
            action,
            params.model_dump(mode="json"),
            action.targets(params),
            outcome.changes if outcome else (),
            self._comes_from_untrusted(call, filled),
        )
        ruling = rule(request, self.mode, self.verdicts)
        if ruling.answer == "ask":
            return self._ask(call, request, str(ruling.reason))
        if ruling.answer == "forbid":
            why = ruling.denied if ruling.denied is not None else say("act.mode_forbids", language)
            return self._fail(call, request.params, Denied(why or say("act.denied", language)))
        return await self._carry_out(call, action, params, request, outcome)

    async def _carry_out(
        self,
        call: Call,
        action: Action[Any, Any],
        params: Any,
        request: Request,
        outcome: Outcome[Any] | None,
    ) -> CallResult:
        """Record the intent, let it happen, and record the result."""
        if outcome is not None and not outcome.changes:
            return await self._succeed(call, action, request.params, outcome.data.model_dump())
        intent = Intent(action=action.name, params=request.params, digest=request.digest)
        if outcome is None:
            await begin(self.log, self.versions, call.id, intent, ())
            found = await self._run(action, params)
            made = await describe_made(self.versions, found.changes, self.context.language)
            done = await self._succeed(call, action, request.params, found.data.model_dump())
            result = done.model_copy(update={"effects": made})
            await self._record(call, intent.with_made(made), result)
            return result
        data = outcome.data.model_dump(mode="json")
        intent = intent.model_copy(update={"data": data})
        intent = await begin(self.log, self.versions, call.id, intent, outcome.changes)
        return await self._finish(call, intent)

    async def _finish(self, call: Call, intent: Intent) -> CallResult:
        """Make the changes of an intent, read them back, and record the result."""
        effects = await carry_out(
            self.context.workspace, self.versions, intent.changes, self.context.language
        )
        done = await self._succeed(call, ACTIONS[intent.action], intent.params, intent.data)
        result = done.model_copy(update={"effects": effects})
        await self._record(call, intent, result)
        return result

    async def _finish_begun(self, call: Call) -> CallResult | Approval | None:
        """Return what became of a call that was begun before; None if it was not."""
        row = await self.log.find(call.id)
        if row is None:
            return None
        intent = Intent.model_validate(row.record)
        if intent.result is not None:
            return intent.result
        if intent.changes:
            return await self._finish(call, intent)
        again = next((v for v in self.verdicts if v.digest == f"{intent.digest}:again"), None)
        if again and again.approved:
            return None
        if again:
            return self._fail(call, intent.params, Denied(again.reason))
        return self._ask_again(call, intent)

    async def _run(self, action: Action[Any, Any], params: Any) -> Outcome[Any]:
        """Run an action within its time; what fails in passing is tried again."""
        tries = TRIES if action.effect == "read" else 1
        for number in range(tries):
            try:
                async with asyncio.timeout(action.timeout):
                    if inspect.iscoroutinefunction(action.run):
                        return await action.run(params, self.context)  # type: ignore[no-any-return]
                    return await asyncio.to_thread(action.run, params, self.context)  # type: ignore[arg-type]
            except (Transient, ConnectionError):
                if number == tries - 1:
                    raise
                pause = PAUSE_SECONDS * 2**number
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311
            except TimeoutError as error:
                language = self.context.language
                raise TimedOut(
                    say("act.timeout", language, action=action.name, seconds=action.timeout)
                ) from error
        raise AssertionError("a call was tried no time")

    async def _succeed(
        self, call: Call, action: Action[Any, Any], params: dict[str, Any], data: dict[str, Any]
    ) -> CallResult:
        preview = action.data.model_validate(data).format_preview()
        whole = json.loads(json.dumps(data, ensure_ascii=False, default=str))
        cut = cut_data(whole)
        artifact = None
        if cut != whole:
            artifact = await asyncio.to_thread(self.artifacts.keep, call.id, whole)
        return CallResult(
            id=call.id,
            action=call.action,
            params=params,
            status="done",
            preview=preview[:MAX_PREVIEW_CHARS],
            data=cut,
            artifact=artifact,
            untrusted=action.untrusted,
        )

    async def _record(self, call: Call, intent: Intent, result: CallResult) -> None:
        done = intent.model_copy(update={"result": result})
        await self.log.finish(call.id, done.model_dump(mode="json"))

    def _fail(self, call: Call, params: Mapping[str, Any], error: ActionError) -> CallResult:
        return CallResult(
            id=call.id,
            action=call.action,
            params=dict(params),
            status="denied" if error.error_class == "denied" else "failed",
            error_class=error.error_class,
            preview=str(error)[:MAX_PREVIEW_CHARS],
        )

    def _ask(self, call: Call, request: Request, reason: str) -> Approval:
        language = self.context.language
        diffs = [format_diff(change, language) for change in request.changes]
        return Approval(
            call=call.id,
            action=call.action,
            params=request.params,
            reason=say(f"act.reason.{reason}", language),
            diff="\n".join(diffs),
            digest=request.digest,
        )

    def _ask_again(self, call: Call, intent: Intent) -> Approval:
        return Approval(
            call=call.id,
            action=call.action,
            params=intent.params,
            reason=say("act.reason.unknown_effect", self.context.language),
            diff="",
            digest=f"{intent.digest}:again",
        )

    def _comes_from_untrusted(self, call: Call, filled: Mapping[str, Any]) -> bool:
        """Return whether a short parameter, such as a path, comes from somebody else's text and is
        not in the user's words."""
        for name, value in call.params.items():
            sources = {reference.result for reference in find_references(value)}
            named = str(filled[name]) in self.question
            if name in TARGET_NAMES and sources & self.untrusted and not named:
                return True
        return False


TARGET_NAMES = frozenset({"path", "to", "command", "host", "url"})
"""Parameters that say where an effect happens."""


def classify_error(error: ActionError | OSError) -> ActionError:
    """Return the action error that an error of the file system stands for."""
    if isinstance(error, ActionError):
        return error
    for known, classified in _CLASS_OF_OS_ERROR:
        if isinstance(error, known):
            return classified(str(error))
    return ActionError(str(error))
