"""Proofreading of texts before they are shown: repetitions, unfinished ends, slips into another
language.

The text may be Markdown with lists, tables, code and formulas. Similarity that is natural is not a
fault: exercises of one form with other numbers, the rows of a table, cries and refrains of a few
words, recurring formulas, names and quotations in the other language.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from .detect import ADDRESS, detect_language
from .messages import Language
from .text import HAN, HAN_CHARACTER, ITEM_MARK, count_units, is_finished, split_sentences

FaultKind = Literal["repeats", "breaks_off", "other_language"]


class TextFault(NamedTuple):
    """A fault that keeps a text from being shown as it is."""

    kind: FaultKind
    start: int
    """Start of the faulty part: the second of two equal passages, or the unfinished sentence."""
    end: int
    """End of the faulty part."""
    quote: str
    """Beginning of the faulty part, to show to the user."""


LEAST_REPEATED: dict[Language, int] = {"en": 8, "zh": 12}
"""Fewest tokens of a repeated sentence that count as a fault; shorter ones may be refrains or
chance."""
MAX_QUOTE = 60
"""Maximum length of a fault's quotation, in characters."""

LineKind = Literal["prose", "item", "heading", "table", "code", "formula"]
_Key = tuple[str, ...]


class _Line(NamedTuple):
    text: str
    start: int
    kind: LineKind


class _Token(NamedTuple):
    text: str
    start: int
    end: int


# --- parts of a text -----------------------------------------------------------------------------

_FENCE = re.compile(r"\s*(```|~~~)")
_HEADING = re.compile(r"\s*#{1,6}\s")
_ITEM = re.compile(rf"\s*(?:>\s*)?{ITEM_MARK}")
_EXERCISE = re.compile(
    r"\s*\**\s*(?:exercise|question|problem|example|task|练习|题目?|例题?|第\s*\w{1,3}\s*题)"
    r"\s*\d*\s*[.:：、)]",
    re.IGNORECASE,
)
_FORMULA = re.compile(
    r"\$\$.+?\$\$|\\\[.+?\\\]|\\\(.+?\\\)|(?<![\\$])\$(?![\s$])[^$\n]*?(?<![\s\\])\$(?!\d)",
    re.DOTALL,
)
_CODE_SPAN = re.compile(r"`[^`\n]+`")
_OPENERS = re.compile(r"\$\$|\\\[|\\begin\{")
_CLOSING = re.compile(r"\$\$|\\\]|\\end\{")


def _read_lines(text: str) -> list[_Line]:
    """Return the non-blank lines with their kinds."""
    lines: list[_Line] = []
    start = 0
    in_code = False
    in_formula = False
    for line in text.splitlines(keepends=True):
        kind = _tell_kind(line)
        if _FENCE.match(line):
            in_code = not in_code
            kind = "code"
        elif in_code:
            kind = "code"
        elif in_formula:
            kind = "formula"
        if kind != "code" and (_OPENERS.search(line) or in_formula):
            opened = len(_OPENERS.findall(line)) + len(_CLOSING.findall(line))
            in_formula = in_formula != bool(opened % 2)
        if line.strip():
            lines.append(_Line(line.rstrip(), start, kind))
        start += len(line)
    return lines


def _tell_kind(line: str) -> LineKind:
    if _HEADING.match(line):
        return "heading"
    if line.lstrip().startswith("|"):
        return "table"
    if not _FORMULA.sub("", line).strip(" .,，。\n"):
        return "formula"
    if _ITEM.match(line) or _EXERCISE.match(line):
        return "item"
    return "prose"


# --- repetition ----------------------------------------------------------------------------------

_STEP = re.compile(
    rf"\A\s*(?:>\s*)?(?:{ITEM_MARK})?[*_\s]*(?:(?:step|part)\s*\d+|(?:步骤|第)\s*[\d一二三四五六七八九十]+"
    r"\s*步?)?[*_]*\s*[.:：、)）]?[*_]*",
    re.IGNORECASE,
)
_STEP_WITHIN = re.compile(
    r"\bstep \d+|步骤\s*[\d一二三四五六七八九十]+|第[\d一二三四五六七八九十]+步", re.I
)
_CITATION = re.compile(r"\[\d+(?:[,，]\s*\d+)*\]")
_TOKEN = re.compile(
    rf"{_FORMULA.pattern}|`[^`\n]+`|[{HAN}]|[^\W_{HAN}]+(?:(?:['’]|(?<=\d)[.,/:](?=\d))[^\W_{HAN}]+)*"
    r"|[-+−×÷/=<>≤≥≈^%]|(?<!\*)\*(?!\*)",
    re.DOTALL,
)


