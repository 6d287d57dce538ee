"""What a question asks for by its words, and whether an answer is of that type."""

import re
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ...language.text import HAN
from .latex import simplify
from .numerals import NUMBER, read_number
from .units import Unit, find_unit, split_unit
from .values import Clock, Date, Items, Named, Quantity, Ratio, Remainder, Text, Truth, Value

_SENTENCE = re.compile(r"(?<!\d)[.](?!\d)|[.](?=\s)|[?？。！!;；\n]")
_ASKS = re.compile(
    r"(?i)how|what|which|find|calculate|determine|express|give|[求问几]|多少|什么|多[长高远大久]|哪"
)
_HOW_MANY = re.compile(
    r"(?i)how many (?:more |fewer |less |additional |extra |other |total |whole |full )*(?P<en>[^,?]*)|"
    rf"(?:多少|几)(?P<zh>[{HAN}A-Za-z²³/]+)"
)
_IN_UNIT = re.compile(r"(?i)\bin ((?:square |cubic )?[a-z]+(?:(?: per |/)[a-z]+)?²?³?)\b")
_PERCENT = re.compile(
    r"(?i)\bwhat percent|percentage|how many percent|百分之几|百分之多少|百分比|百分率|几成"
)
_PROBABILITY = re.compile(r"(?i)\bprobability\b|\bchance that\b|概率|可能性(?:是|为|有)多")
_REMAINDER = re.compile(
    r"(?i)quotient and (?:the )?remainder|几余几|商几余几|商和余数|商与余数|with (?:a )?remainder"
)
_RATIO = re.compile(
    r"(?i)\bratio of\b.*\bto\b|\bwhat is the ratio\b|\bin the ratio\b|几比几|(?:最简)?(?:整数)?比是(?:多少|几)"
)
_NOT_COUNTED = re.compile(
    r"(?i)^(?:times|percent|degrees?|of|pieces? of a|parts?|dozens?)\b|^(?:倍|分之|成|折|比|余|度|时|点)"
)
_NOT_WHOLE = re.compile(
    r"(?i)\baverage|\bmean\b|\bon average|\bper\b|\beach\b|\brate\b|平均|每|相当于|折合"
)
_AMBIGUOUS = frozenset(
    [
        "块",
        "分",
        "角",
        "毛",
        "时",
        "两",
        "日",
        "里",
        "码",
        "周",
        "尺",
        "时候",
        "度",
        "times",
        "倍",
        "A",
        "B",
    ]
)
_OF_A_WHOLE = re.compile(
    r"(?i)\b(?:out )?of (?:the |these |those |her |his |their )?(?P<en>\d+)\s+[a-z]+|(?P<zh>\d+)[^，。,]{0,8}[，,]?其中"
)
_AREA = re.compile(r"(?i)\barea\b|面积")
_VOLUME = re.compile(r"(?i)\bvolume\b|体积|容积")
_LENGTH = re.compile(
    r"(?i)\bperimeter|\bcircumference|\blength\b|\bwidth\b|\bheight\b|\bradius\b|\bhow (?:long|far|tall|high|wide)\b|周长|多长|多高|多远|多宽|半径是"
)
_GIVEN = re.compile(
    rf"\d\s*((?:square |cubic |平方|立方)?(?:[A-Za-z]{{1,12}}|[{HAN}]{{1,3}})[²³]?)"
)


@dataclass(frozen=True)
class Asked:
    """What a question asks for."""

    kind: str | None = None
    """`count`, `quantity`, `percentage`, `probability`, `ratio`, `remainder`; None if that is not
    told by the words."""
    unit: Unit | None = None
    """Unit that the answer is wanted in; None if the words do not say."""
    whole: bool = False
    """Whether the answer is a whole number."""
    limit: Any = None
    """The whole that the answer is a part of; None if there is none."""


def read_question(problem: str) -> Asked:
    """Return what a problem asks for, from the words of its last question."""
    text = problem.replace("？", "?").replace("％", "%")
    asking = [s for s in _SENTENCE.split(text) if s and _ASKS.search(s)]
    question = (asking[-1] if asking else text).strip()
    clause = _last_clause(question)
    if _REMAINDER.search(question):
        return Asked("remainder")
    if _PERCENT.search(clause):
        return Asked("percentage")
    if _PROBABILITY.search(clause):
        return Asked("probability")
    if _RATIO.search(clause):
        return Asked("ratio")
    if len(_HOW_MANY.findall(question)) > 1:
        return Asked()
    return _read_amount(problem, question, clause)


def _last_clause(question: str) -> str:
    """Return the part of the question that asks, in Chinese its last clause."""
    if not re.search(f"[{HAN}]", question):
        return question
    clauses = [c for c in re.split(r"[，,]", question) if _ASKS.search(c)]
    return clauses[-1] if clauses else question


def _read_amount(problem: str, question: str, clause: str) -> Asked:
    many = _HOW_MANY.search(clause)
    named = (many["en"] or many["zh"] or "").strip() if many else ""
    unit = _find_asked_unit(named, clause)
    if unit is not None:
        return Asked("quantity", unit)
    if many and named and not _NOT_COUNTED.match(named):
        whole = _NOT_WHOLE.search(clause) is None
        return Asked("count", whole=whole, limit=_find_whole(problem))
    inferred = _infer_unit(problem, question)
    return Asked("quantity", inferred) if inferred else Asked()


def _find_asked_unit(named: str, clause: str) -> Unit | None:
    if named and named not in _AMBIGUOUS:
        unit, _ = split_unit(named)
        if unit and unit.name not in _AMBIGUOUS and unit.dimension:
            return unit
    for found in _IN_UNIT.finditer(clause):
        unit = find_unit(found[1])
        if unit and unit.dimension and unit.name not in ("in", "second", "A"):
            return unit
    return None


