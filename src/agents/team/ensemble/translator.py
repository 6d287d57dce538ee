"""The translator: the same text in another language."""

from langgraph.runtime import Runtime

from ....context import RunContext
from ....prompts import load_prompt
from ..contracts import Assignment, Contribution
from ..roles import Role, register_role
from ..writing import write_text

PROMPT = load_prompt("team/translator")


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Translate the text."""
    return await write_text(PROMPT, assignment, runtime)


TRANSLATOR = register_role(
    Role(
        name="translator",
        title={"en": "translator", "zh": "译者"},
        description={
            "en": "translates a text and keeps its names and numbers.",
            "zh": "翻译文字，保留人名和数字。",
        },
        method="prose",
        play=play,
    )
)
