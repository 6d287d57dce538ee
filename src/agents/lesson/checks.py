"""Automatic checks of a lesson, and the faults to repair in each part."""

import re
from typing import NamedTuple

from ...language.detect import detect_language
from ...language.messages import Language, say
from ...language.reading import find_break, find_other_language, find_repeats
from ...language.text import HAN_CHARACTER, count_units, split_sentences
from ...prompts import load_prompt
from ...state import Check
from ...tools.arithmetic import find_statements, wrong_statements
from ...tools.sandbox import Sandbox
from .contracts import PARTS, Lesson, PartName, get_headings

PART = load_prompt("lesson/part")
Faults = dict[PartName, str]

_VALUE = re.compile(r"\d+(?:[./]\d+)?")
_LEAST_SIZE = {"en": 80, "zh": 130}
_LEAST_CONCEPT = {"en": 25, "zh": 40}


class Verdict(NamedTuple):
    """The checks, and the faults of the parts that must be rewritten."""

    checks: list[Check]
    faults: Faults


async def check_lesson(sandbox: Sandbox, lesson: Lesson) -> Verdict:
    """Check a lesson; findings are in the lesson's language."""
    written = {part: text for part in PARTS if (text := lesson.parts.get(part, "").strip())}
    faults: dict[str, Faults] = {
        "parts": _check_parts(written, lesson.language),
        "answers": _check_example_answer(lesson),
        "equations": await _check_equations(sandbox, written, lesson.language),
        "language": _check_language(written, lesson.language),
        "readability": _check_readability(written, lesson),
    }
    found = {name: _format_faults(by_part, lesson.language) for name, by_part in faults.items()}
    right = _describe_passed_checks(lesson, written)
    checks = [
        Check(name=name, passed=not found[name], detail=found[name] or right[name])
        for name in faults
    ]
    have = len(lesson.exercises)
    count = say("lesson.count", lesson.language, have=have, wanted=lesson.wanted)
    checks.insert(1, Check(name="exercises", passed=have == lesson.wanted, detail=count))
    return Verdict(checks, _merge_faults(faults))


def in_language(text: str, language: Language) -> bool:
    """Return whether a text is in the language, or has no words at all, like `3 + 4 = ?`."""
    chinese = len(HAN_CHARACTER.findall(text))
    if language == "en":
        return chinese == 0
    return detect_language(text) == "zh" or not re.search(r"[A-Za-z]{2,}", text)


def measure_sentence_length(text: str) -> float:
    """Return the average sentence length in units; a list item counts as a sentence."""
    sizes = [count_units(sentence) for sentence in split_sentences(text, clauses=True)]
    sizes = [size for size in sizes if size > 1]
    return sum(sizes) / len(sizes) if sizes else 0.0


def get_max_sentence_length(grade: int, language: Language) -> int:
    """Return the largest allowed average sentence length: 10 words plus the school year, or 20
    Chinese characters plus twice the school year.

    This is a rule of thumb, near the averages of school readers for these years; we know of no
    formula for both languages.
    """
    return 10 + grade if language == "en" else 20 + 2 * grade


def size_bounds(grade: int, language: Language) -> tuple[int, int]:
    """Return the least and greatest length of all parts together, in words or Chinese
    characters."""
    most = 250 + 50 * grade if language == "en" else 400 + 80 * grade
    return _LEAST_SIZE[language], most


def _check_parts(written: dict[PartName, str], language: Language) -> Faults:
    """Find parts that are missing, break off, or repeat themselves, an earlier part, or the end of
    the prompt, which shows the introduction of another lesson."""
    faults: Faults = {}
    said = str(PART[language].fixed[-1].content)
    for part in PARTS:
        if part not in written:
            faults[part] = say("lesson.missing", language)
            continue
        text = written[part]
        goes_on = part in ("example", "practice")
        if repeats := find_repeats(text, language, said):
            faults[part] = say("lesson.repeats", language, sentence=repeats[0].quote)
        elif broken := find_break(text, goes_on=goes_on):
            faults[part] = say("text.breaks_off", language, quote=broken.quote)
        said = f"{said}\n\n{text}"
    return faults


def _check_example_answer(lesson: Lesson) -> Faults:
    """Find a worked example whose steps do not mention the computed answer."""
    text = lesson.parts.get("example", "")
    example = lesson.example
    if not text or example is None:
        return {}
    steps = text.removeprefix(example.question).rpartition("\n\n")[0]
    if set(_VALUE.findall(example.answer)) <= set(_VALUE.findall(steps)):
        return {}
    return {"example": say("lesson.unreached", lesson.language, answer=example.answer)}


async def _check_equations(
    sandbox: Sandbox, written: dict[PartName, str], language: Language
) -> Faults:
    found = {part: await wrong_statements(sandbox, text) for part, text in written.items()}
    return {
        part: say("lesson.wrong", language, statements="; ".join(wrong))
        for part, wrong in found.items()
        if wrong
    }


def _check_language(written: dict[PartName, str], language: Language) -> Faults:
    message = say("lesson.foreign", language)
    return {
        part: message
        for part, text in written.items()
        if not in_language(text, language) or find_other_language(text, language)
    }


def _check_readability(written: dict[PartName, str], lesson: Lesson) -> Faults:
    language = lesson.language
    limit = get_max_sentence_length(lesson.grade, lesson.language)
    faults: Faults = {
        part: say("lesson.long_sentences", language, average=round(average), limit=limit)
        for part, text in written.items()
        if (average := measure_sentence_length(text)) > limit
    }
    sizes = {part: count_units(text) for part, text in written.items()}
    if 0 < sizes.get("concept", 0) < _LEAST_CONCEPT[language]:
        limit = _LEAST_CONCEPT[language]
        faults["concept"] = say("lesson.thin", language, size=sizes["concept"], limit=limit)
    least, most = size_bounds(lesson.grade, language)
    if sum(sizes.values()) > most:
        faults.setdefault(
            max(sizes, key=lambda part: sizes[part]),
            say("lesson.too_long", language, size=sum(sizes.values()), limit=most),
        )
    elif sum(sizes.values()) < least and len(sizes) == len(PARTS):
        faults.setdefault(
            "concept", say("lesson.too_short", language, size=sum(sizes.values()), limit=least)
        )
    return faults


def _format_faults(by_part: Faults, language: Language) -> str:
    heading = get_headings(language)
    return "; ".join(f"{heading[part]}: {fault}" for part, fault in by_part.items())


def _describe_passed_checks(lesson: Lesson, written: dict[PartName, str]) -> dict[str, str]:
    """Return for each check the detail to show if it passed."""
    text = "\n".join(written.values())
    language = lesson.language
    shown = [*lesson.exercises, *([lesson.example] if lesson.example else [])]
    return {
        "parts": str(len(PARTS)),
        "answers": say(
            "lesson.recomputed",
            language,
            computed=sum(exercise.computed for exercise in shown),
            others=sum(not exercise.computed for exercise in shown),
            corrected=sum(exercise.claimed is not None for exercise in shown),
            dropped=lesson.tally.dropped,
        ),
        "equations": str(len(find_statements(text))),
        "language": language,
        "readability": say(
            "lesson.readable",
            language,
            size=count_units(text),
            average=round(measure_sentence_length(text)),
            limit=get_max_sentence_length(lesson.grade, language),
        ),
    }


def _merge_faults(faults: dict[str, Faults]) -> Faults:
    parts = {part: [f[part] for f in faults.values() if part in f] for part in PARTS}
    return {part: " ".join(reasons) for part, reasons in parts.items() if reasons}
