"""`/workflows`: the available workflows."""

from fastapi import APIRouter

from ...tasks.api import workflows
from ..dependencies import CallerDep
from ..schemas import WorkflowInfo

router = APIRouter(tags=["tasks"])


@router.get("/workflows")
async def list_workflows(caller: CallerDep) -> list[WorkflowInfo]:
    """List every workflow, with its inputs and the checks on its results."""
    return [WorkflowInfo.model_validate(row) for row in workflows()]
