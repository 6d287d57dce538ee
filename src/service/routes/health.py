"""`/health` and `/metrics`: endpoints for monitoring."""

from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from ...learning.bandit import Bandit
from ..dependencies import CallerDep, ServiceDep

router = APIRouter(tags=["operation"])


class Alive(BaseModel):
    """Liveness: the process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Readiness to accept tasks, with the result of each check."""

    status: Literal["ok", "not_ready"]
    checks: dict[str, str] = Field(description="`ok`, or what is wrong")


@router.get("/health/live")
async def live() -> Alive:
    """Report liveness: without an answer, the process should be restarted."""
    return Alive()


@router.get("/health/ready", responses={503: {"model": Ready}})
async def ready(service: ServiceDep, response: Response) -> Ready:
    """Report readiness to accept tasks: database, queue and model."""
    checks = await service.readiness.run_checks()
    fine = all(found == "ok" for found in checks.values())
    if not fine:
        response.status_code = 503
    return Ready(status="ok" if fine else "not_ready", checks=checks)


@router.get("/metrics", response_class=Response)
async def metrics(service: ServiceDep, caller: CallerDep) -> Response:
    """Return metrics in Prometheus's text format."""
    known = service.queue.metrics
    await service.queue.count_waiting()  # refreshes the gauges if the queue is shared
    known.set_arms((await Bandit.read(service.ledger.tasks.checkpointer)).arms)
    return Response(known.render_text(), media_type=CONTENT_TYPE_LATEST)
