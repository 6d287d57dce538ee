"""Measures of text: one pattern for Chinese characters, one unit of length, one way to split
sentences.

Lengths are counted in *units*: a Chinese character (字), or a word or number in any other script,
including apostrophes, hyphens, decimal points and fraction bars inside it. Punctuation and white
space are not counted; a Latin word within a Chinese text counts as one.
"""

import re

HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Inside of a character class that matches every Chinese character: unified ideographs with their
extensions, and compatibility ideographs."""
HAN_CHARACTER = re.compile(f"[{HAN}]")
HAN_RUN = re.compile(f"[{HAN}]+")

_UNIT = re.compile(rf"[{HAN}]|[^\W_{HAN}]+(?:(?:['’-]|(?<=\d)[.,/:](?=\d))[^\W_{HAN}]+)*")

ITEM_MARK = (
    r"(?:[-*•+][ \t]+"
    r"|(?:[(（]?\d{1,3}[.)、）]|[(（][a-zA-Z一二三四五六七八九十][)）])(?:[ \t]+|(?=[^\d\s])))"
)
"""Matches the marker in front of a list item."""
_CLOSERS = r"\"'”’」』)）】》*_"
_ABBREVIATIONS = ("Mr", "Ms", "Dr", "St", "Mrs", "Prof", "vs", "e.g", "i.e", "cf", "approx", "Fig")
_BEFORE_NUMBERS = (
    *("No", "Nr", "Vol", "p", "pp", "Sec", "Ch", "Eq", "Art", "ca"),
    *("Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec"),
)
"""Abbreviations in front of a number; elsewhere they may end a sentence."""


def _before(*patterns: str) -> str:
    """Return a pattern that matches where none of these stands before; each of fixed width."""
    return "".join(f"(?<!{pattern})" for pattern in patterns)


_FULL_STOP = (
    _before(*(rf"\b{re.escape(name)}" for name in _ABBREVIATIONS))
    + _before(r"\b[A-Z]\.\s[A-Z]", r"^[A-Z]", r"\betc", r"\b[ap]\.m", r"\b[A-Z]\.[A-Z]")
    + r"\.++(?!\w)(?!(?<=\b[A-Z]\.)\s[A-Z]\.\s)"
    + "".join(rf"(?!(?<=\b{name}\.)\s*\d)" for name in _BEFORE_NUMBERS)
    + r"|(?:(?<=\betc)|(?<=\b[ap]\.m)|(?<=\b[A-Z]\.[A-Z]))\.(?!\s*[\w,;])"
    + r"|(?:(?<=\betc)|(?<=\b[ap]\.m))\.(?=\s+[A-Z])"
)
_MARK = r"(?:(?<!\d)!|!(?!\s*[-=+*/×÷)<>^])|\?)(?![A-Za-z0-9=_])"
"""An exclamation or question mark that ends a sentence, unlike those in `5! = 120` and `/a?b=c`."""
_GOES_ON = r"(?:(?<=[\d.!?][.!?])|(?![ \t]+[a-z]+[a-z'’]))"
"""Not in front of a word in lower case: `the U.S. lake`, `Wang et al. found`."""
_END = rf"(?:(?:(?:{_FULL_STOP}|{_MARK})[.!?]*+{_GOES_ON}|[。！？…])[.!?。！？…]*)"
_SENTENCE = re.compile(
    rf"\s*(?:{ITEM_MARK})?\S.*?(?:(?:{_END})[{_CLOSERS}]*\s*|\n\s*|\Z)", re.DOTALL
)
_CLAUSE = re.compile(
    rf"\s*(?:{ITEM_MARK})?\S.*?(?:(?:{_END}|；)[{_CLOSERS}]*\s*|\n\s*|\Z)", re.DOTALL
)
_FINISHED = re.compile(rf"(?:{_END})[{_CLOSERS}]*\s*\Z")


def split_units(text: str) -> list[str]:
    """Return the text's units in lower case."""
    return [unit.lower() for unit in _UNIT.findall(text)]


def count_units(text: str) -> int:
    """Return the text's length in units."""
    return len(_UNIT.findall(text))


def measure_chinese_share(text: str) -> float:
    """Return the share of the text's units that are Chinese characters; 0 for an empty text."""
    return len(HAN_CHARACTER.findall(text)) / max(1, count_units(text))


def split_sentences(text: str, *, clauses: bool = False) -> list[str]:
    """Return the text's sentences, each with the white space after it, so that joined they give the
    text.

    The end of a line also ends a sentence; unfinished text at the end is the last sentence.

    Args:
        text: Prose or Markdown; list markers belong to the sentences of their items.
        clauses: Whether a Chinese semicolon ends a sentence as well.
    """
    return (_CLAUSE if clauses else _SENTENCE).findall(text)


def is_finished(sentence: str) -> bool:
    """Return whether a text ends with a complete sentence."""
    return _FINISHED.search(sentence) is not None
