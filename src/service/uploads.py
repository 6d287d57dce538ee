"""Uploads to a knowledge base: files are kept, across restarts, until they are ingested."""

import asyncio
import hashlib
import logging
import shutil
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from ..errors import ConcertinoError, InvalidTask, TaskBusy, UnknownTask
from ..kb.contracts import IngestReport
from ..language.messages import say
from ..store.base import Row, TaskStore, build_owner_condition, timestamp
from ..work.following import LOOK_SECONDS
from ..work.notifier import Notifier, wait_at_most
from .turns import Turns

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
create table if not exists upload_sightings (
    upload_id text primary key,
    seen text not null
) without rowid;
create table if not exists upload_encodings (
    upload_id text primary key,
    said text,
    used text
) without rowid;
create table if not exists upload_refusals (
    upload_id text primary key,
    reason text not null,
    detail text not null
) without rowid;
"""

UploadStatus = Literal[
    "queued",
    "running",
    "cancelling",
    "added",
    "replaced",
    "unchanged",
    "skipped",
    "failed",
    "cancelled",
]
PENDING = ("queued", "running", "cancelling")
_IS_PENDING = "status in ('queued', 'running', 'cancelling')"
NAME_BYTES = 200

LANE_WORKERS = 2
"""Files of a lane read at a time; their passages are embedded in turn, batch by batch."""
AGAIN_SECONDS = 30.0
"""Interval of checks for pending uploads that were skipped at their turn."""
UNSEEN = timedelta(hours=1)
"""Time a file may be missing from all machines before it is lost: one may be restarting."""

log = logging.getLogger(__name__)


class Upload(BaseModel):
    """An uploaded file and its status."""

    model_config = ConfigDict(frozen=True)

    upload_id: str
    name: str
    status: UploadStatus
    message: str | None
    """Reason for the status `skipped` or `failed`."""
    doc_id: str | None
    chunks: int
    created: datetime
    progress: float = 0.0
    """Completed fraction, 0 to 1."""
    seconds_left: float | None = None
    """Estimated time until it is done; None as long as that is not known."""
    encoding: str | None = None
    """Encoding in which a text file was read."""


class Refused(NamedTuple):
    """Why a file was not added; `get` says it, in the reader's language."""

    reason: str
    """Name of a message."""
    detail: str = ""


UPLOAD_GONE = Refused("service.upload_gone")
GONE: dict[str, Any] = {"status": "failed", "refused": UPLOAD_GONE}
"""Outcome of an upload whose file is lost."""


class FileGone(Exception):
    """An uploaded file no longer exists."""


class IngestCancelled(Exception):
    """An upload is no longer wanted; nothing of it has been stored."""


