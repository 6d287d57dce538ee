"""`/v1`: Concertino as a model, for clients of OpenAI's chat completions API."""

import hashlib
import re
import time
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse, Response
from sse_starlette import EventSourceResponse

from ...graphs.registry import WORKFLOWS
from ...language.messages import say
from ...store.base import TaskSummary
from ...work.following import wait_until_settled
from ...work.ledger import Submission
from ..chat.background import BackgroundPrompt, answer_background, recognize_background
from ..chat.calls import call_model
from ..chat.chunks import Chunk, Head, list_chunks, stream_task
from ..chat.conversation import keep_latest, split_conversation
from ..chat.errors import PREFIX, document_errors
from ..chat.json_form import check_format
from ..chat.reading import ReaderLeft, abandon_task, wait_while_read
from ..chat.reply import NO_RETRY, Ask, Reply, build_reply, build_usage
from ..chat.request import MODEL_NAME, Completion, check_parameters
from ..dependencies import Caller, CallerDep, Service, ServiceDep
from ..problems import Refusal
from ..schemas import NewTask
from .tasks import IdempotencyKey, check_budget, hold_stream_slot, submit

router = APIRouter(
    prefix=PREFIX,
    tags=["chat"],
    responses=document_errors(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503, 504),
)

PING_SECONDS = 15

Prefer = Annotated[
    str | None, Header(description="`continue`: the task goes on when its reader leaves")
]


@router.get("/models")
async def list_models(caller: CallerDep) -> dict[str, Any]:
    """List `concertino`, which chooses the workflow itself, and one model per workflow."""
    return {"object": "list", "data": [_describe_model(name) for name in _list_model_names()]}


@router.get("/models/{model:path}")
async def get_model(model: str, caller: CallerDep) -> dict[str, Any]:
    """Return a model."""
    parse_workflow(model)
    return _describe_model(model)


@router.post("/chat/completions", response_model=None, dependencies=[Depends(hold_stream_slot)])
async def complete(
    asked: Completion,
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Answer the last message, with the earlier ones as the thread's context.

    This starts an ordinary task; the completion's id is `chatcmpl-` plus the task's id. A client
    that closes its connection cancels the task, unless it sent `Prefer: continue` or an
    `Idempotency-Key`, with which it can come back for the reply. What chat programs ask by
    themselves (titles, tags, questions to ask next) is answered at once and is no task.
    """
    check_parameters(asked)
    workflow = parse_workflow(asked.model)
    ask = Ask(asked, check_format(asked.response_format))
    if background := recognize_background(asked.messages):
        return await _answer_at_once(request, service, caller, ask, background)
    submission = None
    if idempotency_key is not None:
        digest = hashlib.sha256(asked.model_dump_json().encode()).hexdigest()
        submission = Submission(idempotency_key, digest)
    task = await _start_task(service, caller, asked, workflow, submission)
    stays = idempotency_key is not None or _wants_to_go_on(prefer)
    head = Head(f"chatcmpl-{task.task_id}", int(time.time()), asked.model)
    if asked.stream:
        return _respond_with_stream(service, task, head, ask, stays=stays)
    try:
        return await wait_while_read(request, _respond(service, task, head, ask, stays=stays))
    except ReaderLeft:
        if not stays:
            await abandon_task(service, task)
        return Response(status_code=499)  # as nginx logs it; nobody reads it


async def _start_task(
    service: Service,
    caller: Caller,
    asked: Completion,
    workflow: str | None,
    submission: Submission | None,
) -> TaskSummary:
    question, earlier, instructions = split_conversation(asked.messages)
    task_id = await submit(
        service,
        caller,
        NewTask(question=question, workflow=workflow),
        earlier=keep_latest(earlier, service.settings.max_question_chars),
        instructions=instructions,
        sampling=asked.sampling,
        submission=submission,
    )
    return await service.ledger.get_own_task(caller.owner, task_id)


async def _respond(
    service: Service, task: TaskSummary, head: Head, ask: Ask, *, stays: bool
) -> Response:
    patience = service.settings.task_timeout
    if not await wait_until_settled(service.ledger, service.notifier, task, patience):
        headers = {} if stays else NO_RETRY
        message = say("service.not_settled", task_id=task.task_id)
        raise Refusal(503, message, wait=5, headers=headers)
    return _build_completion(head, await build_reply(service, task, ask))


def _respond_with_stream(
    service: Service, task: TaskSummary, head: Head, ask: Ask, *, stays: bool
) -> Response:
    async def leave(message: Any) -> None:
        if not stays:
            await abandon_task(service, task)

    return EventSourceResponse(
        stream_task(service, task, head, ask),
        ping=PING_SECONDS,
        sep="\n",
        client_close_handler_callable=leave,
        # A stopping service closes its streams itself, with an error that says so.
        shutdown_grace_period=service.settings.serve_shutdown_seconds + 1,
    )


async def _answer_at_once(
    request: Request, service: Service, caller: Caller, ask: Ask, prompt: BackgroundPrompt
) -> Response:
    """Answer a background prompt by one call of the model."""
    await check_budget(service, caller)
    answering = call_model(service, caller.owner, lambda model: answer_background(model, prompt))
    try:
        answer = await wait_while_read(request, answering)
    except ReaderLeft:
        return Response(status_code=499)
    reply = ask.cut(answer.value, answer.usage)
    head = Head(f"chatcmpl-{uuid.uuid4().hex[:12]}", int(time.time()), ask.completion.model)
    if not ask.completion.stream:
        return _build_completion(head, reply)

    async def chunks() -> AsyncIterator[Chunk]:
        for chunk in [head.chunk({"role": "assistant"}), *list_chunks(head, ask, reply)]:
            yield chunk

    return EventSourceResponse(chunks(), ping=PING_SECONDS, sep="\n")


def _build_completion(head: Head, reply: Reply) -> Response:
    message = {"role": "assistant", "content": reply.text, "refusal": None}
    return JSONResponse(
        {
            **head.describe("chat.completion"),
            "choices": [{"index": 0, "message": message, "finish_reason": reply.ending}],
            "usage": build_usage(reply.usage),
        }
    )


def _list_model_names() -> list[str]:
    return [MODEL_NAME, *(f"{MODEL_NAME}/{name}" for name in WORKFLOWS)]


def _describe_model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": MODEL_NAME}


def parse_workflow(model: str) -> str | None:
    """Return the workflow named by a model name; None for plain `concertino`.

    Raises:
        Refusal: the model name is unknown.
    """
    known = _list_model_names()
    if model not in known:
        message = say("service.unknown_model", model=model, known=", ".join(known))
        raise Refusal(404, message, param="model", code="model_not_found")
    return model.partition("/")[2] or None


def _wants_to_go_on(prefer: str | None) -> bool:
    """Return whether the task is to go on when its reader leaves: `Prefer: continue`."""
    return bool(re.search(r"(?:^|[,\s])continue\s*(?:$|[,;])", prefer or "", re.IGNORECASE))
