"""What a question asks for by its words, and whether an answer is of that type.

Words that are not understood ask for nothing in particular: then any answer fits.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from ...language.text import HAN
from ..measures import Dimension
from .units import Unit, find_unit, split_unit
from .values import (
    Clock,
    Date,
    Items,
    Named,
    Quantity,
    Ratio,
    Region,
    Remainder,
    Text,
    Truth,
    Value,
)

Kind = str
"""`count`, `quantity`, `percentage`, `probability`, `fraction`, `ratio`, `remainder`, `number`,
`date`, `time`, `word`, `truth` or `coordinate`."""

_SENTENCE = re.compile(r"(?<!\d)\.(?!\d)|\.(?=\s)|[?？。！!;；\n]")
_ASKS = re.compile(
    r"(?i)\b(?:how|what|which|who|when|find|convert|change|calculate|determine|express|give|is|are|does|do|can)\b"
    r"|[求问几谁哪吗]|多少|什么|是否|多[长高远大久重宽深]"
)
_KINDS: tuple[tuple[Kind, str, str], ...] = (
    (
        "remainder",
        r"quotient and (?:the )?remainder|with (?:a )?remainder",
        "几余几|商[和与]余数",
    ),
    (
        "number",
        r"\b(?:what is|find|give|calculate) the (?:quotient|remainder)\b",
        "(?:余数|商)[是为](?:几|多少)|求(?:余数|商)",
    ),
    (
        "percentage",
        r"(?:what|how many) percent|percentage",
        "百分之几|百分之多少|百分比|百分率|[勤格活芽中秀盐糖]率",
    ),
    ("probability", r"\bprobability\b|\bchance that\b", "概率|可能性(?:是|为|有)多"),
    ("fraction", r"\bwhat fraction\b", "几分之几"),
    (
        "ratio",
        r"\bratio of\b.*\bto\b|\bwhat is the ratio\b|\bin the ratio\b",
        "几比几|(?:最简|整数)*比是(?:多少|几)",
    ),
    ("word", r"^who\b|\bwhich (?:day|person|child)\b|\bday of the week\b", "谁|星期几|周几"),
    ("date", r"\b(?:what|which) date\b", "几月几[日号]"),
    ("time", r"\b(?:at )?what time\b", "几点|什么时刻"),
    ("coordinate", r"\bcoordinates of\b", "(?<![横纵])坐标"),
    (
        "truth",
        r"^(?:is|are|does|do|can|did|will)\b(?!.*\b(?:how|what|which)\b)",
        "吗$|是否|是不是|能不能",
    ),
)
"""Kinds with the words, English and Chinese, that ask for them; the first that match decide."""

_HOW_MANY = re.compile(
    r"(?i)how many (?:(?:more|fewer|less|additional|extra|other|total|whole|full) )*(?P<en>[^,?]*)"
    rf"|(?:多少|几)(?P<zh>[{HAN}A-Za-z²³/]+)"
)
_IN_UNIT = re.compile(r"(?i)\bin ((?:square |cubic )?[a-z]+(?:(?: per |/)[a-z]+)?[²³]?)(?![a-z])")
_INTO_UNIT = re.compile(
    r"(?i)\b(?:convert|change)\b.*\b(?:to|into) ([a-z]+(?: per [a-z]+|/[a-z]+)?[²³]?)(?![a-z])"
    rf"|(?:化|换算?|改写?)[成为](?:用)?([A-Za-z²³/{HAN}]+)"
)
_SEPARATE = re.compile(
    "(?i)how many .*(?:and|,) how many|how much .*and how much"
    "|^(?!.*(?:每|平均)).*[和与、两].*各[有是为分得买]*(?:多少|几)"
)
_NOT_COUNTED = re.compile(
    r"(?i)^(?:times|percent|degrees?|of|parts?|dozens?)\b|^[倍分成折比余度时点钱]"
)
_PORTION = re.compile(
    r"(?i)^(?:cups?|tablespoons?|teaspoons?|servings?|slices?|pizzas?|pies?|cakes?|loa(?:f|ves)"
    r"|bars?|calories|points|units?|turns?|laps?|blocks?)\b|^(?:杯|块|张饼|圈|份)"
)
"""What is counted in halves too."""
_NOT_WHOLE = re.compile(r"(?i)\b(?:average|mean|per|each|rate)\b|平均|每|相当于|折合")
_AMBIGUOUS = frozenset("块分角毛时两日里码周尺度倍AB") | {"times", "in", "second"}
"""Units that are also other words after `how many` or `in`."""

_MONEY: tuple[Dimension, ...] = tuple(
    ((name, 1),) for name in ("yuan", "dollar", "euro", "sterling")
)
_TIME: tuple[Dimension, ...] = ((("time", 1),), (("months", 1),))
_LENGTH: Dimension = (("length", 1),)
_QUANTITIES: tuple[tuple[tuple[Dimension, ...], str, str], ...] = (
    ((_LENGTH, (("length", 2),)), r"\bsurface area\b", "表面积"),
    (((("length", 2),),), r"\barea\b", "面积"),
    (((("length", 3),),), r"\bvolume\b|\bcapacity\b", "体积|容积"),
    (((("length", 1), ("time", -1)),), r"\bspeed\b|\bhow fast\b", "速度|多快"),
    (_TIME, r"\bhow old\b|\bage of\b", "年龄|多大年纪"),
    (_TIME, r"\bhow long (?:did|does|do|will|would|has|have|was|were)\b", "多长时间|多久"),
    ((_LENGTH, *_TIME), r"\bhow long\b", ""),
    (
        (_LENGTH,),
        r"\bhow (?:tall|high|wide|deep|far)\b|\bperimeter\b|\bcircumference\b|\blength of\b",
        "周长|多[长高远宽深]",
    ),
    (((("mass", 1),),), r"\bhow (?:heavy|much does .* weigh)\b", "多重|重多少"),
    (
        _MONEY,
        r"\bhow much (?:money|do(?:es)? .* (?:pay|cost|spend|earn))\b|\bwhat do(?:es)? .* cost\b",
        "多少钱",
    ),
)
"""Dimensions that an amount may have, with the words that ask for it."""
_NEVER_NEGATIVE = re.compile(r"(?i)\b(?:pay|cost|spend)s?\b|多少钱")

_OF_A_WHOLE = re.compile(
    r"(?:^|[.?!] )(?:Of|Out of) (?:(?:the|these|those|her|his|their) )?(?P<en>\d+) [a-z]+"
    r"|(?P<zh>\d+)[^，。,\d]{0,8}(?:[，,]?其中|中有一)"
)
_SOME = re.compile(r"(?i)\bsome\b(?! of| more)|一些|一部分|若干")
_SHARE = re.compile(r"(?i)\bof (?:the|a|all|his|her)\b|[占剩]|[勤格活芽中秀盐糖]率|[吃用看读]了")
_GROWTH = re.compile(r"(?i)increase|decrease|more|less|grow|profit|[增减涨降]|提高|比")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ROUNDED = re.compile(
    r"""
      \bround(?:ed|ing)?\b (?:[^.?!]|\.(?=\d))*? \b(?:to|nearest)\ (?:the\ |a\ )*(?:nearest\ )?
      (?P<en>\d+\ (?:decimal|d\.?p)|[a-z]+)
    | (?:保留|精确到|四舍五入到?|取)
      (?P<zh>整数|[一两二三四\d]位小数|[个十百千]位|[十百千]分位)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PLACES = {
    **{"whole": 0, "integer": 0, "unit": 0, "one": 0, "ones": 0, "整数": 0, "个位": 0},
    **{
        "tenth": 1,
        "hundredth": 2,
        "thousandth": 3,
        "cent": 2,
        "十分位": 1,
        "百分位": 2,
        "千分位": 3,
    },
    **{
        "ten": -1,
        "tens": -1,
        "hundred": -2,
        "hundreds": -2,
        "thousand": -3,
        "十位": -1,
        "百位": -2,
    },
    **{"千位": -3, "dollar": 0},
}
_COUNTED_PLACES = {"一": 1, "两": 2, "二": 2, "三": 3, "四": 4} | {
    word: place for place, word in enumerate(("one", "two", "three", "four"), 1)
}
_GIVEN = re.compile(
    rf"\d\s*((?:square |cubic |平方|立方)?(?:[A-Za-z]{{1,12}}|[{HAN}]{{1,3}})[²³]?)"
)


