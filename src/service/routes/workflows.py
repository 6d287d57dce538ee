"""`/workflows`: what kinds of task there are."""

from fastapi import APIRouter

from ...tasks.api import workflows
from ..dependencies import CallerDep
from ..schemas import WorkflowInfo

router = APIRouter(tags=["tasks"])


@router.get("/workflows")
async def list_workflows(caller: CallerDep) -> list[WorkflowInfo]:
    """Every workflow, with what it takes and what is checked of what it makes."""
    return [WorkflowInfo.model_validate(row) for row in workflows()]
