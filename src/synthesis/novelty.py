"""Novelty: whether a problem is an earlier one with other numbers and names.

Numbers and names are masked; two texts are the same template if their sets of character 5-grams
overlap by `SAME` (Jaccard, estimated by MinHash). Needs the extra `synth`.
"""

import re
from typing import TYPE_CHECKING

from ..errors import ConcertinoError
from ..language.messages import say
from ..language.text import HAN
from .numerals import find_numerals

if TYPE_CHECKING:
    from datasketch import MinHash

SAME = 0.45
"""Overlap from which on two texts are the same template."""
GRAM = 5
PERMUTATIONS = 256
_NAME = re.compile(
    rf"(?<=[a-z,;] )[A-Z][a-z]+|小[{HAN}]|[{HAN}](?=老师|同学|阿姨|叔叔|师傅|爷爷|奶奶)"
)


class NoveltyIndex:
    """The texts known so far, by id.

    Raises:
        ConcertinoError: `datasketch` is not installed.
    """

    def __init__(self) -> None:
        try:
            from datasketch import MinHash
        except ImportError as error:
            raise ConcertinoError(say("synth.not_installed", reason=error)) from error
        self._make = MinHash
        self._known: dict[str, MinHash] = {}

    def add(self, text_id: str, text: str) -> None:
        """Add a text."""
        self._known[text_id] = self._sign(text)

    def find_same(self, text: str) -> str | None:
        """Return the id of the most similar text that is the same template; None if none is."""
        signature = self._sign(text)
        overlaps = {key: other.jaccard(signature) for key, other in self._known.items()}
        best = max(overlaps, key=lambda key: overlaps[key], default=None)
        return best if best is not None and overlaps[best] >= SAME else None

    def _sign(self, text: str) -> "MinHash":
        signature = self._make(num_perm=PERMUTATIONS)
        signature.update_batch([gram.encode() for gram in list_grams(text)])
        return signature


def mask_text(text: str) -> str:
    """Return a text with its numbers as `#` and its names as `@`."""
    for numeral in reversed(find_numerals(text)):
        text = f"{text[: numeral.start]}#{text[numeral.end :]}"
    return " ".join(_NAME.sub("@", text).split()).lower()


def list_grams(text: str) -> set[str]:
    """Return the character 5-grams of a masked text; of a shorter one, the text itself."""
    masked = mask_text(text)
    return {masked[at : at + GRAM] for at in range(max(1, len(masked) - GRAM + 1))}
