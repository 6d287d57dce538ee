"""Other spellings of words: Wi-Fi and WiFi, 5 kg and 5kg, 3rd and third, 第三课 and 第3课.

They are sought beside the words themselves, so that the index holds texts as they are written.
"""

import re
from collections.abc import Callable, Sequence

from ..language.numerals import CHINESE_DIGITS, ENGLISH_ONES, ENGLISH_TENS
from ..language.text import HAN

_ORDINAL_ONES = (
    *("zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"),
    *("ninth", "tenth", "eleventh", "twelfth"),
    *(f"{word}th" for word in ENGLISH_ONES[13:]),
)
_CHINESE = re.compile(
    rf"(第?)(\d{{1,2}}|[{CHINESE_DIGITS}十]{{1,3}}|两)(?![\d.{CHINESE_DIGITS}十百千万])([{HAN}]?)"
)
_COMPOUND = re.compile(r"[a-z]+(?:-[a-z]+)+|\d+[ -]?[a-z]+|[a-z]+-\d+")
_LONE = frozenset("etx")
"""Letters that stand alone in front of a hyphen: e-mail, T-shirt, X-ray."""

Split = Callable[[str], list[str]]


def find_variants(question: str, words: Sequence[str], split: Split) -> dict[str, set[str]]:
    """Return other spellings of words of a question, each as words separated by spaces.

    Args:
        question: In lower case and half width.
        words: The words of the question.
        split: Splits a text into words, as those of the index were.
    """
    found: dict[str, set[str]] = {word: set() for word in words}

    def add(spelt: str, *others: str) -> None:
        own = split(spelt)
        for word in own:
            if word in found:
                spellings = {" ".join(split(other)) for other in others}
                found[word] |= spellings - {word, " ".join(own), ""}

    for compound in _COMPOUND.findall(question):
        add(compound, re.sub("[ -]", "", compound))
    for sign, number, after in _CHINESE.findall(question):
        for other in _respell_chinese(number):
            add(f"{sign}{number}{after}", f"{sign}{other}{after}", *[f"{sign}{other}"] * bool(sign))
            add(number, *[other] * (not sign))
    for spelt, other in _NUMBERS.items():
        if re.search(rf"(?<![\w.]){spelt}(?![\w])(?!\.\d)", question):
            add(spelt, other)
    for word in found:
        found[word] |= {f"{word[:at]} {word[at:]}" for at in _list_cuts(word)}
    return found


def _list_cuts(word: str) -> list[int]:
    """Return where a word may be two in another text."""
    if re.fullmatch(r"\d+[a-z]+", word):
        return [len(re.match(r"\d+", word)[0])]  # type: ignore[index]
    if len(word) < 4 or not re.fullmatch("[a-z]+", word):
        return []
    return [at for at in range(1, len(word) - 1) if at > 1 or word[0] in _LONE]


def _respell_chinese(number: str) -> list[str]:
    if number.isdecimal():
        return _write_chinese(int(number))
    return [str(value) for value in range(100) if number in _write_chinese(value)]


def _write_chinese(value: int) -> list[str]:
    tens, ones = divmod(value, 10)
    if value < 10:
        return [CHINESE_DIGITS[value], "两"] if value == 2 else [CHINESE_DIGITS[value]]
    return [
        (CHINESE_DIGITS[tens] if tens > 1 else "") + "十" + (CHINESE_DIGITS[ones] if ones else "")
    ]


def _list_numbers() -> dict[str, str]:
    """Return numbers up to 99, and their ordinals, in words by their figures, and back."""
    spelt: dict[str, str] = {}
    for value in range(1, 100):
        tens, ones = divmod(value, 10)
        suffix = {1: "st", 2: "nd", 3: "rd"}.get(ones if tens != 1 else 0, "th")
        if value < 20:
            plain, ordinal = ENGLISH_ONES[value], _ORDINAL_ONES[value]
        else:
            ten = ENGLISH_TENS[tens - 2]
            plain = f"{ten}-{ENGLISH_ONES[ones]}" if ones else ten
            ordinal = f"{ten}-{_ORDINAL_ONES[ones]}" if ones else f"{ten[:-1]}ieth"
        spelt[str(value)] = plain
        spelt[f"{value}{suffix}"] = ordinal
    return spelt | {words: figures for figures, words in spelt.items()}


_NUMBERS = _list_numbers()
