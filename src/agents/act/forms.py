"""The forms that the planner fills in, each a small grammar of its own."""

from collections.abc import Sequence
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, create_model

from ...actions.catalogue import ACTIONS
from ...actions.spec import Action, Exists, Params
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
def build_params_schema(
    action: str,
    paths: tuple[tuple[str, str], ...],
    *,
    brief: bool = False,
    named: tuple[str, ...] = (),
) -> type[Params]:
    """Build a form for the parameters of a call.

    Args:
        action: Name of the action.
        paths: Kind and path of all that the workspace holds; empty: too much to name it. Of what
            has to exist, a model with a grammar can name nothing else.
        brief: Whether optional numbers and texts, such as where to read on, are left out, and where
            to look is a folder or one of the files of the task.
        named: Paths of the files that the task names.
    """

    params: type[Params] = ACTIONS[action].params

    def narrow(schema: dict[str, Any]) -> None:
        for name, field in params.model_fields.items():
            mark = next((mark for mark in field.metadata if isinstance(mark, Exists)), None)
            if mark is None and brief and not field.is_required() and field.annotation is not bool:
                del schema["properties"][name]
            elif mark is not None and paths:
                free = field.is_required() or not brief
                there = [each for each in paths if free or each[0] == "folder" or each[1] in named]
                schema["properties"][name]["enum"] = _list_choices(mark, there)

    config = ConfigDict(json_schema_extra=narrow)
    return type(params.__name__, (params,), {"model_config": config, "__module__": __name__})


def _list_choices(mark: Exists, paths: Sequence[tuple[str, str]]) -> list[str]:
    root = [] if mark.kind == "file" else ["."]
    return [*root, *(path for kind, path in paths if mark.kind in ("either", kind))]


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
