"""Machine checks of what a role wrote: language, form, length, facts that have to be kept, code."""

import json
import re
from collections.abc import Callable
from fractions import Fraction

from ...language.detect import detect_language
from ...language.messages import Language, say
from ...language.numerals import CHINESE_DIGITS, ENGLISH_ONES
from ...language.text import ITEM_MARK, count_units, split_sentences
from ...state import Check
from ...tools.numbers import extract_numbers
from ...tools.sandbox import SandboxUnavailable
from .code import (
    Ran,
    extract_python,
    list_functions,
    read_examples,
    run_code,
    try_assertions,
)
from .contracts import Assignment, Contribution
from .request import Asked, read_request
from .roles import ROLES

DECISIVE = frozenset({"tests", "agreement"})
"""Checks that show an answer to be right. The others show that it is in order, which verifies
nothing."""
TOLERANCE = 0.25
"""Share by which a length may differ from the one asked for."""

_ITEM = re.compile(rf"^\s{{0,3}}(?:\*\*)?{ITEM_MARK}", re.MULTILINE)
_MARKS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (r"^\W{0,4}\d{1,3}[.)、：:]", r"^[-*•] ", r"^#{1,6} ", r"^\*\*[^*\n]+\*\*")
)
"""Ways to mark the things of a list that have lines of their own below them."""
_ROW = re.compile(r"^\s*\|.*\|\s*$", re.MULTILINE)
_RULE = re.compile(r"^\s*\|?[\s:|-]*-{2,}[\s:|-]*\|?\s*$", re.MULTILINE)
_FENCED = re.compile(r"```\w*\s*\n(.*?)(?:```|\Z)", re.DOTALL)
_NOT_COUNTED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_UNDEFINED = re.compile(r"NameError: name '(\w+)' is not defined")
_AFTERNOON = re.compile(r"\bp\.?m\b|下午|晚上", re.I)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)*")


async def check_text(text: str, asked: Asked, language: Language) -> list[Check]:
    """Run every check that applies to a text."""
    checks = [
        *_check_language(text, asked, language),
        *_check_form(text, asked, language),
        *_check_length(text, asked, language),
        *_check_kept(text, asked, language),
    ]
    if asked.kind == "code":
        checks += await check_code(text, asked, language)
    return checks


async def check_part(part: Contribution, assignment: Assignment) -> Contribution:
    """Return a role's part with its checks. What has checks of its own keeps those; programs and
    values that are met with others are judged there."""
    method = ROLES[part.role].method
    whole = not assignment["instructions"]
    if not part.text or part.checks or method not in ("prose", "code"):
        return part
    if whole and method == "code":
        return part
    language = assignment["language"]
    asked = read_request(part.instructions or assignment["task"], language)
    checks = await check_text(part.text, asked, language)
    if part.cut_off:
        checks.append(Check(name="complete", passed=False, detail=say("team.cut_off", language)))
    return part.model_copy(update={"checks": checks})


async def check_code(text: str, asked: Asked, language: Language) -> list[Check]:
    """Check that there is code, that it defines what was named, that it runs and passes its own
    tests and the task's examples. Code in other languages than Python is not run, and none is where
    programs cannot be confined."""
    if not asked.runs:
        found = "```" in text
        return [Check(name="form", passed=found, detail=say("team.form.code", language))]
    code = extract_python(text)
    if not code:
        return [Check(name="form", passed=False, detail=say("team.form.no_code", language))]
    missing = sorted(set(asked.functions) - list_functions(code))
    kept = [_kept(not missing, ", ".join(missing or asked.functions))] if asked.functions else []
    try:
        ran = await run_code(code)
    except SandboxUnavailable:
        return kept
    checks = [*kept, *_judge_run(ran, asked, language)]
    broken = await _find_broken_example(code, asked.task) if ran.ok else None
    if broken is None:
        return checks
    own = [check for check in checks if check.name != "tests"]
    failed = [check for check in checks if check.name == "tests" and not check.passed]
    detail = broken or say("team.examples", language)
    return [*own, *(failed or [Check(name="tests", passed=not broken, detail=detail)])]


async def _find_broken_example(code: str, task: str) -> str | None:
    """Return the first example of the request that the code does not reproduce; empty if it
    reproduces all; None if there are none."""
    examples = read_examples(task)
    if not examples:
        return None
    outcomes = await try_assertions(code, examples)
    if outcomes is None:
        return examples[0]
    return next((each for each, why in zip(examples, outcomes, strict=True) if why), "")


def _judge_run(ran: Ran, asked: Asked, language: Language) -> list[Check]:
    if _lacks_a_name(ran, asked):
        return []
    if not ran.ok and not ran.error.startswith("AssertionError"):
        return [Check(name="runs", passed=False, detail=ran.error)]
    runs = Check(name="runs", passed=True, detail="✓")
    wanted = asked.tests or 0
    if not ran.tests and not wanted:
        return [runs]
    if not ran.ok:
        return [runs, Check(name="tests", passed=False, detail=ran.error)]
    detail = say("team.tests", language, count=ran.tests)
    if ran.tests < wanted:
        detail = say("team.few_tests", language, count=ran.tests, wanted=wanted)
    return [runs, Check(name="tests", passed=ran.tests >= wanted, detail=detail)]


