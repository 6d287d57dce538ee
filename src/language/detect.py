"""Detection of a text's language, English or Chinese."""

import re

from .messages import Language
from .text import HAN_CHARACTER

_WORD = re.compile(r"[A-Za-z]{2,}")
ADDRESS = re.compile(r"(https?://|\bwww\.)[!-~]+", re.I)
"""A web address; Chinese characters may directly precede and follow it."""


def detect_language(text: str) -> Language:
    """Return `zh` if a text has more Chinese characters than Latin-script words, else `en`; web
    addresses do not count."""
    words = _WORD.findall(ADDRESS.sub(" ", text))
    return "zh" if len(HAN_CHARACTER.findall(text)) > len(words) else "en"
