"""Arithmetic that a text states, such as `3/4 + 1/8 = 7/8`: found, and recomputed in the sandbox.

What is looked at are relations between numbers. A relation with a letter in it is an equation to
be solved and states nothing, and where words join the numbers ("half of 8 = 4") or units differ
("2 m + 50 cm = 250 cm") a machine cannot tell what is meant; such relations are passed over.
"""

import json
import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ..tools.sandbox import Sandbox

_PLAIN = str.maketrans(
    dict(zip("；（）＝＋－×÷·−–％＜＞", ";()=+-*/*--%<>", strict=True))
    | {"，": ", ", "：": ": ", "≤": "<=", "≥": ">="}
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")

_UNIT = (
    r"(?:\s?(?:°?[A-Za-z]{2,}|[mgshLl]|°C?)[²³]?(?:/(?:h|s|[A-Za-z]{2,}))?(?![A-Za-z])"
    r"|[\u4e00-\u9fff]{1,4}(?:/[\u4e00-\u9fff]{1,2})?)"
)
_NUMBER = r"(?:\d+(?:\s+|又)\d+/\d+(?![\d.])|\d+(?:\.\d+)?%?(?:\^\d+)?)"
_OPERAND = rf"[-(\s]*{_NUMBER}{_UNIT}?[)\s]*"
_EXPRESSION = rf"{_OPERAND}(?:[-+*/^]{_OPERAND})*"
_LEFT = re.compile(rf"(?=\S){_EXPRESSION}\Z")
_RIGHT = re.compile(_EXPRESSION)
_RELATION = re.compile(r"(<=|>=|(?<![-=])>|[=<])")
_MEASURED = re.compile(rf"({_NUMBER})({_UNIT})")
_REMAINDER = re.compile(
    r"(\d+)\s*/\s*(\d+)\s*=\s*(\d+)\s*(?:remainder|rem\.?|r\.?|余数?|\.{2,}|…+)\s*(\d+)", re.I
)
_JOINED_BEFORE = re.compile(
    r"(?:\b(?:of|by|times|plus|minus|from|than|to|over)|[乘除加减的上去是比]|[乘除]以|[-+*/^√|?_□〇)\d]"
    r"|[:,.](?=\Z)|(?<![A-Za-z])[A-Za-z])\s*\Z",
    re.I,
)
_JOINED_AFTER = re.compile(
    r"\s*(?:[-+*/^√|_□〇%!]|\((?=[-\d])|:\d|(?:remainder|of|余)|[A-Za-z](?![A-Za-z]))", re.I
)

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
        return str(Fraction(value(text)))
    except Exception:
        return None

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
    """As the text has it."""
    left: str
    sign: str
    right: str


def statements(text: str) -> list[Statement]:
    """The arithmetic that a text states, in its order."""
    return [found for line in plain(text).splitlines() for found in _of_line(line)]


async def wrong_statements(sandbox: Sandbox, text: str) -> list[str]:
    """Those of the statements that do not hold, as the text has them."""
    found = statements(text)
    if not found:
        return []
    sides = [[s.left, s.sign, s.right] for s in found]
    ran = await sandbox.run(_RECOMPUTE, inputs={"statements": sides}, result="wrong")
    wrong = json.loads(ran.value) if ran.status == "ok" and ran.value else []
    return [found[number].shown for number in wrong]


async def values(sandbox: Sandbox, expressions: list[str]) -> list[Fraction | None]:
    """What each side of a statement comes to; None where that cannot be computed."""
    ran = await sandbox.run(_EVALUATE, inputs={"expressions": expressions}, result="found")
    found = json.loads(ran.value) if ran.status == "ok" and ran.value else [None] * len(expressions)
    return [None if value is None else Fraction(value) for value in found]


def written(value: Fraction) -> str:
    """As a decimal where it has few places, else as a fraction."""
    if 10_000 % value.denominator:
        return str(value)
    return str(Decimal(value.numerator) / Decimal(value.denominator))


def plain(text: str) -> str:
    """A text with its simple LaTeX as plain characters: `\\frac{3}{4}` is `3/4`, and an x between
    numbers as the sign that it stands for.

    Formulas that need more than that keep their dollar signs.
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


def says(text: str, formula: str) -> bool:
    """Whether a text has that formula, however it is spaced."""
    said, sought = (re.sub(r"[\s×*·]", "", plain(piece)) for piece in (text, formula))
    return sought in said


def explicit(text: str) -> str:
    """Arithmetic as a pupil reads it, with brackets: `2 1/2`, `20%`, and `3/4 / 1/2`, which divides
    one fraction by another."""
    text = re.sub(r"(\d+)(?:\s+|又)(\d+)/(\d+)", r"(\1+\2/\3)", text)
    text = re.sub(r"(\d+(?:\.\d+)?)%(?!\s*\d)", r"(\1/100)", text)
    return re.sub(r"(?<![\d^./])(\d+)/(\d+)(?![\d^]|\.\d)", r"(\1/\2)", text)


def _of_line(line: str) -> list[Statement]:
    line = re.sub(r"(?<=\d),(?=\d{3}(?!\d))|[$¥￥€£](?=\s?\d)", "", line).translate(_PLAIN)
    line = re.sub(r"^\s*(?:\d+[.)]|[-*])\s+", "", line)
    line = re.sub(r"(?<=\d)\((?=[-\d])", "*(", line)
    line = re.sub(r"(?<=\d)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: "^" + m[1].translate(_SUPERSCRIPTS), line)
    line = line.replace("**", " " if line.count("**") % 2 == 0 else "^")
    found = [Statement(m[0], f"{m[2]}*{m[3]}+{m[4]}", "=", m[1]) for m in _REMAINDER.finditer(line)]
    pieces = _RELATION.split(_REMAINDER.sub(" ", line))
    for left, sign, right in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
        if statement := _statement(left, sign, right):
            found.append(statement)
    return found


def _statement(before: str, sign: str, after: str) -> Statement | None:
    left, right = _LEFT.search(before), _RIGHT.match(after)
    if not left or not right or _JOINED_AFTER.match(after[right.end() :]):
        return None
    if _JOINED_BEFORE.search(before[: left.start()]):
        return None
    sides = [_balanced(side.strip()) for side in (left[0], right[0])]
    computable = [_computable(side) for side in sides]
    operated = [re.search(r"(?<=[\d)])[-+*/]", side) is not None for side in computable]
    if not all(computable) or (sign == "=" and not any(operated)):
        return None
    if _unlike(*sides, converted=not operated[0]):
        return None
    return Statement(f"{sides[0]} {sign} {sides[1]}", computable[0], sign, computable[1])


def _unlike(left: str, right: str, *, converted: bool) -> bool:
    """Whether units, or letters that look like them, forbid comparing the bare numbers."""
    measured = _MEASURED.findall(f"{left} ; {right}")
    if converted and len(set(map(_unit, measured))) > 1:
        return True
    if _MEASURED.search(right):  # the result's own unit: `3 cm × 4 cm = 12 cm²`
        measured = measured[:-1]
    units = set(map(_unit, measured))
    letters = any(len(unit) == 1 and unit.isascii() for unit in units)
    if letters and len(measured) < len(re.findall(_NUMBER, left)):
        return True
    return len(units) > 1 and re.search(r"[-+<>]", left + right) is not None


def _unit(measured: tuple[str, str]) -> str:
    """The unit of a number; of Chinese its first character, as prose may follow without a gap."""
    unit = measured[1].strip()
    return unit[0] if unit[0] > "\u3400" else unit


def _balanced(side: str) -> str:
    """Without the brackets at its ends that belong to the sentence around it."""
    while side.startswith("(") and side.count("(") > side.count(")"):
        side = side[1:].lstrip()
    while side.endswith(")") and side.count(")") > side.count("("):
        side = side[:-1].rstrip()
    return side


def _computable(side: str) -> str:
    """The side as Python arithmetic; empty where it is none."""
    bare = re.sub(r"\s+", "", explicit(_MEASURED.sub(r"\1", side))).replace("^", "**")
    is_arithmetic = re.fullmatch(r"[-+*/().\d]+", bare) and bare.count("(") == bare.count(")")
    return bare if is_arithmetic else ""
