"""Repair: reopens a lesson that failed its checks."""

from langgraph.runtime import Runtime

from ...context import RunContext, get_sandbox
from .checks import check_lesson
from .contracts import WORKFLOW, Lesson, LessonState


async def reopen(state: LessonState, runtime: Runtime[RunContext]) -> LessonState:
    """Load the lesson as it was made, and the faults of its parts."""
    lesson = Lesson.model_validate(state["outputs"][WORKFLOW].data)
    return {"lesson": lesson, "faults": (await check_lesson(get_sandbox(), lesson)).faults}
