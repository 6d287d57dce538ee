"""Keyword search: BM25 over words segmented by jieba, in SQLite's full-text index.

The index is a table beside the chunks, so one transaction changes both, every process sees the
same, and nothing is rebuilt or held in memory. It ranks like `bm25s` with the same parameters
(k1 = 1.2, b = 0.75).
"""

import math
import re
import sqlite3
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, TypeAlias

from ..settings import get_settings
from .variants import find_variants

Term: TypeAlias = tuple[str, ...]
"""A word of a question and its other spellings in the index, some of them several words."""

SCHEMA = """
create virtual table if not exists keywords using fts5(words, tokenize = 'ascii');
create virtual table if not exists vocabulary using fts5vocab(keywords, row);
"""

MAX_WORDS = 64
"""Maximum words of a query searched for; the rarest are kept."""
MAX_WORD_CHUNKS = 10_000
"""A word in more chunks than this is ignored, unless all words are that common: ranking by it is
slow and tells little."""

_WORD = re.compile(r"[^\W_]+")


def split_words(text: str) -> list[str]:
    """Split a Chinese, English or mixed text into words, in lower case and half width, without
    punctuation."""
    return [word for piece in get_tokenizer().cut(_simplify(text)) for word in _WORD.findall(piece)]


def _simplify(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


class KeywordIndex:
    """BM25 index of the chunks of one base; rows are keyed by the chunks' row numbers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, row: int, text: str) -> None:
        """Index a chunk, in the caller's transaction."""
        self._connection.execute(
            "insert into keywords (rowid, words) values (?, ?)", (row, " ".join(split_words(text)))
        )

    def remove(self, rows: Sequence[int]) -> None:
        """Remove chunks, in the caller's transaction."""
        self._connection.executemany(
            "delete from keywords where rowid = ?", [(row,) for row in rows]
        )

    def search(self, asked: Collection[Term], limit: int) -> list[str]:
        """Return ids of the chunks that contain any of the terms, best first."""
        counts = self._count_chunks({spelling for term in asked for spelling in term})
        known = [spelling for spelling, count in counts.items() if count]
        rare = [word for word in known if counts[word] <= MAX_WORD_CHUNKS] or known
        rarest = sorted(rare, key=lambda word: counts[word])[:MAX_WORDS]
        if not rarest:
            return []
        found = self._connection.execute(
            "select chunks.chunk_id from keywords join chunks on chunks.row = keywords.rowid "
            "where keywords match ? order by bm25(keywords), keywords.rowid limit ?",
            (" OR ".join(f'"{word}"' for word in rarest), limit),
        )
        return [chunk_id for (chunk_id,) in found]

    def compute_coverage(
        self, weights: dict[Term, float], chunk_ids: Sequence[str]
    ) -> dict[str, float]:
        """Return the share of the terms' total weight found in each chunk, 0 to 1."""
        marks = ", ".join("?" * len(chunk_ids))
        held_by = "select chunk_id, words from chunks join keywords on keywords.rowid = row"
        query = f"{held_by} where chunk_id in ({marks})"
        total = sum(weights.values()) or 1.0
        return {
            chunk_id: sum(
                weight
                for term, weight in weights.items()
                if any(f" {spelling} " in f" {held} " for spelling in term)
            )
            / total
            for chunk_id, held in self._connection.execute(query, chunk_ids)
        }

    def compute_weights(self, question: str, chunks: int) -> dict[Term, float]:
        """Return BM25's inverse document frequency of each word of a question, by its term.

        `chunks` is the number of chunks in the base. Unknown words weigh most.
        """
        words = list(dict.fromkeys(split_words(question)))
        variants = find_variants(_simplify(question), words, split_words)
        spellings = {spelling for others in variants.values() for spelling in others}
        counts = self._count_chunks([*words, *spellings])
        weights = {}
        for word in words:
            term = (word, *sorted(other for other in variants[word] if counts[other]))
            count = max(counts[spelling] for spelling in term)
            weights[term] = math.log(1 + (chunks - count + 0.5) / (count + 0.5))
        return weights

    def _count_chunks(self, asked: Iterable[str]) -> dict[str, int]:
        """Return the number of chunks that contain each word, or each sequence of words."""
        query = "select doc from vocabulary where term = ?"
        several = "select count(*) from keywords where keywords match ?"
        counts = {
            word: next((doc for (doc,) in self._connection.execute(query, (word,))), 0)
            for word in {word for spelling in asked for word in spelling.split()}
        }
        for spelling in asked:
            words = spelling.split()
            if len(words) > 1:
                found = (
                    all(map(counts.get, words))
                    and self._connection.execute(several, (f'"{spelling}"',)).fetchone()
                )
                counts[spelling] = found[0] if found else 0
        return {spelling: counts[spelling] for spelling in asked}


@cache
def get_tokenizer() -> Any:
    """Return jieba's tokenizer; loading its dictionary takes a moment."""
    import jieba

    home = get_settings().home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    jieba.setLogLevel("WARNING")  # it reports on loading its dictionary
    loaded = jieba.Tokenizer()
    # Not the system's temporary folder, where anyone could plant a dictionary.
    loaded.tmp_dir = str(home)
    loaded.initialize()
    return loaded
