"""The search by meaning: vectors of chunks in Chroma, compared by cosine.

Chroma's files are meant for one process: an open client does not see what another one has
changed, and later writes its own state over it. So every use is under the base's lock, and a
client from before another's change is closed and opened anew, which takes 40 ms.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..language.messages import say
from .contracts import KnowledgeBaseError

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client

    from .embed import Vectors

WRITE_BATCH = 2000
"""Vectors written at a time; Chroma takes up to 5,461."""


class DamagedVectors(KnowledgeBaseError):
    """Chroma cannot read or write its files."""


class VectorIndex:
    """The collections of one base. Callers hold the base's lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: Client | None = None
        self._generation = -1

    def sync_generation(self, generation: int) -> None:
        """Forget what is in memory, unless it is of this state of the base."""
        if generation != self._generation:
            self.close()
        self._generation = generation

    def set_generation(self, generation: int) -> None:
        """The change that leads to this state is made here, so what is in memory stays true."""
        self._generation = generation

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def check(self) -> None:
        """Raises:
        DamagedVectors: Chroma cannot open its files.
        """
        with self._translate_errors():
            self._open_client().list_collections()

    def add(self, name: str, ids: Sequence[str], vectors: "Vectors") -> None:
        """Write the vectors of chunks into the collection `name`, made where missing."""
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
        """Cosine similarity of the nearest chunks by id, best first. The graph that is searched
        is approximate (HNSW)."""
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
        """Cosine similarity of chunks that were found otherwise, by id."""
        import numpy as np

        if not ids:
            return {}
        with self._translate_errors():
            found = self._get_collection(name).get(ids=list(ids), include=["embeddings"])
            rows: Any = np.asarray(found["embeddings"])
            cosines = rows @ vector / np.linalg.norm(rows, axis=1) / np.linalg.norm(vector)
            return dict(zip(found["ids"], cosines.tolist(), strict=True))

    def list_ids(self, name: str) -> set[str]:
        """Of all chunks in a collection."""
        with self._translate_errors():
            return set(self._get_collection(name).get(include=[])["ids"])

    def keep_only(self, name: str) -> None:
        """Drop all collections but one."""
        with self._translate_errors():
            for collection in self._open_client().list_collections():
                if collection.name != name:
                    self._open_client().delete_collection(collection.name)

    def _get_collection(self, name: str) -> "Collection":
        # Without a function of its own Chroma would fetch a model to embed with.
        return self._open_client().get_or_create_collection(
            name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def _open_client(self) -> "Client":
        if self._client is None:
            import chromadb
            from chromadb.config import Settings

            settings = Settings(anonymized_telemetry=False)
            self._client = cast("Client", chromadb.PersistentClient(self._folder, settings))
        return self._client

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        # Whatever is wrong with its files, Chroma raises errors of many kinds.
        except Exception as error:
            raise DamagedVectors(say("kb.damaged", folder=self._folder, reason=error)) from error


def extract_version(chunk_id: str) -> str:
    """The version of a document that a chunk is part of."""
    return chunk_id.rpartition("-")[0]
