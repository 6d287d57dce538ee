"""Which of its two languages a text is in."""

import re

from .messages import Language

HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_ADDRESS = re.compile(r"\bhttps?://[!-~]+")


def detect_language(text: str) -> Language:
    """Chinese where a text has more Chinese characters than words in Latin letters, web
    addresses aside."""
    words = _WORD.findall(_ADDRESS.sub(" ", text))
    return "zh" if len(HAN.findall(text)) > len(words) else "en"
