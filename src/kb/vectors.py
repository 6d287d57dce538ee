"""Semantic search: vectors of chunks in Chroma, compared by cosine.

Chroma's files are meant for one process: an open client does not see another client's changes
and later overwrites them with its own state. So every use is under the base's lock, and a client
opened before another process's change is reopened, which takes 40 ms.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..language.messages import say
from .contracts import KnowledgeBaseError

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client

    from .embed import Vectors

GRAPH_FILES = ("data_level0.bin", "header.bin", "length.bin")
"""Files of a persisted HNSW graph in Chroma; none of them is ever empty."""
WRITE_BATCH = 2000
"""Vectors written per call; Chroma accepts up to 5,461."""


class DamagedVectors(KnowledgeBaseError):
    """Chroma's files are damaged: the vectors must be recomputed."""


class VectorIndex:
    """The vector collections of one base. Callers hold the base's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: Client | None = None
        self._generation = -1

    def sync_generation(self, generation: int) -> None:
        """Close the client if the base has changed since it was opened."""
        if generation != self._generation:
            self.close()
        self._generation = generation

    def set_generation(self, generation: int) -> None:
        """Record a generation created by this process, so that the open client stays valid."""
        self._generation = generation

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def check(self) -> None:
        """Check that Chroma can open its files.

        Raises:
            DamagedVectors: the files are damaged.
            KnowledgeBaseError: they cannot be opened now.
        """
        with self._translate_errors():
            self._open_client().list_collections()

    def add(self, name: str, ids: Sequence[str], vectors: "Vectors") -> None:
        """Write vectors of chunks to the collection `name`, created if missing."""
        with self._translate_errors():
            for start in range(0, len(ids), WRITE_BATCH):
                batch = list(ids[start : start + WRITE_BATCH])
                self._get_collection(name).upsert(
                    ids=batch,
                    embeddings=vectors[start : start + WRITE_BATCH],
                    metadatas=[{"version": extract_version(chunk_id)} for chunk_id in batch],
                )

    def delete_versions(self, name: str, versions: Sequence[str]) -> None:
        with self._translate_errors():
            for version in versions:
                self._get_collection(name).delete(where={"version": version})

    def delete(self, name: str, ids: Sequence[str]) -> None:
        with self._translate_errors():
            for start in range(0, len(ids), WRITE_BATCH):
                self._get_collection(name).delete(ids=list(ids[start : start + WRITE_BATCH]))

    def search(self, name: str, vector: "Vectors", limit: int) -> dict[str, float]:
        """Return cosine similarities of the nearest chunks by id, best first.

        The search is approximate (HNSW).
        """
        import numpy as np

        with self._translate_errors():
            found = self._get_collection(name).query(
                query_embeddings=vector[np.newaxis], n_results=limit, include=["distances"]
            )
            distances = cast("list[list[float]]", found["distances"])
            return {
                chunk_id: 1 - distance
                for chunk_id, distance in zip(found["ids"][0], distances[0], strict=True)
            }

    def compute_similarities(
        self, name: str, vector: "Vectors", ids: Sequence[str]
    ) -> dict[str, float]:
        """Return cosine similarities of the given chunks, by id."""
        import numpy as np

        if not ids:
            return {}
        with self._translate_errors():
            found = self._get_collection(name).get(ids=list(ids), include=["embeddings"])
            rows: Any = np.asarray(found["embeddings"])
            cosines = rows @ vector / np.linalg.norm(rows, axis=1) / np.linalg.norm(vector)
            return dict(zip(found["ids"], cosines.tolist(), strict=True))

    def list_ids(self, name: str) -> set[str]:
        """List the ids of all chunks in a collection."""
        with self._translate_errors():
            return set(self._get_collection(name).get(include=[])["ids"])

    def keep_only(self, name: str) -> None:
        """Drop all collections but one."""
        with self._translate_errors():
            for collection in self._open_client().list_collections():
                if collection.name != name:
                    self._open_client().delete_collection(collection.name)

    def _get_collection(self, name: str) -> "Collection":
        # Chroma's default embedding function would download a model.
        return self._open_client().get_or_create_collection(
            name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def _open_client(self) -> "Client":
        if self._client is None:
            import chromadb
            from chromadb.api.shared_system_client import SharedSystemClient as SharedSystem
            from chromadb.config import Settings

            settings = Settings(anonymized_telemetry=False)
            try:
                self._client = cast("Client", chromadb.PersistentClient(self._folder, settings))
            except Exception:
                # Chroma caches the system that failed to start and would return it again.
                for kept in (
                    SharedSystem._identifier_to_system,
                    SharedSystem._identifier_to_refcount,
                ):
                    kept.pop(str(self._folder), None)
                raise
        return self._client

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        # Chroma raises many kinds of errors, and the same for a locked file as for a damaged one:
        # damage is detected from the files.
        except Exception as error:
            if is_damaged(self._folder):
                message = say("kb.damaged", folder=self._folder, reason=error)
                raise DamagedVectors(message) from error
            message = say("kb.vectors_failed", folder=self._folder, reason=error)
            raise KnowledgeBaseError(message) from error


def is_damaged(folder: Path) -> bool:
    """Return whether Chroma's files in a folder are damaged.

    A locked or unreadable file does not count as damaged.
    """
    database = folder / "chroma.sqlite3"
    if not database.exists():
        return folder.exists() and any(folder.iterdir())
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            if connection.execute("pragma quick_check(1)").fetchone() != ("ok",):
                return True
            segments = connection.execute("select id from segments where scope = 'VECTOR'")
            graphs = [folder / segment for (segment,) in segments]
    except sqlite3.OperationalError as error:
        return "no such table" in str(error)
    except sqlite3.DatabaseError:
        return True
    return any(_is_cut(graph) for graph in graphs)


def _is_cut(graph: Path) -> bool:
    """Return whether a persisted graph lacks one of its files, or one of them is empty.

    A graph not yet persisted has no folder.
    """
    return graph.is_dir() and any(
        not (graph / name).is_file() or not (graph / name).stat().st_size for name in GRAPH_FILES
    )


def extract_version(chunk_id: str) -> str:
    """Return the document version that a chunk belongs to."""
    return chunk_id.rpartition("-")[0]
