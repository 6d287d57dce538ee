"""A base's folder: its catalogue and vectors, changed together and by one process at a time."""

import hashlib
import shutil
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from ..language.messages import say
from .catalogue import BUSY_SECONDS, Catalogue, Entry
from .contracts import EmbedderMismatch, IngestOutcome, KnowledgeBaseError
from .split import Section
from .vectors import DamagedVectors, VectorIndex

if TYPE_CHECKING:
    from .embed import Vectors

ASIDE = "chroma.damaged"
"""Folder of damaged vectors, kept until new ones are complete."""

_stores: "weakref.WeakValueDictionary[Path, KnowledgeStore]" = weakref.WeakValueDictionary()
_stores_lock = threading.Lock()


class KnowledgeStore:
    """Storage of one base, safe to use from many threads and processes.

    A process has one store per folder, returned by `KnowledgeStore.at`, since Chroma's clients
    of one folder share their state. Use members only inside `lock()`, except where they take it
    themselves, and hold it for milliseconds: do nothing slow there, such as embedding.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self._thread_lock = threading.Lock()
        self._file_lock = FileLock(folder / "lock", timeout=BUSY_SECONDS, poll_interval=0.005)
        with self._file_lock:  # SQLite does not wait while its WAL is being set up
            self.catalogue = Catalogue(folder / "catalogue.sqlite")
        self.vectors = VectorIndex(folder / "chroma")
        weakref.finalize(self, _close, self.catalogue, self.vectors)

    @classmethod
    def at(cls, folder: Path) -> "KnowledgeStore":
        """Return the process's store for a folder, creating it readable by the user only.

        Raises:
            KnowledgeBaseError: the folder cannot be used.
        """
        folder = folder.expanduser().resolve()
        with _stores_lock, _translate_errors(folder):
            store = _stores.get(folder)
            if store is None:
                store = _stores[folder] = cls(folder)
            return store

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the base, load other processes' changes and clean up after killed ones.

        Raises:
            KnowledgeBaseError: the base cannot be read or written, or stays locked for a minute.
        """
        with self._thread_lock, _translate_errors(self.folder), self._file_lock:
            self.vectors.sync_generation(self._get_generation())
            self._delete_unsettled()
            yield

    def set_damaged_aside(self) -> None:
        """Move damaged vectors aside, so that new ones can be made.

        Vectors that are only locked or not readable stay. The moved ones are deleted when the
        new ones are complete. Takes the lock itself: `lock` would fail.

        Raises:
            KnowledgeBaseError: the folder cannot be written, or the vectors cannot be read now.
        """
        with self._thread_lock, _translate_errors(self.folder), self._file_lock:
            self._announce([])
            try:
                self.vectors.close()
                self.vectors.check()
                self._delete_unsettled()
            except DamagedVectors:
                self.vectors.close()
                self._delete_aside()
                (self.folder / "chroma").rename(self.folder / ASIDE)
                with self.catalogue.transaction():
                    self.catalogue.mark_settled(self.catalogue.list_unsettled())

    @property
    def embedder(self) -> str | None:
        """Name of the embedder of all vectors; None while the base is empty."""
        return self.catalogue.get_fact("embedder") if self.catalogue.get_counts()[0] else None

    @property
    def collection(self) -> str:
        """Name of the Chroma collection that holds the vectors."""
        return self.catalogue.get_fact("collection") or ""

    def put(
        self, entry: Entry, passages: Sequence[Section], vectors: "Vectors", embedder: str
    ) -> IngestOutcome:
        """Store a document atomically.

        Raises:
            EmbedderMismatch: another process has started this base with another embedder.
        """
        old = self.catalogue.get_entry(entry.doc_id)
        if old and old.digest == entry.digest:
            return "unchanged"
        self.require_embedder(embedder)
        if self.embedder is None:
            self._remember(embedder, build_collection_name(embedder))
        self._announce([entry.version])
        self.vectors.add(self.collection, entry.build_chunk_ids(), vectors)
        with self.catalogue.transaction():
            self.catalogue.put(entry, passages)
            self.catalogue.mark_settled([entry.version])
            self.catalogue.mark_unsettled([old.version] if old else [])
        self._delete_unsettled()
        return "replaced" if old else "added"

    def delete(self, entries: Sequence[Entry]) -> None:
        """Delete documents from the catalogue and both indexes."""
        with self.catalogue.transaction():
            self.catalogue.delete([entry.doc_id for entry in entries])
            self.catalogue.mark_unsettled([entry.version for entry in entries])
        self._delete_unsettled()

    def require_embedder(self, embedder: str) -> None:
        """Check that the base is empty or was embedded by this embedder.

        Raises:
            EmbedderMismatch: the base was embedded by another embedder.
        """
        if self.embedder not in (None, embedder):
            raise EmbedderMismatch(
                say("kb.mismatch", folder=self.folder, held=self.embedder, wanted=embedder)
            )

    def list_missing_chunks(self, collection: str) -> list[str]:
        """List chunks without a vector in a collection, and delete vectors without a chunk."""
        self._announce([])
        wanted = self.catalogue.list_chunk_ids()
        held = self.vectors.list_ids(collection)
        self.vectors.delete(collection, list(held.difference(wanted)))
        return [chunk_id for chunk_id in wanted if chunk_id not in held]

    def fill(self, collection: str, chunk_ids: Sequence[str], vectors: "Vectors") -> None:
        """Write vectors to a collection that is not in use yet."""
        self._announce([])
        self.vectors.add(collection, chunk_ids, vectors)

    def switch(self, embedder: str, collection: str) -> None:
        """Switch to another collection and drop all others."""
        self._announce([])
        self._remember(embedder, collection)
        self.vectors.keep_only(collection)
        self._delete_aside()

    def _remember(self, embedder: str, collection: str) -> None:
        with self.catalogue.transaction():
            self.catalogue.remember(embedder=embedder, collection=collection)

    def _announce(self, versions: Sequence[str]) -> None:
        """Notify other processes of a change to the vectors, before it is made."""
        generation = self._get_generation() + 1
        with self.catalogue.transaction():
            self.catalogue.remember(generation=generation)
            self.catalogue.mark_unsettled(versions)
        self.vectors.set_generation(generation)

    def _delete_unsettled(self) -> None:
        """Delete the vectors of unsettled versions."""
        versions = self.catalogue.list_unsettled()
        if not versions:
            return
        self._announce([])
        self.vectors.delete_versions(self.collection, versions)
        with self.catalogue.transaction():
            self.catalogue.mark_settled(versions)

    def _delete_aside(self) -> None:
        shutil.rmtree(self.folder / ASIDE, ignore_errors=True)

    def _get_generation(self) -> int:
        return int(self.catalogue.get_fact("generation") or 0)


def build_collection_name(embedder: str) -> str:
    """Return the name of the collection for an embedder's vectors."""
    return f"chunks-{hashlib.sha256(embedder.encode()).hexdigest()[:8]}"


def _close(catalogue: Catalogue, vectors: VectorIndex) -> None:
    vectors.close()
    catalogue.close()


@contextmanager
def _translate_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except Timeout as error:
        raise KnowledgeBaseError(say("kb.busy", folder=folder)) from error
    except (sqlite3.Error, OSError) as error:
        raise KnowledgeBaseError(say("kb.unusable", folder=folder, reason=error)) from error
