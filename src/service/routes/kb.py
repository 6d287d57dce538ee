"""`/kb`: the caller's documents and search in them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, TypeVar

from fastapi import APIRouter, Depends, File, Form, Path, Query, Response, UploadFile
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

from ...errors import InvalidTask
from ...kb.contracts import DocumentSummary, Hit, UnknownDocument
from ...kb.decode import require_encoding
from ...language.messages import say
from ..dependencies import Caller, CallerDep, ServiceDep
from ..problems import Refusal, document_problems
from ..uploads import PENDING, Upload, open_base
from .tasks import hold_stream_slot

if TYPE_CHECKING:
    from ...kb import KnowledgeBase

router = APIRouter(
    prefix="/kb", tags=["knowledge base"], responses=document_problems(404, 422, 503)
)

T = TypeVar("T")

UploadId = Annotated[str, Path(max_length=64)]


class DocumentLine(BaseModel):
    """A document in the knowledge base."""

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
            name=_strip_folders(document.source),
            chunks=document.chunks,
            added=document.added,
        )


class DocumentPage(BaseModel):
    """A page of documents, newest first."""

    items: list[DocumentLine]
    next: str | None


class Found(BaseModel):
    """Search hits, best first."""

    items: list[Hit]


@router.get("/documents")
async def list_documents(
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(pattern="^[0-9]{1,9}$")] = None,
) -> DocumentPage:
    """List your documents, newest first."""
    documents = await _query_base(caller, lambda base: base.documents()[::-1])
    start = int(cursor) if cursor else 0
    end = start + limit
    return DocumentPage(
        items=[DocumentLine.of(document) for document in documents[start:end]],
        next=str(end) if end < len(documents) else None,
    )


@router.post("/documents", status_code=202, responses=document_problems(413))
async def add_document(
    file: Annotated[UploadFile, File(description="txt, md, html, pdf, docx, pptx, xlsx, csv")],
    service: ServiceDep,
    caller: CallerDep,
    response: Response,
    encoding: Annotated[
        str | None,
        Form(max_length=40, description="of a text file, like big5; found out if left out"),
    ] = None,
) -> Upload:
    """Add a file, or replace one of the same name.

    It is accepted with 202 and ingested in turn; `GET /kb/uploads/{upload_id}` reports progress.
    """
    if service.queue.stopping:
        raise Refusal(503, say("service.stopping"), wait=5)
    limit = service.settings.kb_max_file_mb
    if (file.size or 0) > limit << 20:
        raise Refusal(413, say("kb.skipped.too_big", detail=limit))

    if encoding:
        encoding = require_encoding(encoding)

    def copy_to(path: FilePath) -> None:
        with path.open("xb") as target:
            shutil.copyfileobj(file.file, target)

    upload = await service.uploads.accept(
        caller.owner, file.filename or "", copy_to, encoding or None
    )
    response.headers["Location"] = f"/kb/uploads/{upload.upload_id}"
    return upload


@router.delete("/documents/{doc_id}", status_code=204)
async def remove_document(caller: CallerDep, doc_id: Annotated[str, Path(max_length=200)]) -> None:
    """Remove a document."""
    await _query_base(caller, lambda base: _remove(base, doc_id))


@router.get("/uploads/{upload_id}")
async def get_upload(service: ServiceDep, caller: CallerDep, upload_id: UploadId) -> Upload:
    """Return the status of an upload."""
    return await service.uploads.get(caller.owner, upload_id)


@router.delete("/uploads/{upload_id}", responses=document_problems(409))
async def cancel_upload(service: ServiceDep, caller: CallerDep, upload_id: UploadId) -> Upload:
    """Cancel an upload that waits or is being read; nothing of it is added.

    While its last batch is being read its status is `cancelling`, then `cancelled`.
    """
    return await service.uploads.cancel(caller.owner, upload_id)


@router.get(
    "/uploads/{upload_id}/events",
    response_class=EventSourceResponse,
    responses=document_problems(429),
    dependencies=[Depends(hold_stream_slot)],
)
async def upload_events(
    service: ServiceDep, caller: CallerDep, upload: Annotated[Upload, Depends(get_upload)]
) -> AsyncIterator[ServerSentEvent]:
    """Stream an upload's status as server-sent events: `progress`, and `done` at the end."""
    async for now in service.uploads.follow(caller.owner, upload.upload_id):
        kind = "progress" if now.status in PENDING else "done"
        yield ServerSentEvent(
            event=kind, data={"type": kind, "upload": now.model_dump(mode="json")}
        )


@router.get("/search")
async def search(
    caller: CallerDep,
    q: Annotated[str, Query(min_length=1, max_length=2000)],
    top_k: Annotated[int, Query(ge=1, le=50)] = 5,
) -> Found:
    """Return the passages of your documents that best match a query."""
    if not q.strip():
        raise InvalidTask(say("invalid.empty"))
    hits = await _query_base(caller, lambda base: base.retrieve(q, top_k))
    return Found(
        items=[hit.model_copy(update={"source": _strip_folders(hit.source)}) for hit in hits]
    )


def _remove(base: "KnowledgeBase", doc_id: str) -> None:
    """Remove exactly this document: `KnowledgeBase.remove` would also accept a folder's path.

    Raises:
        UnknownDocument: there is no document with this id.
    """
    if doc_id not in {document.doc_id for document in base.documents()}:
        raise UnknownDocument(say("kb.unknown", document=doc_id))
    base.remove(doc_id)


async def _query_base(caller: Caller, ask: Callable[["KnowledgeBase"], T]) -> T:
    return await asyncio.to_thread(lambda: ask(open_base(caller.documents)))


def _strip_folders(source: str) -> str:
    """Return a document's source without local folders; URLs stay as they are."""
    return source if "://" in source else FilePath(source).name