FORMS = ("whole", "non_negative", "within_whole", "probability")


@dataclass(frozen=True)
class Asked:
    """What a question asks for."""

    kind: Kind | None = None
    """None if the words do not tell."""
    unit: Unit | None = None
    """Unit that the answer is wanted in; None if the words do not tell."""
    dimensions: tuple[Dimension, ...] = ()
    """Dimensions that the answer's unit may have; empty if the words do not tell."""
    forms: tuple[str, ...] = ()
    """What the answer is by its nature, of `FORMS`."""
    limit: Any = None
    """The whole that the answer is a part of; None if there is none."""
    places: int | None = None
    """Decimal places that the answer is to be rounded to, negative for tens; None for no
    rounding."""
    several: bool = False
    """Whether more than one value may be asked for."""
    separate: bool = False
    """Whether one value alone is no answer: `how many boys and how many girls`."""


def read_question(problem: str) -> Asked:
    """Return what a problem asks for, from the words of its last question."""
    return replace(_read_words(problem), places=_find_places(problem))


def _find_places(problem: str) -> int | None:
    """Return the decimal places that a problem asks to round to."""
    found = _ROUNDED.search(problem)
    if found is None:
        return None
    words = (found["en"] or found["zh"]).lower()
    if digits := re.match(r"\d+", words):
        return int(digits[0])
    if words[0] in _COUNTED_PLACES and "小数" in words:
        return _COUNTED_PLACES[words[0]]
    if words in _COUNTED_PLACES and re.search(rf"(?i){words} (?:decimal|d\.?p)", problem):
        return _COUNTED_PLACES[words]
    return _PLACES.get(words)


