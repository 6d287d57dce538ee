"""`/workspaces`: folders of files that the caller's tasks may work on. A request never names a path
of this machine."""

import asyncio
import secrets
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path as FilePath
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from ...actions.errors import ActionError, ErrorClass, NotFound
from ...actions.workspace import TEMPORARY, Change, Workspace
from ...language.messages import say
from ...state import FINAL, STATUSES
from ..dependencies import Caller, CallerDep, Service, ServiceDep
from ..problems import Refusal, document_problems

router = APIRouter(
    prefix="/workspaces", tags=["workspaces"], responses=document_problems(404, 409, 413, 422, 503)
)

WorkspaceId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,32}$")]
FileName = Annotated[str, Path(max_length=1000)]
MAX_LISTED = 1000
MAX_WORKSPACES = 100
MAX_NAMED = 4
"""Files named for each workspace of a list."""
STATUS_OF: dict[ErrorClass, int] = {
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "transient": 503,
}
"""Status of a refusal, by why file work failed; 422 for the others."""
OCTETS = "application/octet-stream"
BYTES = {"type": "string", "format": "binary"}
"""The schema of a file's bytes."""
T = TypeVar("T")


class WorkspaceFile(BaseModel):
    """A file of a workspace."""

    path: str
    size: int = Field(description="bytes")


class WorkspaceLine(BaseModel):
    """A workspace as an item of a list."""

    workspace: str
    changed: datetime = Field(description="when an entry of its folder was last added or removed")
    files: list[str] = Field(description="paths of its first files")


class WorkspaceList(BaseModel):
    """Workspaces, the one changed last first."""

    items: list[WorkspaceLine]


class WorkspaceInfo(BaseModel):
    """A workspace and its files."""

    workspace: str = Field(description="its id, for `POST /tasks`")
    files: list[WorkspaceFile] = Field(description="the first thousand, by path")


@router.post("", status_code=201)
async def make_workspace(
    service: ServiceDep, caller: CallerDep, response: Response
) -> WorkspaceInfo:
    """Make an empty workspace."""
    name = secrets.token_hex(8)
    folder = _home_of(service, caller.owner) / name
    await asyncio.to_thread(folder.mkdir, parents=True, mode=0o700)
    response.headers["Location"] = f"/workspaces/{name}"
    return WorkspaceInfo(workspace=name, files=[])


@router.get("")
async def list_workspaces(service: ServiceDep, caller: CallerDep) -> WorkspaceList:
    """List your workspaces, the one changed last first."""
    home = _home_of(service, caller.owner)
    return WorkspaceList(items=await asyncio.to_thread(_list_home, home))


@router.get("/{workspace}")
async def get_workspace(
    service: ServiceDep, caller: CallerDep, workspace: WorkspaceId
) -> WorkspaceInfo:
    """List the files of a workspace."""
    opened = _open_workspace(service, caller, workspace)
    files = await asyncio.to_thread(_list_files, opened)
    return WorkspaceInfo(workspace=workspace, files=files)


@router.delete("/{workspace}", status_code=204)
async def delete_workspace(service: ServiceDep, caller: CallerDep, workspace: WorkspaceId) -> None:
    """Delete a workspace with its files; refused while a task works on it or waits."""
    folder = find_workspace(service, caller, workspace)
    if await _is_in_use(service, caller, folder):
        raise Refusal(409, say("service.workspace_in_use"))
    # Out of the way first: of several requests at once one deletes, the others find nothing.
    leaving = folder.with_name(f".{workspace}-{secrets.token_hex(4)}")
    try:
        folder.rename(leaving)
    except FileNotFoundError:
        raise _build_unknown(workspace) from None
    await asyncio.to_thread(shutil.rmtree, leaving)


@router.put(
    "/{workspace}/files/{path:path}",
    status_code=204,
    openapi_extra={"requestBody": {"content": {OCTETS: {"schema": BYTES}}}},
)
async def put_file(
    request: Request,
    service: ServiceDep,
    caller: CallerDep,
    workspace: WorkspaceId,
    path: FileName,
) -> None:
    """Write a file, or replace it; its bytes are the body, whatever media type is given."""
    files = _open_workspace(service, caller, workspace)
    content = await request.body()

    def write() -> None:
        files.apply(Change(path, files.find_content(path), content))

    await _refuse_misuse(write)


