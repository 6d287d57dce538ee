"""A reply as a stream of chunks."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from ...errors import ConcertinoError
from ...language.messages import say
from ...store.base import TaskSummary
from ...work.following import follow
from ..dependencies import Service
from ..problems import Refusal
from .errors import build_error
from .reply import Ask, Reply, build_reply, build_usage
from .thinking import Thinking

log = logging.getLogger(__name__)

Chunk = dict[str, str]
"""A server-sent event."""


@dataclass(frozen=True)
class Head:
    """What is the same in all chunks of a reply."""

    id: str
    created: int
    model: str

    def describe(self, kind: str) -> dict[str, Any]:
        """Return the fields that every object of this kind begins with."""
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def chunk(self, delta: dict[str, str], finish: str | None = None) -> Chunk:
        """Build a chunk."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return self.event(choices=[choice])

    def event(self, **fields: Any) -> Chunk:
        """Build an event with these fields besides."""
        return format_event({**self.describe("chat.completion.chunk"), **fields})


def format_event(data: dict[str, Any]) -> Chunk:
    return {"data": json.dumps(data, ensure_ascii=False)}


async def stream_task(
    service: Service, task: TaskSummary, head: Head, ask: Ask
) -> AsyncIterator[Chunk]:
    """Yield a task's reply: its work as `reasoning_content`, then the answer that holds.

    Without an answer an error is the last event, which official clients raise.
    """
    thinking = Thinking()
    yield head.chunk({"role": "assistant", "content": ""})
    try:
        async for event in follow(service.ledger, service.notifier, service.live_text, task):
            if text := thinking.tell(event.data):
                yield head.chunk({"reasoning_content": text})
            if "result" in event.data:
                break
        else:
            raise Refusal(503, say("service.not_settled", task_id=task.task_id))
        reply = await build_reply(service, task, ask)
    except Exception as error:
        yield format_event(_describe_failure(error))
        return
    for chunk in list_chunks(head, ask, reply):
        yield chunk


def list_chunks(head: Head, ask: Ask, reply: Reply) -> list[Chunk]:
    """List the chunks of a finished reply, line by line."""
    chunks = [head.chunk({"content": line}) for line in reply.text.splitlines(keepends=True)]
    chunks.append(head.chunk({}, reply.ending))
    options = ask.completion.stream_options
    if options and options.include_usage:
        chunks.append(head.event(choices=[], usage=build_usage(reply.usage)))
    return [*chunks, {"data": "[DONE]"}]


def _describe_failure(error: Exception) -> dict[str, Any]:
    match error:
        case Refusal():
            return build_error(error.status_code, error.detail, param=error.param, code=error.code)
        case ConcertinoError():
            return build_error(503, str(error))
    log.error("a reply could not be streamed", exc_info=error)
    return build_error(500, say("service.internal"))