def _read_words(problem: str) -> Asked:
    sentences = [each.strip() for each in _SENTENCE.split(problem) if each.strip()]
    asking = [sentence for sentence in sentences if _ASKS.search(sentence)]
    question = asking[-1] if asking else problem.strip()
    clause = _take_last_clause(question)
    for kind, english, chinese in _KINDS:
        if re.search(rf"(?i){english}|{chinese}", clause):
            return _read_kind(kind, clause)
    return _read_amount(problem, question, clause)


def _take_last_clause(question: str) -> str:
    """Return the part of a Chinese question that asks."""
    if not re.search(f"[{HAN}]", question):
        return question
    clauses = [clause for clause in re.split(r"[，,]", question) if _ASKS.search(clause)]
    return clauses[-1] if clauses else question


def _read_kind(kind: Kind, clause: str) -> Asked:
    share = _SHARE.search(clause) is not None and _GROWTH.search(clause) is None
    if kind == "probability" or (kind in ("percentage", "fraction") and share):
        return Asked(kind, forms=("non_negative", "probability"))
    return Asked(kind)


def _read_amount(problem: str, question: str, clause: str) -> Asked:
    many = _HOW_MANY.search(clause)
    named = (many["en"] or many["zh"] or "").strip() if many else ""
    several = len(_HOW_MANY.findall(question)) > 1 or " and " in named or "各" in clause
    unit = _find_asked_unit(named, clause)
    if unit is not None:
        forms = ("non_negative",) if _is_never_negative(unit.dimension, clause) else ()
        return Asked("quantity", unit, (unit.dimension,), forms, several=bool(several))
    if several:
        return Asked(several=True, separate=_SEPARATE.search(question) is not None)
    if named and not _NOT_COUNTED.match(named):
        return _read_count(problem, clause, named)
    return _read_dimension(problem, question, clause)


def _find_asked_unit(named: str, clause: str) -> Unit | None:
    first = re.split(r" (?:an?|each|every|per) ", named)[0]
    candidates = [_take_unit(part) for part in (named, first) if part]
    candidates += [find_unit(found[1]) for found in _IN_UNIT.finditer(clause)]
    candidates += [_take_unit(found[1] or found[2]) for found in _INTO_UNIT.finditer(clause)]
    for unit in candidates:
        if unit and unit.name not in _AMBIGUOUS and unit.dimension and named not in _AMBIGUOUS:
            return unit
    return None