def find_repeats(text: str, language: Language, before: str = "") -> list[TextFault]:
    """Return the repetitions in a text: lines, sentences, runs of words, and runs of lines.

    Args:
        text: Text to check.
        language: Language of the text.
        before: Preceding text, which must not be repeated either.
    """
    lines = _read_lines(text)
    spans = [
        *_find_repeated_parts(lines, _collect_keys(before, language), language),
        *(span for line in lines for span in _find_short_loops(line)),
        *_find_long_loops(lines, language),
        *_find_line_loops(lines, language),
    ]
    return [_fault("repeats", text, start, end) for start, end in _merge_spans(spans)]


def _tokenize(text: str, offset: int = 0) -> list[_Token]:
    """Return the words, numbers, signs and formulas of a text, ignoring step and citation
    numbers."""
    for pattern in (_STEP, _STEP_WITHIN, _CITATION):
        text = pattern.sub(lambda found: " " * len(found[0]), text)
    return [
        _Token(re.sub(r"\s", "", found[0].lower()), offset + found.start(), offset + found.end())
        for found in _TOKEN.finditer(text)
    ]


def _make_key(text: str) -> _Key:
    return tuple(token.text for token in _tokenize(text))


def _count_words(key: Collection[str]) -> int:
    """Return the number of words of two or more letters; two Chinese characters count as one
    word."""
    words = sum(
        len(token) > 1 and token.isalpha() and not HAN_CHARACTER.match(token) for token in key
    )
    return words + sum(bool(HAN_CHARACTER.match(token)) for token in key) // 2


def _is_long(key: _Key, language: Language) -> bool:
    return len(key) >= LEAST_REPEATED[language] and _count_words(set(key)) >= 3


def _split_scopes(line: _Line) -> list[tuple[str, int]]:
    """Return the sentences of a line with their positions in the text."""
    found = []
    start = line.start
    for sentence in split_sentences(line.text):
        found.append((sentence, start))
        start += len(sentence)
    return found


def _collect_keys(text: str, language: Language) -> set[_Key]:
    """Return the keys of the long lines and sentences of a text."""
    keys: set[_Key] = set()
    for line in _read_lines(text):
        keys.update(_make_key(sentence) for sentence, _ in _split_scopes(line))
        keys.add(_make_key(line.text))
    return {key for key in keys if _is_long(key, language)}


def _find_repeated_parts(
    lines: Iterable[_Line], seen: set[_Key], language: Language
) -> Iterator[tuple[int, int]]:
    """Yield the spans of repeated lines and of repeated sentences in prose.

    Sentences in other lines, such as list items, are compared only within their own line, because
    exercises resemble each other.
    """
    for line in lines:
        if line.kind in ("code", "heading"):
            continue
        whole = _make_key(line.text)
        if whole in seen:
            yield line.start, line.start + len(line.text)
            continue
        known = seen if line.kind == "prose" else set[_Key]()
        for sentence, start in _split_scopes(line):
            key = _make_key(sentence)
            if not _is_long(key, language):
                continue
            if key in known:
                yield start, start + len(sentence)
            known.add(key)
        if _is_long(whole, language):
            seen.add(whole)


def _find_short_loops(line: _Line) -> Iterator[tuple[int, int]]:
    """Yield the spans where a few words of a line repeat over and over, directly one after
    another."""
    if line.kind in ("code", "table", "formula"):
        return
    tokens = _tokenize(line.text, line.start)
    for first, last, period in _find_periods([token.text for token in tokens]):
        words = _count_words([token.text for token in tokens[first : first + period]])
        length = last - first
        if words and length >= 3 * period and length >= (24 if words > 1 else 30):
            yield tokens[first + period].start, tokens[last - 1].end


def _find_long_loops(lines: Iterable[_Line], language: Language) -> Iterator[tuple[int, int]]:
    """Yield the spans of word sequences, possibly across lines, that directly repeat themselves."""
    tokens = [
        token for line in lines if line.kind != "code" for token in _tokenize(line.text, line.start)
    ]
    for first, last, period in _find_periods([token.text for token in tokens]):
        if _is_long(tuple(token.text for token in tokens[first : first + period]), language):
            yield tokens[first + period].start, tokens[last - 1].end