def _find_whole(problem: str) -> Any:
    """Return the number that the answer is a part of, as in `Of 30 children some wear glasses`."""
    found = _OF_A_WHOLE.search(problem)
    return sp.Integer(found["en"] or found["zh"]) if found else None


def _infer_unit(problem: str, question: str) -> Unit | None:
    """Return the unit of an area, a volume or a length if all lengths given have the same one."""
    power = 2 if _AREA.search(question) else 3 if _VOLUME.search(question) else 1
    if power == 1 and not _LENGTH.search(question):
        return None
    lengths = set()
    for found in _GIVEN.finditer(problem):
        unit, _ = split_unit(found[1])
        if unit and unit.dimension and unit.dimension[0][0] == "length":
            if unit.dimension != (("length", 1),):
                return None
            lengths.add(unit.name)
    if len(lengths) != 1:
        return None
    (name,) = lengths
    if re.match(f"[{HAN}]", name):
        return find_unit({1: name, 2: f"平方{name}", 3: f"立方{name}"}[power])
    return find_unit(name + {1: "", 2: "²", 3: "³"}[power])


# --- fitting an answer ---------------------------------------------------------------------------


def fit_value(value: Value, asked: Asked) -> Value | None:
    """Return an answer in the type that is asked for, with its unit; None if it is of another."""
    fit = {
        "remainder": _fit_remainder,
        "ratio": _fit_ratio,
        "percentage": _fit_percentage,
    }.get(asked.kind or "")
    if fit is not None:
        return fit(value)
    if asked.kind is None:
        return value
    value = _unname(value)
    if isinstance(value, Text | Truth | Date | Clock | Ratio | Remainder):
        return None
    if not isinstance(value, Quantity):
        return value
    return _fit_unit(value, asked)


def _unname(value: Value) -> Value:
    single = isinstance(value, Named) and len(value.items) == 1
    return value.items[0][1] if single and isinstance(value, Named) else value


def _fit_unit(value: Quantity, asked: Asked) -> Value | None:
    if asked.kind == "count":
        physical = value.unit is not None and value.unit.dimension not in ((), (("angle", 1),))
        return None if physical else value
    if asked.unit is None:
        return value
    if value.unit is None and not value.label and value.number.is_number:
        return Quantity(value.number, asked.unit)
    if value.unit is not None and value.unit.dimension != asked.unit.dimension:
        return None
    return value


def _fit_remainder(value: Value) -> Value | None:
    if isinstance(value, Items) and len(value.items) == 2:
        parts = [item.number for item in value.items if isinstance(item, Quantity)]
        return Remainder(*parts) if len(parts) == 2 and value.ordered else None
    if isinstance(value, Named) and len(value.items) == 2:
        parts = dict(value.items)
        quotient = parts.get("quotient") or parts.get("商")
        rest = parts.get("remainder") or parts.get("余数") or parts.get("余")
        if isinstance(quotient, Quantity) and isinstance(rest, Quantity):
            return Remainder(quotient.number, rest.number)
    return value if isinstance(value, Remainder) else None


def _fit_ratio(value: Value) -> Value | None:
    value = _unname(value)
    if isinstance(value, Ratio):
        return value
    if isinstance(value, Quantity) and value.number.is_Rational and not value.unit:
        return Ratio((sp.Integer(value.number.p), sp.Integer(value.number.q)))
    if isinstance(value, Items) and value.ordered:
        terms = tuple(item.number for item in value.items if isinstance(item, Quantity))
        return Ratio(terms) if len(terms) == len(value.items) else None
    return None


def _fit_percentage(value: Value) -> Value | None:
    value = _unname(value)
    if not isinstance(value, Quantity):
        return None
    if value.is_percentage:
        return value
    if value.unit or value.label or not value.number.is_number:
        return None
    below_one = value.number.is_Rational and abs(value.number) < 1
    return Quantity(value.number * 100 if below_one else value.number, find_unit("%"))


def list_broken_forms(value: Value, asked: Asked, forms: list[str]) -> list[str]:
    """Return the forms that an answer violates: `whole`, `non_negative`, `within_whole`,
    `probability`; none for answers that are not real numbers."""
    value = _unname(value)
    if not (isinstance(value, Quantity) and value.number.is_real):
        return []
    number = value.canonical if value.is_percentage else value.number
    counted = asked.kind == "count"
    wanted = {
        "whole": asked.whole or ("whole" in forms and asked.kind != "quantity"),
        "non_negative": counted or "non_negative" in forms or asked.kind == "probability",
        "within_whole": counted and asked.limit is not None,
        "probability": asked.kind == "probability",
    }
    holds = {
        "whole": number.is_integer is not False,
        "non_negative": number.is_negative is not True,
        "within_whole": asked.limit is None or bool(number <= asked.limit),
        "probability": bool(number <= 1),
    }
    return [form for form in wanted if wanted[form] and not holds[form]]


def list_forms(asked: Asked, forms: list[str]) -> list[str]:
    """Return the forms that an answer is held to."""
    own = ["whole"] * asked.whole + ["non_negative"] * (asked.kind == "count")
    own += ["within_whole"] * (asked.limit is not None) + ["probability"] * (
        asked.kind == "probability"
    )
    return list(dict.fromkeys([*forms, *own]))


__all__ = [
    "NUMBER",
    "Asked",
    "fit_value",
    "list_broken_forms",
    "read_number",
    "read_question",
    "simplify",
]
