"""The reply to a chat: a task's result as an assistant's message, or as an error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...errors import ModelError
from ...language.messages import say
from ...models.client import Form
from ...models.client import Reply as Written
from ...state import TaskStatus, Usage
from ...store.base import TaskSummary
from ..dependencies import Service
from ..problems import Refusal
from ..routes.tasks import build_task_response
from ..schemas import Task
from .calls import call_model
from .cutting import Ending, cut_reply
from .json_form import write_json
from .request import Completion

_FAILURES: Mapping[TaskStatus, int] = {"failed": 500, "interrupted": 504, "cancelled": 409}
"""HTTP statuses of tasks without an answer."""
NO_RETRY = {"X-Should-Retry": "false"}
"""Keeps OpenAI's clients from starting a failed task again by themselves."""


class Reply(NamedTuple):
    """What the assistant says, why it ends, and what it cost."""

    text: str
    ending: Ending
    usage: Usage


@dataclass(frozen=True)
class Ask:
    """A request with its form, if the reply is to be JSON."""

    completion: Completion
    form: Form[str] | None

    def cut(self, text: str, usage: Usage) -> Reply:
        """Return a reply within the request's bounds."""
        stop = self.completion.stop
        return Reply(*cut_reply(text, list(stop or []), self.completion.limit), usage)


async def build_reply(service: Service, task: TaskSummary, ask: Ask) -> Reply:
    """Build the reply of a task that has ended, or waits for its user.

    Raises:
        Refusal: the task has failed, was cancelled or did not end in time; or there is no answer
            that could be put into the form that is asked for.
    """
    done = await build_task_response(
        service, await service.ledger.get_own_task(task.owner, task.task_id)
    )
    if status := _FAILURES.get(done.status):
        raise Refusal(
            status,
            say(f"chat.{done.status}", task_id=done.task_id, reason=done.error or "").strip(),
            headers=NO_RETRY,
            code=f"task_{done.status}",
        )
    text = done.input_request or done.report or done.final_answer or ""
    if ask.form is None:
        return ask.cut(text, done.usage)
    if done.status in ("needs_input", "no_answer"):
        raise Refusal(422, text, headers=NO_RETRY, code=f"task_{done.status}")
    written = await _write_in_form(service, done, task.owner, ask.form, _get_wording(done, ask))
    return ask.cut(written.value, done.usage + written.usage)


async def _write_in_form(
    service: Service, done: Task, owner: str | None, form: Form[str], question: str
) -> Written[str]:
    answer = done.report or done.final_answer or ""
    try:
        return await call_model(
            service, owner, lambda model: write_json(model, form, question, answer)
        )
    except ModelError as error:
        raise Refusal(503, str(error), headers=NO_RETRY, code="no_json") from None


def _get_wording(task: Task, ask: Ask) -> str:
    """Return the question with the instructions, which may name the fields of the JSON."""
    texts = (each.text for each in ask.completion.messages if each.role in ("system", "developer"))
    return "\n\n".join([*texts, task.question])


def build_usage(usage: Usage) -> dict[str, Any]:
    """Build the usage in OpenAI's form."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
