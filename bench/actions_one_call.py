"""A planner that chooses an action and fills in its form in one call, instead of two: one grammar,
a union of the forms of all actions offered. Only measured, not offered."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from concertino.actions.spec import Action
from concertino.agents.act.calls import make_call
from concertino.agents.act.desk import Desk
from concertino.agents.act.forms import QuestionForm, build_done_schema, describe_params
from concertino.state import Contract, Done, Line, NeedInput, Planned, SingleAction
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, create_model

MAX_TOKENS = 1650
"""As many as the two calls together."""
ASKED = {
    "en": "Reply with JSON: reasoning (one short sentence), then call: the action and all of its "
    "parameters.",
    "zh": "用JSON回答：先写 reasoning（一句话），再写 call：action 和它的全部参数。",
}
DONE = "done"
NEED_INPUT = "need_input"


async def plan_in_one_call(desk: Desk, offered: Sequence[Action[Any, Any]]) -> Planned:
    """Return what comes next."""
    lines = [f"- {action.name}: {describe_params(action.params)}" for action in offered]
    last = desk.messages[-1]
    asked = HumanMessage("\n".join([str(last.content), ASKED[desk.language], *lines]))
    ids = tuple(result.id for result in desk.results)
    filled: Any = await desk.ask(
        [*desk.messages[:-1], asked], build_schema(tuple(offered), ids), MAX_TOKENS
    )
    call = filled.call
    if call.action == DONE:
        return Done(
            reasoning=filled.reasoning,
            outcome=call.outcome,
            evidence=call.evidence,
            message=call.message,
        )
    if call.action == NEED_INPUT:
        return NeedInput(reasoning=filled.reasoning, question=call.question, options=call.options)
    params = call.model_dump(mode="json", exclude={"action"})
    return SingleAction(reasoning=filled.reasoning, call=make_call(desk, call.action, params, []))


def build_schema(offered: Sequence[Action[Any, Any]], ids: tuple[str, ...]) -> type[Contract]:
    """Return the form: the union of the offered actions' and, once there are results, of the
    ends'."""
    forms = [_name(action.params, action.name) for action in offered]
    if ids:
        forms += [_name(build_done_schema(ids), DONE), _name(QuestionForm, NEED_INPUT)]
    union: Any = reduce(or_, forms)
    return create_model("OneForm", __base__=Contract, reasoning=(Line, ...), call=(union, ...))


def _name(form: type[BaseModel], name: str) -> Any:
    """Return a form whose first field says which one it is."""
    action: Any = Literal[name]
    fields: dict[str, Any] = {
        key: (Annotated[field.annotation, field], ... if field.is_required() else field.default)
        for key, field in form.model_fields.items()
    }
    return create_model(f"{name}_call", __base__=Contract, action=(action, ...), **fields)