class Uploads:
    """Accepts files and ingests them in turn, since embedding is CPU-bound; see `Turns`.

    Args:
        folder: folder of the waiting files.
        documents_of: returns the folder of an owner's knowledge base; None is the machine's own.
        shared: whether other machines, with their own folders, accept files for this database.
    """

    def __init__(
        self,
        tasks: TaskStore,
        notifier: Notifier,
        folder: Path,
        documents_of: Callable[[str | None], Path | None],
        *,
        shared: bool = False,
    ) -> None:
        self._tasks = tasks
        self._notifier = notifier
        self._folder = folder
        self._documents_of = documents_of
        self._shared = shared
        self._turns = Turns()
        self._queued: set[str] = set()
        self._shares: dict[str, tuple[float, float | None]] = {}
        self._stops: dict[str, threading.Event] = {}
        self._working: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Create the tables, enqueue uploads left by an earlier process and start working."""
        await self._tasks.define(SCHEMA)
        await self._clear_up()
        await self.look()
        self._working = [
            *(
                asyncio.create_task(self._work(lane))
                for lane in self._turns.lanes
                for _ in range(LANE_WORKERS)
            ),
            asyncio.create_task(self._keep_looking()),
        ]

    async def stop(self) -> None:
        """Stop working; unfinished uploads wait for the next start."""
        for each in self._working:
            each.cancel()
        for stop in self._stops.values():
            stop.set()
        await asyncio.gather(*self._working, return_exceptions=True)

    async def accept(
        self,
        owner: str | None,
        name: str,
        copy_to: Callable[[Path], None],
        encoding: str | None = None,
    ) -> Upload:
        """Store and enqueue a file.

        Args:
            copy_to: writes the file to a path; runs in a thread.
            encoding: encoding of a text file; None means that it is found out.

        Raises:
            InvalidTask: the file's name or encoding is not usable.
            ConcertinoError: the file cannot be written.
        """
        name = clean_file_name(name)
        upload_id = uuid.uuid4().hex[:12]
        await asyncio.to_thread(_receive, self._folder / upload_id / name, copy_to)
        async with self._tasks.transaction() as db:
            await db.execute(
                "insert into uploads values (?, ?, ?, 'queued', null, null, 0, ?)",
                (upload_id, owner, name, timestamp()),
            )
            await db.execute(
                "insert into upload_encodings values (?, ?, null)", (upload_id, encoding)
            )
        self._line_up(upload_id, owner, name)
        return await self.get(owner, upload_id)

    async def get(self, owner: str | None, upload_id: str) -> Upload:
        """Return an owner's upload.

        Raises:
            UnknownTask: the owner has no upload with that id.
        """
        whose, values = build_owner_condition(owner)
        query = (
            "select uploads.*, used as encoding, reason, detail from uploads "  # noqa: S608
            "left join upload_encodings using (upload_id) "
            f"left join upload_refusals using (upload_id) where upload_id = ? and {whose}"
        )
        rows = await self._tasks.read(query, (upload_id, *values))
        if not rows:
            raise UnknownTask(say("service.unknown_upload", upload_id=upload_id))
        upload = dict(rows[0])
        done = upload["status"] not in PENDING
        reason, detail = upload.pop("reason"), upload.pop("detail")
        if reason is None and upload["status"] == "failed" and upload["message"] is None:
            reason = UPLOAD_GONE.reason  # of an earlier version
        if reason is not None:
            upload["message"] = say(reason, detail=detail)
        share, left = (1.0, None) if done else self._shares.get(upload_id, (0.0, None))
        return Upload.model_validate({**upload, "progress": share, "seconds_left": left})

    async def cancel(self, owner: str | None, upload_id: str) -> Upload:
        """Cancel an owner's upload. One that is being read ends as soon as its batch is embedded,
        with nothing of it stored.

        Raises:
            UnknownTask: the owner has no upload with that id.
            TaskBusy: it is done already.
        """
        if (await self.get(owner, upload_id)).status not in PENDING:
            raise TaskBusy(say("service.upload_done", upload_id=upload_id))
        async with self._tasks.transaction() as db:
            await db.execute(
                "update uploads set status = case status when 'queued' then 'cancelled' "  # noqa: S608
                f"else 'cancelling' end where upload_id = ? and {_IS_PENDING}",
                (upload_id,),
            )
        if upload_id in self._stops:
            self._stops[upload_id].set()
        upload = await self.get(owner, upload_id)
        if upload.status == "cancelled":
            _discard(self._folder / upload_id / upload.name)
        self._notifier.notify(upload_id)
        return upload

    async def follow(self, owner: str | None, upload_id: str) -> AsyncIterator[Upload]:
        """Yield an owner's upload on every change until it is done or the service stops.

        Raises:
            UnknownTask: the owner has no upload with that id.
        """
        previous: Upload | None = None
        with self._notifier.subscribe(upload_id) as subscription:
            while not self._notifier.closed:
                subscription.clear()
                now = await self.get(owner, upload_id)
                if now != previous:
                    yield now
                if now.status not in PENDING:
                    return
                previous = now
                await wait_at_most(subscription, LOOK_SECONDS)

    async def look(self) -> None:
        """Enqueue all pending uploads, including those skipped earlier."""
        pending = await self._tasks.read(
            f"select * from uploads where {_IS_PENDING} order by rowid"  # noqa: S608
        )
        upload_ids = [row["upload_id"] for row in pending]
        if self._shared:
            await self._note_seen([each for each in upload_ids if (self._folder / each).exists()])
        for row in pending:
            if row["status"] == "cancelling" and row["upload_id"] in self._stops:
                self._stops[row["upload_id"]].set()  # cancelled by way of another process
            self._line_up(row["upload_id"], row["owner"], row["name"])

    def _line_up(self, upload_id: str, owner: str | None, name: str) -> None:
        if upload_id not in self._queued:
            self._queued.add(upload_id)
            path = self._folder / upload_id / name
            size = path.stat().st_size if path.is_file() else 0
            self._turns.put(upload_id, (owner, name), size)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            try:
                await self.look()
            except Exception as error:
                log.warning("uploads are looked for another time: %s", type(error).__name__)

    async def _work(self, lane: Any) -> None:
        while True:
            async with self._turns.take(lane) as upload_id:
                try:
                    await self._take(upload_id)
                except TaskBusy:
                    log.debug("upload %s is in another process's hands", upload_id)
                except Exception:
                    log.exception("upload %s could not be entered", upload_id)
                finally:
                    self._queued.discard(upload_id)

    async def _take(self, upload_id: str) -> None:
        """Ingest a file.

        Raises:
            TaskBusy: another process is ingesting it or another file of the same owner and name,
                which has the same path in the knowledge base.
        """
        upload = await self._pending(upload_id)
        if upload is None or await self._is_elsewhere(upload_id):
            return
        async with self._tasks.claim(_claim_of(upload["owner"], upload["name"])):
            upload = await self._pending(upload_id)
            if upload is None:
                return  # done by another process
            if upload["status"] == "cancelling":
                await self._end(upload_id, upload["name"], {"status": "cancelled"})
            elif (self._folder / upload_id).exists():
                await self._add(upload_id, upload)
            else:
                await self._update_upload(upload_id, **GONE)
                self._notifier.notify(upload_id)

    async def _add(self, upload_id: str, upload: Row) -> None:
        stop = self._stops[upload_id] = threading.Event()
        try:
            if await self._begin(upload_id):
                outcome = await self._try_to_ingest(upload_id, upload, stop)
                await self._end(upload_id, upload["name"], outcome)
        finally:
            del self._stops[upload_id]

    async def _try_to_ingest(
        self, upload_id: str, upload: Row, stop: threading.Event
    ) -> dict[str, Any]:
        """Ingest a file and return the values that tell what came of it."""
        loop, started = asyncio.get_running_loop(), time.monotonic()

        def progress(done: float, total: int, what: str, /) -> None:
            if stop.is_set():
                raise IngestCancelled
            share, taken = done / max(total, 1), time.monotonic() - started
            left = round(taken / share - taken) if share else None
            loop.call_soon_threadsafe(self._set_progress, upload_id, share, left)

        path = self._folder / upload_id / upload["name"]
        documents = self._documents_of(upload["owner"])
        try:
            report = await asyncio.to_thread(_ingest, path, documents, upload["said"], progress)
        except IngestCancelled:
            return {"status": "cancelled"}
        except FileGone:
            return GONE
        except ConcertinoError as error:
            return {"status": "failed", "message": str(error)}
        except Exception:
            log.exception("upload %s failed", upload_id)
            return {"status": "failed", "refused": Refused("service.internal")}
        if report.documents:
            await self._note_encoding(upload_id, report.documents[0].encoding)
        return _build_outcome(report)

    async def _end(self, upload_id: str, name: str, outcome: dict[str, Any]) -> None:
        await self._update_upload(upload_id, **outcome)
        self._shares.pop(upload_id, None)
        # Not awaited: a stop in between would leave the file until the next start.
        _discard(self._folder / upload_id / name)
        self._notifier.notify(upload_id)

    async def _begin(self, upload_id: str) -> bool:
        """Mark an upload as running, unless it has been cancelled."""
        async with self._tasks.transaction() as db:
            await db.execute(
                "update uploads set status = 'running' where upload_id = ? and status = 'queued'",
                (upload_id,),
            )
        self._notifier.notify(upload_id)
        return await self._pending(upload_id) is not None

    async def _note_encoding(self, upload_id: str, encoding: str | None) -> None:
        async with self._tasks.transaction() as db:
            await db.execute(
                "update upload_encodings set used = ? where upload_id = ?", (encoding, upload_id)
            )

    def _set_progress(self, upload_id: str, share: float, left: float | None) -> None:
        self._shares[upload_id] = share, left
        self._notifier.notify(upload_id)

    async def _pending(self, upload_id: str) -> Row | None:
        rows = await self._tasks.read(
            "select owner, name, status, said from uploads "  # noqa: S608
            "left join upload_encodings using (upload_id) "
            f"where upload_id = ? and {_IS_PENDING}",
            (upload_id,),
        )
        return rows[0] if rows else None

    async def _update_upload(
        self, upload_id: str, refused: Refused | None = None, **changes: Any
    ) -> None:
        columns = ", ".join(f"{name} = ?" for name in changes)
        async with self._tasks.transaction() as db:
            await db.execute(
                f"update uploads set {columns} where upload_id = ?",  # noqa: S608
                (*changes.values(), upload_id),
            )
            if refused:
                await db.execute(
                    "insert into upload_refusals values (?, ?, ?) on conflict (upload_id) do "
                    "update set reason = excluded.reason, detail = excluded.detail",
                    (upload_id, *refused),
                )

    async def _note_seen(self, upload_ids: list[str]) -> None:
        async with self._tasks.transaction() as db:
            for upload_id in upload_ids:
                await db.execute(
                    "insert into upload_sightings values (?, ?) "
                    "on conflict (upload_id) do update set seen = excluded.seen",
                    (upload_id, timestamp()),
                )

    async def _is_elsewhere(self, upload_id: str) -> bool:
        """Return whether another machine may have the file: it was seen within `UNSEEN`."""
        if not self._shared or (self._folder / upload_id).exists():
            return False
        rows = await self._tasks.read(
            "select coalesce(seen, created) as seen from uploads "
            "left join upload_sightings using (upload_id) where upload_id = ?",
            (upload_id,),
        )
        oldest = (datetime.now(UTC) - UNSEEN).isoformat(timespec="seconds")
        return bool(rows and rows[0]["seen"] >= oldest)

    async def _clear_up(self) -> None:
        """Remove files of finished uploads that a killed process left behind."""
        for path in _folders_in(self._folder):
            rows = await self._tasks.read(
                "select status from uploads where upload_id = ?", (path.name,)
            )
            if rows and rows[0]["status"] not in PENDING:
                await asyncio.to_thread(shutil.rmtree, path, ignore_errors=True)


def clean_file_name(name: str) -> str:
    """Return the last path component of a client's file name, made safe for file systems.

    Raises:
        InvalidTask: the cleaned name is empty, longer than `NAME_BYTES` or not valid Unicode.
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
    """Open a knowledge base; None is the machine's own.

    Raises:
        ConcertinoError: its dependencies are not installed, or its folder cannot be used.
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


def _ingest(
    path: Path, documents: Path | None, encoding: str | None, progress: Any
) -> IngestReport:
    """Ingest a file into a knowledge base.

    Its source path there depends only on its name, so a new version replaces the old one. The
    uploaded file is kept until the outcome is stored.

    Raises:
        FileGone: the file no longer exists.
    """
    base = open_base(documents)
    source = base.folder / "files" / path.name
    source.parent.mkdir(exist_ok=True)
    try:
        shutil.copyfile(path, source)
    except FileNotFoundError as error:
        raise FileGone from error
    try:
        return base.add_files([source], encoding=encoding, progress=progress)
    finally:
        source.unlink(missing_ok=True)


def _discard(path: Path) -> None:
    """Remove the uploaded file after ingestion or failure."""
    shutil.rmtree(path.parent, ignore_errors=True)


def _folders_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _claim_of(owner: str | None, name: str) -> str:
    place = f"{owner or ''}/{name}"
    return f"upload-{hashlib.sha256(place.encode()).hexdigest()[:16]}"


def _build_outcome(report: IngestReport) -> dict[str, Any]:
    if report.skipped:
        first = report.skipped[0]
        return {"status": "skipped", "refused": Refused(f"kb.skipped.{first.reason}", first.detail)}
    added = report.documents[0]
    return {"status": added.outcome, "doc_id": added.doc_id, "chunks": added.chunks}
