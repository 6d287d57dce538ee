"""The tester: assertions on a program that it has not seen."""

from langgraph.runtime import Runtime

from ....context import RunContext
from ....prompts import load_prompt
from ..contracts import Assignment, Contribution
from ..roles import Role, register_role
from ..writing import write_text

PROMPT = load_prompt("team/tester")


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Write the assertions, never aloud: they are no answer."""
    return await write_text(PROMPT, {**assignment, "aloud": False}, runtime, varied=False)


TESTER = register_role(
    Role(
        name="tester",
        title={"en": "tester", "zh": "测试员"},
        description={
            "en": "writes assertions from the description alone, without sight of the program.",
            "zh": "只根据描述写断言，不看程序。",
        },
        method="assertions",
        play=play,
        tools=("sandbox",),
        checks=("tests",),
        answers=False,
    )
)
