"""Detection of arithmetic statements such as `3/4 + 1/8 = 7/8`, and their check in the sandbox.

Only relations between numbers are checked. A relation with a letter is an equation to be solved,
not a statement. A statement may be read in several ways: by its numbers alone, by its units (`2 m +
50 cm = 250 cm`), as a running total (`5 + 3 = 8 + 2 = 10`). It is wrong only if every reading is.
Relations are skipped as ambiguous if words join the numbers ("half of 8 = 4"), units do not match
("5 km = 12"), one quantity is counted anew ("3 boxes = 3 × 12") or a percentage is subtracted ("100
- 20% = 80").
"""

import json
import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import prod
from typing import NamedTuple

from ..language.text import HAN
from .measures import UNITS, Dimension
from .sandbox import Sandbox
from .sides import (
    MULTIPLE,
    NO_UNIT,
    NUMBER,
    OPERAND,
    UNIT,
    Quantity,
    Side,
    find_kinds,
    normalize_unit,
    read_side,
    read_unit,
)

_PLAIN = str.maketrans(
    dict(zip("；（）＝＋－×·−–％＜＞", ";()=+-**--%<>", strict=True))
    | {
        "，": ", ",
        "：": ": ",
        "≤": "<=",
        "≥": ">=",
        "⋯": "…",
        "½": " 1/2",
        "¼": " 1/4",
        "¾": " 3/4",
    }
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")

_LETTERS = frozenset("tdLNVAJWB'\"")
"""Units of one letter that are rather unknowns or labels in a line of working."""
_COMMON_UNITS = (
    *("km", "m", "cm", "mm", "kg", "g", "l", "ml", "day", "h", "min", "s"),
    *("week", "year", "month", "元", "fen", "dollar", "cent"),
)
"""Units that a bare number may be in although no text names them."""
_SELF_CONTAINED = frozenset({"time", "mass", "yuan", "dollar", "months"})
"""Dimensions that no map or drawing scales."""
_MAP_SCALE = 10_000
"""Least ratio of two lengths taken for the scale of a map."""

_NOT_ARITHMETIC = re.compile(r"≡|(?<![A-Za-z])[bp]?mod(?![A-Za-z])|模\s*\d|\d{100}")
_TERM = rf"[-(\s]*{OPERAND}[)\s]*"
_EXPRESSION = rf"{_TERM}(?:[-+*/÷^]{_TERM})*"
_LEFT = re.compile(rf"(?=\S){_EXPRESSION}\Z")
_RIGHT = re.compile(_EXPRESSION)
_RELATION = re.compile(r"(<=|>=|(?<![-=])>|[=<])")
_MEASURED = re.compile(rf"({NUMBER})({UNIT})")
_DIGITS = r"(\d+(?:\.\d+)?)(?![.\d])"
_COUNTED = rf"(?:\s?\([{HAN}]{{1,3}}\)|[{HAN}]{{1,3}}?|\s?[A-Za-z]{{2,}}?)?"
_REMAINDER = re.compile(
    rf"(?<![.\d]){_DIGITS}{_COUNTED}\s*[/÷]\s*{_DIGITS}{_COUNTED}\s*=\s*{_DIGITS}{_COUNTED}"
    r"\s*,?\s*\(?(?:with\s+)?(?:a\s+)?"
    r"(?:remainder(?:\s+of)?|rem\.?|r\.?|余数?[是为]?|\.{2,}|…+)\s*" + _DIGITS,
    re.I,
)
_JOINED_BEFORE = re.compile(
    r"(?:\b(?:of|by|times|plus|minus|negative|from|than|to|over|off|twice|double|triple|thrice|half)"
    r"|[乘除加减的上去是比之负多少增涨降]|[乘除]以|零下|根号|[-+*/÷^√|?_□〇)\d⟩₀-₉]"
    r"|[:,.](?=\Z)|(?<![A-Za-z])[A-Za-z]|[α-ωΑ-Ω]|}|\\(?![A-Za-z]*(?:arrow|implies|therefore))[A-Za-z]+"
    r"|(?<![A-Za-z])(?:sqrt|log|ln|lg|exp|sin|cos|tan|gcd|lcm|hcf|max|min|abs))\s*\Z",
    re.I,
)
_JOINED_AFTER = re.compile(
    r"\s*(?:[-+*/÷^√|_□〇%!⟨?？又α-ωΑ-Ω₀-₉⁰¹²³⁴-⁹⁻]|\((?=[-\d])|:?\d|:\(|of|[A-Za-z](?![A-Za-z])"
    r"|(?:\([^()]*\)\s*)?,?\s*(?:with )?(?:a )?(?:remainder|余|…|\.\.)"
    r"|\\(?:[dt]?frac|sqrt|pi|cdot|times|div|pm|theta|alpha|[bp]?mod|[lc]?dots|circ|degree|overline|d?dot)(?![a-z])"
    r"|(?:is|are|was|would be) (?:wrong|false|incorrect|not)|.{0,4}(?:错误|不对|不成立|不正确))",
    re.I,
)
_PART_OF_COMPOUND = re.compile(rf"(?<!第)(?<!第\d)\d(?:{MULTIPLE}|个|[元角时分秒米克斤]|小时)\Z")
_MIXED_BEFORE = re.compile(r"(?<![-+*/÷^.\d=<>])\s*(\d+) and \Z")
_RATIO = re.compile(r"(?<=[\d)])(?:\s+:\s*|\s*：\s*|:(?=\())(?=[\d(])")
_LABEL = re.compile(
    r"((?:\b(?:step|question|problem|example|exercise|part|no\.?|line|method|case|day)\s*"
    r"|[第题步例法况])\d+[题步问种天]?)\s*[:：]\s*",
    re.I,
)
_ORDINAL = re.compile(rf"(第\d+[{HAN}]{{1,2}}?)(?=\d)")
_TIME_BEFORE = re.compile(rf"\A{NUMBER} [A-Za-z]+ (?={NUMBER}{UNIT})")
"""A quantity that only comes before a calculation: `in 5 days 12 apples × 3 = 36 apples`."""
_ROUNDS = re.compile(
    r"approx|\bround(?:ed|ing|s)?\b|to the nearest|estimat|decimal places?|significant|roughly"
    r"|左右|上下|四舍五入|保留|估[算计]|大约|约[是为等\d]|近似|进一|去尾",
    re.I,
)
_REMAINS = re.compile(r"left over|leftover|\bleft\b|remain|剩|余", re.I)
_EQUATION = re.compile(r"\b(?:solve|equation|variable|unknown)\b|方程|未知数|解[:：]?设", re.I)
_WORDS = re.compile(r"(?:\s|\\[,;: ]|~)*\\(?:text(?:bf|rm)?|mathrm|mbox)\{([^{}]*)\}")
_BRACKETED = re.compile(rf"\(({UNIT})\)")

_VALUE = """
import json, re
from fractions import Fraction

def value(text):
    return eval(re.sub(r"\\d+(?:\\.\\d+)?", lambda m: f"Fraction('{m[0]}')", text))
"""

_EVALUATE = (
    _VALUE
    + """
def shown(text):
    try:
        found = str(Fraction(value(text)))
    except Exception:
        return None
    return found if len(found) <= 100 else None

found = json.dumps([shown(text) for text in expressions])
"""
)

_RECOMPUTE = (
    _VALUE
    + """
def endless(exact):
    rest = Fraction(exact).denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest != 1

def rounded(shown, exact):
    percent = re.fullmatch(r"\\((\\d+(?:\\.\\d+)?)/100\\)", shown)
    number = re.fullmatch(r"\\s*(-?\\d+(?:\\.(\\d+))?)\\s*", percent[1] if percent else shown)
    if not number:
        return False
    exact, places = exact * 100 if percent else exact, len(number[2] or "")
    off = (abs(Fraction(exact)) - abs(Fraction(number[1]))) * 10**places
    if abs(off) <= Fraction(1, 2) and (places >= 2 or percent or places and endless(exact)):
        return value(number[1]) * exact >= 0
    return places and endless(exact) and 0 <= off < 1 and value(number[1]) * exact >= 0

def holds(left, sign, right, slack):
    a, b = value(left), value(right)
    if sign == "=":
        near = slack in (1, 2) and abs(a - b) < max(1, abs(a) / 10 if slack == 2 else 1)
        near = near or (slack == 3 and a <= 1 < max(b, b / a / 10))
        return a == b or near or rounded(left, b) or rounded(right, a)
    return {"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[sign]

def crosses(pairs):
    differences = [value(left) - value(right) for left, right in pairs]
    return differences and min(differences) <= 0 <= max(differences)

wrong = []
for number, (readings, sign, slack, bounds) in enumerate(statements):
    try:
        if not any(holds(left, sign, right, slack) for left, right in readings):
            if not crosses(bounds):
                wrong.append(number)
    except Exception:
        pass
wrong = json.dumps(wrong)
"""
)


class Reading(NamedTuple):
    """One way to compute both sides."""

    left: str
    right: str


class Statement(NamedTuple):
    """A relation between two computable sides."""

    shown: str
    """The relation as written in the text."""
    left: str
    sign: str
    right: str
    others: tuple[Reading, ...] = ()
    """Other readings; the statement is wrong only if these are as well."""
    slack: int = 0
    """1 if a remainder may be left out, 2 if the text says that the result is rounded, 3 if the
    left side may be a share of something: `1/4 = 20`."""
    bounds: tuple[Reading, ...] = ()
    """Sides with their rounded numbers changed up and down, by a unit of the last place."""


class _Context(NamedTuple):
    """What the text around a line says about its numbers and letters."""

    rounded: frozenset[str]
    """Decimals that stand for a fraction of the text, or after ≈."""
    units: frozenset[str]
    letters: frozenset[str]
    """Unit letters that are used as variables."""


def lookup_unit(name: str) -> tuple[Fraction, str] | None:
    """Return a unit's factor and dimension; None if it is unknown."""
    for spelled in (name, name.lower(), name.lower().removesuffix("s")):
        found = UNITS.get(spelled)
        if found and found[1] != "number" and spelled not in _LETTERS:
            return found
    return None


def find_statements(text: str, *, within: str = "") -> list[Statement]:
    """Find the arithmetic statements of a text, in order, `within` a longer text."""
    text = _simplify(text)
    context = _read_context(within or text)
    return [found for line in text.splitlines() for found in _parse_line(line, context)]


async def find_wrong(sandbox: Sandbox, text: str, *, within: str = "") -> list[Statement]:
    """Return a text's false statements."""
    found = find_statements(text, within=within)
    if not found:
        return []
    sides = [[[(s.left, s.right), *s.others], s.sign, s.slack, s.bounds] for s in found]
    ran = await sandbox.run(_RECOMPUTE, inputs={"statements": sides}, result="wrong")
    wrong = json.loads(ran.value) if ran.status == "ok" and ran.value else []
    return [found[number] for number in wrong]


async def wrong_statements(sandbox: Sandbox, text: str) -> list[str]:
    """Return a text's false statements, as written."""
    return [statement.shown for statement in await find_wrong(sandbox, text)]


async def evaluate_expressions(sandbox: Sandbox, expressions: list[str]) -> list[Fraction | None]:
    """Evaluate expressions; None for those that cannot be computed, or whose value takes more
    than 100 characters."""
    ran = await sandbox.run(_EVALUATE, inputs={"expressions": expressions}, result="found")
    found = json.loads(ran.value) if ran.status == "ok" and ran.value else [None] * len(expressions)
    return [None if value is None else Fraction(value) for value in found]


def format_value(value: Fraction) -> str:
    """Format a value as a decimal if it has few places, else as a fraction."""
    if value.denominator == 1 or 10_000 % value.denominator:
        return str(value)
    return str(Decimal(value.numerator) / Decimal(value.denominator))


def simplify_latex(text: str) -> str:
    """Convert simple LaTeX to plain text: `\\frac{3}{4}` to `3/4`, an x between numbers to `×`.

    More complex formulas keep their dollar signs.
    """
    text = re.sub(r"\\[()]", "$", re.sub(r"\\[\[\]]", "$$", text))
    text = re.sub(r"(?<=\d)\s*\\[dt]?frac\{(\d+)\}\{(\d+)\}", r" \1/\2", text)
    text = re.sub(r"(?<=\d)\s*\\[dt]?frac\s*(\d)\s*(\d)", r" \1/\2", text)
    text = re.sub(r"\\[dt]?frac\{(\w+)\}\{(\w+)\}", r"\1/\2", text)
    text = re.sub(r"\\[dt]?frac\s*(\d)\s*(\d)", r"\1/\2", text)
    text = re.sub(r"\\(?:text|mathrm)\{([^{}]*)\}", r"\1", text)
    for command, sign in _SIGNS.items():
        text = re.sub(rf"\\{command}(?![A-Za-z])\s?", sign, text)
    text = re.sub(r"(?<=\d)\s*[xX]\s*(?=\d)", " × ", text)
    return re.sub(r"\$(\$?)(?=\S)([^$\\{}\n]*)(?<=\S)\1\$(?!\d)", r"\2", text)


_SIGNS = {
    "times": "× ",
    "cdot": "× ",
    "div": "÷ ",
    "approx": "≈ ",
    "leq?": "≤ ",
    "geq?": "≥ ",
    "neq?": "≠ ",
    "left": "",
    "right": "",
    "quad": " ",
    "%": "%",
    ",": " ",
}


def contains_formula(text: str, formula: str) -> bool:
    """Return whether a text contains a formula, ignoring spaces and multiplication signs."""
    said, sought = (re.sub(r"[\s×*·]", "", simplify_latex(piece)) for piece in (text, formula))
    return sought in said


def add_brackets(text: str) -> str:
    """Bracket arithmetic as a pupil reads it: `2 1/2`, `20%`, and `3/4 / 1/2`, which divides one
    fraction by another."""
    text = re.sub(r"(\d+)(?:\s+|又)(\d+)/(\d+)", r"(\1+\2/\3)", text)
    text = re.sub(r"(\d+(?:\.\d+)?)%(?!\s*\d)", r"(\1/100)", text)
    return re.sub(r"(?<![\d^./])(\d+)/(\d+)(?![\d^]|\.\d)", r"(\1/\2)", text)


@lru_cache(maxsize=4)
def _read_context(within: str) -> _Context:
    text = _simplify(within)
    fractions = {
        Fraction(top) / Fraction(bottom)
        for top, bottom in _QUOTIENT.findall(text)[:200]
        if Fraction(bottom)
    }
    decimals = set(re.findall(r"(?<![.\d])\d{1,12}\.\d{1,12}(?![.\d])", text)) - _CONSTANTS
    rounded = {shown for shown in sorted(decimals)[:200] if _is_rounding(shown, fractions)}
    letters = {letter for letter in "mgshLl" if _is_variable(letter, text)}
    units = {part for _, unit in _MEASURED.findall(text) for part in unit.strip().split("/")}
    about = set(re.findall(r"(?:≈|约[是为等]?)\s*(\d+\.\d+)", text)) - _CONSTANTS
    return _Context(frozenset(rounded | about), frozenset(units), frozenset(letters))


_QUOTIENT = re.compile(r"(?<![.\d])(\d{1,12}(?:\.\d{1,6})?)\s*[/÷]\s*(\d{1,12}(?:\.\d{1,6})?)")
_CONSTANTS = {"3.14", "3.142", "3.1416"}


def _is_rounding(shown: str, fractions: set[Fraction]) -> bool:
    """Return whether a decimal stands for one of the fractions, as number or percentage."""
    number = Fraction(shown)
    place = Fraction(1, 10 ** len(shown.partition(".")[2]))
    return any(0 < abs(number / scale - f) * scale < place for f in fractions for scale in (1, 100))


def _is_variable(letter: str, text: str) -> bool:
    named = (
        rf"(?<![A-Za-z\d./\s]){letter}\s*[=<>+]|(?:[,;:，。；：]|[A-Za-z]{{2}}\s)\s*{letter}\s*="
    )
    alone = rf"^\s*{letter}\s*[=<>+]|{named}|[=+]\s*{letter}(?![A-Za-z])"
    asked = rf"(?:\bfor|value of|求)\s*{letter}(?![A-Za-z])"
    if re.search(f"{alone}|{asked}", text, re.M):
        return True
    return _EQUATION.search(text) is not None


def _simplify(text: str) -> str:
    """Convert LaTeX and repeating decimals to what the patterns of this module expect."""
    for pattern, replacement in _REPEATING_FORMS:
        text = pattern.sub(replacement, text)
    return simplify_latex(_WORDS.sub(_as_unit, text))


_REPEATING_FORMS = [
    (re.compile(r"(\d\.\d*)\\(?:overline|bar)\{(\d+)\}"), r"\1⟨\2⟩"),
    (re.compile(r"(\d\.\d*)\\dot\{?(\d)\}?(\d*)\\dot\{?(\d)\}?"), r"\1⟨\2\3\4⟩"),
    (re.compile(r"(\d\.\d*)\\dot\{?(\d)\}?"), r"\1⟨\2⟩"),
    (re.compile("(\\d\\.\\d*)(\\d)\u0307(\\d*)(\\d)\u0307"), r"\1⟨\2\3\4⟩"),
    (re.compile("(\\d\\.\\d*)(\\d)[\u0307\u0305\u0304]"), r"\1⟨\2⟩"),
    (re.compile(r"(\d\.)\((\d+)\)"), r"\1⟨\2⟩"),
    (re.compile(r"(?<==)(\s*0\.\d+)\((\d+)\)(?![\d\s]*[=*×])"), r"\1⟨\2⟩"),
]
"""Ways to write a repeating decimal, all to become `0.1⟨6⟩`."""


def _parse_line(line: str, context: _Context) -> list[Statement]:
    line = _normalize_line(line)
    if _NOT_ARITHMETIC.search(line):
        return []
    found = [_parse_remainder(m) for m in _REMAINDER.finditer(line) if _stands_alone(line, m)]
    pieces = _RELATION.split(
        _REMAINDER.sub(lambda m: " " if _stands_alone(line, m) else m[0], line)
    )
    for place in range(0, len(pieces) - 2, 2):
        before, sign, after = pieces[place : place + 3]
        goes_on = place + 3 < len(pieces) and pieces[place + 3] == "="
        if statement := _parse_statement(before, sign, after, context, goes_on=goes_on):
            found.append(statement)
    return found


def _normalize_line(line: str) -> str:
    line = _RATIO.sub(":", _LABEL.sub(r"\1: ", line))
    line = re.sub(r"[·⋅]{3,}", "…", _ORDINAL.sub(r"\1: ", line))
    line = re.sub(r"(?<=\d)(?:,|\{,\})(?=\d{3}(?!\d))|[$¥￥€£](?=\s\d)", "", line).translate(_PLAIN)
    line = re.sub(r"\\?([$¥￥€£])(\d+(?:\.\d+|\s+\d+/\d+)?)", r"\2\1", line)
    line = re.sub(r"^\s*(?:\d+[.)]|[-*])\s+", "", line)
    line = re.sub(r"(?<=\d)\((?=[-\d])", "*(", line)
    line = re.sub(r"(?<=[\d)])([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: "^" + m[1].translate(_SUPERSCRIPTS), line)
    line = re.sub(r"\^\{(\d+)\}", r"^\1", re.sub(r"(?<=\d)\s+%(?!\s*\d)", "%", line))
    line = re.sub(r"(?<=\d)\s+(?:square|sq\.?)\s+([A-Za-z]+)", r" \1²", line)
    line = re.sub(r"(?<=\d)\s+(?:cubic|cu\.?)\s+([A-Za-z]+)", r" \1³", line)
    line = re.sub(r"(?<=[A-Za-z$¥￥€£])\s+per\s+(?=[A-Za-z])|每(?=小?时|分|秒|天)", "/", line)
    return line.replace("**", " " if line.count("**") % 2 == 0 else "^")


def _stands_alone(line: str, division: re.Match[str]) -> bool:
    return re.search(r"[-+*/÷^(.:]\s*\Z", line[: division.start()]) is None


def _parse_remainder(found: re.Match[str]) -> Statement:
    shown = found[0].replace("÷", "/")
    return Statement(shown, f"{found[2]}*{found[3]}+{found[4]}", "=", found[1])


def _parse_statement(
    before: str, sign: str, after: str, context: _Context, *, goes_on: bool
) -> Statement | None:
    left, right = _LEFT.search(before), _RIGHT.match(after)
    if not left or not right or _JOINED_AFTER.match(rest := after[right.end() :]):
        return None
    ahead = before[: left.start()]
    if _JOINED_BEFORE.search(ahead) or _PART_OF_COMPOUND.search(ahead):
        return None
    if _is_argument(before, left):
        return None
    texts = [_strip_unbalanced_brackets(side.strip()) for side in (left[0], right[0])]
    if _has_ambiguous_percentage(*texts) or _has_ambiguous_percentage(*texts[::-1]):
        return None
    relation = _read_relation(texts[0], sign, texts[1], rest)
    main = relation and _choose_reading(relation, context)
    if not relation or not main:
        return None
    others = _list_readings(relation, context, goes_on=goes_on and not rest.strip())
    return Statement(
        _format_shown(texts[0], sign, texts[1]),
        main.left,
        sign,
        main.right,
        tuple(
            dict.fromkeys(found for found in [*others, *_join_mixed(ahead, main)] if found != main)
        ),
        _find_slack(ahead, relation, rest),
        _spread(main, relation, context),
    )


class _Relation(NamedTuple):
    left: Side
    sign: str
    right: Side
    texts: tuple[str, str]


def _read_relation(left: str, sign: str, right: str, rest: str) -> _Relation | None:
    """Read both sides, the right one with a unit in brackets after it; None if nothing is
    computed."""
    unit = _BRACKETED.match(rest)
    right += unit[1] if unit and right[-1:].isdigit() else ""
    kinds = find_kinds(f"{left} = {right}", lookup_unit)
    if read_side(left, kinds, lookup_unit) is None:
        left = _TIME_BEFORE.sub("", left)
    sides = read_side(left, kinds, lookup_unit), read_side(right, kinds, lookup_unit)
    if not sides[0] or not sides[1]:
        return None
    if sign == "=" and not any(_is_operated(side.whole) for side in sides if side):
        return None
    return _Relation(sides[0], sign, sides[1], (left, right))


def _is_operated(side: Quantity) -> bool:
    return not side.single or re.search(r"(?<=[\d)])[-+*/]", side.plain) is not None


def _choose_reading(relation: _Relation, context: _Context) -> Reading | None:
    """Return the reading that the relation states; None if there is no such."""
    left, right = relation.left.whole, relation.right.whole
    if _has_variables(relation, context):
        return None
    unlike = _has_unlike_units(*relation.texts, converted=not _is_operated(left))
    if left.plain and right.plain and not unlike:
        counted_anew = left.single and left.units and not right.units and not right.single
        counted_anew = counted_anew or _is_share(left, right)
        return None if counted_anew and relation.sign == "=" else Reading(left.plain, right.plain)
    if not _is_convertible(left, right):
        return None
    if left.single and relation.sign == "=":
        bases = {base for base, _ in left.dimension}
        if right.single or not bases <= _SELF_CONTAINED:
            return None
    return _convert(left, right)


def _is_share(left: Quantity, right: Quantity) -> bool:
    """Return whether a lone fraction or percentage is a share of what the right side measures."""
    return left.single and not left.units and left.plain.startswith("(") and bool(right.units)


def _has_variables(relation: _Relation, context: _Context) -> bool:
    """Return whether letters that look like units are unknowns: `10 = 2m + 4`."""
    texts = zip((relation.left.whole, relation.right.whole), relation.texts, strict=True)
    for side, text in texts:
        letters = set(re.findall(r"\d\s?([mgshLl])(?![A-Za-z])", text))
        if letters & context.letters or (letters and not side.typed):
            return True
    return False


def _is_convertible(left: Quantity, right: Quantity) -> bool:
    """Return whether both sides measure the same in known units, not at the scale of a map."""
    if not left.typed or not right.typed or left.dimension != right.dimension:
        return False
    if not left.units or not right.units:
        return False
    if any(base.startswith("?") for base, _ in left.dimension):
        return False
    factors = [factor for _, factor in left.units | right.units]
    is_length = left.dimension == (("length", 1),)
    return not is_length or max(factors) < _MAP_SCALE * min(factors)


def _convert(left: Quantity, right: Quantity) -> Reading:
    """Return the reading by units, in the unit of the right side if that is one number."""
    if right.single and right.plain and len(right.units) == 1:
        [(_, factor)] = right.units
        return Reading(f"({left.typed})/({factor})", right.plain)
    return Reading(left.typed, right.typed)


def _list_readings(relation: _Relation, context: _Context, *, goes_on: bool) -> list[Reading]:
    """Return all readings in which a relation may hold; `goes_on` as a chain of equalities."""
    left, right = relation.left.whole, relation.right.whole
    found = []
    unlike = left.units and right.units and left.units != right.units
    if left.plain and right.plain and (relation.sign == "=" or not unlike):
        found.append(Reading(left.plain, right.plain))
    if left.typed and right.typed and left.dimension == right.dimension:
        found += [_convert(left, right), *_shift_clock(relation)]
    if left.typed and right.typed and not right.units:
        factors = _list_factors(left.dimension, context)
        found += [Reading(left.typed, f"({right.typed})*({factor})") for factor in factors]
    if left.typed and right.typed and not left.units:
        factors = _list_factors(right.dimension, context)
        found += [Reading(f"({left.typed})*({factor})", f"({right.typed})") for factor in factors]
    if goes_on and not right.single:
        for end in (relation.right.first, relation.right.last):  # a running total
            found.append(Reading(left.plain, end.plain))
            if left.dimension == end.dimension:
                found.append(Reading(left.typed, end.typed))
    return [reading for reading in found if all(reading)]


def _shift_clock(relation: _Relation) -> list[Reading]:
    """Return the readings of clock times that pass noon or midnight, or that a dash joins."""
    if not re.search(r"\d[时点]", "".join(relation.texts)):
        return []
    left, right = relation.left.whole.typed, relation.right.whole.typed
    later = [f"{left}{hours}*3600" for hours in ("-24", "-12", "+12", "+24")]
    return [Reading(time, f"({right})") for time in (*later, f"-({left})")]


def _list_factors(dimension: Dimension, context: _Context) -> list[Fraction]:
    """Return the factors of common units of a dimension and of those named in the text."""
    names = dict.fromkeys([*_COMMON_UNITS, *sorted(context.units)])
    bases = frozenset(base for base, _ in dimension)
    known = [read_unit(name, bases, lookup_unit)[1:] for name in names]
    found = {factor for factor, measured in known if measured == dimension}
    single = [
        [(factor**power) for factor, measured in known if measured == ((base, 1),)]
        for base, power in dimension
    ]
    if len(single) <= 2:
        found |= {prod(factors, start=Fraction(1)) for factors in product(*single)}
    return sorted(found) if dimension else []


def _join_mixed(ahead: str, main: Reading) -> list[Reading]:
    """Return the reading of `3 and 1/2 × 4` with a mixed number."""
    whole = _MIXED_BEFORE.search(ahead)
    fraction = re.match(r"\((\d+/\d+)\)", main.left)
    if not whole or not fraction:
        return []
    return [Reading(f"({whole[1]}+{fraction[1]}){main.left[fraction.end() :]}", main.right)]


def _find_slack(ahead: str, relation: _Relation, rest: str) -> int:
    """Return how loosely the text around a relation states its result."""
    before, after = re.split(r"[。；;]|\.\s", ahead)[-1], re.split(r"[。；;]|\.\s", rest)[0]
    if _ROUNDS.search(f"{before} {relation.texts[1]} {after}"):
        return 2
    left, right = relation.left.whole, relation.right.whole
    if left.single and not left.units and re.search("[%/]", relation.texts[0]):
        return 3
    divided = "/" in left.plain and right.plain.isdigit()
    return int(divided and _REMAINS.search(relation.texts[1] + after) is not None)


def _spread(main: Reading, relation: _Relation, context: _Context) -> tuple[Reading, ...]:
    """Return the bounds within which the sides lie, as far as they are rounded."""
    if relation.sign != "=":
        return ()
    if re.fullmatch(rf"\d+(?:\.\d+)?{MULTIPLE}\S*", relation.texts[1]):
        left, right = relation.left.whole.typed, relation.right.whole
        half = Fraction(1, 2 * 10 ** len(right.plain.partition(".")[2]))
        [(_, factor)] = right.units or [("", Fraction(1))]
        return tuple(
            Reading(left, f"{right.typed}{sign}({half * factor})") for sign in "-+" if left
        )
    whole = f"{main.left} {main.right}"
    shown = [number for number in sorted(context.rounded) if _find_number(number, whole)][:3]
    signs = product((-1, 1), repeat=len(shown)) if shown else []
    return tuple(Reading(*(_shift(side, shown, by) for side in main)) for by in signs)


def _find_number(number: str, side: str) -> re.Match[str] | None:
    return re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", side)


def _shift(side: str, numbers: list[str], signs: tuple[int, ...]) -> str:
    """Change numbers by a unit of their last place."""
    for number, sign in zip(numbers, signs, strict=True):
        changed = Fraction(number) + Fraction(sign, 10 ** len(number.partition(".")[2]))
        side = re.sub(rf"(?<![\d.]){re.escape(number)}(?![\d.])", f"({changed})", side)
    return side


def _format_shown(left: str, sign: str, right: str) -> str:
    shown = re.sub(r"(\d+(?:\.\d+)?)([$¥￥€£])", r"\2\1", f"{left} {sign} {right}")
    return shown.replace("÷", "/").replace("⟨", "(").replace("⟩", ")")


def _is_argument(before: str, left: re.Match[str]) -> bool:
    """Return whether the left side is inside brackets that were not parsed: `f(2 + 1)`."""
    if left[0].count(")") > left[0].count("("):
        return True
    return left[0].startswith("(") and re.search(r"[A-Za-z]\Z", before[: left.start()]) is not None


def _has_ambiguous_percentage(left: str, right: str) -> bool:
    """Return whether a percentage may refer to an unstated number, as in `100 - 20% = 80`."""
    terms = [term for term in re.split(r"[-+()]", re.sub(r"\s", "", left)) if term]
    others = [term for term in terms if not re.fullmatch(r"[\d.]+%", term)]
    if len(others) < len(terms) > 1:
        whole = re.compile(r"1|[*/].*|.*[*/]")
        return not all(map(whole.fullmatch, others)) or (not others and "%" not in right)
    return "%" in right and re.search(r"\*\s*100(?![.\d%])|\d\s*[-+]", left) is not None


def _has_unlike_units(left: str, right: str, *, converted: bool) -> bool:
    """Return whether units, or letters that look like them, rule out comparing the numbers."""
    of_left, of_right = _extract_units(left), _extract_units(right)
    if converted and len(set(of_left + of_right)) > 1:
        return True
    if of_left and not _split_compound_units(of_right) <= _split_compound_units(of_left):
        return True
    units = [*of_left, *of_right[:-1]]  # not the result's own: `3 cm × 4 cm = 12 cm²`
    letters = any(len(unit) == 1 and unit.isascii() for unit in units)
    if letters and len(units) < len(re.findall(NUMBER, left)):
        return True
    return len(set(units)) > 1 and re.search(r"[-+<>]", left + right) is not None


def _extract_units(side: str) -> list[str]:
    """Return the units of a side's numbers, with plurals normalised (`hours` to `hour`).

    A Chinese unit is a known unit or else the first character, as prose may follow directly.
    """
    units = [found[1].strip().lower() for found in _MEASURED.findall(side)]
    return [
        "/".join(map(normalize_unit, unit.split("/")))
        for unit in units
        if not NO_UNIT.fullmatch(unit)
    ]


def _split_compound_units(units: list[str]) -> set[str]:
    """Return the component units: `km` and `h` for `km/h`, `cm` for `cm²`."""
    return {re.sub(r"[²³]|\^[23]", "", part) for unit in units for part in unit.split("/")}


def _as_unit(words: re.Match[str]) -> str:
    """Convert LaTeX's `\\text{ quarts per hour}` to one unit, `quarts/hour`."""
    joined = re.sub(r"(?<=[A-Za-z])\s+(?=[A-Za-z])", "", re.sub(r"\s+per\s+", "/", words[1]))
    return f" {joined.lstrip()}"


def _strip_unbalanced_brackets(side: str) -> str:
    """Strip unbalanced brackets at the ends, which belong to the surrounding sentence."""
    while side.startswith("(") and side.count("(") > side.count(")"):
        side = side[1:].lstrip()
    while side.endswith(")") and side.count(")") > side.count("("):
        side = side[:-1].rstrip()
    return side