def _take_unit(named: str) -> Unit | None:
    """Return the unit that words after `how many` start with; `day passes` are no days."""
    unit, rest = split_unit(named)
    noun = re.match(r"[a-z]+", rest)
    verb = re.match(
        r"(?:of|did|do|does|will|are|is|was|were|can|has|have|long|in|to|from|per|had|would|should|must|tall|away|apart|more)\b",
        rest,
    )
    return None if noun and not verb else unit


def _read_count(problem: str, clause: str, named: str) -> Asked:
    whole = _NOT_WHOLE.search(clause) is None and _PORTION.match(named) is None
    limit = _find_whole(problem)
    forms = ("whole",) * whole + ("non_negative",) + ("within_whole",) * (limit is not None)
    return Asked("count", forms=forms, limit=limit)


def _find_whole(problem: str) -> Any:
    """Return the number that the answer is a part of: `Of 30 children some …`, or the only number
    of a problem that speaks of some of it."""
    numbers = _NUMBER.findall(problem)
    if len(numbers) > 2:
        return None  # which of them the answer is a part of is not clear
    if found := _OF_A_WHOLE.search(problem):
        return sp.Integer(found["en"] or found["zh"])
    if len(numbers) == 1 and _SOME.search(problem):
        return sp.Rational(numbers[0])
    return None


def _read_dimension(problem: str, question: str, clause: str) -> Asked:
    for dimensions, english, chinese in _QUANTITIES:
        words = rf"(?i){english}|{chinese}" if chinese else rf"(?i){english}"
        if re.search(words, clause):
            never = _is_never_negative(dimensions[0], question)
            unit = _infer_unit(problem, dimensions)
            return Asked("quantity", unit, dimensions, ("non_negative",) if never else ())
    return Asked()


def _is_never_negative(dimension: Dimension, clause: str) -> bool:
    if dimension in _MONEY:
        return _NEVER_NEGATIVE.search(clause) is not None
    return dimension[0][0] in ("length", "mass", "time", "months")


def _infer_unit(problem: str, dimensions: tuple[Dimension, ...]) -> Unit | None:
    """Return the unit of a length, an area or a volume, if all that is given is lengths in one
    unit."""
    if len(dimensions) != 1 or [base for base, _ in dimensions[0]] != ["length"]:
        return None
    ((_, power),) = dimensions[0]
    units = [split_unit(found[1])[0] for found in _GIVEN.finditer(problem)]
    lengths = {u.name for u in units if u and u.dimension and u.dimension[0][0] == "length"}
    plain = all(u.dimension == _LENGTH for u in units if u and u.name in lengths)
    if len(lengths) != 1 or not plain:
        return None
    (name,) = lengths
    chinese = re.match(f"[{HAN}]", name) is not None
    return find_unit(
        ("", "平方", "立方")[power - 1] + name if chinese else name + " ²³"[power - 1].strip()
    )


# --- fitting an answer ---------------------------------------------------------------------------

_TYPES: dict[Kind, tuple[type, ...]] = {
    "date": (Date, Text),
    "time": (Clock, Ratio, Text),
    "word": (Text,),
    "truth": (Truth, Text),
    "coordinate": (Items, Named, Text),
}
"""Types that answer a question of a kind for which no number does."""


def fit_value(value: Value, asked: Asked) -> Value | None:
    """Return an answer in the type that is asked for, with its unit, and rounded as asked; None if
    it is of another type."""
    fitted = _fit_type(value, asked)
    if asked.places is None or not isinstance(fitted, Quantity) or not fitted.number.is_real:
        return fitted
    scale = sp.Integer(10) ** asked.places
    rounded = sp.floor(abs(fitted.number) * scale + sp.Rational(1, 2)) / scale
    return Quantity(rounded * sp.sign(fitted.number), fitted.unit, fitted.label)


