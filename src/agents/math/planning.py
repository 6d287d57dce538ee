"""Planning: a small DAG of steps that lead from the givens to the answer."""

from langgraph.runtime import Runtime

from ...context import RunContext, model_of
from ...errors import StructuredOutputError
from ...prompts import load
from ...state import Plan, PlanStep, TaskState
from ..turns import Stopwatch, do_without, instructions_of, played, problem_of
from .comprehension import known

PROMPT = load("math/planning")
MAX_TOKENS = 900


async def plan(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Lay out the steps. Writes `planning_output`, always a DAG, unless the model says nothing
    usable."""
    watch, model = Stopwatch(), await model_of(runtime)
    messages = PROMPT[state["language"]].messages(
        problem=problem_of(state),
        known=known(state.get("comprehension_output")),
        instructions=instructions_of(state),
    )
    try:
        reply = await model.structured(
            messages, Plan, max_tokens=MAX_TOKENS, language=state["language"]
        )
    except StructuredOutputError as error:
        return do_without("planning", state, error, watch.seconds)
    planned = acyclic(reply.value)
    return played(
        "planning",
        planned,
        summary=" -> ".join(step.description for step in planned.steps),
        inputs=str(messages[-1].content),
        usage=reply.usage,
        seconds=watch.seconds,
    )


def acyclic(planned: Plan) -> Plan:
    """The plan with ids 1, 2, … in order, and only dependencies on earlier steps."""
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
