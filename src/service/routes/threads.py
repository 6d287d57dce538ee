"""`/threads`: a task and its follow-ups, as one."""

from typing import Annotated

from fastapi import APIRouter, Path

from ...tasks.history import list_thread, rename_thread
from ..dependencies import CallerDep, ServiceDep
from ..problems import document_problems
from ..schemas import NewName, TaskLine, Thread
from ..waiting import delete_own_task

router = APIRouter(prefix="/threads", tags=["tasks"], responses=document_problems(404, 422))

ThreadId = Annotated[str, Path(max_length=64)]


@router.get("/{thread_id}")
async def get_thread(service: ServiceDep, caller: CallerDep, thread_id: ThreadId) -> Thread:
    """Return a thread with its tasks, oldest first."""
    tasks = await list_thread(service.ledger.tasks, thread_id, caller.owner)
    items = [
        TaskLine.of(await service.ledger.get_own_task(caller.owner, task.task_id)) for task in tasks
    ]
    return Thread(thread_id=thread_id, name=tasks[0].thread_name, items=items)


@router.patch("/{thread_id}")
async def name_thread(
    new: NewName, service: ServiceDep, caller: CallerDep, thread_id: ThreadId
) -> Thread:
    """Rename a thread; null takes its name away."""
    await rename_thread(service.ledger.tasks, thread_id, new.name, caller.owner)
    return await get_thread(service, caller, thread_id)


@router.delete("/{thread_id}", status_code=204, responses=document_problems(409))
async def delete_whole_thread(service: ServiceDep, caller: CallerDep, thread_id: ThreadId) -> None:
    """Delete your tasks of a thread, with all that is stored of them; see `DELETE /tasks/…`."""
    for task in reversed(await list_thread(service.ledger.tasks, thread_id, caller.owner)):
        await delete_own_task(service, task)