def _fit_type(value: Value, asked: Asked) -> Value | None:
    if asked.kind is None:
        return None if asked.separate and isinstance(value, Quantity) else value
    if asked.kind == "number":
        single = _take_single(value)
        return single if isinstance(single, Quantity) else None
    if asked.kind in _TYPES:
        return value if isinstance(value, _TYPES[asked.kind]) else None
    if asked.kind == "remainder":
        return _fit_remainder(value)
    value = _take_single(value)
    if asked.kind == "ratio":
        return _fit_ratio(value)
    if isinstance(value, Items | Named | Region):
        return value if asked.several else None
    if not isinstance(value, Quantity):
        return None
    return _fit_percentage(value) if asked.kind == "percentage" else _fit_unit(value, asked)


def _take_single(value: Value) -> Value:
    """Return the value of a single name."""
    if isinstance(value, Named) and len(value.items) == 1:
        return value.items[0][1]
    return value


def _fit_unit(value: Quantity, asked: Asked) -> Value | None:
    dimension = value.unit.dimension if value.unit else ()
    if asked.kind in ("count", "probability", "fraction"):
        return None if dimension or value.number.free_symbols else value
    if asked.unit and value.label and not value.unit:
        return None
    if dimension and asked.dimensions and dimension not in asked.dimensions:
        return None
    if asked.unit is None or value.number.free_symbols:
        return value
    if value.unit is None:
        return replace(value, unit=asked.unit)
    if value.shown or value.unit.name == asked.unit.name:
        return value
    return Quantity(value.number * value.unit.factor / asked.unit.factor, asked.unit)


def _fit_remainder(value: Value) -> Value | None:
    if isinstance(value, Items) and len(value.items) == 2:
        parts = [item.number for item in value.items if isinstance(item, Quantity)]
        return Remainder(*parts) if len(parts) == 2 else None
    if isinstance(value, Named) and len(value.items) == 2:
        named = dict(value.items)
        quotient = named.get("quotient") or named.get("商")
        rest = named.get("remainder") or named.get("余数") or named.get("余")
        if isinstance(quotient, Quantity) and isinstance(rest, Quantity):
            return Remainder(quotient.number, rest.number)
    return value if isinstance(value, Remainder) else None


def _fit_ratio(value: Value) -> Value | None:
    if isinstance(value, Quantity) and value.number.is_Rational:
        bare = value.unit is None and not value.label
        return Ratio((sp.Integer(value.number.p), sp.Integer(value.number.q))) if bare else None
    if isinstance(value, Items) and value.ordered:
        terms = tuple(item.number for item in value.items if isinstance(item, Quantity))
        return Ratio(terms) if len(terms) == len(value.items) else None
    return value if isinstance(value, Ratio) else None


def _fit_percentage(value: Quantity) -> Value | None:
    """Return a bare number as a percentage: a program may give 25 % as `25` or as `0.25`."""
    if value.is_percentage:
        return value
    if value.unit or value.label or not value.number.is_number:
        return None
    share = value.number.is_Rational and abs(value.number) < 1
    return Quantity(value.number * 100 if share else value.number, find_unit("%"))


# --- forms ---------------------------------------------------------------------------------------


def list_forms(asked: Asked, expected: list[str]) -> list[str]:
    """Return the forms that an answer is held to: those of the words, and those that comprehension
    expects, but a measured amount need not be whole."""
    measured = asked.unit is not None or asked.kind in ("percentage", "probability", "fraction")
    more = [form for form in expected if not (form == "whole" and measured)]
    return [form for form in FORMS if form in asked.forms or form in more]


def list_broken_forms(value: Value, asked: Asked, expected: list[str]) -> list[str]:
    """Return the forms that an answer violates; none for answers that are not real numbers."""
    value = _take_single(value)
    if not (isinstance(value, Quantity) and value.number.is_real):
        return []
    number = value.canonical if value.is_percentage else value.number
    holds = {
        "whole": number.is_integer is not False,
        "non_negative": number.is_negative is not True,
        "within_whole": asked.limit is None or bool(number <= asked.limit),
        "probability": bool(number <= 1),
    }
    return [form for form in list_forms(asked, expected) if not holds[form]]
