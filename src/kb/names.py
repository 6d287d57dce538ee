"""Names in a question: the subjects a passage must mention to answer it."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from ..language.text import HAN_CHARACTER
from .keyword import get_tokenizer

_NAME_TAGS = ("nr", "ns", "nt", "nz", "eng")
"""jieba's tags for people, places, organisations, other proper names and Latin words."""
_CAPITAL = re.compile(r"(?<=[\w,;:] )[A-Z][\w-]+|\b\w*\d\w*[A-Za-z]\w*|\b[A-Za-z]+\d\w*")
_WORD = re.compile(r"[\w'-]+")


def match_names(question: str, texts: Sequence[str]) -> list[bool]:
    """Return for each text whether it contains at least half of the question's names.

    A text in another script cannot be checked and counts as a match. The first call may block
    for a second.
    """
    names, chinese = extract_names(question), bool(HAN_CHARACTER.search(question))
    return [
        chinese != bool(HAN_CHARACTER.search(text))
        or 2 * sum(name in there for name in names) >= len(names)
        for text, there in zip(texts, map(str.casefold, texts), strict=True)
    ]


def extract_names(question: str) -> set[str]:
    """Return names of people, places, works and the like, in lower case.

    In English these are words within a sentence that begin with a capital letter, and words
    that mix letters and digits.
    """
    if HAN_CHARACTER.search(question):
        found = {
            pair.word for pair in _load_tagger().cut(question) if pair.flag.startswith(_NAME_TAGS)
        }
    else:
        found = set(_CAPITAL.findall(question))
        if 2 * len(found) > len(_WORD.findall(question)):  # Written Like a Title
            found = set()
    return {name.casefold() for name in found if len(name) > 1}


@cache
def _load_tagger() -> Any:
    import jieba.posseg

    return jieba.posseg.POSTokenizer(get_tokenizer())
