"""Verification of an answer by the relations that the problem states.

The relations are solved, what the words ask of the solutions is selected, and the answer has to be
exactly that. A problem with a word or a formula that is not understood verifies nothing.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ...language.text import HAN
from .building import build_items, build_named
from .comparing import is_same_value
from .expressions import parse_expression
from .latex import simplify
from .textbook import write_text
from .values import Equation, Quantity, Region, Value

_FUNCTIONS = frozenset(["sin", "cos", "tan", "cot", "log", "ln", "exp", "sqrt", "abs", "pi"])
_TOKEN = re.compile(r"\d+\.?\d*|[A-Za-z]+|<=|>=|!=|[-+*/^().|]|[=<>]|\s+|\S")
_RELATION = re.compile(r"<=|>=|[=<>]")
_RELATIONS = {"=": sp.Eq, "<": sp.Lt, ">": sp.Gt, "<=": sp.Le, ">=": sp.Ge}

_PLAIN_ENGLISH = frozenset(
    [
        "solve",
        "find",
        "the",
        "equation",
        "equations",
        "inequality",
        "inequalities",
        "system",
        "of",
        "for",
        "value",
        "values",
        "what",
        "is",
        "are",
        "if",
        "given",
        "that",
        "and",
        "all",
        "please",
        "which",
        "satisfies",
        "satisfy",
        "satisfying",
        "such",
        "determine",
        "compute",
        "calculate",
        "solution",
        "solutions",
        "root",
        "roots",
        "set",
        "to",
        "following",
        "simultaneous",
        "linear",
        "quadratic",
        "cubic",
        "in",
        "with",
        "then",
        "when",
        "let",
        "where",
        "unknown",
        "unknowns",
        "variable",
        "variables",
        "both",
        "number",
        "numbers",
        "by",
        "us",
        "me",
        "it",
        "does",
        "a",
        "an",
        "this",
        "these",
        "have",
        "give",
        "your",
        "real",
        "over",
        "reals",
    ]
)
_PLAIN_CHINESE = re.compile(
    "解方程组|解不等式组|解不等式|一元[一二三]次|二元一次|实数范围内|取值范围|方程组|不等式组|解方程|不等式|未知数|是多少|等于多少|"
    "方程|求解|求出|解集|实数解|实数根|实数|实根|已知|如果|其中|满足|所有|全部|下列|下面|以下|关于|那么|等于|多少|什么|"
    "请问|请|计算|帮我|帮忙|一下|同时|联立|分别|各是|各|求|解|根|若|且|和|与|则|的|值|是|设|有|为|当|时|这个|试|在|中|由|得"
)

_Select = Callable[[list[Any]], Any]


@dataclass(frozen=True)
class _Selector:
    """A phrase that asks for something of the solutions of one unknown."""

    pattern: "re.Pattern[str]"
    keep: Callable[[Any], bool] | None = None
    """Which solutions count; None for all."""
    result: _Select | None = None
    """What is asked of those that count; None for themselves."""


def _phrase(english: str, chinese: str) -> "re.Pattern[str]":
    return re.compile(rf"(?i)\b(?:{english})\b|{chinese}")


_SOLUTIONS = r"(?:real |distinct |different |integer |whole )*(?:roots?|solutions?)"
_HOW_MANY = _phrase(
    rf"(?:how many|the number of|number of) {_SOLUTIONS}(?: (?:does|do|are there))?",
    r"(?:的)?(?:一共|共)?有(?:几个|多少个)(?:不同的|不相等的)?(?:实数?)?[解根]|(?:实数?)?[解根]的个数(?:是(?:几|多少))?",
)
_HOW_MANY_WHOLE = _phrase(
    r"how many (?:integers?|whole numbers?)(?: solutions?)?",
    r"有(?:几个|多少个)整数[解根]?|整数[解根]?\s*[a-z]?\s*(?:的个数|有(?:几个|多少个))",
)
_SELECTORS = (
    _Selector(_HOW_MANY_WHOLE, lambda x: x.is_integer, len),
    _Selector(_HOW_MANY, None, len),
    _Selector(
        _phrase(
            rf"(?:the )?sum of (?:the |all |its )*{_SOLUTIONS}",
            "(?:两|所有)?(?:实数?)?[根解](?:之和|的和)",
        ),
        None,
        sum,
    ),
    _Selector(
        _phrase(
            rf"(?:the )?product of (?:the |all |its )*{_SOLUTIONS}",
            "(?:两|所有)?(?:实数?)?[根解](?:之积|的积|的乘积)",
        ),
        None,
        sp.prod,
    ),
    _Selector(
        _phrase(
            r"(?:the )?(?:largest|greatest|biggest|maximum) (?:integer|whole number)(?: solution)?",
            "最大的?整数[解根]?",
        ),
        lambda x: x.is_integer,
        max,
    ),
    _Selector(
        _phrase(
            r"(?:the )?(?:smallest|least|minimum) (?:integer|whole number)(?: solution)?",
            "最小的?整数[解根]?",
        ),
        lambda x: x.is_integer,
        min,
    ),
    _Selector(
        _phrase(
            r"(?:the )?(?:largest|larger|greater|greatest|bigger) (?:of the )?(?:real )?(?:root|solution)s?",
            "(?:较大|最大|大)的?(?:实数?)?[根解]",
        ),
        None,
        max,
    ),
    _Selector(
        _phrase(
            r"(?:the )?(?:smallest|smaller|lesser|least) (?:of the )?(?:real )?(?:root|solution)s?",
            "(?:较小|最小|小)的?(?:实数?)?[根解]",
        ),
        None,
        min,
    ),
    _Selector(
        _phrase(
            r"(?:is a |are )?(?:positive (?:integers?|whole numbers?)|natural numbers?)",
            "(?:是|为)?正整数|自然数",
        ),
        lambda x: x.is_integer and x.is_positive,
    ),
    _Selector(
        _phrase(r"(?:is a )?negative integers?", "(?:是|为)?负整数"),
        lambda x: x.is_integer and x.is_negative,
    ),
    _Selector(
        _phrase(r"non-?negative integers?", "非负整数"), lambda x: x.is_integer and x.is_nonnegative
    ),
    _Selector(
        _phrase(r"(?:is an |are )?(?:integers?|whole numbers?)", "(?:是|为)?整数"),
        lambda x: x.is_integer,
    ),
    _Selector(_phrase(r"(?:is )?positive", "(?:是|为)?正的?(?:实)?数?"), lambda x: x.is_positive),
    _Selector(_phrase(r"(?:is )?negative", "(?:是|为)?负的?(?:实)?数?"), lambda x: x.is_negative),
)


def find_held_relations(problem: str, answer: Value) -> str | None:
    """Return the relations of a problem that an answer is the solution of, as text.

    None if that is not certain: no relation, a word or formula that is not understood, more than
    one reading, another answer.
    """
    read = _read_problem(problem)
    if read is None:
        return None
    relations, alone, selectors, real = read
    expected = _list_expected(relations, alone, selectors, real_only=real)
    if not any(is_same_value(value, answer, strict=True) for value in expected):
        return None
    return ", ".join(_format_relation(relation) for relation in relations)


def _format_relation(relation: Any) -> str:
    return write_text(Equation(relation))


def _read_problem(problem: str) -> tuple[list[Any], list[str], list[_Selector], bool] | None:
    """Return a problem's relations, the unknowns it names by themselves, what it asks of the
    solutions, and whether those are real; None if a part of it is not understood."""
    text = simplify(problem.replace("\n", " ; "))
    selectors = []
    for selector in _SELECTORS:
        shorter = selector.pattern.sub(" ; ", text)
        if shorter != text:
            selectors.append(selector)
            text = shorter
    formulas, words = split_formulas(text)
    known = all(word.lower() in _PLAIN_ENGLISH for word in words if word.isascii())
    chinese = "".join(word for word in words if not word.isascii())
    if not known or re.search(f"[{HAN}]", _PLAIN_CHINESE.sub("", chinese)):
        return None
    relations, alone = [], []
    for formula in formulas:
        found = parse_relations(formula)
        if found:
            relations += found
        elif re.fullmatch(r"[A-Za-z]", bare := formula.strip(" =()[]{}")):
            alone.append(bare)
        elif not re.fullmatch(r"\(?\d?\)?", bare):
            return None
    if any(not name for name in alone) or not relations:
        return None
    real = "real" in words or "reals" in words or "实" in chinese
    return relations, list(dict.fromkeys(alone)), selectors, real


def split_formulas(text: str) -> tuple[list[str], list[str]]:
    """Split a text at its words and punctuation; return the formulas between them, and the
    words."""
    pieces, words = [""], list[str]()
    for token in _TOKEN.findall(text):
        english = token.isascii() and token.isalpha() and len(token) > 1
        category = unicodedata.category(token[0])
        if english and token.lower() not in _FUNCTIONS:
            words.append(token)
            pieces.append("")
        elif (not token.isascii() and category[0] in "LP") or token in ",;:?!\"'":
            words += [token] if category == "Lo" else []
            pieces.append("")
        else:
            pieces[-1] += token
    return _join_articles([piece.strip(" .") for piece in pieces], words)


def _join_articles(pieces: list[str], words: list[str]) -> tuple[list[str], list[str]]:
    """Return the pieces without the article that stands alone between words."""
    return [piece for piece in pieces if piece and piece != "a"], words


def parse_relations(formula: str) -> list[Any]:
    """Return a formula's equation or inequalities; empty if it is none, or has no unknown."""
    signs = _RELATION.findall(formula)
    if not signs or (len(signs) > 1 and "=" in signs):
        return []
    sides = _RELATION.split(formula)
    try:
        relations = [
            _RELATIONS[sign](parse_expression(left), parse_expression(right))
            for left, sign, right in zip(sides, signs, sides[1:], strict=False)
        ]
    except Exception:  # of whatever kind: SymPy raises many
        return []
    return relations if all(getattr(r, "free_symbols", None) for r in relations) else []


