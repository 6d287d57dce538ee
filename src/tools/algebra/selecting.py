"""What a problem may ask of its solutions: their sum, the largest one, only whole ones."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp


@dataclass(frozen=True)
class Selector:
    """A phrase that asks for something of the solutions of one unknown."""

    pattern: re.Pattern[str]
    keep: Callable[[Any], Any] | None = None
    """Tells which solutions count: false or undecided for those that do not. None for all."""
    result: Callable[[list[Any]], Any] | None = None
    """What is asked of those that count; None for themselves."""


def _select(
    english: str,
    chinese: str,
    keep: Callable[[Any], Any] | None = None,
    result: Callable[[list[Any]], Any] | None = None,
) -> Selector:
    return Selector(re.compile(rf"(?i)\b(?:{english})\b|{chinese}"), keep, result)


def _is_whole(number: Any) -> Any:
    return number.is_integer


def _is_positive(number: Any) -> Any:
    return number.is_positive


def _is_negative(number: Any) -> Any:
    return number.is_negative


def _is_positive_whole(number: Any) -> Any:
    return number.is_integer and number.is_positive


def _is_negative_whole(number: Any) -> Any:
    return number.is_integer and number.is_negative


def _is_nonnegative_whole(number: Any) -> Any:
    return number.is_integer and number.is_nonnegative


_ROOTS = r"(?:real |distinct |different |integer |whole )*(?:roots?|solutions?)"
_ALL_ROOTS = rf"(?:the |all |its )*{_ROOTS}"
_ONE_ROOT = r"(?:of the )?(?:real )?(?:root|solution)s?"
_WHOLE = "integer"

SELECTORS = (
    _select(
        rf"how many {_WHOLE}s?(?: solutions?)?(?: (?:does|do|are there)\b)?",
        r"有(?:几个|多少个)整数[解根]?|整数[解根]?\s*[a-z]?\s*(?:的个数|有(?:几个|多少个))",
        _is_whole,
        len,
    ),
    _select(
        rf"(?:how many|the number of|number of) {_ROOTS}(?: (?:does|do|are there)\b)?",
        r"(?:的)?(?:一共|共)?有(?:几个|多少个?)(?:不同的|不相等的)?(?:实数?)?[解根]"
        r"|(?:实数?)?[解根]的个数(?:是(?:几|多少))?",
        result=len,
    ),
    _select(
        rf"(?:the )?sum of {_ALL_ROOTS}",
        r"(?:两|所有)?(?:实数?)?[根解](?:之和|的和)",
        result=sum,
    ),
    _select(
        rf"(?:the )?product of {_ALL_ROOTS}",
        r"(?:两|所有)?(?:实数?)?[根解](?:之积|的积|的乘积)",
        result=sp.prod,
    ),
    _select(
        rf"(?:the )?(?:largest|greatest|biggest|maximum) {_WHOLE}(?: solution)?",
        r"最大的?整数[解根]?",
        _is_whole,
        max,
    ),
    _select(
        rf"(?:the )?(?:smallest|least|minimum) {_WHOLE}(?: solution)?",
        r"最小的?整数[解根]?",
        _is_whole,
        min,
    ),
    _select(
        rf"(?:the )?(?:largest|larger|greater|greatest|bigger) {_ONE_ROOT}",
        r"(?:较大|最大|大)的?(?:实数?)?[根解]",
        result=max,
    ),
    _select(
        rf"(?:the )?(?:smallest|smaller|lesser|least) {_ONE_ROOT}",
        r"(?:较小|最小|小)的?(?:实数?)?[根解]",
        result=min,
    ),
    _select(
        rf"(?:is a |are )?positive {_WHOLE}s?",
        r"(?:是|为)?正整数",
        _is_positive_whole,
    ),
    _select(
        r"(?:is a |are )?natural numbers?",
        r"(?:是|为)?自然数",
        _is_nonnegative_whole,
    ),
    _select(
        r"(?:numbers?|values?) (?=[a-z]\b)(?!of)",
        r"$.",
    ),
    _select(r"non-?negative integers?", r"非负整数", _is_nonnegative_whole),
    _select(r"(?:is a )?negative integers?", r"(?:是|为)?负整数", _is_negative_whole),
    _select(rf"(?:is an |are )?{_WHOLE}s?", r"(?:是|为)?整数", _is_whole),
    _select(r"(?:is )?positive", r"(?:是|为)?正的?(?:实)?数?", _is_positive),
    _select(r"(?:is )?negative", r"(?:是|为)?负的?(?:实)?数?", _is_negative),
)
"""In this order: each takes its phrase out of the text before the next one looks."""