def _lacks_a_name(ran: Ran, asked: Asked) -> bool:
    """Return whether the code needs a name that stands in the request, so that it is a piece of
    somebody's program."""
    found = _UNDEFINED.match(ran.error)
    return found is not None and re.search(rf"\b{found[1]}\b", asked.task) is not None


def _check_language(text: str, asked: Asked, language: Language) -> list[Check]:
    prose = _NOT_COUNTED.sub(" ", text)
    unspoken = asked.kind == "code" or asked.shape == "json"
    if asked.language is None or unspoken or count_units(prose) < 3:
        return []
    name = say(f"language.{asked.language}", language)
    return [Check(name="language", passed=detect_language(prose) == asked.language, detail=name)]


def _check_form(text: str, asked: Asked, language: Language) -> list[Check]:
    found: list[Check] = []
    if asked.shape:
        holds = _HOLDS[asked.shape](text)
        found.append(
            Check(name="form", passed=holds, detail=say(f"team.form.{asked.shape}", language))
        )
    if asked.items and asked.shape != "json":
        counts = count_items(text)
        detail = say("team.form.items", language, found=min(counts, default=0), count=asked.items)
        if asked.items in counts:
            detail = say("team.form.counted", language, count=asked.items)
        found.append(Check(name="form", passed=asked.items in counts, detail=detail))
    return found


def count_items(text: str) -> set[int]:
    """Return how many things a text may be said to list: its marked items, its lines, the rows of
    its table."""
    items = len(_ITEM.findall(text))
    marked = [len(pattern.findall(text)) for pattern in _MARKS]
    lines = [line for line in text.splitlines() if line.strip()]
    rows = len(_ROW.findall(text))
    commas = [len(re.split(r"[,，、;；]", line)) for line in lines] if len(lines) == 1 else []
    return {
        count
        for count in (items, len(lines) if not items else 0, rows - 2, *commas, *marked)
        if count > 0
    }


def _is_json(text: str) -> bool:
    pieces = _FENCED.findall(text) or [text]
    try:
        return all(json.loads(piece) is not None for piece in pieces)
    except (ValueError, RecursionError):
        return False


_HOLDS: dict[str, Callable[[str], bool]] = {
    "json": _is_json,
    "table": lambda text: len(_ROW.findall(text)) >= 2 and bool(_RULE.search(text)),
    "list": lambda text: len(_ITEM.findall(text)) >= 2,
}


def _check_length(text: str, asked: Asked, language: Language) -> list[Check]:
    found: list[Check] = []
    if asked.units:
        length = count_units(text)
        least = 0 if asked.at_most else asked.units * (1 - TOLERANCE)
        most = asked.units if asked.at_most else asked.units * (1 + TOLERANCE)
        detail = say("team.length", language, found=length, wanted=asked.units)
        found.append(Check(name="length", passed=least <= length <= most, detail=detail))
    if asked.sentences and asked.kind != "rewriting":
        length = sum(count_units(each) > 0 for each in split_sentences(text))
        detail = say("team.sentences", language, found=length, wanted=asked.sentences)
        found.append(Check(name="length", passed=length == asked.sentences, detail=detail))
    return found


def _check_kept(text: str, asked: Asked, language: Language) -> list[Check]:
    """Check that the numbers of a given text, and its names where the language stays, are kept."""
    if not asked.given:
        return []
    lost = [
        _show(n) for n in sorted(extract_numbers(asked.given)) if not _has_number(text, n, asked)
    ]
    numbers = [_show(n) for n in sorted(extract_numbers(asked.given))]
    names: list[str] = []
    if asked.kind == "rewriting" and detect_language(asked.given) == asked.language:
        names = list(dict.fromkeys(_NAME.findall(asked.given)))
        lost += [name for name in names if name not in text]
    if not numbers and not names:
        return []
    detail = (
        say("team.lost", language, names=", ".join(lost)) if lost else ", ".join(numbers + names)
    )
    return [_kept(not lost, detail[:200])]


def _kept(passed: bool, detail: str) -> Check:
    return Check(name="kept", passed=passed, detail=detail)


def _has_number(text: str, number: Fraction, asked: Asked) -> bool:
    found = extract_numbers(text)
    afternoon = _AFTERNOON.search(f"{asked.given} {text}") and {number + 12, number - 12} & found
    return number in found or bool(afternoon) or bool(_spell(number) & set(_split(text)))


def _spell(number: Fraction) -> set[str]:
    """Return the words for a small whole number in both languages."""
    if number.denominator != 1 or number >= len(ENGLISH_ONES):
        return set()
    whole = int(number)
    if whole >= 10:
        chinese = f"十{CHINESE_DIGITS[whole - 10] if whole > 10 else ''}"
    else:
        chinese = CHINESE_DIGITS[whole]
    return {ENGLISH_ONES[whole], chinese, *("两" * (whole == 2))}


def _split(text: str) -> list[str]:
    return re.findall(r"[a-z]+|十[一二三四五六七八九]?|[零一二三四五六七八九两]", text.lower())


def _show(number: Fraction) -> str:
    return str(number) if number.denominator == 1 else str(float(number))
