"""Which of its two languages a text is in."""

import re

from .messages import Language
from .text import HAN_CHARACTER

_WORD = re.compile(r"[A-Za-z]{2,}")
ADDRESS = re.compile(r"(https?://|\bwww\.)[!-~]+", re.I)
"""A web address; Chinese may stand right before and after it."""


def detect_language(text: str) -> Language:
    """Chinese where a text has more Chinese characters than words in Latin letters, web
    addresses aside."""
    words = _WORD.findall(ADDRESS.sub(" ", text))
    return "zh" if len(HAN_CHARACTER.findall(text)) > len(words) else "en"
