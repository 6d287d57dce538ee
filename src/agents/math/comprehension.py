"""Comprehension: what is given, what is asked, what is easily misread."""

from langgraph.runtime import Runtime

from ...context import RunContext, model_of
from ...errors import StructuredOutputError
from ...prompts import load
from ...state import Comprehension, TaskState
from ..turns import Stopwatch, do_without, instructions_of, played, problem_of

PROMPT = load("math/comprehension")
MAX_TOKENS = 900


async def comprehend(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Read the problem. Writes `comprehension_output`, unless the model says nothing usable."""
    watch, model = Stopwatch(), await model_of(runtime)
    messages = PROMPT[state["language"]].messages(
        problem=problem_of(state), instructions=instructions_of(state)
    )
    try:
        reply = await model.structured(
            messages, Comprehension, max_tokens=MAX_TOKENS, language=state["language"]
        )
    except StructuredOutputError as error:
        return do_without("comprehension", state, error, watch.seconds)
    found = reply.value
    return played(
        "comprehension",
        found,
        summary=f"{found.problem_type}; " + "; ".join(found.unknowns),
        inputs=problem_of(state) + instructions_of(state),
        usage=reply.usage,
        seconds=watch.seconds,
    )


def known(comprehension: Comprehension | None) -> str:
    """The comprehension as the later agents read it."""
    if comprehension is None:
        return ""
    lines = [*comprehension.givens, *comprehension.constraints, *comprehension.traps]
    return "\n".join(f"- {line}" for line in lines) + "\n-> " + "; ".join(comprehension.unknowns)