def _find_line_loops(lines: Sequence[_Line], language: Language) -> Iterator[tuple[int, int]]:
    """Yield the spans of line sequences, such as rows of a table, that directly repeat
    themselves."""
    keys = [_make_key(line.text) for line in lines]
    for first, last, period in _find_periods(keys, sample=1):
        key = [token for line_key in keys[first : first + period] for token in line_key]
        thrice = last - first >= 3 * period
        different = len(set(key))
        loops = different >= (6 if thrice else 8)
        if period == 1:
            loops = thrice and len(key) >= 4 and lines[first].kind != "table"
        if loops or _is_long(tuple(key), language):
            final = lines[last - 1]
            yield lines[first + period].start, final.start + len(final.text)


def _find_periods(items: Sequence[_Key | str], sample: int = 8) -> Iterator[tuple[int, int, int]]:
    """Yield the places where items repeat at least once, as (start, end, period).

    Only repetitions of at least `sample` items are found, which keeps long texts fast.
    """
    latest: dict[tuple[_Key | str, ...], int] = {}
    periods: set[int] = set()
    for place in range(len(items) - sample + 1):
        run_of = tuple(items[place : place + sample])
        if run_of in latest:
            periods.add(place - latest[run_of])
        latest[run_of] = place
    for period in sorted(periods):
        run = 0
        for place in range(period, len(items) + 1):
            if place < len(items) and items[place] == items[place - period]:
                run += 1
                continue
            if run >= period:
                yield place - run - period, place, period
            run = 0


def _merge_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


# --- breaking off --------------------------------------------------------------------------------

_AFTER = re.compile(r"(?:\s|\[\d+(?:[,，]\s*\d+)*\]|\*+|_+|\\)+\Z")
_DANGLING = re.compile(
    r"(?:[,，、:：;；+−×÷=<>≤≥≈(（\[【“「『《&/\\^–—-]"
    r"|\b(?:a|an|and|are|as|at|because|but|by|for|from|if|into|is|of|or|our|so|than|the|their|then"
    r"|to|was|were|when|where|which|while|with|your)"
    rf"|(?<=[{HAN}])[的和与或是在把被为于及从向对将而且但因])\Z",
    re.IGNORECASE,
)
_STATED = re.compile(
    r"(?:[=≈]\s*[A-Za-z]|(?:[=≈:：]|\b(?:is|are)\b|[是为答])\s*[-−]?[$¥]?"
    rf"(?:\0+|\d+(?:[.,/]\d+)*[%°]?(?:\s?[A-Za-z°²³/]{{1,8}}|[{HAN}]{{1,4}})?))[)\]}}]*\Z"
)
"""Matches a stated value at the end, which needs no full stop."""
_ANSWER = re.compile(r"\A\W*(?:answer|result|total|答案?|结果|总[计数])\W*[:：]", re.IGNORECASE)
_NOTE = re.compile(r"\s*(\*\*|[*_])\S.*\S\1\s*\Z")
"""A line that is emphasized as a whole, which needs no full stop either."""
_INTERVAL = re.compile(r"[\[(]\s*[-\w.∞+/]+\s*[,，]\s*[-\w.∞+/]+\s*[\])]")
_PAIRS = ("“”", "「」", "『』", "《》", "()", "[]", "{}")
_ONE_WIDTH = str.maketrans("（）【】", "()[]")


def find_break(text: str, *, cut_off: bool = False, goes_on: bool = False) -> TextFault | None:
    """Return where a text breaks off: inside a formula, code, bracket, quotation or sentence.

    Args:
        text: Text to check.
        cut_off: Whether the model was stopped at its token limit.
        goes_on: Whether something follows the text, so that it may end with a colon.
    """
    lines = _read_lines(text)
    if not lines or (goes_on and lines[-1].text.endswith((":", "："))):
        return None
    start = _find_open_block(text, lines)
    if start is None:
        start = _find_open_end(lines)
    if start is None and cut_off:
        last, place = _split_scopes(lines[-1])[-1]
        start = len(text) if is_finished(last) else place
    return None if start is None else _fault("breaks_off", text, start, len(text))


def _find_open_block(text: str, lines: Sequence[_Line]) -> int | None:
    """Return the start of an unclosed code block, or of the sentence with an unclosed formula."""
    fences = [line.start for line in lines if _FENCE.match(line.text)]
    if len(fences) % 2:
        return fences[-1]
    bare = _blank(text, _CODE).replace(r"\\", "\0\0")
    for opener, closer in (("$$", "$$"), (r"\[", r"\]"), (r"\begin{", r"\end{"), (r"\(", r"\)")):
        opened, closed = bare.count(opener), bare.count(closer)
        is_open = opened % 2 == 1 if opener == closer else opened > closed
        if is_open:
            place = bare.rindex(opener)
            return _find_sentence_start(lines, place)
    return None


