"""Planning: a small DAG of steps that lead from the givens to the answer."""

from langgraph.runtime import Runtime

from ...context import RunContext, resolve_model
from ...errors import StructuredOutputError
from ...prompts import load_prompt
from ...state import Plan, PlanStep, TaskState
from ..turns import Stopwatch, do_without, format_problem, get_instructions, record_turn
from .comprehension import format_comprehension

PROMPT = load_prompt("math/planning")
MAX_TOKENS = 900


async def plan(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Plan the steps. Writes a DAG to `planning_output`, unless the model's reply is unusable."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    messages = PROMPT[state["language"]].messages(
        problem=format_problem(state),
        known=format_comprehension(state.get("comprehension_output")),
        instructions=get_instructions(state),
    )
    try:
        reply = await model.generate_structured(
            messages, Plan, max_tokens=MAX_TOKENS, language=state["language"]
        )
    except StructuredOutputError as error:
        return do_without("planning", state, error, watch.seconds)
    planned = normalize_plan(reply.value)
    return record_turn(
        "planning",
        planned,
        summary=" -> ".join(step.description for step in planned.steps),
        inputs=str(messages[-1].content),
        usage=reply.usage,
        seconds=watch.seconds,
    )


def normalize_plan(planned: Plan) -> Plan:
    """Return the plan with ids 1, 2, … in order, and only dependencies on earlier steps."""
    place = {step.id: number for number, step in reversed(list(enumerate(planned.steps, 1)))}
    return Plan(
        steps=[
            PlanStep(
                id=number,
                description=step.description,
                tool=step.tool,
                depends_on=sorted(
                    {place[d] for d in step.depends_on if place.get(d, number) < number}
                ),
            )
            for number, step in enumerate(planned.steps, 1)
        ]
    )
