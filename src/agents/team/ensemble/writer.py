"""The writer: texts that are made up."""

from langgraph.runtime import Runtime

from ....context import RunContext
from ....prompts import load_prompt
from ..contracts import Assignment, Contribution
from ..roles import Role, register_role
from ..writing import write_text

PROMPT = load_prompt("team/writer")


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Write the text."""
    return await write_text(PROMPT, assignment, runtime)


WRITER = register_role(
    Role(
        name="writer",
        title={"en": "writer", "zh": "写作者"},
        description={
            "en": "writes e-mails, letters, notices, poems, slogans.",
            "zh": "写邮件、信、通知、诗、广告语。",
        },
        method="prose",
        play=play,
    )
)
