"""An embedder that needs no model: texts with the same pairs of letters are near each other."""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from concertino.kb.embed import Vectors


class LetterPairs:
    def __init__(self, name: str = "letter-pairs") -> None:
        self.name = name
        self.embedded: list[str] = []
        self.before: Callable[[], None] = lambda: None
        """Called before passages are embedded."""

    def embed_query(self, text: str) -> Vectors:
        counts = np.zeros(256, dtype=np.float32)
        for pair in zip(text, text[1:] + " ", strict=True):
            counts[zlib.crc32("".join(pair).encode()) % 256] += 1
        return counts / (np.linalg.norm(counts) or 1)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.before()
        self.embedded += texts
        return np.stack([self.embed_query(text) for text in texts])
