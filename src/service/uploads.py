"""Files on their way into a knowledge base: kept until they are in it, also over a restart."""

import asyncio
import logging
import os
import shutil
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from ..errors import ConcertinoError, InvalidTask, TaskBusy, UnknownTask
from ..kb.contracts import IngestReport
from ..language.messages import say
from ..store.base import TaskStore, build_owner_condition, timestamp
from ..work.notifier import Notifier

if TYPE_CHECKING:
    from ..kb import KnowledgeBase

SCHEMA = """
create table if not exists uploads (
    upload_id text primary key,
    owner text,
    name text not null,
    status text not null,
    message text,
    doc_id text,
    chunks integer not null,
    created text not null
);
"""

UploadStatus = Literal["queued", "running", "added", "replaced", "unchanged", "skipped", "failed"]
PENDING = ("queued", "running")
NAME_BYTES = 200

log = logging.getLogger(__name__)


class Upload(BaseModel):
    """A file that was sent, and what has become of it."""

    model_config = ConfigDict(frozen=True)

    upload_id: str
    name: str
    status: UploadStatus
    message: str | None
    """Why it is not in the base, with `skipped` and `failed`."""
    doc_id: str | None
    chunks: int
    created: datetime
    progress: float = 0.0
    """Share of it that is done, 0 to 1."""


class Uploads:
    """Takes files, and adds them one after the other: embedding keeps a processor busy.

    Args:
        folder: where files wait.
        documents_of: the folder of an owner's knowledge base; None is the machine's own.
    """

    def __init__(
        self,
        tasks: TaskStore,
        bells: Notifier,
        folder: Path,
        documents_of: Callable[[str | None], Path | None],
    ) -> None:
        self._tasks, self._bells, self._folder = tasks, bells, folder
        self._documents_of = documents_of
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._shares: dict[str, float] = {}
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what an earlier process left in this folder."""
        await self._tasks.define(SCHEMA)
        for row in await self._tasks.read(
            "select upload_id from uploads where status in ('queued', 'running') order by rowid"
        ):
            if (self._folder / row["upload_id"]).exists():
                self._queue.put_nowait(row["upload_id"])
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Stop after nothing more than the file at hand; the others wait for the next start."""
        if self._worker:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    async def accept(self, owner: str | None, name: str, copy_to: Callable[[Path], None]) -> Upload:
        """Keep a file until it has been added.

        Args:
            copy_to: writes the file to a path; runs in a thread.

        Raises:
            InvalidTask: it has no usable name.
        """
        name, upload_id = clean_file_name(name), uuid.uuid4().hex[:12]
        place = self._folder / upload_id
        await asyncio.to_thread(_receive, place / name, copy_to)
        async with self._tasks.transaction() as db:
            await db.execute(
                "insert into uploads values (?, ?, ?, 'queued', null, null, 0, ?)",
                (upload_id, owner, name, timestamp()),
            )
        self._queue.put_nowait(upload_id)
        return await self.get(owner, upload_id)

    async def get(self, owner: str | None, upload_id: str) -> Upload:
        """An owner's upload.

        Raises:
            UnknownTask: there is none of that id.
        """
        whose, values = build_owner_condition(owner)
        query = f"select * from uploads where upload_id = ? and {whose}"  # noqa: S608
        rows = await self._tasks.read(query, (upload_id, *values))
        if not rows:
            raise UnknownTask(say("service.unknown_upload", upload_id=upload_id))
        share = self._shares.get(upload_id, 0.0)
        done = rows[0]["status"] not in PENDING
        return Upload.model_validate({**rows[0], "progress": 1.0 if done else share})

    async def _work(self) -> None:
        while True:
            upload_id = await self._queue.get()
            try:
                async with self._tasks.claim(f"upload-{upload_id}"):
                    await self._add(upload_id)
            except TaskBusy:
                pass  # another process does it
            except Exception:
                log.exception("upload %s could not be entered", upload_id)

    async def _add(self, upload_id: str) -> None:
        query = "select owner, name, status from uploads where upload_id = ?"
        (upload,) = await self._tasks.read(query, (upload_id,))
        if upload["status"] not in PENDING:
            return  # another process has done it
        path = self._folder / upload_id / upload["name"]
        await self._update_upload(upload_id, status="running")
        loop = asyncio.get_running_loop()

        def progress(done: float, total: int, what: str, /) -> None:
            loop.call_soon_threadsafe(self._set_progress, upload_id, done / max(total, 1))

        try:
            report = await asyncio.to_thread(
                _ingest, path, self._documents_of(upload["owner"]), progress
            )
        except ConcertinoError as error:
            await self._update_upload(upload_id, status="failed", message=str(error))
        except Exception:
            log.exception("upload %s failed", upload_id)
            await self._update_upload(upload_id, status="failed", message=say("service.internal"))
        else:
            await self._update_upload(upload_id, **_build_outcome(report))
        self._shares.pop(upload_id, None)
        await asyncio.to_thread(shutil.rmtree, self._folder / upload_id, ignore_errors=True)

    def _set_progress(self, upload_id: str, share: float) -> None:
        self._shares[upload_id] = share
        self._bells.notify(upload_id)

    async def _update_upload(self, upload_id: str, **changes: Any) -> None:
        columns = ", ".join(f"{name} = ?" for name in changes)
        async with self._tasks.transaction() as db:
            await db.execute(
                f"update uploads set {columns} where upload_id = ?",  # noqa: S608
                (*changes.values(), upload_id),
            )
        self._bells.notify(upload_id)


def clean_file_name(name: str) -> str:
    """The last part of a name that a client has sent, without what a file system may not like.

    Raises:
        InvalidTask: nothing is left of it, or it is too long.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(sign for sign in last if sign.isprintable()).strip().lstrip(".")
    try:
        size = len(kept.encode())
    except UnicodeEncodeError:
        size = 0
    if not kept or not 0 < size <= NAME_BYTES:
        raise InvalidTask(say("service.file_name"))
    return kept


def open_base(folder: Path | None) -> "KnowledgeBase":
    """A knowledge base; None is the machine's own.

    Raises:
        ConcertinoError: what it needs is not installed, or its folder cannot be used.
    """
    try:
        from ..kb import KnowledgeBase
    except ImportError as error:
        raise ConcertinoError(say("kb.not_installed", reason=error)) from error
    return KnowledgeBase(folder)


def _receive(path: Path, copy_to: Callable[[Path], None]) -> None:
    path.parent.mkdir(parents=True, mode=0o700)
    try:
        copy_to(path)
    except OSError as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise ConcertinoError(
            say("store.unusable", home=path.parent.parent, reason=error)
        ) from error


def _ingest(path: Path, documents: Path | None, progress: Any) -> IngestReport:
    """Add a file to a base. Its source there is always the same, so that it replaces itself."""
    base = open_base(documents)
    settled = base.folder / "files" / path.name
    settled.parent.mkdir(exist_ok=True)
    if path.exists():  # else a process that was killed has moved it
        os.replace(path, settled)
    try:
        return base.add_files([settled], progress=progress)
    finally:
        settled.unlink(missing_ok=True)


def _build_outcome(report: IngestReport) -> dict[str, Any]:
    if report.skipped:
        return {"status": "skipped", "message": report.skipped[0].message}
    added = report.documents[0]
    return {"status": added.outcome, "doc_id": added.doc_id, "chunks": added.chunks}
