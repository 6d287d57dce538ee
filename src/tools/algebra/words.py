"""Answers in words: yes and no, no solution, all numbers, names of weekdays."""

import re

import sympy as sp

from .values import Region, Truth, Value

_NO_SOLUTION = re.compile(
    r"""
      (?:[该此原]?(?:方程|不等式)组?)?(?:在实数范围内)?(?:无|没有)(?:实数|整数|有理数?|实)*[解根]
    | (?:(?:the|this)\ (?:equation|inequality|system)(?:\ of\ \w+)?\ has\ |there\ (?:is|are)\ )?
      no\ (?:(?:real|integer|rational)\ )?(?:solutions?|roots?)(?:\ exists?)?
    | EmptySet | \{\s*\} | \[\s*\] | (?:frozen)?set\(\) | 空集
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ALL_NUMBERS = re.compile(
    r"(?i)(?:[a-z] (?:can be|is) )?(?:all|any|every) (?:real )?numbers?|all reals|Reals"
    r"|(?:[a-z]\s*)?(?:可?[为是取]\s*)?(?:所有|全体|任意|一切|任何)实数"
)
_YES = ("yes", "true", "是", "是的", "对", "正确", "correct", "能", "可以")
_NO = ("no", "false", "否", "不是", "不对", "错误", "incorrect", "不能")
_TRUTHS = dict.fromkeys(_YES, True) | dict.fromkeys(_NO, False)
_REASON = re.compile(r"(?<=[a-z\u4e00-\u9fff]),\s*[^\d=<>]*$")
"""What follows yes or no: `no, it is not`."""
_WEEKDAYS = {
    "星期一": "Monday",
    "星期二": "Tuesday",
    "星期三": "Wednesday",
    "星期四": "Thursday",
    "星期五": "Friday",
    "星期六": "Saturday",
    "星期日": "Sunday",
    "星期天": "Sunday",
}


def read_word(text: str) -> Value | None:
    """Read `yes`, `无解`, `all real numbers`."""
    if _NO_SOLUTION.fullmatch(text):
        return Region(sp.S.EmptySet)
    if _ALL_NUMBERS.fullmatch(text):
        return Region(sp.S.Reals)
    truth = _TRUTHS.get(_REASON.sub("", text.lower()))
    return None if truth is None else Truth(truth)


def normalise_words(text: str) -> str:
    """Return words as they are compared: in lower case, without punctuation, weekdays in
    English."""
    text = _WEEKDAYS.get(re.sub("礼拜|周", "星期", text), text)
    text = re.sub(r"(?i)^(?:on|the)\s+", "", text)
    return re.sub(r"[\s\"'.,!]+", " ", text.lower()).strip() or text
