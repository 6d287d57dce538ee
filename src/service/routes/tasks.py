"""`/tasks`: start, follow, answer, cancel and rate tasks."""

import asyncio
import hashlib
import logging
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from anyio import BrokenResourceError
from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from ...errors import InvalidTask, UnknownTask
from ...graphs.intake import check_length, clean_text
from ...language.messages import say
from ...state import FINAL, RESUMABLE, Exchange, Sampling, TaskStatus
from ...store.base import TaskSummary
from ...tasks.ending import get_reward, rate
from ...tasks.events import AnyEvent
from ...tasks.history import rename_task
from ...tasks.play import find_pending_interrupt, new_task, new_task_id
from ...tasks.result import read_result
from ...tasks.undoing import is_undone, undo_effects
from ...work.following import StreamedEvent, follow, wait_until_settled
from ...work.ledger import Job, KeyReused, Submission
from ...work.logs import add_log_fields
from ...work.queues import QueueFull, QueueStopping
from ...work.tracing import get_trace_context
from ..dependencies import Caller, CallerDep, Service, ServiceDep
from ..problems import Refusal, document_problems
from ..schemas import (
    Feedback,
    Links,
    NewName,
    NewTask,
    PersonAnswer,
    Task,
    TaskLine,
    TaskPage,
    Text,
    Undone,
)
from ..waiting import cancel_own_task, delete_own_task
from .workspaces import find_workspace, name_workspace

router = APIRouter(prefix="/tasks", tags=["tasks"], responses=document_problems(404, 422))

NO_EVENT = 10**18
"""Larger than the number of any event."""

log = logging.getLogger(__name__)

Prefer = Annotated[
    str | None, Header(description="`wait=SECONDS`: answer when the task has ended, if it does")
]
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="the same key and body make one task"),
]


async def load_own_task(
    service: ServiceDep,
    caller: CallerDep,
    task_id: Annotated[str, Path(max_length=64)],
) -> TaskSummary:
    """Load the task in the path.

    Raises:
        UnknownTask: the caller has no such task.
    """
    add_log_fields(task_id=task_id)
    return await service.ledger.get_own_task(caller.owner, task_id)


OwnTaskDep = Annotated[TaskSummary, Depends(load_own_task)]


