"""Automatic analysis of a story's text: its prose, repetitions and coverage of the plot.

Lengths are in units, see `language/text.py`.
"""

import re
from collections.abc import Iterable

from ...language.messages import Language
from ...language.text import (
    HAN_CHARACTER,
    HAN_RUN,
    count_units,
    is_finished,
    split_sentences,
    split_units,
)

_NOT_PROSE = re.compile(
    r"^\s*(?:#.*|[-*•]\s.*|[-*_=]{3,}|```\w*|\*\*[^*]*\*\*:?"
    r"|[(（\[【][^)）\]】]*(?:words?|字)[^)）\]】]*[)）\]】]"
    r"|(?:sure|certainly|here(?:'s| is| are))\b.{0,80}:"
    r"|(?:好的|当然|以下是|下面是).{0,40}[:：])\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_LABEL = re.compile(
    r"^\s*(?:\*\*)?(?:part|chapter|section|scene|第)\s*[\d一二三四五六七]+\s*"
    r"(?:of\s*\d+|部分|章|段|幕)?\s*(?:\*\*)?\s*(?:[:：.—-]\s*|$)",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBER = re.compile(r"^\s*(?:\d{1,2}[.、)）]\s*)+", re.MULTILINE)
"""Sentence numbers, which a small model may write when told how many sentences to write."""
_SLIP: dict[Language, re.Pattern[str]] = {
    "en": HAN_RUN,
    "zh": re.compile(r"(?<![A-Za-z])[a-z]{2,}(?![A-Za-z])"),
}
"""Words of the other language, except names, which begin with a capital letter."""
_PAIRS = ("“”", "「」", "『』", "（）", "()")

NGRAM: dict[Language, int] = {"en": 5, "zh": 8}
"""Units in an n-gram for detecting repetition: about half a sentence."""
ECHO_UNITS: dict[Language, int] = {"en": 4, "zh": 6}
"""Units in an n-gram for detecting a sentence that echoes an earlier one."""
MAX_ECHO_SHARE = 0.5
"""Share of a sentence's n-grams that may have occurred before; above it the sentence is an echo. A
small model caught in a loop changes a few words each time."""
_REFRAIN = 6
"""Longest sentence, in units, that may be repeated: cries and refrains belong to stories."""
_ENDING = re.compile(r"(?<=\w{3})(?:'s|ing|e?d|e?s|y)$")
_STEM = 5
"""Letters of an English word that are compared, after removing its ending."""
_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a about after all also an and are as at back be been before but by can come could did do
        does down for from get go goes had has have he her him his how if in into is it its just
        like make makes may more most must new no not now of off on one or other out over own she
        so some still than that the their them then there they this through to too tries try two
        under up upon very was way were what when where which while who will with would you your
        """,
    )
)
_FUNCTION_CHARACTERS = frozenset(
    "的了着过在是和与及或就都也还又把被将向从到对给让使个一这那他她它我你们有很不没为以之其而于并中"
)


def extract_prose(reply: str) -> str:
    """Remove from a model's reply what is not part of a story: headings, rules, fences, remarks,
    list items, numbers before sentences. Each line becomes a paragraph."""
    bare = _NUMBER.sub("", _LABEL.sub("", _NOT_PROSE.sub("", reply)))
    return re.sub(r"\s*\n\s*", "\n\n", bare).strip()


def strip_headings(story: str) -> str:
    """Remove the headings from a finished story."""
    return re.sub(r"^#.*\n?", "", story, flags=re.MULTILINE).strip()


def drop_unfinished_sentence(text: str) -> str:
    """Drop an unfinished last sentence, unless it is the whole text."""
    found = split_sentences(text)
    if len(found) > 1 and not is_finished(found[-1]):
        found.pop()
    return "".join(found).strip()


def cut_to_length(text: str, length: int, *, keep_end: bool = False) -> str:
    """Cut a text at the sentence end nearest to `length` units, outside quotations if possible.
    `keep_end` removes the sentences before the last one instead, so that an ending is kept."""
    found = split_sentences(text)
    last = found.pop() if keep_end and len(found) > 2 else ""
    ends = range(1, len(found) + 1)
    heads = ["".join(found[:end]) for end in ends]
    whole = [head for head in heads if _is_closed(head)] or heads
    best = min(
        whole, key=lambda head: abs(count_units(head) + count_units(last) - length), default=text
    )
    return f"{best}{last}".strip()


def without_repeats(text: str, before: str, language: Language) -> str:
    """Drop the sentences that mostly repeat the words of `before` or of earlier sentences; refrains
    of a few words may be repeated."""
    n = ECHO_UNITS[language]
    seen = set(_extract_ngrams(before, n))
    kept = []
    for sentence in split_sentences(text):
        found = _extract_ngrams(sentence, n)
        old = sum(gram in seen for gram in found)
        if count_units(sentence) <= _REFRAIN or old <= len(found) * MAX_ECHO_SHARE:
            kept.append(sentence)
        seen.update(found)
    return "".join(kept).strip()


def without_foreign(text: str, language: Language, known: str) -> str:
    """Drop the sentences with a word of the other language that does not occur in `known`."""
    slips = _SLIP[language].findall
    return "".join(s for s in split_sentences(text) if set(slips(s)) <= set(slips(known))).strip()


def measure_repetition(segments: list[str], language: Language, before: str = "") -> list[float]:
    """Return for each segment the share of its n-grams that occurred earlier: in `before`, in an
    earlier segment, or in the segment itself."""
    n = NGRAM[language]
    seen = set(_extract_ngrams(before, NGRAM[language]))
    shares = []
    for segment in segments:
        found = _extract_ngrams(segment, n)
        old = 0
        for gram in found:
            old += gram in seen
            seen.add(gram)
        shares.append(old / len(found) if found else 0.0)
    return shares


def measure_coverage(point: str, segment: str, names: Iterable[str] = ()) -> float:
    """Return the share of a plot point's content words that its segment contains.

    Content words are English words except function words, without their endings, and pairs of
    neighbouring Chinese characters except those with a function character. Names are excluded, as
    they occur in every segment, unless the point has no other content words.
    """
    wanted = _extract_content_words(point)
    said = set().union(*(_extract_content_words(name) for name in names))
    wanted = wanted - said or wanted
    return len(wanted & _extract_content_words(segment)) / len(wanted) if wanted else 1.0


def mentions(text: str, name: str) -> bool:
    """Return whether a text mentions a character: in full or, in Latin letters, by one capitalised
    part of the name."""
    if HAN_CHARACTER.search(name):
        return name in text
    parts = [part for part in re.findall(r"[^\W_]+", name) if part[0].isupper()]
    return any(re.search(rf"\b{re.escape(form)}\b", text, re.IGNORECASE) for form in (name, *parts))


def _is_closed(text: str) -> bool:
    paired = all(text.count(pair[0]) == text.count(pair[1]) for pair in _PAIRS)
    return paired and text.count('"') % 2 == 0


def _extract_ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    found = split_units(text)
    return [tuple(found[i : i + n]) for i in range(len(found) - n + 1)]


def _extract_content_words(text: str) -> set[str]:
    words = {unit for unit in split_units(text) if not HAN_CHARACTER.match(unit)}
    content = {_stem(word) for word in words - _FUNCTION_WORDS if len(word) > 2}
    for run in HAN_RUN.findall(text):
        content |= {run[i : i + 2] for i in range(len(run) - 1)}
    return {term for term in content if not _FUNCTION_CHARACTERS & set(term)}


def _stem(word: str) -> str:
    """Reduce a word to its stem: `carr` for carries, carried, carry and carrying."""
    return re.sub(r"i$|y$", "", _ENDING.sub("", word))[:_STEM]
