"""`/v1`: Concertino as a model, for clients of OpenAI's chat completions API."""

import json
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse

from ...errors import InvalidTask
from ...graphs.registry import WORKFLOWS
from ...language.messages import say
from ...state import Exchange
from ...store.base import TaskSummary
from ...tasks.events import Event
from ...work.following import follow, wait_until_settled
from ..dependencies import CallerDep, Service, ServiceDep
from ..problems import Refusal, document_problems
from ..schemas import EXAMPLE_QUESTION, NewTask, Task
from .tasks import build_task_response, hold_stream_slot, submit

router = APIRouter(prefix="/v1", tags=["chat"])

MODEL_NAME = "concertino"


class Part(BaseModel):
    """A text part of a message."""

    type: Literal["text"]
    text: str


class Message(BaseModel):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[Part] | None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class StreamOptions(BaseModel):
    """Options for streamed responses."""

    include_usage: bool = False


class Completion(BaseModel):
    """A conversation to continue. Other request fields, such as `temperature`, are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": MODEL_NAME, "messages": [{"role": "user", "content": EXAMPLE_QUESTION}]}
            ]
        }
    )

    model: str = Field(description="`concertino`, or `concertino/WORKFLOW`", max_length=200)
    messages: list[Message] = Field(
        min_length=1, max_length=200, description="the last one, of a user, is the task"
    )
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()


@router.get("/models")
async def list_models(caller: CallerDep) -> dict[str, Any]:
    """List `concertino`, which chooses the workflow itself, and one model per workflow."""
    names = [MODEL_NAME, *(f"{MODEL_NAME}/{name}" for name in WORKFLOWS)]
    return {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": 0, "owned_by": MODEL_NAME} for name in names
        ],
    }


@router.post(
    "/chat/completions",
    response_model=None,
    responses=document_problems(422, 429, 503),
    dependencies=[Depends(hold_stream_slot)],
)
async def complete(asked: Completion, service: ServiceDep, caller: CallerDep) -> Response:
    """Answer the last message, with the earlier ones as the thread's context.

    This starts an ordinary task: the completion's id is `chatcmpl-` plus the task's id, and the
    task runs to its end even if the client disconnects.
    """
    question, earlier = _split_exchanges(asked.messages)
    task = NewTask(question=question, workflow=_parse_workflow(asked.model))
    task_id = await submit(service, caller, task, earlier=earlier)
    started = await service.ledger.get_own_task(caller.owner, task_id)
    head = {"id": f"chatcmpl-{task_id}", "created": int(time.time()), "model": asked.model}
    if asked.stream:
        usage = asked.stream_options.include_usage
        return EventSourceResponse(_stream_chunks(service, started, head, usage), ping=15, sep="\n")
    patience = service.settings.task_timeout
    if not await wait_until_settled(service.ledger, service.notifier, started, patience):
        raise Refusal(503, say("service.not_settled", task_id=task_id), wait=5)
    done = await build_task_response(
        service, await service.ledger.get_own_task(caller.owner, task_id)
    )
    message = {"role": "assistant", "content": _get_reply(done)}
    return JSONResponse(
        {
            **head,
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": _build_usage(done),
        }
    )


async def _stream_chunks(
    service: Service, task: TaskSummary, head: dict[str, Any], with_usage: bool
) -> AsyncIterator[dict[str, str]]:
    """Yield the answer as chunks.

    Intermediate steps are sent as `reasoning_content`, which clients show as thinking or not at
    all. If the service stops before there is an answer, the stream ends early.
    """
    head = {**head, "object": "chat.completion.chunk"}

    def chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, str]:
        return _format_event(
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        )

    yield chunk({"role": "assistant", "content": ""})
    async for event in follow(service.ledger, service.notifier, service.live_text, task):
        if step := _format_step(event.data):
            yield chunk({"reasoning_content": f"{step}\n"})
        if "result" in event.data:
            break
    else:
        return
    done = await build_task_response(
        service, await service.ledger.get_own_task(task.owner, task.task_id)
    )
    yield chunk({"content": _get_reply(done)})
    yield chunk({}, "stop")
    if with_usage:
        yield _format_event({**head, "choices": [], "usage": _build_usage(done)})
    yield {"data": "[DONE]"}


def _format_event(data: dict[str, Any]) -> dict[str, str]:
    return {"data": json.dumps(data, ensure_ascii=False)}


def _format_step(event: Event) -> str | None:
    if event["type"] == "decision":
        return f"→ {event['next_action']}: {event['reasoning']}"
    return event["summary"] if event["type"] in ("turn", "progress") else None


def _get_reply(task: Task) -> str:
    """Return the first available: question to the user, report, answer, error, status."""
    return task.input_request or task.report or task.final_answer or task.error or task.status


def _build_usage(task: Task) -> dict[str, int]:
    usage = task.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
    }


def _parse_workflow(model: str) -> str | None:
    """Return the workflow named by a model name; None for plain `concertino`.

    Raises:
        InvalidTask: the model name is unknown.
    """
    name, _, workflow = model.partition("/")
    if name != MODEL_NAME or (workflow and workflow not in WORKFLOWS):
        known = ", ".join([MODEL_NAME, *(f"{MODEL_NAME}/{each}" for each in WORKFLOWS)])
        raise InvalidTask(say("service.unknown_model", model=model, known=known))
    return workflow or None


def _split_exchanges(messages: list[Message]) -> tuple[str, list[Exchange]]:
    """Return the last message's text, and the earlier messages as question-answer pairs.

    Raises:
        InvalidTask: the last message is not from the user.
    """
    said = [message for message in messages if message.role in ("user", "assistant")]
    if not said or said[-1].role != "user":
        raise InvalidTask(say("service.no_user_message"))
    earlier = [
        Exchange(question=one.text, workflow=None, inputs={}, answer=next_.text)
        for one, next_ in pairwise(said)
        if one.role == "user" and next_.role == "assistant" and one.text and next_.text
    ]
    return said[-1].text, earlier
