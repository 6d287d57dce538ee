"""Check, without a model, that a passage supports the sentence that cites it."""

import re
import unicodedata
from difflib import SequenceMatcher

from ...language.text import HAN, HAN_RUN
from ...state import Source
from ...tools.numbers import extract_numbers

MIN_QUOTED_SHARE = 0.8
"""Share of a quotation that the passage must contain in one piece; models drop or add a word."""
MIN_OVERLAP = 0.5
"""Share of a sentence's words that passage and question must contain together."""
MIN_OVERLAP_WITHOUT_QUOTE = 0.7
"""Share of a sentence's words that the passage alone must contain if no quotation was found."""

_WORD = re.compile(rf"[^\W\d_{HAN}]{{3,}}")
_LETTER = re.compile(r"\w")
_STEM = 4


def best_source(text: str, quote: str, cited: int, sources: list[Source], question: str) -> int:
    """Return the number of a passage that supports the sentence, the cited one if possible, or
    0."""
    ordered = sorted(sources, key=lambda source: source.number != cited)
    supporting = (s.number for s in ordered if supports(s.text, text, quote, question))
    return next(supporting, 0)


def supports(passage: str, text: str, quote: str, question: str) -> bool:
    """Return whether the passage supports the sentence `text`.

    It must contain the quotation, or else nearly all of the sentence's words. All numbers must
    occur in the passage or the question, and so must half of the words if both are in the same
    script.
    """
    if not text.strip() or extract_numbers(text) - extract_numbers(passage) - extract_numbers(
        question
    ):
        return False
    if not is_quoted(quote, passage):
        return compute_word_overlap(text, passage) >= MIN_OVERLAP_WITHOUT_QUOTE
    same_script = bool(HAN_RUN.search(text)) == bool(HAN_RUN.search(passage))
    return not same_script or compute_word_overlap(text, f"{passage} {question}") >= MIN_OVERLAP


def is_quoted(quote: str, passage: str) -> bool:
    """Return whether the passage contains the quotation, ignoring white space and punctuation."""
    wanted = _extract_letters(quote)
    there = _extract_letters(passage)
    if not wanted or wanted in there:
        return bool(wanted)
    matcher = SequenceMatcher(None, wanted, there, autojunk=False)
    return matcher.find_longest_match().size >= MIN_QUOTED_SHARE * len(wanted)


def compute_word_overlap(text: str, other: str) -> float:
    """Return the share, 0 to 1, of a text's words (Chinese: character pairs) found in another.

    Words are compared by their first letters, so that endings do not matter.
    """
    mine = extract_word_stems(text)
    return len(mine & extract_word_stems(other)) / len(mine) if mine else 0.0


def extract_word_stems(text: str) -> set[str]:
    """Return beginnings of words in alphabets, and pairs of neighbouring Chinese characters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    pairs = {run[i : i + 2] for run in HAN_RUN.findall(folded) for i in range(max(len(run) - 1, 1))}
    return pairs | {word[:_STEM] for word in _WORD.findall(folded)}


def _extract_letters(text: str) -> str:
    return "".join(_LETTER.findall(unicodedata.normalize("NFKC", text).casefold()))
