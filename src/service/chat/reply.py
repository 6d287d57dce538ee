"""The reply to a chat: a task's result as an assistant's message, or as an error."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...language.messages import say
from ...models.client import Form
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
        Refusal: the task has failed, was cancelled or did not end in time.
        ModelError: the answer could not be put into the form that is asked for.
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
    usage = done.usage
    form = ask.form
    if form:
        question = _get_wording(done, ask)
        written = await call_model(
            service, task.owner, lambda model: write_json(model, form, question, text)
        )
        text, usage = written.value, usage + written.usage
    return ask.cut(text, usage)


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