# --- solving -------------------------------------------------------------------------------------


def _list_expected(
    relations: list[Any], alone: list[str], selectors: list[_Selector], *, real_only: bool
) -> list[Value]:
    """Return the values that answer the problem; several if real and complex solutions differ."""
    unknowns = sorted(set().union(*(r.free_symbols for r in relations)), key=str)
    if any(name not in {str(u) for u in unknowns} for name in alone) or len(selectors) > 2:
        return []
    equations = [relation for relation in relations if isinstance(relation, sp.Eq)]
    conditions = [relation for relation in relations if not isinstance(relation, sp.Eq)]
    try:
        if len(unknowns) > 1:
            return [] if selectors else _solve_system(equations, conditions, unknowns, alone)
        if not equations:
            return _solve_inequalities(conditions, unknowns[0], selectors)
        domains = (
            [sp.S.Reals] if real_only or selectors or conditions else [sp.S.Reals, sp.S.Complexes]
        )
        found = [_solve_equation(equations, conditions, unknowns[0], domain) for domain in domains]
    except (NotImplementedError, ValueError, TypeError, AttributeError):
        return []
    return [
        value
        for solutions in found
        if solutions is not None
        and (value := _select(solutions, unknowns[0], selectors)) is not None
    ]


def _solve_equation(
    equations: list[Any], conditions: list[Any], unknown: Any, domain: Any
) -> list[Any] | None:
    """Return all solutions of one unknown; None if they are not finitely many, or not found."""
    try:
        found = sp.Intersection(*(sp.solveset(equation, unknown, domain) for equation in equations))
    except ValueError:  # an absolute value over the complex numbers
        return None
    if found is sp.S.EmptySet:
        return []
    if not isinstance(found, sp.FiniteSet):
        return None
    for value in found:
        if any(
            sp.simplify(e.lhs.subs(unknown, value) - e.rhs.subs(unknown, value)) != 0
            for e in equations
        ):
            return None
    return [value for value in found if all(c.subs(unknown, value) == True for c in conditions)]  # noqa: E712


