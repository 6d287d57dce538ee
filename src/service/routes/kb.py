"""`/kb`: the caller's documents, and the search in them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import APIRouter, Depends, File, Path, Query, Response, UploadFile
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

from ...errors import InvalidTask
from ...kb.contracts import DocumentSummary, Hit, UnknownDocument
from ...language.messages import say
from ..dependencies import Caller, TheCaller, TheService
from ..problems import Refusal, documented
from ..uploads import Upload, open_base
from .tasks import stream_slot

if TYPE_CHECKING:
    from ...kb import KnowledgeBase

router = APIRouter(prefix="/kb", tags=["knowledge base"], responses=documented(404, 422, 503))

T = TypeVar("T")

UploadId = Annotated[str, Path(max_length=64)]


class DocumentLine(BaseModel):
    """A document in the base."""

    doc_id: str
    title: str
    name: str = Field(description="of its file, or its address")
    chunks: int
    added: datetime

    @classmethod
    def of(cls, document: DocumentSummary) -> "DocumentLine":
        return cls(
            doc_id=document.doc_id,
            title=document.title,
            name=_shown(document.source),
            chunks=document.chunks,
            added=document.added,
        )


class DocumentPage(BaseModel):
    """Some documents, newest first."""

    items: list[DocumentLine]
    next: str | None


class Found(BaseModel):
    """Passages, best first."""

    items: list[Hit]


@router.get("/documents")
async def list_documents(
    caller: TheCaller,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(pattern="^[0-9]{1,9}$")] = None,
) -> DocumentPage:
    """Your documents, newest first."""
    documents = await _with_base(caller, lambda base: base.documents()[::-1])
    start = int(cursor) if cursor else 0
    end = start + limit
    return DocumentPage(
        items=[DocumentLine.of(document) for document in documents[start:end]],
        next=str(end) if end < len(documents) else None,
    )


@router.post("/documents", status_code=202, responses=documented(413))
async def add_document(
    file: Annotated[UploadFile, File(description="txt, md, html, pdf, docx, pptx, xlsx, csv")],
    service: TheService,
    caller: TheCaller,
    response: Response,
) -> Upload:
    """Add a file, or replace one of the same name. It is taken with 202 and added when its turn
    comes; `GET /kb/uploads/{upload_id}` tells how far it is."""
    if service.queue.stopping:
        raise Refusal(503, say("service.stopping"), wait=5)
    limit = service.settings.kb_max_file_mb
    if (file.size or 0) > limit << 20:
        raise Refusal(413, say("kb.skipped.too_big", detail=limit))

    def copy_to(path: FilePath) -> None:
        with path.open("xb") as target:
            shutil.copyfileobj(file.file, target)

    upload = await service.uploads.accept(caller.owner, file.filename or "", copy_to)
    response.headers["Location"] = f"/kb/uploads/{upload.upload_id}"
    return upload


@router.delete("/documents/{doc_id}", status_code=204)
async def remove_document(caller: TheCaller, doc_id: Annotated[str, Path(max_length=200)]) -> None:
    """Remove a document."""
    await _with_base(caller, lambda base: _remove(base, doc_id))


@router.get("/uploads/{upload_id}")
async def get_upload(service: TheService, caller: TheCaller, upload_id: UploadId) -> Upload:
    """What has become of a file that was sent."""
    return await service.uploads.get(caller.owner, upload_id)


@router.get(
    "/uploads/{upload_id}/events",
    response_class=EventSourceResponse,
    responses=documented(429),
    dependencies=[Depends(stream_slot)],
)
async def upload_events(
    service: TheService, caller: TheCaller, upload: Annotated[Upload, Depends(get_upload)]
) -> AsyncIterator[ServerSentEvent]:
    """How far a file is, as server-sent events: `progress`, and `done` at the end."""
    with service.bells.listen(upload.upload_id) as bell:
        while not service.bells.closed:
            bell.clear()
            now = await service.uploads.get(caller.owner, upload.upload_id)
            over = now.status not in ("queued", "running")
            kind = "done" if over else "progress"
            yield ServerSentEvent(
                event=kind, data={"type": kind, "upload": now.model_dump(mode="json")}
            )
            if over:
                return
            await bell.wait()


@router.get("/search")
async def search(
    caller: TheCaller,
    q: Annotated[str, Query(min_length=1, max_length=2000)],
    top_k: Annotated[int, Query(ge=1, le=50)] = 5,
) -> Found:
    """The passages of your documents that fit a question best."""
    if not q.strip():
        raise InvalidTask(say("invalid.empty"))
    hits = await _with_base(caller, lambda base: base.retrieve(q, top_k))
    return Found(items=[hit.model_copy(update={"source": _shown(hit.source)}) for hit in hits])


def _remove(base: "KnowledgeBase", doc_id: str) -> None:
    """Remove exactly this document: the base itself would take a folder's path too."""
    if doc_id not in {document.doc_id for document in base.documents()}:
        raise UnknownDocument(say("kb.unknown", document=doc_id))
    base.remove(doc_id)


async def _with_base(caller: Caller, ask: Callable[["KnowledgeBase"], T]) -> T:
    return await asyncio.to_thread(lambda: ask(open_base(caller.documents)))


def _shown(source: str) -> str:
    """A document's name without the folders of this machine."""
    return source if "://" in source else FilePath(source).name
