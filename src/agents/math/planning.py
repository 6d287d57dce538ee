"""Planning: a small DAG of steps that lead from the givens to the answer."""

from langgraph.runtime import Runtime

from ...context import RunContext, model_of
from ...prompts import load
from ...state import Plan, PlanStep, TaskState
from ..turns import Stopwatch, instructions_of, played, problem_of
from .comprehension import known

PROMPT = load("math/planning")
MAX_TOKENS = 500


async def plan(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Lay out the steps. Writes `planning_output`, always a DAG."""
    watch, model = Stopwatch(), await model_of(runtime)
    messages = PROMPT[state["language"]].messages(
        problem=problem_of(state),
        known=known(state.get("comprehension_output")),
        instructions=instructions_of(state),
    )
    reply = await model.structured(
        messages, Plan, max_tokens=MAX_TOKENS, language=state["language"]
    )
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


def chains(planned: Plan) -> list[list[int]]:
    """The plan's steps, gathered into chains that one program can carry out.

    A step joins the chain before it when it needs nothing else and nobody else needs that one
    directly. Dependencies that follow from others do not count.
    """
    needs = _direct_needs(planned)
    needed_by = {i: [j for j in needs if i in needs[j]] for i in needs}
    gathered: list[list[int]] = []
    for step in needs:
        before = next((c for c in gathered if needs[step] == {c[-1]}), None)
        if before and len(needed_by[before[-1]]) == 1:
            before.append(step)
        else:
            gathered.append([step])
    return gathered


def _direct_needs(planned: Plan) -> dict[int, set[int]]:
    """Each step's dependencies, less those it has through another (transitive reduction)."""
    all_needs: dict[int, set[int]] = {}
    direct: dict[int, set[int]] = {}
    for step in planned.steps:
        through = set().union(*(all_needs[d] for d in step.depends_on))
        direct[step.id] = set(step.depends_on) - through
        all_needs[step.id] = set(step.depends_on) | through
    return direct
