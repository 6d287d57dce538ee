"""The calculator: an answer that a program computes in the sandbox."""

from langgraph.runtime import Runtime

from ....context import RunContext, get_sandbox, resolve_model
from ....prompts import load_prompt
from ....tools.answers import ProgramError, ProgramOutcome, run_program
from ...math.execution import extract_program
from ...turns import Stopwatch
from ..contracts import Assignment, Contribution
from ..roles import Role, register_role
from ..writing import RETRY_TEMPERATURE

PROMPT = load_prompt("math/execution")
MAX_TOKENS = 600


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Write a program and run it; a failed one is told as the part's error."""
    watch = Stopwatch()
    seed = assignment["seed"]
    model = await resolve_model(runtime)
    reply = await model.generate_text(
        PROMPT[assignment["language"]].messages(
            problem="\n\n".join(filter(None, [assignment["task"], assignment["instructions"]])),
            known=assignment["material"],
            steps="",
            program_so_far="",
            hints=assignment["findings"],
        ),
        max_tokens=MAX_TOKENS,
        temperature=RETRY_TEMPERATURE if seed else 0.0,
        seed=seed or None,
    )
    text = value = error = ""
    try:
        found = await run_program(get_sandbox(), extract_program(reply.value))
        text = _format_outcome(found)
        value = found.answer.written
    except ProgramError as failed:
        error = str(failed)[:300]
    return Contribution(
        role=assignment["role"],
        number=assignment["number"],
        round=assignment["round"],
        instructions=assignment["instructions"],
        text=text,
        value=value,
        error=error,
        usage=reply.usage,
        seconds=watch.seconds,
    )


def _format_outcome(found: ProgramOutcome) -> str:
    """Format what was computed: the named quantities, then the answer."""
    lines = [f"- {name.replace('_', ' ')}: {value}" for name, value in found.facts.items()]
    return "\n".join([*lines, f"**{found.answer.text}**"])


CALCULATOR = register_role(
    Role(
        name="calculator",
        title={"en": "calculator", "zh": "计算员"},
        description={
            "en": "computes an answer by a program in the sandbox.",
            "zh": "用沙箱中的程序算出答案。",
        },
        method="calculation",
        play=play,
        tools=("sandbox",),
        checks=("agreement",),
    )
)