def _select(solutions: list[Any], unknown: Any, selectors: list[_Selector]) -> Value | None:
    """Return what the selectors ask of the solutions; None if nothing is left to ask it of."""
    for selector in selectors:
        if selector.keep is not None:
            solutions = [value for value in solutions if selector.keep(value)]
    results = [selector.result for selector in selectors if selector.result is not None]
    if len(results) > 1:
        return None
    if results:
        if not solutions and results[0] is not len:
            return None
        return Quantity(sp.sympify(results[0](solutions)))
    if not solutions:
        return Region(sp.S.EmptySet)
    values: list[Value] = [Quantity(value) for value in solutions]
    return build_named({unknown.name: build_items(values, ordered=False)})


def _solve_inequalities(
    conditions: list[Any], unknown: Any, selectors: list[_Selector]
) -> list[Value]:
    region = sp.reduce_inequalities(conditions, [unknown]).as_set()
    if not selectors:
        return [Region(region)]
    whole = [s for s in selectors if s.keep is not None and s.keep(sp.Rational(1, 2)) is False]
    if not whole:
        return []
    bound = sp.Interval(1, sp.oo) if any(s.keep(sp.Integer(-1)) is False for s in whole) else None  # type: ignore[misc]
    limited = sp.Intersection(region, bound) if bound is not None else region
    results = [s.result for s in selectors if s.result is not None]
    low, high = limited.inf, limited.sup
    if results and results[0] in (max, min):
        end = high if results[0] is max else low
        if not end.is_finite:
            return []
        place = sp.floor(end) if results[0] is max else sp.ceiling(end)
        step = -1 if results[0] is max else 1
        found = next(
            (place + step * n for n in range(3) if limited.contains(place + step * n) == True), None
        )
        return [] if found is None else [Quantity(found)]
    if not (low.is_finite and high.is_finite) or high - low > 1000:
        return []
    whole_numbers = [n for n in range(int(sp.ceiling(low)), int(sp.floor(high)) + 1)]
    kept = [sp.Integer(n) for n in whole_numbers if limited.contains(n) == True]  # noqa: E712
    value = _select(kept, unknown, selectors)
    return [] if value is None else [value]


def _solve_system(
    equations: list[Any], conditions: list[Any], unknowns: list[Any], alone: list[str]
) -> list[Value]:
    if len(equations) < len(unknowns) or conditions:
        return []
    if not all((e.lhs - e.rhs).is_polynomial(*unknowns) for e in equations):
        return []
    found = sp.solve(equations, unknowns, dict=True)
    if any(set(s) != set(unknowns) or any(v.free_symbols for v in s.values()) for s in found):
        return []
    wanted = [u for u in unknowns if not alone or u.name in alone]
    real = [s for s in found if all(v.is_real for v in s.values())]
    return [_name_solutions(solutions, wanted) for solutions in (found, real)]


def _name_solutions(solutions: list[dict[Any, Any]], wanted: list[Any]) -> Value:
    named = [build_named({u.name: Quantity(s[u]) for u in wanted}) for s in solutions]
    return build_items(list(dict.fromkeys(named)), ordered=False)
