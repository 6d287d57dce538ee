"""`/learning`: what tasks have taught."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ...learning.bandit import Bandit
from ...learning.overview import build_overview
from ..dependencies import CallerDep, ServiceDep

router = APIRouter(prefix="/learning", tags=["learning"])


class PolicyOverview(BaseModel):
    """How a workflow is suggested from what is known."""

    name: Literal["epsilon_greedy", "softmax", "thompson"]
    prior: float
    epsilon: float
    temperature: float
    noise: float
    step: float


class Point(BaseModel):
    """An arm at one time."""

    time: datetime
    count: int
    value: float


class ArmOverview(BaseModel):
    """What a workflow has earned for tasks of one type."""

    task_type: str
    workflow: str
    count: int = Field(description="rewards")
    value: float = Field(description="their running mean")
    updated: datetime | None
    history: list[Point] = Field(description="some of the times at which it was rewarded")


class BanditOverview(BaseModel):
    """All that is known of the workflows."""

    policy: PolicyOverview
    arms: list[ArmOverview]
    baselines: dict[str, dict[str, float]] = Field(description="usual costs, by workflow")
    terms: dict[str, dict[Literal["en", "zh"], str]] = Field(
        description="what the parts of a reward mean that are not checks of a workflow"
    )


@router.get("/bandit")
async def bandit_table(service: ServiceDep, caller: CallerDep) -> BanditOverview:
    """What each workflow has earned for each type of task, over all tasks of this service. It
    tells nothing of any single one."""
    table = await Bandit.read(service.ledger.tasks.checkpointer)
    return BanditOverview.model_validate(build_overview(table, service.settings))
