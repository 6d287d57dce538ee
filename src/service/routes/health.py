"""`/health` and `/metrics`: for whatever watches over the service."""

from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from ...learning.bandit import Bandit
from ..dependencies import CallerDep, ServiceDep

router = APIRouter(tags=["operation"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Whether tasks are taken."""

    status: Literal["ok", "not_ready"]
    checks: dict[str, str] = Field(description="`ok`, or what is wrong")


@router.get("/health/live")
async def live() -> Alive:
    """Whether the process should be left to live."""
    return Alive()


@router.get("/health/ready", responses={503: {"model": Ready}})
async def ready(service: ServiceDep, response: Response) -> Ready:
    """Whether tasks should be sent here: database, queue and model."""
    checks = await service.readiness.run_checks()
    fine = all(found == "ok" for found in checks.values())
    if not fine:
        response.status_code = 503
    return Ready(status="ok" if fine else "not_ready", checks=checks)


@router.get("/metrics", response_class=Response)
async def metrics(service: ServiceDep, caller: CallerDep) -> Response:
    """Figures for Prometheus."""
    known = service.queue.metrics
    await service.queue.count_waiting()  # where others share the queue, it is counted anew
    known.set_arms((await Bandit.read(service.ledger.tasks.checkpointer)).arms)
    return Response(known.render_text(), media_type=CONTENT_TYPE_LATEST)