@router.post(
    "",
    status_code=202,
    responses={202: {"model": TaskLine}, 200: {"model": Task}, **document_problems(429, 503)},
    response_model=TaskLine | Task,
)
async def start_task(
    asked: NewTask,
    service: ServiceDep,
    caller: CallerDep,
    response: Response,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> TaskLine | Task:
    """Start a task.

    It is accepted with 202 and run in turn; with `Prefer: wait=60` the response is 200 with the
    result, if the task ends or asks for input in time.
    """
    submission = None
    if idempotency_key is not None:
        digest = hashlib.sha256(asked.model_dump_json().encode()).hexdigest()
        submission = Submission(idempotency_key, digest)
    task_id = await submit(service, caller, asked, submission=submission)
    task = await service.ledger.get_own_task(caller.owner, task_id)
    response.headers["Location"] = Links.of(task_id).self
    if seconds := _parse_wait(prefer, service.settings.serve_wait_seconds):
        response.headers["Preference-Applied"] = f"wait={seconds}"
        ended = await wait_until_settled(service.ledger, service.notifier, task, seconds)
        task = await service.ledger.get_own_task(caller.owner, task_id)
        if ended:
            response.status_code = 200
            return await build_task_response(service, task)
    return TaskLine.of(task)


@router.get("")
async def list_tasks(
    service: ServiceDep,
    caller: CallerDep,
    status: TaskStatus | None = None,
    q: Annotated[
        Text, Query(max_length=200, description="words in question, answer or names")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
) -> TaskPage:
    """List your tasks, newest first; with `q` those that have all of its words."""
    if cursor is not None and not re.fullmatch(r"[0-9]{1,18}", cursor):
        raise InvalidTask(say("service.cursor"))
    before = int(cursor) if cursor else None
    tasks, following = await service.ledger.list_page(caller.owner, status, before, limit, q)
    return TaskPage(
        items=[TaskLine.of(task) for task in tasks],
        next=str(following) if following is not None else None,
    )


@router.get("/{task_id}")
async def get_task(service: ServiceDep, task: OwnTaskDep) -> Task:
    """Return a task with its results so far."""
    return await build_task_response(service, task)


@router.patch("/{task_id}")
async def name_task(new: NewName, service: ServiceDep, task: OwnTaskDep) -> TaskLine:
    """Rename a task; null takes its name away."""
    await rename_task(service.ledger.tasks, task.task_id, new.name)
    return TaskLine.of(await service.ledger.get_own_task(task.owner, task.task_id))


@router.delete("/{task_id}", status_code=204, responses=document_problems(409))
async def delete(service: ServiceDep, task: OwnTaskDep) -> None:
    """Delete a task with its result, checkpoints, events and rating; a running one is cancelled.

    Later tasks of its thread keep what they were told of it: delete the thread to leave nothing.
    """
    await delete_own_task(service, task)


async def hold_stream_slot(service: ServiceDep, caller: CallerDep) -> AsyncIterator[None]:
    """Hold one of the caller's event stream slots during a request.

    Raises:
        Refusal: all slots are in use.
    """
    with service.streams.try_acquire(caller.owner) as held:
        if not held:
            limit = service.streams.limit
            raise Refusal(429, say("service.streams", limit=limit), wait=5)
        with service.queue.metrics.streams.track_inprogress():
            try:
                yield
            except* BrokenResourceError:
                # FastAPI closes its own stream while still writing to it if the reader leaves.
                log.debug("a reader of %s has left", caller.owner)


def parse_last_event_id(
    last_event_id: Annotated[
        str | None, Header(description="the number of the last event that was read")
    ] = None,
) -> int:
    """Return the event number after which to resume; 0 if there is none, and for what is no number
    one that no event has, so that the reader is told to forget what was read."""
    given = last_event_id or "0"
    return int(given) if re.fullmatch(r"[0-9]{1,18}", given) else NO_EVENT


async def require_unread(
    service: ServiceDep, task: OwnTaskDep, after: Annotated[int, Depends(parse_last_event_id)]
) -> int:
    """Answer 204 if the task has ended and all events were read, which stops an `EventSource`."""
    last = await service.ledger.get_last_event_number(task.task_id)
    if after and task.status in FINAL and after == last:
        raise Refusal(204, "")
    return after


@router.get(
    "/{task_id}/events",
    response_class=EventSourceResponse,
    responses={
        200: {"model": AnyEvent, "description": "The data of each event"},
        204: {"description": "There is nothing more to come"},
        **document_problems(429),
    },
    dependencies=[Depends(hold_stream_slot)],
)
async def task_events(
    service: ServiceDep, task: OwnTaskDep, after: Annotated[int, Depends(require_unread)]
) -> AsyncIterator[ServerSentEvent]:
    """Stream a task's events as server-sent events.

    `done` with the result ends the stream, unless the task is waiting for user input. `id`
    increases by one; with `Last-Event-ID` the stream resumes after that event, even if the service
    was restarted in between. If events after it are no longer kept, or if it is none of this task,
    the stream begins with `reset`: forget what was read, and go on with what follows.

    A `token` is a piece of text that a model is generating: insert its `text` at the `offset` of
    its `message`. Tokens have no `id` and are not sent again once the run is over: later events
    contain the finished text.
    """
    async for event in follow(service.ledger, service.notifier, service.live_text, task, after):
        yield _format_event(event)


@router.post("/{task_id}/resume", status_code=202, responses=document_problems(409, 429, 503))
async def resume_task(
    answer: PersonAnswer, service: ServiceDep, caller: CallerDep, task: OwnTaskDep
) -> TaskLine:
    """Answer a task that needs input or approval, or resume one from its last checkpoint.

    Tasks that failed, were interrupted or were cancelled can be resumed. A task that needs approval
    is answered with `approve`, `approve all` (of this kind, for this task) or `deny: REASON`.
    """
    if task.status not in RESUMABLE:
        raise Refusal(409, say("service.status", status=task.status))
    answers = None
    if asked := await find_pending_interrupt(service.ledger.tasks, task.task_id):
        if answer.answer is None:
            raise InvalidTask(say("invalid.empty_answer"))
        answers = {asked: answer.answer}
    elif answer.answer is not None:
        raise InvalidTask(say("invalid.nothing_asked"))
    await _check_digests(service, task, answer)
    await check_budget(service, caller)
    model = await service.ledger.get_model(task.task_id)
    job = Job(task.task_id, caller.owner, model, answers, trace=get_trace_context())
    async with _reserve_place(service):
        if not await service.ledger.requeue_task(job, task.status):
            raise Refusal(409, say("service.status", status="queued"))
        await service.queue.enqueue(job.task_id)
    return TaskLine.of(await service.ledger.get_own_task(caller.owner, task.task_id))


async def _check_digests(service: Service, task: TaskSummary, answer: PersonAnswer) -> None:
    """Check that an answer is about the approvals that wait: others may have been answered
    meanwhile, and nobody approves what they have not seen.

    Raises:
        Refusal: others wait, or none.
    """
    if answer.digests is None:
        return
    waiting = (await read_result(service.ledger.tasks, task.task_id, task.status)).approvals
    if sorted(answer.digests) != sorted(approval.digest for approval in waiting):
        raise Refusal(409, say("service.approvals"))


@router.post("/{task_id}/cancel", responses=document_problems(409))
async def cancel_task(service: ServiceDep, task: OwnTaskDep) -> Task:
    """Cancel a task; a model call in progress is aborted."""
    if task.status not in FINAL:
        await cancel_own_task(service, task)
        task = await service.ledger.get_own_task(task.owner, task.task_id)
    if task.status != "cancelled":
        raise Refusal(409, say("service.status", status=task.status))
    return await build_task_response(service, task)


@router.post("/{task_id}/feedback")
async def rate_task(feedback: Feedback, service: ServiceDep, task: OwnTaskDep) -> Task:
    """Rate a task's result, replacing any earlier rating.

    This corrects the reward that the bandit learned from the task.
    """
    await rate(service.ledger.tasks, task.task_id, feedback.rating, feedback.comment)
    task = await service.ledger.get_own_task(task.owner, task.task_id)
    return await build_task_response(service, task)


@router.post("/{task_id}/undo", responses=document_problems(409))
async def undo_task(service: ServiceDep, task: OwnTaskDep) -> Undone:
    """Restore the files that a task has changed. Files that somebody has changed since are left
    alone."""
    folder = (await service.ledger.tasks.task_input(task.task_id)).get("workspace")
    if folder and not await asyncio.to_thread(os.path.isdir, folder):
        raise Refusal(409, say("service.workspace_gone"))
    undone = Undone.model_validate(await undo_effects(service.ledger.tasks, task.task_id))
    service.notifier.notify(task.task_id)
    return undone


async def submit(
    service: Service,
    caller: Caller,
    asked: NewTask,
    *,
    earlier: Sequence[Exchange] = (),
    instructions: str = "",
    sampling: Sampling | None = None,
    submission: Submission | None = None,
) -> str:
    """Accept a task and enqueue it.

    Args:
        earlier: preceding exchanges, if they are not in a stored thread.
        instructions: what is wanted of every task, besides the question.
        sampling: how texts for the reader are sampled; None leaves it to the agents.

    Returns:
        The task's id; for a known submission, the id of the earlier task.

    Raises:
        InvalidTask: the task is not valid as given, or its thread is unknown.
        Refusal: the queue is full or stopping, the budget is spent, or the idempotency key was
            used with a different body.
    """
    folder = find_workspace(service, caller, asked.workspace) if asked.workspace else None
    task = new_task(
        *(asked.question, asked.workflow, asked.inputs, asked.max_iterations, asked.model), folder
    )
    task_id = new_task_id()
    add_log_fields(task_id=task_id)
    try:
        if submission and (known := await service.ledger.find_submitted(caller.owner, submission)):
            return known
        await check_budget(service, caller)
        if earlier:
            task["earlier"] = list(earlier)
        if instructions:
            task["instructions"] = clean_text(instructions)
            check_length(task["instructions"])
        if sampling:
            task["sampling"] = sampling
        if asked.thread_id is not None:
            task["earlier"] = await service.ledger.tasks.list_exchanges(
                asked.thread_id, caller.owner
            )
        job = Job(task_id, caller.owner, asked.model, trace=get_trace_context())
        async with _reserve_place(service):
            accepted = await service.ledger.submit(
                job, asked.thread_id or task_id, task, submission
            )
            if accepted == task_id:
                await service.queue.enqueue(task_id)
    except KeyReused:
        raise Refusal(422, say("service.key_reused"), code="idempotency_key_reused") from None
    except UnknownTask as error:
        raise InvalidTask(str(error)) from None
    return accepted


async def build_task_response(service: Service, task: TaskSummary) -> Task:
    """Build the response for a task."""
    result = await service.ledger.get_last_result(task.task_id)
    if result is None or result.status != task.status:
        result = await read_result(service.ledger.tasks, task.task_id, task.status)
    store = service.ledger.tasks
    rating = await store.rating(task.task_id)
    folder = (await store.task_input(task.task_id)).get("workspace")
    changes: dict[str, Any] = {"workflow": result.workflow or task.workflow}
    if rating is not None and (rated := await get_reward(store, task.task_id)):
        changes["reward"] = rated
    return Task(
        **{**dict(result), **changes},
        name=task.name,
        thread_name=task.thread_name,
        created=task.created,
        updated=task.updated,
        rating=rating,
        workspace=name_workspace(service, task.owner, folder),
        undone=bool(result.effects) and await is_undone(store, task.task_id),
        links=Links.of(task.task_id),
    )


@asynccontextmanager
async def _reserve_place(service: Service) -> AsyncIterator[None]:
    """Reserve a place in the queue while a task is written to it.

    Raises:
        Refusal: the queue is full, or the service is stopping.
    """
    try:
        async with service.queue.reserve_place():
            yield
    except QueueFull as full:
        raise Refusal(429, say("service.queue_full"), wait=full.wait) from None
    except QueueStopping:
        raise Refusal(503, say("service.stopping"), wait=5) from None


def _parse_wait(prefer: str | None, longest: int) -> int:
    """Return the seconds of a `Prefer: wait=SECONDS`, capped at `longest`; 0 if absent."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,6})", prefer or "", re.IGNORECASE)
    return min(int(found[1]), longest) if found else 0


def _format_event(event: StreamedEvent) -> ServerSentEvent:
    number = str(event.id) if event.id else None
    return ServerSentEvent(id=number, event=event.data["type"], data=event.data)


async def check_budget(service: Service, caller: Caller) -> None:
    """Check that the caller may spend tokens today.

    Raises:
        Refusal: the key's tokens of the day are used up.
    """
    key = caller.key
    if key and key.tokens_per_day is not None:
        used = await service.ledger.get_tokens_today(key.key_id)
        if used >= key.tokens_per_day:
            tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0) + timedelta(days=1)
            raise Refusal(
                429,
                say("service.budget", limit=key.tokens_per_day),
                code="insufficient_quota",
                wait=(tomorrow - datetime.now(UTC)).total_seconds(),
            )