def _find_sentence_start(lines: Sequence[_Line], place: int) -> int:
    """Return the start of the sentence that contains a position."""
    starts = [start for line in lines for _, start in _split_scopes(line)]
    return max(start for start in starts if start <= place)


def _find_open_end(lines: Sequence[_Line]) -> int | None:
    """Return the start of the last sentence if it is unfinished."""
    line = lines[-1]
    if line.kind in ("code", "formula"):
        return None
    if line.kind == "heading":
        return line.start if len(lines) > 1 else None
    if line.kind == "table":
        return None if line.text.endswith("|") else line.start
    masked = _CODE_SPAN.sub(_hide, _FORMULA.sub(_hide, line.text))
    unclosed = _find_unclosed(masked)
    if unclosed is not None:
        return _find_sentence_start(lines, line.start + unclosed)
    start = _split_scopes(line)[-1][1]
    ending = _AFTER.sub("", masked)
    if _DANGLING.search(ending):
        return start
    finished = is_finished(ending) or is_finished(line.text) or _NOTE.match(line.text)
    if finished or not _lacks_end(lines, ending):
        return None
    return start


def _lacks_end(lines: Sequence[_Line], ending: str) -> bool:
    """Return whether a last line without a full stop should have one.

    It should if one of its own earlier sentences ends with one, or if most lines of its kind do
    (all of them, for list items). It need not if it ends with a stated value.
    """
    earlier = split_sentences(ending)[:-1]
    if _STATED.search(ending) or _ANSWER.search(ending):
        return False
    if any(is_finished(sentence) and count_units(sentence) > 1 for sentence in earlier):
        return True
    kind = lines[-1].kind
    alike = [line for line in lines[:-1] if line.kind == kind]
    ended = sum(is_finished(_AFTER.sub("", line.text)) for line in alike)
    if kind == "item":
        return bool(alike) and ended == len(alike)
    if not alike:
        return count_units(ending) > (30 if len(lines) == 1 else 3)
    return 2 * ended > len(alike)


def _find_unclosed(masked: str) -> int | None:
    """Return the position of an unclosed bracket, quotation or formula."""
    plain = _INTERVAL.sub(_hide, masked.translate(_ONE_WIDTH))
    for pair in _PAIRS:
        opener, closer = pair[0], pair[1]
        depth: list[int] = []
        for place, character in enumerate(plain):
            if character == opener:
                depth.append(place)
            elif character == closer and depth:
                depth.pop()
        if depth:
            return depth[0]
    marks = [found.start() for found in re.finditer(r'(?<!\d)"', plain)]
    if len(marks) % 2:
        return marks[-1]
    formula = re.search(r"(?<!\\)\$(?!\s*\d)(?=\S)", plain)
    return formula.start() if formula else None


# --- another language ----------------------------------------------------------------------------

_QUOTED = re.compile(
    r"“[^”\n]*”|\"[^\"\n]*\"|‘[^’\n]*’|「[^」\n]*」|『[^』\n]*』|《[^》\n]*》|（[^）\n]*）|\([^)\n]*\)"
    r"|【[^】\n]*】|\[[^\]\n]*\]|\*[^*\n]+\*"
)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_LATIN_RUN = re.compile(r"[A-Za-z][A-Za-z'’-]*(?:[ ,;:.]+[A-Za-z][A-Za-z'’-]*)+")
_HAN_RUN = re.compile(rf"[{HAN}](?:[{HAN}\d，。、；：？！]*[{HAN}])?")
_JOINING = frozenset(re.findall(r"\w+", "of the and for in on at de la du van von der to a an"))
_LED_IN = re.compile(rf"(?:[:：]|\A\s*(?:>\s*)?(?:{ITEM_MARK})?)[\s*]*\Z")
MIN_SLIP: dict[Language, int] = {"en": 5, "zh": 4}
"""Minimum length of a run in the other language that counts as a fault: Chinese characters in an
English text, lower-case words in a Chinese one. Shorter runs may be names."""
MAX_EXAMPLE = 20
"""Maximum length, in units, of an example in the other language, after a colon or as a list
item."""


