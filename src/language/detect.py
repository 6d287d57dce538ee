"""Detection of a text's language, English or Chinese."""

import re

from .messages import Language
from .text import HAN, HAN_CHARACTER

ADDRESS = re.compile(r"((?i:https?://|\bwww\.))[!-~]+")
"""A web address; Chinese characters may directly precede and follow it."""
_NO_LANGUAGE = re.compile(
    rf"{ADDRESS.pattern}"
    r"|```.*?(?:```|\Z)|`[^`\n]+`"  # code
    rf"|\$\$[^{HAN}]+?\$\$|\$[^{HAN}$\n]+\$|\\\([^{HAN}]+?\\\)|\\\[[^{HAN}]+?\\\]"  # formulas
    r"|\\[A-Za-z]+(?:\{[A-Za-z*]+\})?"  # commands of LaTeX
    r"|\b[A-Za-z]\w*\([^()\s]*\)"  # sin(x)
    r"|[\w.+-]+@[\w.-]+|\b[\w-]+(?:[./_\\][\w-]+)+"  # addresses, paths, km/h, snake_case
    r"|\b\w*(?:\d|[a-z][A-Z])\w*"  # names with digits or camelCase
    r"|(?<=\d)\s*[A-Za-zμµ]{1,3}\b"  # units
    r"|\b(?:[cdkm]?m|[km]?g|ml|mol|[kM]?Pa|[kMG]?Hz|k?Wh?|min|lb|oz|ft)\b",
    re.DOTALL,
)
"""What belongs to no language: addresses, code, formulas, names of files and functions, units."""
_WORD = re.compile(r"[A-Za-z]{2,}")
_NAME = re.compile(rf"(?<=[{HAN}])\s*[A-Z]\w*(?:\s+[A-Z]\w*)*(?=\s*(?:[{HAN}，。？！、]|$))")
"""A name within a Chinese sentence."""


def is_foreign(text: str, language: Language) -> bool:
    """Return whether a text has words of the other language and none of this one."""
    spoken = bool(HAN_CHARACTER.search(text)), bool(_WORD.search(_NO_LANGUAGE.sub(" ", text)))
    return spoken == ((False, True) if language == "zh" else (True, False))


def detect_language(text: str) -> Language:
    """Return `zh` if a text has more Chinese characters than Latin-script words, else `en`; what
    belongs to no language does not count."""
    words = _WORD.findall(_NAME.sub(" ", _NO_LANGUAGE.sub(" ", text)))
    return "zh" if len(HAN_CHARACTER.findall(text)) > len(words) else "en"
