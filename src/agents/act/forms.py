"""The forms that the planner fills in, each a small grammar of its own."""

from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from ...actions.catalogue import ACTIONS
from ...actions.spec import Action, Params
from ...state import Contract, Ending, Line, OnFailure, Phrase


class QuestionForm(Contract):
    """What to ask the user."""

    question: Line
    options: list[Phrase] = Field(max_length=4)


class NextForm(Contract):
    """Which action comes next."""

    reasoning: Line
    next: str


@cache
def build_next_schema(legal: tuple[str, ...]) -> type[NextForm]:
    """Build a form whose `next` must be one of the legal names."""
    choices: Any = Literal[legal]
    return create_model("NextForm", __base__=NextForm, next=(choices, ...))


@cache
def build_done_schema(ids: tuple[str, ...]) -> type[Contract]:
    """Build a form whose `evidence` must name results."""
    names: Any = Literal[ids]
    return create_model(
        "DoneForm",
        __base__=Contract,
        outcome=(Ending, ...),
        evidence=(Annotated[list[names], Field(max_length=5)], ...),
        message=(str, ...),
    )


@cache
def build_plan_schema(names: tuple[str, ...]) -> type[Contract]:
    """Build a form for up to five calls of the named actions."""
    steps: Any = reduce(or_, (_build_step_schema(ACTIONS[name]) for name in names))
    listed: Any = Annotated[list[steps], Field(min_length=1, max_length=5)]
    return create_model("PlanForm", __base__=Contract, goal=(Line, ...), steps=(listed, ...))


def _build_step_schema(action: Action[Any, Any]) -> Any:
    name: Any = Literal[action.name]
    fields: dict[str, Any] = {
        key: (field.annotation, field) for key, field in action.params.model_fields.items()
    }
    return create_model(
        f"{action.name}_step",
        __base__=Contract,
        action=(name, ...),
        **fields,
        on_failure=(OnFailure, "replan"),
    )


def describe_params(params: type[Params]) -> str:
    """Return one line that says what each parameter is."""
    fields = params.model_fields.items()
    return " ".join(f"{name}: {field.description or ''}".strip() for name, field in fields)
