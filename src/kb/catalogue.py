"""The catalogue of a base: its documents, their chunks and keyword index, in one SQLite file.

The catalogue is authoritative; the vectors, which Chroma keeps in its own files, follow it. A
version of a document whose vectors are about to be written or deleted is first listed in
`unsettled`, so that the next process can clean up after a killed one.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import keyword
from .contracts import Chunk, DocumentSummary
from .split import Section

BUSY_SECONDS = 60

_SCHEMA = """
create table if not exists facts (name text primary key, value text not null);
create table if not exists unsettled (version text primary key);
create table if not exists documents (
    doc_id text primary key,
    title text not null,
    source text not null,
    digest text not null,
    version text not null,
    chunks integer not null,
    added text not null
);
create index if not exists by_source on documents (source);
create table if not exists chunks (
    row integer primary key,
    chunk_id text not null unique,
    doc_id text not null references documents on delete cascade,
    heading text not null,
    text text not null
);
create index if not exists by_document on chunks (doc_id);
"""

_SELECT_CHUNK = (
    "select chunk_id, doc_id, title, source, heading, text "
    "from chunks join documents using (doc_id)"
)


class Entry(DocumentSummary):
    """A document as stored in the catalogue."""

    digest: str
    """Digest of its content, title, source and split sizes; the same digest needs no work."""
    version: str
    """Identifies this content of this document; prefix of its chunk ids."""

    def build_chunk_ids(self) -> list[str]:
        return [f"{self.version}-{number}" for number in range(self.chunks)]


class Catalogue:
    """A connection to the catalogue file. Callers hold the base's lock while they use it."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("pragma foreign_keys = on")
        self._connection.execute("pragma journal_mode = wal")
        self._connection.executescript(_SCHEMA + keyword.SCHEMA)
        self.keywords = keyword.KeywordIndex(self._connection)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes made inside, or none."""
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def get_fact(self, name: str) -> str | None:
        """Return a stored property of the base, such as its embedder."""
        rows = self._connection.execute("select value from facts where name = ?", (name,))
        return next((value for (value,) in rows), None)

    def remember(self, **facts: object) -> None:
        self._connection.executemany(
            "insert or replace into facts values (?, ?)",
            [(name, str(value)) for name, value in facts.items()],
        )

    def list_unsettled(self) -> list[str]:
        """List versions that may have leftover vectors but belong to no document."""
        return [version for (version,) in self._connection.execute("select * from unsettled")]

    def mark_unsettled(self, versions: Sequence[str]) -> None:
        self._connection.executemany(
            "insert or ignore into unsettled values (?)", [(version,) for version in versions]
        )

    def mark_settled(self, versions: Sequence[str]) -> None:
        self._connection.executemany(
            "delete from unsettled where version = ?", [(version,) for version in versions]
        )

    def put(self, entry: Entry, passages: Sequence[Section]) -> None:
        """Store a document with its chunks, replacing an earlier one of the same id."""
        self.delete([entry.doc_id])
        self._connection.execute(
            "insert into documents values (?, ?, ?, ?, ?, ?, ?)",
            (
                entry.doc_id,
                entry.title,
                entry.source,
                entry.digest,
                entry.version,
                entry.chunks,
                entry.added.isoformat(),
            ),
        )
        for chunk_id, passage in zip(entry.build_chunk_ids(), passages, strict=True):
            row = self._connection.execute(
                "insert into chunks (chunk_id, doc_id, heading, text) values (?, ?, ?, ?)",
                (chunk_id, entry.doc_id, passage.heading, passage.text),
            ).lastrowid
            assert row is not None  # noqa: S101  an insert has one
            self.keywords.add(
                row, build_searchable_text(entry.title, passage.heading, passage.text)
            )

    def delete(self, doc_ids: Sequence[str]) -> None:
        """Delete documents with their chunks and keyword entries."""
        for doc_id in doc_ids:
            rows = self._connection.execute("select row from chunks where doc_id = ?", (doc_id,))
            self.keywords.remove([row for (row,) in rows])
            self._connection.execute("delete from documents where doc_id = ?", (doc_id,))

    def get_entry(self, doc_id: str) -> Entry | None:
        return next(iter(self.list_entries("where doc_id = ?", doc_id)), None)

    def list_entries(self, clause: str = "", *values: str) -> list[Entry]:
        """List documents in the order they were added."""
        query = f"select * from documents {clause} order by rowid"  # noqa: S608
        cursor = self._connection.execute(query, values)
        return [Entry.model_validate(record) for record in _read_records(cursor)]

    def get_counts(self) -> tuple[int, int]:
        """Return the numbers of documents and chunks."""
        query = "select count(*), coalesce(sum(chunks), 0) from documents"
        documents, chunks = self._connection.execute(query).fetchone()
        return documents, chunks

    def get_chunks(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        """Return the chunks that are in the base, by id."""
        marks = ", ".join("?" * len(chunk_ids))
        cursor = self._connection.execute(f"{_SELECT_CHUNK} where chunk_id in ({marks})", chunk_ids)
        return {record["chunk_id"]: Chunk(**record) for record in _read_records(cursor)}

    def list_chunk_ids(self) -> list[str]:
        """List the ids of all chunks in the base."""
        return [row[0] for row in self._connection.execute("select chunk_id from chunks")]


def build_searchable_text(title: str, heading: str, text: str) -> str:
    """Prepend title and heading to a chunk, since a passage often does not name its subject."""
    return "\n".join(part for part in (title, heading, text) if part)


def now() -> datetime:
    return datetime.now(UTC)


def measure_folder_size(folder: Path) -> int:
    """Return the total size of all files in a folder, in bytes."""
    return sum(
        os.stat(os.path.join(parent, name)).st_size
        for parent, _, names in os.walk(folder)
        for name in names
    )


def _read_records(cursor: sqlite3.Cursor) -> Iterator[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    for row in cursor:
        yield dict(zip(names, row, strict=True))