@router.get(
    "/{workspace}/files/{path:path}",
    response_class=Response,
    responses={200: {"content": {OCTETS: {"schema": BYTES}}}},
)
async def get_file(
    service: ServiceDep, caller: CallerDep, workspace: WorkspaceId, path: FileName
) -> Response:
    """Download a file."""
    files = _open_workspace(service, caller, workspace)
    content = await _refuse_misuse(lambda: files.read_bytes(path))
    return Response(
        content,
        media_type=OCTETS,
        headers={"Content-Disposition": "attachment"},
    )


@router.delete("/{workspace}/files/{path:path}", status_code=204)
async def delete_file(
    service: ServiceDep, caller: CallerDep, workspace: WorkspaceId, path: FileName
) -> None:
    """Delete a file."""
    files = _open_workspace(service, caller, workspace)
    await _refuse_misuse(lambda: files.apply(Change(path, files.read_bytes(path), None)))


def find_workspace(service: Service, caller: Caller, workspace: str) -> FilePath:
    """Return the folder of one of the caller's workspaces.

    Raises:
        Refusal: the caller has no such workspace.
    """
    folder = _home_of(service, caller.owner) / workspace
    if not workspace.isalnum() or not folder.is_dir():
        raise _build_unknown(workspace)
    return folder


async def _is_in_use(service: Service, caller: Caller, folder: FilePath) -> bool:
    """Return whether a task of the caller that has not ended works on a folder."""
    for status in (status for status in STATUSES if status not in FINAL):
        before: int | None = None
        while True:
            tasks, before = await service.ledger.list_page(caller.owner, status, before, 100)
            for task in tasks:
                options = await service.ledger.tasks.task_input(task.task_id)
                if options.get("workspace") == str(folder):
                    return True
            if before is None:
                break
    return False


def name_workspace(service: Service, owner: str | None, folder: str | None) -> str | None:
    """Return the id of an owner's workspace; None for a folder that is none, or is gone."""
    if folder is None or FilePath(folder).parent != _home_of(service, owner):
        return None
    return FilePath(folder).name if FilePath(folder).is_dir() else None


def _open_workspace(service: Service, caller: Caller, workspace: str) -> Workspace:
    """Open one of the caller's workspaces, which may just be deleted.

    Raises:
        Refusal: the caller has no such workspace.
    """
    try:
        return Workspace(find_workspace(service, caller, workspace))
    except NotFound:
        raise _build_unknown(workspace) from None


def _build_unknown(workspace: str) -> Refusal:
    return Refusal(404, say("act.workspace.unknown", name=workspace))


def _home_of(service: Service, owner: str | None) -> FilePath:
    return service.settings.home / "workspaces" / (owner or "local")


def _list_home(home: FilePath) -> list[WorkspaceLine]:
    found = home.iterdir() if home.is_dir() else iter(())
    folders = [folder for folder in found if folder.is_dir() and folder.name.isalnum()]
    lines = [
        WorkspaceLine(
            workspace=folder.name,
            changed=datetime.fromtimestamp(folder.stat().st_mtime, UTC),
            files=[file.path for file in islice(_iterate_files(Workspace(folder)), MAX_NAMED)],
        )
        for folder in folders
    ]
    return sorted(lines, key=lambda line: line.changed, reverse=True)[:MAX_WORKSPACES]


def _iterate_files(workspace: Workspace) -> Iterator[WorkspaceFile]:
    for entry in workspace.list_entries(recursive=True):
        if entry.kind == "file" and not FilePath(entry.path).name.startswith(TEMPORARY):
            yield WorkspaceFile(path=entry.path, size=entry.size)


def _list_files(workspace: Workspace) -> list[WorkspaceFile]:
    return list(islice(_iterate_files(workspace), MAX_LISTED))


async def _refuse_misuse(work: Callable[[], T]) -> T:
    """Do file work in a thread; what is wrong with the path is the caller's error."""
    try:
        return await asyncio.to_thread(work)
    except ActionError as error:
        raise Refusal(STATUS_OF.get(error.error_class, 422), str(error)) from error
