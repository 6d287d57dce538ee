"""Performing one call: placeholders, the action itself, the policy, and its effects."""

import asyncio
import inspect
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from ..language.messages import say, use_language
from ..models.structured import format_validation_error
from ..state import Approval, Call, CallResult, FileEffect, Verdict
from ..store.effects import EffectLog
from .artifacts import MAX_PREVIEW_CHARS, Artifacts, cut_data
from .catalogue import ACTIONS
from .effects import (
    Intent,
    PlannedChange,
    begin,
    carry_out,
    clear_up,
    describe_made,
    find_made,
    format_diff,
    keep_snapshot,
)
from .errors import (
    ActionError,
    Cancelled,
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
from .snapshot import Snapshot
from .spec import Action, ActionContext, Outcome
from .threads import finish_anyway, run_in_thread
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
        outcome = None if acts_itself else await self._run(action, params, self.context)
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
        if outcome is None:
            return await self._act(call, action, params, request)
        if not outcome.changes:
            return await self._succeed(call, action, request.params, outcome.data.model_dump())
        return await finish_anyway(self._change(call, request, outcome))

    async def _change(self, call: Call, request: Request, outcome: Outcome[Any]) -> CallResult:
        """Record the intent, make the changes that an action asks for, and record the result."""
        intent = await begin(
            self.log,
            self.versions,
            self.context.workspace,
            call.id,
            _describe_intent(request, outcome.data.model_dump(mode="json")),
            outcome.changes,
        )
        return await self._finish(call, intent)

    async def _finish(self, call: Call, intent: Intent) -> CallResult:
        """Make the changes of an intent, read them back, and record the result: where one cannot be
        made, those before it."""
        effects: list[FileEffect] = []
        place = (self.context.workspace, self.versions)
        try:
            async for effect in carry_out(*place, intent.changes, self.context.language):
                effects.append(effect)
            result = await self._succeed(call, ACTIONS[intent.action], intent.params, intent.data)
        except (ActionError, OSError) as error:
            result = self._fail(call, intent.params, classify_error(error))
        whole = result.model_copy(update={"effects": effects})
        await self._record(call, intent, whole)
        return whole

    async def _act(
        self, call: Call, action: Action[Any, Any], params: Any, request: Request
    ) -> CallResult:
        """Let an action change files by itself, and record what it has changed, however it ends."""
        row = await self.log.find(call.id)
        earlier = Intent.model_validate(row.record).seen if row else None
        intent = _describe_intent(request, {}).model_copy(
            update={"seen": earlier, "latest": time.time() + action.timeout}
        )
        await self.log.begin(call.id, intent.model_dump(mode="json"))

        async def note(before: Snapshot | None) -> None:
            nonlocal intent
            if intent.seen is None:  # else it was begun before: what was there then counts
                seen = await asyncio.to_thread(keep_snapshot, self.versions, before)
                intent = intent.model_copy(update={"seen": seen})
                await self.log.begin(call.id, intent.model_dump(mode="json"))

        try:
            found = await self._run(action, params, replace(self.context, note=note))
            data = found.data.model_dump()
            result = await self._succeed(call, action, request.params, data)
        except (ActionError, OSError) as error:
            result = self._fail(call, request.params, classify_error(error))
        except asyncio.CancelledError:
            stopped = Cancelled(say("act.call_cancelled", self.context.language))
            result = self._fail(call, request.params, stopped)
            await finish_anyway(self._record_made(call, intent, result))
            raise
        return await finish_anyway(self._record_made(call, intent, result))

    async def _record_made(
        self, call: Call, intent: Intent, result: CallResult, *, died: bool = False
    ) -> CallResult:
        """Record the result of an action that acts by itself, with what it has changed."""
        changes, effects = await asyncio.to_thread(self._find_made, intent, died=died)
        whole = result.model_copy(update={"effects": effects})
        made = intent.model_copy(update={"changes": changes, "seen": None})
        await self._record(call, made, whole)
        return whole

    def _find_made(
        self, intent: Intent, *, died: bool
    ) -> tuple[list[PlannedChange], list[FileEffect]]:
        changes = find_made(intent, self.context.workspace, self.versions, died=died)
        return changes, describe_made(self.versions, changes, self.context.language)

    async def _finish_begun(self, call: Call) -> CallResult | Approval | None:
        """Return what became of a call that was begun before; None if it was not."""
        if not ACTIONS[call.action].has_effects:
            return None
        row = await self.log.find(call.id)
        if row is None:
            return None
        intent = Intent.model_validate(row.record)
        if intent.result is not None:
            return intent.result
        if intent.changes:
            place = (self.context.workspace, self.versions, intent.changes)
            await asyncio.to_thread(clear_up, *place)
            return await finish_anyway(self._finish(call, intent))
        again = next((v for v in self.verdicts if v.digest == f"{intent.digest}:again"), None)
        if again and again.approved:
            return None
        if again:
            result = self._fail(call, intent.params, Denied(again.reason))
            return await finish_anyway(self._record_made(call, intent, result, died=True))
        return await self._ask_again(call, intent)

    async def _run(
        self, action: Action[Any, Any], params: Any, context: ActionContext
    ) -> Outcome[Any]:
        """Run an action within its time; what fails in passing is tried again."""
        tries = TRIES if action.effect == "read" else 1
        for number in range(tries):
            try:
                async with asyncio.timeout(action.timeout):
                    if inspect.iscoroutinefunction(action.run):
                        return await action.run(params, context)  # type: ignore[no-any-return]
                    return await run_in_thread(action.run, params, context)  # type: ignore[arg-type]
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

    async def _ask_again(self, call: Call, intent: Intent) -> Approval:
        _, effects = await asyncio.to_thread(self._find_made, intent, died=True)
        return Approval(
            call=call.id,
            action=call.action,
            params=intent.params,
            reason=say("act.reason.unknown_effect", self.context.language),
            diff="\n".join(effect.diff for effect in effects),
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


def _describe_intent(request: Request, data: dict[str, Any]) -> Intent:
    return Intent(
        action=request.action.name, params=request.params, digest=request.digest, data=data
    )


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