def find_other_language(text: str, language: Language, known: str = "") -> list[TextFault]:
    """Return the passages in the other language, or the whole text if most of it is.

    Names, quotations, terms in brackets, formulas and code do not count, nor does text that occurs
    in `known`.
    """
    bare = _blank(_blank(_blank(text, _CODE), _FORMULA), ADDRESS)
    shown = _blank(bare, _QUOTED)
    if _is_other(bare, language) and (count_units(shown) < 6 or _is_other(shown, language)):
        return [_fault("other_language", text, 0, len(text))]
    pattern = _HAN_RUN if language == "en" else _LATIN_RUN
    normalized = " ".join(known.casefold().split())
    return [
        _fault("other_language", text, found.start(), found.end())
        for found in pattern.finditer(shown)
        if _is_slip(found[0], language)
        and " ".join(found[0].casefold().split()) not in normalized
        and not _is_example(shown, found)
    ]


def _is_other(bare: str, language: Language) -> bool:
    """Return whether a text of more than a few words is mostly in the other language."""
    other = (
        len(HAN_CHARACTER.findall(bare))
        if language == "en"
        else len(re.findall(r"[A-Za-z]{2,}", bare))
    )
    return other > 5 and detect_language(bare) != language


def _is_slip(run: str, language: Language) -> bool:
    if language == "en":
        return len(HAN_CHARACTER.findall(run)) >= MIN_SLIP["en"]
    words = [word.strip(".,;:") for word in run.split()]
    small = [word for word in words if word[:1].islower() and len(word) > 1]
    return len(small) >= MIN_SLIP["zh"] and len([w for w in small if w not in _JOINING]) > 2


def _is_example(shown: str, found: re.Match[str]) -> bool:
    """Return whether a run is an example of the other language, as in language lessons."""
    line_start = shown.rfind("\n", 0, found.start()) + 1
    led_in = _LED_IN.search(shown[line_start : found.start()])
    begins = found.start() == line_start
    starts = found[0][0].isupper() or HAN_CHARACTER.match(found[0][0])
    return bool(led_in and starts and not begins) and count_units(found[0]) <= MAX_EXAMPLE


# --- the whole -----------------------------------------------------------------------------------


def find_faults(
    text: str,
    language: Language,
    *,
    known: str = "",
    before: str = "",
    cut_off: bool = False,
    goes_on: bool = False,
) -> list[TextFault]:
    """Return all faults that keep a text from being shown as it is, in order of position.

    Args:
        text: The text, which may be Markdown.
        language: Expected language of the text.
        known: Text that may be quoted in any language: the question, the sources.
        before: Text that the user has already read and should not read again.
        cut_off: Whether the model was stopped at its token limit.
        goes_on: Whether something follows the text, so that it may end with a colon.
    """
    broken = find_break(text, cut_off=cut_off, goes_on=goes_on)
    faults = [
        *find_repeats(text, language, before),
        *find_other_language(text, language, known),
        *([broken] if broken else []),
    ]
    return sorted(faults, key=lambda fault: fault.start)


def repair_text(
    text: str,
    language: Language,
    *,
    before: str = "",
    cut_off: bool = False,
    goes_on: bool = False,
) -> str:
    """Return the text without its repetitions and without an unfinished end, or unchanged if
    nothing would be left. The arguments are those of `find_faults`."""
    repaired = text.strip()
    for _ in range(_REPAIRS):
        broken = find_break(repaired, cut_off=cut_off, goes_on=goes_on)
        faults = [*find_repeats(repaired, language, before), *([broken] if broken else [])]
        if not faults:
            break
        repaired = _leave_out(repaired, faults)
        cut_off = False
    return repaired if count_units(repaired) else text


_REPAIRS = 8
"""Maximum number of rounds of checking a text and removing its faults."""


def _leave_out(text: str, faults: Iterable[TextFault]) -> str:
    for start, end in reversed(_merge_spans((fault.start, fault.end) for fault in faults)):
        text = text[:start] + text[end:]
    text = re.sub(rf"^\s*{ITEM_MARK}$", "", text, flags=re.MULTILINE)
    return re.sub(r"[ \t]+$", "", re.sub(r"\n{3,}", "\n\n", text), flags=re.MULTILINE).strip()


def _fault(kind: FaultKind, text: str, start: int, end: int) -> TextFault:
    quote = " ".join(text[start:end].split())
    return TextFault(
        kind, start, end, quote if len(quote) <= MAX_QUOTE else f"{quote[:MAX_QUOTE]}…"
    )


def _hide(found: re.Match[str]) -> str:
    return "\0" * len(found[0])


def _blank(text: str, pattern: re.Pattern[str]) -> str:
    """Return a text of the same length with everything that the pattern matches masked."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", "\0", found[0]), text)
