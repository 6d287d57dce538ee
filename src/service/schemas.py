"""Request and response models of the OpenAPI schema."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..graphs.intake import PersonsAnswer, clean_text, clean_values
from ..state import TaskStatus
from ..store.base import TaskSummary
from ..tasks.result import TaskResult

EXAMPLE_QUESTION = "A shop sells 12 pens at 3 dollars each. What do they cost?"
EXAMPLE_ID = "4f1c9b2ad07e"

Text = Annotated[str, BeforeValidator(clean_text)]
TaskId = Annotated[str, Field(pattern=r"^[0-9a-z]{1,32}$", examples=[EXAMPLE_ID])]


class Body(BaseModel):
    """A request's body: all of its texts are cleaned, whatever becomes of them."""

    @model_validator(mode="before")
    @classmethod
    def _clean(cls, given: Any) -> Any:
        return clean_values(given)


class NewTask(Body):
    """A task in plain language, Chinese or English."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"question": EXAMPLE_QUESTION, "workflow": "solve_math"}]},
    )

    question: str
    workflow: str | None = Field(None, description="one of `GET /workflows`; null: any that fits")
    inputs: dict[str, Any] = Field({}, description="what that workflow takes besides the question")
    thread_id: str | None = Field(None, description="of an earlier task, to follow it up")
    max_iterations: int | None = Field(None, ge=1, le=100)
    workspace: str | None = Field(
        None, max_length=32, description="one of your workspaces, to work on its files"
    )
    model: str | None = Field(
        None, max_length=200, description="a model, a provider, or `provider/model`"
    )


class PersonAnswer(Body):
    """The user's answer to a task's question, or null to resume a task that was stopped."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"answer": "3 dollars each"}]}
    )

    answer: PersonsAnswer | None = Field(None)
    digests: list[str] | None = Field(
        None,
        max_length=100,
        description="of the approvals that the answer is about; refused with 409 if others wait",
    )


class Feedback(Body):
    """A rating of a task's result."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rating": 5}]})

    rating: int = Field(ge=1, le=5, description="1: of no use, to 5: as it should be")
    comment: str | None = Field(None, max_length=2000)


class NewName(Body):
    """A name for a task or a thread; null or an empty one takes it away."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Homework, page 12"}]}
    )

    name: str | None = Field(max_length=1000)


class Links(BaseModel):
    """URLs of a task's resources and actions."""

    self: str
    events: str
    resume: str
    cancel: str
    feedback: str
    undo: str

    @classmethod
    def of(cls, task_id: str) -> "Links":
        here = f"/tasks/{task_id}"
        return cls(
            self=here,
            events=f"{here}/events",
            resume=f"{here}/resume",
            cancel=f"{here}/cancel",
            feedback=f"{here}/feedback",
            undo=f"{here}/undo",
        )


class TaskLine(BaseModel):
    """A task as an item of a list."""

    task_id: str
    thread_id: str
    name: str | None = Field(description="the name that the user has given to it")
    thread_name: str | None = Field(description="the name that the user has given to its thread")
    question: str
    workflow: str | None
    status: TaskStatus
    final_answer: str | None
    created: datetime
    updated: datetime
    links: Links

    @classmethod
    def of(cls, task: TaskSummary) -> "TaskLine":
        return cls(**task.model_dump(exclude={"owner"}), links=Links.of(task.task_id))


class TaskPage(BaseModel):
    """A page of tasks, newest first."""

    items: list[TaskLine]
    next: str | None = Field(description="`cursor` of the page after this one; null: there is none")


class Thread(BaseModel):
    """A task and its follow-ups."""

    thread_id: str
    name: str | None
    items: list[TaskLine] = Field(description="oldest first")


class Task(TaskResult):
    """A task with its results so far."""

    name: str | None
    thread_name: str | None

    created: datetime
    updated: datetime
    rating: int | None
    workspace: str | None = Field(description="the id of your workspace that it works on")
    undone: bool = Field(description="whether all files that it has changed are as before")
    links: Links


class Undone(BaseModel):
    """What became of the files that a task has changed."""

    restored: list[str] = Field(description="paths that are as before the task")
    left: list[str] = Field(description="paths that somebody has changed since, left alone")


class WorkflowInfo(BaseModel):
    """A workflow: its description, inputs, checks and actions."""

    name: str
    description: dict[Literal["en", "zh"], str]
    inputs: dict[str, Any] = Field(description="JSON schema of what it takes besides the question")
    checks: dict[str, dict[Literal["en", "zh"], str]]
    agents: dict[str, dict[Literal["en", "zh"], str]]
