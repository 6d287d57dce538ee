"""Splitting of long texts into passages that fit an embedder: by heading, then by sentence."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ..errors import InvalidTask
from ..language.messages import say
from ..language.text import HAN, split_sentences

_CJK = f"\u3040-\u30ff\uac00-\ud7af{HAN}"
_TOKEN = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]{{1,4}}|[^\w\s]|_+")
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")


@dataclass(frozen=True)
class Section:
    """A stretch of text under one heading."""

    text: str
    heading: str = ""
    """Path of headings, outermost first, joined by ` > `."""
    head: str = ""
    """Names of a sheet's columns; the text is its rows, one a line."""


def count_tokens(text: str) -> int:
    """Estimate the tokens of a text without a tokenizer, identically for all embedders.

    A Chinese, Japanese or Korean character counts as one, as do up to four letters or digits
    and a punctuation mark. Relative to multilingual-e5-small's own count the estimate is 1.25 on
    Chinese paragraphs (at least 1.02), 1.20 on English ones (at least 1.05) and 1.08 on Markdown
    and code (at least 0.94), so a chunk of 512 fits that model's window.
    """
    return sum(1 for _ in _TOKEN.finditer(text))


def split_markdown(text: str) -> list[Section]:
    """Split Markdown at its `#` headings, ignoring those inside fenced code."""
    sections: list[Section] = []
    path: list[tuple[int, str]] = []
    lines: list[str] = []
    fence = ""

    def close() -> None:
        body = "\n".join(lines).strip()
        if body:
            sections.append(Section(body, " > ".join(title for _, title in path)))
        lines.clear()

    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
        heading = None if fence or mark else _HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        close()
        level = len(heading[1])
        path = [*((depth, title) for depth, title in path if depth < level), (level, heading[2])]
    close()
    return sections or [Section(" > ".join(title for _, title in path))]


def check_sizes(chunk_size: int, overlap: int) -> None:
    """Check the chunk size and overlap.

    Raises:
        InvalidTask: chunks would be too small or too large, or overlap by more than half.
    """
    if not 16 <= chunk_size <= 8192 or not 0 <= overlap <= chunk_size // 2:
        raise InvalidTask(say("kb.invalid.sizes", size=chunk_size, overlap=overlap))


def split(sections: Iterable[Section], chunk_size: int, overlap: int) -> list[Section]:
    """Split each section into passages of whole sentences, of at most `chunk_size` tokens.

    Each passage begins with the last sentences of the previous one, up to `overlap` tokens. A
    sentence longer than `chunk_size - overlap` tokens is cut between tokens. Of a sheet each
    passage begins with the names of the columns, and no row is repeated.

    Raises:
        InvalidTask: the sizes are incompatible.
    """
    check_sizes(chunk_size, overlap)
    return [
        Section(passage, section.heading)
        for section in sections
        for passage in (
            _pack_rows(section, chunk_size)
            if section.head
            else _pack(_split_sentences(section.text, chunk_size - overlap), chunk_size, overlap)
        )
    ]


def _pack_rows(sheet: Section, chunk_size: int) -> Iterator[str]:
    """Yield passages of whole rows, each under the names of the columns."""
    room = max(chunk_size - count_tokens(sheet.head), chunk_size // 2)
    rows = (
        piece for row in sheet.text.splitlines(keepends=True) for piece in _cut_sentence(row, room)
    )
    for passage in _pack(rows, room, 0):
        yield f"{sheet.head}\n{passage}"


def _pack(sentences: Iterable[str], chunk_size: int, overlap: int) -> Iterator[str]:
    held: list[tuple[str, int]] = []
    fresh = False
    for sentence in sentences:
        tokens = count_tokens(sentence)
        if fresh and sum(size for _, size in held) + tokens > chunk_size:
            yield _join(held)
            held = _take_tail(held, overlap)
            fresh = False
        held.append((sentence, tokens))
        fresh = True
    if fresh and _join(held):
        yield _join(held)


def _take_tail(held: list[tuple[str, int]], overlap: int) -> list[tuple[str, int]]:
    """Return the last sentences that together have at most `overlap` tokens."""
    total = 0
    kept = 0
    for _, size in reversed(held):
        total += size
        if total > overlap:
            break
        kept += 1
    return held[len(held) - kept :]


def _join(held: list[tuple[str, int]]) -> str:
    return "".join(sentence for sentence, _ in held).strip()


def _split_sentences(text: str, limit: int) -> Iterator[str]:
    """Yield sentences with their trailing white space, each of at most `limit` tokens."""
    for sentence in split_sentences(text, clauses=True):
        yield from _cut_sentence(sentence, limit)


def _cut_sentence(sentence: str, limit: int) -> Iterator[str]:
    start = 0
    while True:
        # The token after the first `limit` tokens begins the next piece.
        following = next(islice(_TOKEN.finditer(sentence, start), limit, None), None)
        if following is None:
            break
        yield sentence[start : following.start()]
        start = following.start()
    yield sentence[start:]
