"""Going back to a lesson that did not hold."""

from langgraph.runtime import Runtime

from ...context import RunContext, get_sandbox
from .checks import check_lesson
from .contracts import WORKFLOW, Lesson, LessonState


async def reopen(state: LessonState, runtime: Runtime[RunContext]) -> LessonState:
    """Take up the lesson as it was made, with the faults of its parts."""
    lesson = Lesson.model_validate(state["outputs"][WORKFLOW].data)
    return {"lesson": lesson, "faults": (await check_lesson(get_sandbox(), lesson)).faults}
