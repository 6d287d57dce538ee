"""Ingest of files and texts into a base, one document after the other.

An unchanged document costs only a hash. Each document is stored whole once its vectors are
computed, so a killed ingest resumes at the first unfinished document.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..language.messages import say
from . import load
from .catalogue import Entry, build_searchable_text, now
from .contracts import AddedDocument, Document, IngestProgress, IngestReport, Skipped, SkippedFile
from .decode import replace_surrogates
from .embed import EMBED_BATCH, Embedder
from .split import Section, check_sizes, split, split_markdown
from .store import KnowledgeStore

if TYPE_CHECKING:
    from .embed import Vectors


@dataclass(frozen=True)
class IngestCandidate:
    """A document that is added if it is new or changed."""

    doc_id: str
    title: str
    source: str
    read: Callable[[], bytes]
    """Return its content, from which changes are detected.

    Raises:
        SkippedFile: it cannot be read.
    """
    parse: Callable[[bytes], tuple[list[Section], str | None]]
    """Return its text, and its encoding if it is a text file.

    Raises:
        SkippedFile: it has no readable text.
    """
    encoding: str | None = None
    """The encoding it was said to have."""


def from_document(document: Document) -> IngestCandidate:
    text = replace_surrogates(document["text"])
    source = replace_surrogates(document.get("source", ""))
    doc_id = replace_surrogates(document.get("id", "")) or compute_short_hash(source or text)
    return IngestCandidate(
        doc_id=doc_id,
        title=replace_surrogates(document.get("title", "")),
        source=source or doc_id,
        read=text.encode,
        parse=lambda raw: (split_markdown(raw.decode()), None),
    )


def from_file(path: Path, max_bytes: int, encoding: str | None = None) -> IngestCandidate:
    source = replace_surrogates(str(path))
    return IngestCandidate(
        doc_id=compute_short_hash(source),
        title=replace_surrogates(path.stem),
        source=source,
        read=lambda: load.read_file(path, max_bytes),
        parse=lambda raw: load.parse_file(path.suffix, raw, max_bytes, encoding),
        encoding=encoding,
    )


def ingest(
    store: KnowledgeStore,
    embedder: Embedder,
    candidates: Sequence[IngestCandidate],
    *,
    chunk_size: int,
    overlap: int,
    progress: IngestProgress,
) -> IngestReport:
    """Bring a base up to date with the candidates.

    Raises:
        InvalidTask: the sizes are incompatible.
        EmbedderError: the embedder fails; documents finished before stay.
        KnowledgeBaseError: the base cannot be written.
    """
    check_sizes(chunk_size, overlap)
    documents: list[AddedDocument] = []
    skipped: list[Skipped] = []
    for number, candidate in enumerate(candidates):

        def advance(share: float, number: int = number, what: str = candidate.source) -> None:
            progress(number + share, len(candidates), what)

        advance(0)
        try:
            documents.append(_add(store, embedder, candidate, (chunk_size, overlap), advance))
        except SkippedFile as error:
            skipped.append(_build_skipped(candidate.source, error))
        advance(1)
    return IngestReport(documents=documents, skipped=skipped)


def _add(
    store: KnowledgeStore,
    embedder: Embedder,
    candidate: IngestCandidate,
    sizes: tuple[int, int],
    advance: Callable[[float], None],
) -> AddedDocument:
    raw = candidate.read()
    properties = (candidate.title, candidate.source, *map(str, sizes))
    said = (candidate.encoding,) if candidate.encoding else ()
    digest = _compute_digest(*properties, *said, content=raw)
    with store.lock():
        old = store.catalogue.get_entry(candidate.doc_id)
    if old and old.digest == digest:
        return AddedDocument(doc_id=old.doc_id, source=old.source, outcome="unchanged", chunks=0)
    sections, encoding = candidate.parse(raw)
    passages = split(sections, *sizes)
    if not passages:
        raise SkippedFile("empty")
    entry = Entry(
        doc_id=candidate.doc_id,
        title=candidate.title,
        source=candidate.source,
        chunks=len(passages),
        added=now(),
        digest=digest,
        version=compute_short_hash(candidate.doc_id + digest),
    )
    vectors = embed_in_batches(
        embedder,
        [build_searchable_text(entry.title, passage.heading, passage.text) for passage in passages],
        advance,
    )
    with store.lock():
        outcome = store.put(entry, passages, vectors, embedder.name)
    written = 0 if outcome == "unchanged" else entry.chunks
    return AddedDocument(
        doc_id=entry.doc_id,
        source=entry.source,
        outcome=outcome,
        chunks=written,
        encoding=encoding,
    )


def embed_in_batches(
    embedder: Embedder, texts: Sequence[str], advance: Callable[[float], None]
) -> "Vectors":
    """Return vectors of passages, of shape (texts, dimension).

    `advance` is called with the share done, 0 to 1.
    """
    import numpy as np

    batches = []
    for start in range(0, len(texts), EMBED_BATCH):
        batches.append(embedder.embed_passages(texts[start : start + EMBED_BATCH]))
        advance(min(start + EMBED_BATCH, len(texts)) / len(texts))
    return np.concatenate(batches)


def compute_short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _compute_digest(*properties: str, content: bytes) -> str:
    digest = hashlib.sha256("\0".join(properties).encode())
    digest.update(b"\0")
    digest.update(content)
    return digest.hexdigest()


def _build_skipped(source: str, error: SkippedFile) -> Skipped:
    message = say(f"kb.skipped.{error.reason}", detail=error.detail)
    return Skipped(source=source, reason=error.reason, detail=error.detail, message=message)


def find_candidates(
    paths: Sequence[Path], max_bytes: int, encoding: str | None = None
) -> Iterator[IngestCandidate]:
    """Yield the named files and those in the named folders, each once."""
    for path in load.find_files(paths):
        yield from_file(path, max_bytes, encoding)
