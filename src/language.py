"""Which of its two languages a text is in."""

import re

from .messages import Language

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[A-Za-z]{2,}")


def detect_language(text: str) -> Language:
    """Chinese where a text has more Chinese characters than words in Latin letters."""
    return "zh" if len(_CHINESE.findall(text)) > len(_WORD.findall(text)) else "en"
