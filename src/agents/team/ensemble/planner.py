"""The planner: plans to follow."""

from langgraph.runtime import Runtime

from ....context import RunContext
from ....prompts import load_prompt
from ..contracts import Assignment, Contribution
from ..roles import Role, register_role
from ..writing import write_text

PROMPT = load_prompt("team/planner")


async def play(assignment: Assignment, runtime: Runtime[RunContext]) -> Contribution:
    """Make the plan."""
    return await write_text(PROMPT, assignment, runtime)


PLANNER = register_role(
    Role(
        name="planner",
        title={"en": "planner", "zh": "计划员"},
        description={
            "en": "makes plans to follow: trips, timetables, meals, projects.",
            "zh": "制定能照着做的计划：行程、日程、菜单、项目。",
        },
        method="prose",
        play=play,
    )
)
