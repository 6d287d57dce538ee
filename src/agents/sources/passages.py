"""Passages to answer from, taken from the knowledge base and from web pages."""

import asyncio
from itertools import compress
from typing import TYPE_CHECKING

from ...errors import ConcertinoError
from ...kb.names import match_names
from ...kb.split import Section, split
from ...language.messages import Language
from ...state import Source
from ...tools.fetch import Page, fetch
from .citations import extract_word_stems

if TYPE_CHECKING:
    from ...kb import KnowledgeBase

PASSAGE_CHARS = 400
"""Characters of a passage shown to the model; a page of prompt costs a small model seconds."""
MAX_DISTANCE_RATIO = 1.4
"""Largest cosine distance of a passage, as a multiple of the best passage's."""
PAGE_CHUNK = 256
"""Size in tokens of the pieces that a page is split into."""
SENTENCE_TOKENS = 40
"""Size in tokens of the pieces that an excerpt is assembled from: about a sentence."""


async def retrieve_document_passages(
    base: "KnowledgeBase", question: str, count: int, *, close: bool = False
) -> list[Source]:
    """Return the best passages of the knowledge base, numbered from 1.

    Passages that do not match the names in the question are dropped; with `close`, so are those
    much less similar to it than the best one. A small model would cite them anyway.

    Raises:
        KnowledgeBaseError: the base cannot be read.
    """
    hits = await asyncio.to_thread(base.retrieve, question, count)
    texts = [f"{hit.title} {hit.heading} {hit.text}" for hit in hits]
    hits = list(compress(hits, await asyncio.to_thread(match_names, question, texts)))
    if close:
        nearest = min((1 - hit.similarity for hit in hits), default=0.0)
        most = max((hit.keyword_score for hit in hits), default=0.0)
        hits = [
            hit
            for hit in hits
            if 1 - hit.similarity <= MAX_DISTANCE_RATIO * nearest or hit.keyword_score == most > 0
        ]
    return [
        Source(
            number=number,
            title=" > ".join(filter(None, (hit.title, hit.heading))),
            location=hit.source,
            chunk_id=hit.chunk_id,
            text=excerpt(hit.text, question),
        )
        for number, hit in enumerate(hits, 1)
    ]


async def retrieve_page_passages(
    question: str, urls: list[str], count: int, language: Language
) -> tuple[list[Source], list[str]]:
    """Return the pages' passages that share the most words with the question, numbered from 1, and
    the reason for each page that could not be read."""
    pages, unread = await read_pages(urls, language)
    asked = extract_word_stems(question)
    pieces = [
        (page, piece.text) for page in pages for piece in split([Section(page.text)], PAGE_CHUNK, 0)
    ]
    pieces.sort(key=lambda piece: -len(asked & extract_word_stems(piece[1])))
    passages = [
        Source(
            number=number,
            title=page.title,
            location=page.final_url,
            text=excerpt(text, question),
        )
        for number, (page, text) in enumerate(pieces[:count], 1)
    ]
    return passages, unread


async def read_pages(urls: list[str], language: Language) -> tuple[list[Page], list[str]]:
    """Fetch pages concurrently. Return those that could be read, and a reason for each other."""
    found = await asyncio.gather(*(_try_fetch(url, language) for url in urls))
    unread = [str(failed) for failed in found if isinstance(failed, ConcertinoError)]
    return [page for page in found if isinstance(page, Page)], unread


def excerpt(text: str, question: str, limit: int = PASSAGE_CHARS) -> str:
    """Return the run of sentences, at most about `limit` characters, that shares the most words
    with the question; the earliest of equals."""
    if len(text) <= limit:
        return text
    pieces = [piece.text for piece in split([Section(text)], SENTENCE_TOKENS, 0)]
    asked = extract_word_stems(question)
    runs = [_join_pieces(pieces[start:], limit) for start in range(len(pieces))]
    return max(runs, key=lambda run: len(asked & extract_word_stems(run)))


def _join_pieces(pieces: list[str], limit: int) -> str:
    """Join the first pieces, as many as fit and at least one."""
    run = pieces[0]
    for piece in pieces[1:]:
        if len(run) + len(piece) > limit:
            break
        run = f"{run} {piece}"
    return run


async def _try_fetch(url: str, language: Language) -> Page | ConcertinoError:
    try:
        return await fetch(url, language=language)
    except ConcertinoError as error:
        return error
