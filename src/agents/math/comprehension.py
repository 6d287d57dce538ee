"""Comprehension: what is given, what is asked, what is easily misread."""

from langgraph.runtime import Runtime

from ...context import RunContext, resolve_model
from ...errors import StructuredOutputError
from ...language.messages import say
from ...prompts import load_prompt
from ...state import Comprehension, TaskState
from ..turns import Stopwatch, do_without, format_problem, get_instructions, record_turn

PROMPT = load_prompt("math/comprehension")
MAX_TOKENS = 900


async def comprehend(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    """Read the problem. Writes `comprehension_output`, unless the model's reply is unusable."""
    watch = Stopwatch()
    model = await resolve_model(runtime)
    messages = PROMPT[state["language"]].messages(
        problem=format_problem(state), instructions=get_instructions(state)
    )
    try:
        reply = await model.generate_structured(
            messages, Comprehension, max_tokens=MAX_TOKENS, language=state["language"]
        )
    except StructuredOutputError as error:
        return do_without("comprehension", state, error, watch.seconds)
    found = reply.value
    return record_turn(
        "comprehension",
        found,
        summary=f"{found.problem_type}; " + "; ".join(found.unknowns),
        note="; ".join(
            [say(f"math.type.{found.problem_type}", state["language"]), *found.unknowns]
        ),
        inputs=format_problem(state) + get_instructions(state),
        usage=reply.usage,
        seconds=watch.seconds,
    )


def format_comprehension(comprehension: Comprehension | None) -> str:
    """Format the comprehension for the prompts of later agents; empty for None."""
    if comprehension is None:
        return ""
    lines = [*comprehension.givens, *comprehension.constraints, *comprehension.traps]
    return "\n".join(f"- {line}" for line in lines) + "\n-> " + "; ".join(comprehension.unknowns)
