"""Reading of written answers: a text becomes a typed value, or stays text.

A reader takes the whole text or nothing. The first reader that understands it decides.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import sympy as sp
from sympy.parsing.sympy_parser import (
    convert_xor,
    implicit_multiplication_application,
    parse_expr,
    standard_transformations,
)

from ...language.text import HAN
from .building import build_items, build_list, build_named, type_relation, type_sympy
from .latex import simplify
from .numerals import HAN_NUMBER, NUMBER, read_han, read_number
from .units import Unit, find_unit, needs_space, split_unit
from .values import (
    Clock,
    Date,
    Equation,
    Items,
    Quantity,
    Ratio,
    Region,
    Remainder,
    Text,
    Truth,
    Value,
)

MAX_CHARS = 2000
"""Longest answer that is parsed; a longer one is text."""
MAX_DIGITS = 1500
"""Longest number that is parsed."""

_TRANSFORMATIONS = (*standard_transformations, convert_xor, implicit_multiplication_application)
_FUNCTIONS = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "asin",
        "acos",
        "atan",
        "arcsin",
        "arccos",
        "arctan",
        "log",
        "ln",
        "exp",
        "sqrt",
        "pi",
        "oo",
        "lg",
        "abs",
        "alpha",
        "beta",
        "gamma",
        "theta",
        "lamda",
        "mu",
        "sigma",
        "phi",
        "omega",
    ]
)
_SYMPY = frozenset(
    [
        "Eq",
        "Ne",
        "Lt",
        "Le",
        "Gt",
        "Ge",
        "And",
        "Or",
        "Interval",
        "Union",
        "FiniteSet",
        "EmptySet",
        "Matrix",
        "Tuple",
        "Rational",
        "Integer",
        "Float",
        "Abs",
        "Mod",
        "Reals",
        "Integers",
        "Naturals",
        "Naturals0",
        "open",
        "Lopen",
        "Ropen",
        "Complement",
        "ConditionSet",
        "ImageSet",
        "Lambda",
        "Symbol",
        "factorial",
        "binomial",
        "floor",
        "ceiling",
        "Max",
        "Min",
        "Piecewise",
        "True",
        "False",
        "MutableDenseMatrix",
        "ImmutableDenseMatrix",
        "ImmutableMatrix",
        "zoo",
        "nan",
        "re",
        "im",
        "root",
        "cbrt",
        "Intersection",
        "Contains",
        "ProductSet",
    ]
)
_RELATIONS = {
    **{"=": sp.Eq, "==": sp.Eq, "!=": sp.Ne, "≠": sp.Ne},
    **{"<": sp.Lt, ">": sp.Gt, "<=": sp.Le, ">=": sp.Ge},
}
_RELATION = re.compile(r"<=|>=|!=|==|[=<>≠]")
_NAME = re.compile(rf"[A-Za-z{HAN}][\w{HAN}' ]*(?:\(\w\))?")
_APPROXIMATELY = re.compile(
    r"^(?:about|approximately|approx\.?|around|roughly|≈|~|约为?|大约|答案?[:是为]?|"
    r"(?:the )?answer(?: is)?:?)\s*",
    re.I,
)
_FORMULA = re.compile(r"(?:\\[A-Za-z]+|[A-Za-z](?![A-Za-z])|[-\d\s^_{}()+*/.!|])+")
_NO_SOLUTION = re.compile(
    r"(?i)无(?:实数|整数)?解|(?:there (?:is|are) )?no (?:real |integer )?(?:solutions?|roots?)|"
    r"没有(?:实数|整数)?[解根]|无实根|方程无解|EmptySet|\{\s*\}|空集"
)
_TRUTHS = {
    **dict.fromkeys(("yes", "true", "是", "是的", "对", "正确", "correct", "能", "可以"), True),
    **dict.fromkeys(("no", "false", "否", "不是", "不对", "错误", "incorrect", "不能"), False),
}
_ALL_NUMBERS = re.compile(r"(?i)(?:all|any) (?:real )?numbers?|(?:所有|全体|任意|一切)实数|Reals|R")
_WEEKDAYS = dict(
    zip(
        ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        strict=True,
    )
) | {"星期天": "Sunday"}
_FILLER = re.compile(
    r"(?i)^(?:left|remaining|remain|more|in total|in all|total|altogether|each|apiece|in|away|ago|"
    r"later|old|long|tall|high|wide|deep|of water|units?|only|整|多|左右|长|高|宽|深|远|后|前|"
    r"个?单位)?\.?$"
)
_LABEL = re.compile(rf"[A-Za-z][A-Za-z'-]*(?: [A-Za-z][A-Za-z'-]*){{0,2}}|[{HAN}]{{1,6}}")
_NO_LABEL = re.compile(
    r"(?i)\b(?:more|less|fewer|than|of|times|or|and|not|if|is|are|was|the|plus|minus|over|to|from|"
    r"with|without|by|but)\b|[比的和或不没有多少是加减乘除倍]"
)
MEASURE_WORDS = (
    "个只支枝本条张头名人位块辆棵朵件把双对台架座间家根颗粒页次遍岁瓶杯箱袋盒篮种层排组步群道题"
)
_SUM = re.compile(r"\s*(?:,|and|又|零)?\s*")
_COMPOUND_FAMILIES = ("time", "months", "length", "mass", "yuan", "dollar", "sterling", "angle")
_PARTS = re.compile(r"\s*(?:[,;]|\band\b|\bor\b|或者|或|以及|及|和|与|并且|且)\s*", re.I)
_MONTHS = {
    name: number
    for number, names in enumerate(
        [
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ],
        1,
    )
    for name in names.split()
}


def read_value(text: str) -> Value:
    """Return the typed value of a written answer.

    Raises:
        ValueError: the text is empty.
    """
    words = text.strip().strip("。").strip()
    if not words:
        raise ValueError("there is no answer")
    if len(words) > MAX_CHARS:
        return Text(words)
    return read_typed(words) or Text(_normalise_words(words))


def read_typed(text: str) -> Value | None:
    """Return the typed value of a text; None if it has none."""
    try:
        plain = _strip_frame(simplify(text))
    except (ValueError, RecursionError):
        return _read_by_math_verify(text)
    if re.search(rf"\d{{{MAX_DIGITS}}}", plain):
        return None
    if "±" in plain:
        return _read_plus_minus(plain)
    for read in _READERS:
        try:
            value = read(plain)
        except Exception:  # of whatever kind: SymPy raises many
            value = None
        if value is not None:
            return value
    return _read_by_math_verify(text) if "\\" in text else None


def _read_plus_minus(text: str) -> Value | None:
    both = [read_typed(text.replace("±", sign)) for sign in ("+", "-")]
    return build_items([v for v in both if v], ordered=False) if all(both) else None


def _strip_frame(text: str) -> str:
    """Strip what surrounds an answer without changing it."""
    text = text.rstrip(".").strip().strip("*").strip()
    text = re.sub(r"^(?:选项?|(?i:option|choice))\s*(?=[A-F]$)", "", text)
    text = re.sub(r"^半(?=个?小时|天|年|斤|米|千克|公斤)|^(?i:half an? )", "0.5 ", text)
    text = re.sub(r"^每(小时|分钟?|秒钟?|天|千克|公斤|米|个)\s*(.+)$", r"\2/\1", text)
    text = re.sub(rf"({HAN_NUMBER})(?=[年月日号点时分秒])", _to_digits, text)
    return _APPROXIMATELY.sub("", text).strip()


def _to_digits(found: "re.Match[str]") -> str:
    if found.end() < len(found.string) and found.string[found.end() :].startswith("分之"):
        return found[0]
    return str(read_han(found[0]))


def _normalise_words(text: str) -> str:
    text = _WEEKDAYS.get(re.sub("礼拜|周", "星期", text), text)
    return re.sub(r"[\s\"'.,!]+", " ", text.lower()).strip() or text


def _read_word(text: str) -> Value | None:
    if _NO_SOLUTION.fullmatch(text):
        return Region(sp.S.EmptySet)
    if _ALL_NUMBERS.fullmatch(text):
        return Region(sp.S.Reals)
    truth = _TRUTHS.get(text.lower())
    return None if truth is None else Truth(truth)


# --- dates and times -----------------------------------------------------------------------------

_ISO = re.compile(r"(?:(\d{4})[-/.年]\s*)?(\d{1,2})[-/.月]\s*(\d{1,2})[日号]?")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?(?: of)? ([A-Za-z]{3,9})\.?,?(?: (\d{4}))?")
_CLOCK = re.compile(
    r"(?P<before>上午|早上|凌晨|中午|下午|晚上|傍晚)?\s*(?P<hour>\d{1,2})(?:(?:[:点时])(?P<minute>\d{1,2}|半|一刻)?)?"
    r"(?:分|整|钟)?\s*(?P<after>[ap]\.?\s?m\.?|noon|o'clock)?",
    re.I,
)


def _read_date(text: str) -> Value | None:
    text = re.sub(r"(?i)^(?:the|on)\s+", "", text)
    if month := re.fullmatch(r"(\d{4})\s*[年-]\s*(\d{1,2})月?", text):
        return Date(int(month[1]), int(month[2]), None) if 1 <= int(month[2]) <= 12 else None
    if (month := re.fullmatch(r"([A-Za-z]{3,9})\.?,? (\d{4})", text)) and month[
        1
    ].lower() in _MONTHS:
        return Date(int(month[2]), _MONTHS[month[1].lower()], None)
    if (found := _ISO.fullmatch(text)) and (found[1] or "月" in text):
        return _build_date(found[1], int(found[2]), found[3])
    if (found := _MONTH_FIRST.fullmatch(text)) and found[1].lower() in _MONTHS:
        return _build_date(found[3], _MONTHS[found[1].lower()], found[2])
    if (found := _DAY_FIRST.fullmatch(text)) and found[2].lower() in _MONTHS:
        return _build_date(found[3], _MONTHS[found[2].lower()], found[1])
    return None


def _build_date(year: str | None, month: int, day: str) -> Date:
    date(int(year or 2000), month, int(day))  # raises if there is no such day
    return Date(int(year) if year else None, month, int(day))


def _read_clock(text: str) -> Value | None:
    found = _CLOCK.fullmatch(text)
    if found is None or not (found["before"] or found["after"] or "点" in text):
        return None
    hour = int(found["hour"])
    minute = {"半": 30, "一刻": 15, None: 0}.get(found["minute"])
    minute = int(found["minute"]) if minute is None else minute
    if hour > 23 or minute > 59:
        return None
    after = (found["after"] or "").lower().replace(".", "").replace(" ", "")
    late = after == "pm" or found["before"] in ("下午", "晚上", "傍晚")
    noon = found["before"] == "中午" and hour < 11
    if (late or noon) and hour < 12:
        hour += 12
    if (after == "am" or found["before"] in ("凌晨",)) and hour == 12:
        hour = 0
    return Clock(60 * hour + minute)


# --- quantities ----------------------------------------------------------------------------------


def _read_quantity(text: str) -> Value | None:
    """Read `15 km`, `$5`, `75%`, `3又1/2`, `23 chickens`, `5元3角`, `3 h 25 min`."""
    if found := re.fullmatch(rf"(.*(?:pi(?:\s*/\s*\d+)?|\)))\s*([A-Za-z{HAN}°].*)", text):
        unit = find_unit(found[2])
        value = parse_expression(found[1]) if unit else None
        return Quantity(value, unit) if unit and value.is_number else None
    money = re.match(r"^(-?)\s*(US\$|[$¥€£]|RMB|USD|CNY|EUR|GBP)\s*(?=[\d.-])", text)
    if money:
        found = NUMBER.fullmatch(money[1] + text[money.end() :].strip())
        unit = find_unit(money[2])
        return Quantity(read_number(found), unit, shown=text) if found and unit else None
    found = NUMBER.match(text)
    if found is None:
        return None
    number, rest = read_number(found), text[found.end() :]
    if not rest.strip():
        percent = found["percent"] is not None
        return Quantity(number * 100, find_unit("%")) if percent else Quantity(number)
    if rest[0] in "+*^=<>|!" or (rest[0] == "/" and not rest[1:2].isalpha()):
        return None
    return _read_compound(text) or _attach_unit(number, rest, found)


def _attach_unit(number: Any, rest: str, found: "re.Match[str]") -> Value | None:
    rest = re.sub(r"^\s*\(([^()]*)\)$", r" \1", rest)
    name = rest.strip()
    unit = find_unit(name)
    after = ""
    if unit is None:
        unit, after = split_unit(name)
    adjacent = not rest.startswith(" ")
    if unit and adjacent and needs_space(unit.name):
        return None
    if unit and _FILLER.match(after):
        return Quantity(number, unit)
    if unit and not unit.dimension and unit.factor > 1:  # `2 dozen eggs`
        counted = _read_label(after)
        return None if counted is None else Quantity(number * unit.factor, label=counted)
    if adjacent and name.isascii() and len(name) <= 3:
        return None  # `2xy` is a product
    label = _read_label(name)
    if label is None or (found["han"] and name[0] not in MEASURE_WORDS):
        return None
    return Quantity(number, label=label)


def _read_label(name: str) -> str | None:
    """Return what is counted, `chicken` of ` chickens left`; None if the words say more."""
    words = re.sub(
        r"(?i)\s+(?:left|remaining|in total|in all|altogether|each|total)$", "", name.strip(". ")
    )
    if _FILLER.match(words):
        return ""
    if not _LABEL.fullmatch(words) or _NO_LABEL.search(words):
        return None
    if words.split()[0].lower() in _FUNCTIONS:
        return None
    return words


def _read_compound(text: str) -> Value | None:
    """Read a quantity of several units of one kind, the larger ones first."""
    place, total, units = 0, sp.Integer(0), list[Unit]()
    while place < len(text):
        found = NUMBER.match(text, place)
        if found is None or (units and found["sign"]):
            return None
        rest = text[found.end() :].lstrip()
        unit, length = _next_unit(rest, units)
        if unit is None or (units and unit.factor >= units[-1].factor):
            return None
        if units and unit.dimension != units[0].dimension:
            return None
        total += read_number(found) * unit.factor
        units.append(unit)
        place = len(text) - len(rest) + length
        gap = _SUM.match(text, place)
        place = gap.end() if gap else place
    if len(units) < 2 or units[0].dimension[0][0] not in _COMPOUND_FAMILIES:
        return None
    return Quantity(total / units[-1].factor, units[-1], shown=text)


def _next_unit(rest: str, before: list[Unit]) -> tuple[Unit | None, int]:
    """Return the unit that a text starts with, and its length. `分` is of time after hours and of
    money after yuan."""
    if rest.startswith("分") and not rest.startswith(("分米", "分钟")) and before:
        dimension = before[0].dimension
        name = {"time": "分钟", "yuan": "fen"}.get(dimension[0][0] if dimension else "")
        return (find_unit(name), 1) if name else (None, 0)
    if re.match(r"分\s*\d+(?:\.\d+)?秒", rest):
        return find_unit("分钟"), 1
    found = re.match(rf"[°'\"]|[A-Za-z]+|[{HAN}]+?(?=\d|\s|零|$)", rest)
    unit = find_unit(found[0]) if found else None
    return (unit, len(found[0])) if found and unit else (None, 0)


def _read_remainder(text: str) -> Value | None:
    found = re.fullmatch(
        r"(?i)(-?\d+)\s*,?\s*(?:remainder|rem\.?|r\.?|with (?:a )?remainder(?: of)?|余数?(?:是|为)?|"
        r"商?\.{3,})\s*(\d+)|商(?:是|为)?\s*(\d+)\s*,?\s*余数?(?:是|为)?\s*(\d+)|"
        r"quotient:? (\d+),? (?:and )?remainder:? (\d+)",
        text,
    )
    if found is None:
        return None
    quotient, remainder = (group for group in found.groups() if group is not None)
    return Remainder(sp.Integer(quotient), sp.Integer(remainder))


def _read_ratio(text: str) -> Value | None:
    parts = re.split(r"\s*(?::|比|\bto\b)\s*", text)
    if not 2 <= len(parts) <= 6:
        return None
    terms = []
    for part in parts:
        found = NUMBER.fullmatch(part)
        if found is None and not re.fullmatch(r"[\dsqrt()*+/^. ]+", part):
            return None
        terms.append(read_number(found) if found else parse_expression(part))
    return Ratio(tuple(terms))


# --- sets, collections, relations ----------------------------------------------------------------

_INTERVAL = re.compile(r"([\[(])([^,\[\]]+),([^,\[\]]+)([\])])")


def _read_intervals(text: str) -> Value | None:
    """Read `[1, 2)` and unions of such; but `(1, 2)` is a pair and `[1, 2]` a list."""
    pieces = [piece.strip() for piece in re.split(r"∪|\bU\b", text)]
    found = [_INTERVAL.fullmatch(piece) for piece in pieces]
    if not all(found):
        return None
    clear = len(pieces) > 1 or any(
        m and (m[1] + m[4] in ("(]", "[)") or "oo" in m[0]) for m in found
    )
    if not clear:
        return None
    sets = [
        sp.Interval(parse_expression(m[2]), parse_expression(m[3]), m[1] == "(", m[4] == ")")
        for m in found
        if m
    ]
    return Region(sp.Union(*sets))


def _read_brackets(text: str) -> Value | None:
    """Read a coordinate, a set, a list, a matrix, or a dict, as written in brackets."""
    if point := re.fullmatch(r"(?:点|Point2?D?|([A-Z]))\s*(\([^()]*,[^()]*\))", text):
        content = _read_brackets(point[2])
        return build_named({point[1]: content}) if point[1] and content else content
    if builder := re.fullmatch(r"\{\s*[A-Za-z]\s*[|:]\s*(.*[<>].*)\}", text):
        return _read_relation(builder[1]) or _read_parts(builder[1])
    closing = {"(": ")", "[": "]", "{": "}"}.get(text[0])
    if closing is None or text[-1] != closing or _find_end(text) != len(text) - 1:
        return None
    inside = text[1:-1].strip()
    if text[0] == "{" and re.match(r"""['"\w][^,]*:""", inside):
        return _read_dict(inside)
    parts = split_outside(inside, ",")
    if len(parts) < 2 and text[0] == "(":
        return None
    values = [_read_part(part) for part in parts if part]
    if any(value is None for value in values):
        return None
    known = [value for value in values if value is not None]
    if text[0] == "[":
        return build_list(known)
    return build_items(known, ordered=text[0] == "(")


def _read_dict(inside: str) -> Value | None:
    named = {}
    for part in split_outside(inside, ","):
        name, _, value = part.partition(":")
        read = _read_part(value.strip())
        if read is None or not name.strip(" '\""):
            return None
        named[name.strip(" '\"")] = read
    return build_named(named)


def _read_chain(text: str) -> Value | None:
    """Read things put in order: `1 < 2 < 3`, `甲 > 乙 > 丙`; the smallest first."""
    for sign, step in (("<", 1), (">", -1)):
        parts = [part.strip() for part in text.split(sign)]
        if len(parts) < 3 or any(re.search(r"[<>=]", part) or not part for part in parts):
            continue
        values = [_read_part(part) for part in parts]
        numbers = [v for v in values if isinstance(v, Quantity) and v.number.is_number]
        if len(numbers) == len(parts):
            return Items(tuple(numbers[::step]), ordered=True)
        if not numbers and all(re.fullmatch(rf"[A-Za-z]+|[{HAN}]+", part) for part in parts):
            return Items(tuple(Text(part) for part in parts[::step]), ordered=True)
    return None


def _read_parts(text: str) -> Value | None:
    """Read several values side by side: `2 and 3`, `x = 3, y = 4`, `23只鸡，12只兔`."""
    parts = _split_parts(text)
    if len(parts) < 2:
        return None
    if all(len(_RELATION.findall(part)) == 1 and _sign_of(part) != "=" for part in parts):
        return _join_inequalities(parts, either=re.search(r"(?i)\bor\b|或|∨", text) is not None)
    pairs = [pair for part in parts if (pair := _read_name_first(part))]
    if len(pairs) == len(parts):
        return build_named(dict(pairs))
    values = [value for part in parts if (value := _read_part(_complete(part, parts[0])))]
    if len(values) < len(parts) or any(isinstance(value, Text) for value in values):
        return None
    labels = [value.label for value in values if isinstance(value, Quantity) and value.label]
    if len(labels) == len(values) == len(set(labels)):
        return build_named({v.label: Quantity(v.number) for v in values})  # type: ignore[union-attr]
    return build_items(values, ordered=False)


def _complete(part: str, first: str) -> str:
    """Return the second half of `x = 2 or 3` with its name."""
    name, sign, _ = first.partition("=")
    if sign and "=" not in part and len(name.strip()) == 1 and _RELATION.search(part) is None:
        return f"{name.strip()}={part}"
    return part


def _sign_of(part: str) -> str:
    return _RELATION.findall(part)[0].replace("==", "=")


def _split_parts(text: str) -> list[str]:
    """Split at commas and conjunctions outside brackets, but not within numbers."""
    places = [found for found in _PARTS.finditer(text) if _depth(text, found.start()) == 0]
    parts, start = [], 0
    for found in places:
        if re.match(r"\s*,\s*$", found[0]) and re.match(r"\d{3}(?!\d)", text[found.end() :]):
            before = re.search(r"(?<![\d.])\d{1,3}$", text[: found.start()])
            if before and found[0] == ",":
                continue
        parts.append(text[start : found.start()].strip())
        start = found.end()
    return [part for part in [*parts, text[start:].strip()] if part]


def _read_name_first(part: str) -> tuple[str, Value] | None:
    """Read `鸡23只` and `chickens: 23`."""
    found = re.fullmatch(
        rf"([A-Za-z][A-Za-z ]+|[{HAN}]+?)\s*(?:[:是为有]|are|is)?\s*(-?\d.*)", part
    )
    value = _read_quantity(found[2]) if found else None
    if found is None or not isinstance(value, Quantity):
        return None
    counted = value.unit is None
    return found[1], Quantity(value.number) if counted else value


def _read_part(text: str) -> Value | None:
    """Read a single value inside a collection."""
    if not text:
        return None
    quoted = re.fullmatch(r"""(['"])(.*)\1""", text)
    if quoted:
        return read_value(quoted[2])
    for read in _PART_READERS:
        try:
            value = read(text)
        except Exception:
            value = None
        if value is not None:
            return value
    return None


def _join_inequalities(parts: list[str], *, either: bool) -> Value | None:
    relations = [_build_relation(part) for part in parts]
    symbols = set().union(*(relation.free_symbols for relation in relations))
    if len(symbols) != 1:
        return None
    sets = [relation.as_set() for relation in relations]
    return Region(sp.Union(*sets) if either else sp.Intersection(*sets))


def _read_relation(text: str) -> Value | None:
    """Read `x = 5`, `y = 2x + 1`, `x > 3`, `2 < x <= 5`, `x ∈ [1, 2)`."""
    if member := re.fullmatch(r"[A-Za-z]\s*∈\s*(.+)", text):
        return read_typed(member[1])
    signs = _RELATION.findall(text)
    sides = [side.strip() for side in _RELATION.split(text)]
    if not signs or not all(sides):
        return None
    if len(signs) == 2 and all(sign[0] in "<>" for sign in signs):
        return _join_inequalities(
            [f"{sides[0]}{signs[0]}{sides[1]}", f"{sides[1]}{signs[1]}{sides[2]}"], either=False
        )
    if signs == ["="] or signs == ["=="]:
        return _read_equation(*sides)
    if len(set(signs)) == 1 and signs[0] == "=":  # `x = 6/2 = 3`: the last side is the answer
        return _read_equation(sides[0], sides[-1])
    if len(signs) != 1:
        return None
    relation = _build_relation(text)
    if not hasattr(relation, "free_symbols") or not relation.free_symbols:
        return None
    return type_relation(relation)


def _read_equation(left: str, right: str) -> Value | None:
    if re.fullmatch(r"[A-Za-z](?:_\w+)?|[A-Za-z]\([A-Za-z]\)", left) or _is_name(left):
        value = _read_part(right)
        return None if value is None else build_named({left: value})
    a, b = parse_expression(left), parse_expression(right)
    if not (a - b).free_symbols:  # `3 * 12 = 36`
        return Quantity(b)
    if b.is_Symbol and not a.free_symbols:
        return build_named({b.name: Quantity(a)})
    return Equation(sp.Eq(a, b, evaluate=False))


def _is_name(text: str) -> bool:
    """Return whether a text is a name in words, `total cost` or `面积`, and no expression."""
    if not _NAME.fullmatch(text):
        return False
    return len(text) > 1 and not text.isdigit() and (len(text) > 3 or not text.isascii())


def _build_relation(text: str) -> Any:
    left, right = _RELATION.split(text)
    return _RELATIONS[_RELATION.findall(text)[0]](parse_expression(left), parse_expression(right))


# --- expressions ---------------------------------------------------------------------------------


def _read_expression(text: str) -> Value | None:
    """Read `2*sqrt(3)`, `x^2 + 1`, and SymPy's own notation."""
    if re.search(rf"[{HAN}]", text):
        return None
    found = parse_expression(text)
    return None if found is None else type_sympy(found)


def parse_expression(text: str) -> Any:
    """Parse an expression.

    Raises:
        ValueError: it has words that are neither functions nor single letters.
    """
    if re.search(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}", text) or re.fullmatch(r"[A-Za-z]{3,}", text):
        known = all(w in _FUNCTIONS | _SYMPY for w in re.findall(r"[A-Za-z]{2,}", text))
        if not known:
            raise ValueError(f"not a value: {text}")
    for word in re.findall(r"[A-Za-z_][A-Za-z_0-9]*", text):
        bare = re.sub(r"_?\d+$|_[A-Za-z]$", "", word)
        letters = len(bare) <= 2 or (len(bare) == 3 and bare.islower())
        if not letters and bare.lower() not in _FUNCTIONS and bare not in _SYMPY:
            raise ValueError(f"not a value: {text}")
        if "__" in word:
            raise ValueError(f"not a value: {text}")
    if re.search(r"\.\s*[A-Za-z_]", text.replace("Interval.", "")):
        raise ValueError(f"not a value: {text}")
    text = text.replace("²", "^2").replace("³", "^3")
    text = re.sub(r"\b(?:arc)(sin|cos|tan)\b", r"a\1", text)
    text = re.sub(r"(\d*\.\d*)\((\d+)\)", _repeat, text)
    text = re.sub(r"(?<![\w.])(\d+)\s+(\d+)/(\d+)", r"(\1+\2/\3)", text)
    text = re.sub(r"(?<![\w.)])(\d+(?:\.\d+)?)%", r"(\1/100)", text)
    text = (
        text.replace("|", "") if text.count("|") % 2 else re.sub(r"\|([^|]*)\|", r"Abs(\1)", text)
    )
    names = {"C": sp.Symbol("C"), "S": sp.Symbol("S"), "N": sp.Symbol("N"), "Q": sp.Symbol("Q")}
    names |= {"O": sp.Symbol("O"), "e": sp.E, "i": sp.I, "beta": sp.Symbol("beta")}
    names |= {"gamma": sp.Symbol("gamma"), "lg": lambda x: sp.log(x, 10)}
    return parse_expr(text, local_dict=names, transformations=_TRANSFORMATIONS)


def _repeat(found: "re.Match[str]") -> str:
    number = NUMBER.fullmatch(found[0])
    return f"({read_number(number)})" if number else found[0]


def _read_by_math_verify(text: str) -> Value | None:
    """Read a formula in LaTeX that the other readers do not know: math-verify takes out of a text
    what it can read, so it is given no text."""
    import logging

    from math_verify import parse

    if not _FORMULA.fullmatch(text):
        return None
    logging.disable()  # math-verify warns of the missing timeout; the sandbox is the timeout
    try:
        found = parse(f"${text.strip('$ ')}$", parsing_timeout=None)
        return type_sympy(found[0]) if found and not isinstance(found[0], str) else None
    except Exception:
        return None
    finally:
        logging.disable(logging.NOTSET)


# --- brackets ------------------------------------------------------------------------------------


def split_outside(text: str, separator: str) -> list[str]:
    """Split a text at a separator outside of brackets."""
    parts, start, depth = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == separator and depth == 0:
            parts.append(text[start:place].strip())
            start = place + 1
    return [*parts, text[start:].strip()]


def _depth(text: str, end: int) -> int:
    return sum((sign in "([{") - (sign in ")]}") for sign in text[:end])


def _find_end(text: str) -> int:
    """Return the place of the bracket that closes the first one; -1 if none does."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0:
            return place
    return -1


_PART_READERS: tuple[Callable[[str], Value | None], ...] = (
    *(_read_word, _read_date, _read_clock, _read_quantity, _read_remainder),
    *(_read_intervals, _read_brackets, _read_relation, _read_expression),
)
_READERS = (
    *(_read_word, _read_date, _read_clock, _read_quantity, _read_remainder, _read_ratio),
    *(_read_intervals, _read_brackets, _read_chain, _read_parts, _read_relation, _read_expression),
)
