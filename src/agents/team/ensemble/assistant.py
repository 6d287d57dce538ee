"""The assistant: answers what no other role is made for."""

from langgraph.runtime import Runtime

from ....context import RunContext
from ....prompts import load_prompt
from ..contracts import Assignment, Contribution
from ..roles import Role, register_role
from ..writing import write_text

PROMPT = load_prompt("team/assistant")


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Answer the request."""
    return await write_text(PROMPT, assignment, runtime)


ASSISTANT = register_role(
    Role(
        name="assistant",
        title={"en": "assistant", "zh": "助手"},
        description={
            "en": "answers questions and does small jobs in writing.",
            "zh": "回答问题，完成各种文字小任务。",
        },
        method="prose",
        play=play,
    )
)
