"""`/learning`: the state learned from tasks."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ...learning.bandit import Bandit
from ...learning.overview import build_overview
from ..dependencies import CallerDep, ServiceDep

router = APIRouter(prefix="/learning", tags=["learning"])


class PolicyOverview(BaseModel):
    """The bandit's policy for suggesting workflows, and its parameters."""

    name: Literal["epsilon_greedy", "softmax", "thompson"]
    prior: float
    epsilon: float
    temperature: float
    noise: float
    step: float


class Point(BaseModel):
    """An arm's values at one time."""

    time: datetime
    count: int
    value: float


class ArmOverview(BaseModel):
    """A workflow's rewards for tasks of one type."""

    task_type: str
    workflow: str
    count: int = Field(description="rewards")
    value: float = Field(description="their running mean")
    updated: datetime | None
    history: list[Point] = Field(description="some of the times at which it was rewarded")


class BanditOverview(BaseModel):
    """The bandit's policy, arms, baselines and reward terms."""

    policy: PolicyOverview
    arms: list[ArmOverview]
    baselines: dict[str, dict[str, float]] = Field(description="usual costs, by workflow")
    terms: dict[str, dict[Literal["en", "zh"], str]] = Field(
        description="what the parts of a reward mean that are not checks of a workflow"
    )


@router.get("/bandit")
async def bandit_table(service: ServiceDep, caller: CallerDep) -> BanditOverview:
    """Return each workflow's rewards by task type, over all tasks of this service.

    It reveals nothing about individual tasks.
    """
    table = await Bandit.read(service.ledger.tasks.checkpointer)
    return BanditOverview.model_validate(build_overview(table, service.settings))
