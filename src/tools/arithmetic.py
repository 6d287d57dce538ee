"""Detection of arithmetic statements such as `3/4 + 1/8 = 7/8`, and their check in the sandbox.

Only relations between numbers are checked. A relation with a letter is an equation to be solved,
not a statement. Relations are also skipped as ambiguous if words join the numbers ("half of 8 =
4"), units differ ("2 m + 50 cm = 250 cm", "4 × 15 minutes = 1 hour") or a percentage is subtracted
("100 - 20% = 80").
"""

import json
import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ..language.text import HAN, HAN_CHARACTER
from .sandbox import Sandbox

_PLAIN = str.maketrans(
    dict(zip("；（）＝＋－×÷·−–％＜＞", ";()=+-*/*--%<>", strict=True))
    | {"，": ", ", "：": ": ", "≤": "<=", "≥": ">="}
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")

_UNIT = (
    r"(?!\s?(?:and|or|so|then|but|because|since|if|when|which|where|as|is|are|was)\b|[和与且而但])"
    r"(?:\s?(?:°?[A-Za-z]{2,}(?:\^[23](?!\d))?|[mgshLl]|°C?)[²³]?(?:/(?:h|s|[A-Za-z]{2,}))?(?![A-Za-z])"
    rf"|[$¥￥€£]|[{HAN}]{{1,4}}(?:/[{HAN}]{{1,2}})?)"
)
_CHINESE_UNIT = re.compile(r"(?:平方|立方)?[千厘分毫公]?[米克升里斤顷钟吨]|.")
_MONEY = {"$": "dollar", "¥": "元", "￥": "元", "€": "euro", "£": "pound"}
_NO_UNIT = re.compile(
    r"at|in|for|from|to|with|the|of|per|each|every|left|more|remaining|total|altogether|now"
)
_MULTIPLE = re.compile(
    r"\d\s?(?:(?:ten|dozen|hundred|thousand|million|billion)s?(?![A-Za-z])|[万亿打百]|千(?![米克]))"
)
_NOT_ARITHMETIC = re.compile(r"≡|(?<![A-Za-z])[bp]?mod(?![A-Za-z])|模\s*\d|\d{100}")
_NUMBER = r"(?:\d+(?:\s+|又)\d+/\d+(?![\d.])|\d+(?:\.\d+)?%?(?:\^\d+)?)"
_OPERAND = rf"[-(\s]*{_NUMBER}{_UNIT}?[)\s]*"
_EXPRESSION = rf"{_OPERAND}(?:[-+*/^]{_OPERAND})*"
_LEFT = re.compile(rf"(?=\S){_EXPRESSION}\Z")
_RIGHT = re.compile(_EXPRESSION)
_RELATION = re.compile(r"(<=|>=|(?<![-=])>|[=<])")
_MEASURED = re.compile(rf"({_NUMBER})({_UNIT})")
_REMAINDER = re.compile(
    rf"(\d+)\s*/\s*(\d+)\s*=\s*(\d+)\s*(?:\(?[{HAN}]{{1,3}}?\)?)?\s*"
    r"(?:remainder|rem\.?|r\.?|余数?|\.{2,}|…+)\s*(\d+)",
    re.I,
)
_JOINED_BEFORE = re.compile(
    r"(?:\b(?:of|by|times|plus|minus|from|than|to|over)|[乘除加减的上去是比]|[乘除]以|[-+*/^√|?_□〇)\d]"
    r"|[:,.](?=\Z)|(?<![A-Za-z])[A-Za-z]|}|\\(?![A-Za-z]*(?:arrow|implies|therefore))[A-Za-z]+"
    r"|(?<![A-Za-z])(?:sqrt|log|ln|lg|exp|sin|cos|tan|gcd|lcm|hcf|max|min|abs))\s*\Z",
    re.I,
)
_JOINED_AFTER = re.compile(
    r"\s*(?:[-+*/^√|_□〇%!]|\((?=[-\d])|:?\d|of|(?:\([^()]*\)\s*)?(?:remainder|余|…|\.\.)|[A-Za-z](?![A-Za-z]))",
    re.I,
)
_WORDS = re.compile(r"(?:\s|\\[,;: ]|~)*\\(?:text(?:bf|rm)?|mathrm|mbox)\{([^{}]*)\}")
_BRACKETED = re.compile(rf"\(({_UNIT})\)")

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
def rounded(shown, exact):
    places = re.fullmatch(r"\\s*-?\\d+\\.(\\d{2,})\\s*", shown)
    return places and abs(value(shown) - exact) * 10 ** len(places[1]) <= Fraction(1, 2)

def holds(left, sign, right):
    a, b = value(left), value(right)
    if sign == "=":
        return a == b or rounded(left, b) or rounded(right, a)
    return {"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[sign]

wrong = []
for number, (left, sign, right) in enumerate(statements):
    try:
        if not holds(left, sign, right):
            wrong.append(number)
    except Exception:
        pass
wrong = json.dumps(wrong)
"""
)


class Statement(NamedTuple):
    """A relation between two computable sides."""

    shown: str
    """The relation as written in the text."""
    left: str
    sign: str
    right: str


def find_statements(text: str) -> list[Statement]:
    """Find the arithmetic statements of a text, in order."""
    text = simplify_latex(_WORDS.sub(_as_unit, text))
    return [found for line in text.splitlines() for found in _parse_line(line)]


async def wrong_statements(sandbox: Sandbox, text: str) -> list[str]:
    """Return a text's false statements, as written."""
    found = find_statements(text)
    if not found:
        return []
    sides = [[s.left, s.sign, s.right] for s in found]
    ran = await sandbox.run(_RECOMPUTE, inputs={"statements": sides}, result="wrong")
    wrong = json.loads(ran.value) if ran.status == "ok" and ran.value else []
    return [found[number].shown for number in wrong]


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
    text = re.sub(r"\\[dt]?frac\{(\w+)\}\{(\w+)\}", r"\1/\2", text)
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


def _parse_line(line: str) -> list[Statement]:
    line = re.sub(r"(?<=\d)(?:,|\{,\})(?=\d{3}(?!\d))|[$¥￥€£](?=\s\d)", "", line).translate(_PLAIN)
    if _NOT_ARITHMETIC.search(line):
        return []
    line = re.sub(r"\\?([$¥￥€£])(\d+(?:\.\d+|\s+\d+/\d+)?)", r"\2\1", line)
    line = re.sub(r"^\s*(?:\d+[.)]|[-*])\s+", "", line)
    line = re.sub(r"(?<=\d)\((?=[-\d])", "*(", line)
    line = re.sub(r"(?<=\d)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: "^" + m[1].translate(_SUPERSCRIPTS), line)
    line = line.replace("**", " " if line.count("**") % 2 == 0 else "^")
    found = [Statement(m[0], f"{m[2]}*{m[3]}+{m[4]}", "=", m[1]) for m in _REMAINDER.finditer(line)]
    pieces = _RELATION.split(_REMAINDER.sub(" ", line))
    for left, sign, right in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
        if statement := _parse_statement(left, sign, right):
            found.append(statement)
    return found


def _parse_statement(before: str, sign: str, after: str) -> Statement | None:
    left, right = _LEFT.search(before), _RIGHT.match(after)
    if not left or not right or _JOINED_AFTER.match(rest := after[right.end() :]):
        return None
    if _JOINED_BEFORE.search(before[: left.start()]) or _is_argument(before, left):
        return None
    sides = [_strip_unbalanced_brackets(side.strip()) for side in (left[0], right[0])]
    computable = [_convert_to_python(side) for side in sides]
    operated = [re.search(r"(?<=[\d)])[-+*/]", side) is not None for side in computable]
    if not all(computable) or (sign == "=" and not any(operated)):
        return None
    if (
        any(map(_MULTIPLE.search, sides))
        or _has_ambiguous_percentage(*sides)
        or _has_ambiguous_percentage(*sides[::-1])
    ):
        return None
    unit = _BRACKETED.match(rest)
    if _has_unlike_units(sides[0], sides[1] + (unit[1] if unit else ""), converted=not operated[0]):
        return None
    shown = re.sub(r"(\d+(?:\.\d+)?)([$¥￥€£])", r"\2\1", f"{sides[0]} {sign} {sides[1]}")
    return Statement(shown, computable[0], sign, computable[1])


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
    if letters and len(units) < len(re.findall(_NUMBER, left)):
        return True
    return len(set(units)) > 1 and re.search(r"[-+<>]", left + right) is not None


def _extract_units(side: str) -> list[str]:
    """Return the units of a side's numbers, with plurals normalised (`hours` to `hour`).

    A Chinese unit is a known unit or else the first character, as prose may follow directly.
    """
    units = [found[1].strip().lower() for found in _MEASURED.findall(side)]
    return [
        "/".join(map(_normalize_unit, unit.split("/")))
        for unit in units
        if not _NO_UNIT.fullmatch(unit)
    ]


def _normalize_unit(name: str) -> str:
    if HAN_CHARACTER.match(name):
        chinese = _CHINESE_UNIT.match(name)
        return chinese[0] if chinese else name
    name = _MONEY.get(name, name)
    return name.removesuffix("s").removesuffix("e") if len(name) > 3 else name


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


def _convert_to_python(side: str) -> str:
    """Convert a side to Python arithmetic; empty if it is not arithmetic."""
    bare = re.sub(r"\s+", "", add_brackets(_MEASURED.sub(r"\1", side))).replace("^", "**")
    is_arithmetic = re.fullmatch(r"[-+*/().\d]+", bare) and bare.count("(") == bare.count(")")
    return bare if is_arithmetic else ""
