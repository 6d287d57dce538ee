"""The reasoner: an answer worked out in words."""

from langgraph.runtime import Runtime

from ....context import RunContext, resolve_model
from ....prompts import load_prompt
from ....tools.answers import extract_boxed_answer
from ...turns import Stopwatch
from ..contracts import Assignment, Contribution
from ..roles import Role, register_role
from ..writing import MAX_TOKENS, RETRY_TEMPERATURE

PROMPT = load_prompt("math/reasoning")


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Reason step by step towards one answer."""
    watch = Stopwatch()
    lines = [assignment["task"], assignment["instructions"], assignment["findings"]]
    seed = assignment["seed"]
    model = await resolve_model(runtime)
    reply = await model.generate_text(
        PROMPT[assignment["language"]].messages(problem="\n\n".join(filter(None, lines))),
        max_tokens=MAX_TOKENS,
        temperature=RETRY_TEMPERATURE if seed else 0.0,
        seed=seed or None,
    )
    return Contribution(
        role=assignment["role"],
        number=assignment["number"],
        round=assignment["round"],
        instructions=assignment["instructions"],
        text=reply.value.strip(),
        value=extract_boxed_answer(reply.value),
        cut_off=reply.cut_off,
        usage=reply.usage,
        seconds=watch.seconds,
    )


REASONER = register_role(
    Role(
        name="reasoner",
        title={"en": "reasoner", "zh": "推理者"},
        description={
            "en": "works an answer out in words, step by step.",
            "zh": "用文字一步一步推出答案。",
        },
        method="reasoning",
        play=play,
        checks=("agreement", "complete"),
    )
)
