"""What is counted if that is no unit: `chicken` of `23 chickens left`."""

import re

from ...language.text import HAN
from .expressions import FUNCTIONS

MEASURE_WORDS = (
    "个只支枝本条张头名人位块辆棵朵件把双对台架座间家根颗粒页次遍瓶杯箱袋盒篮种层排组步群道题"
)
"""Chinese characters between a number and what is counted."""

_FILLER = re.compile(
    r"""
    (?: left|remaining|remain|more|in\ total|in\ all|total|altogether|each|apiece
      | in|of\ water|units?|only
      | 整|左右|个?单位
    )?\.?
    """,
    re.VERBOSE | re.IGNORECASE,
)
ASPECTS = {
    **dict.fromkeys(("long", "长", "length"), "long"),
    **dict.fromkeys(("tall", "high", "高", "height"), "high"),
    **dict.fromkeys(("wide", "宽", "width"), "wide"),
    **dict.fromkeys(("deep", "深", "depth"), "deep"),
    **dict.fromkeys(("thick", "厚", "thickness"), "thick"),
    **dict.fromkeys(("away", "远", "distance"), "away"),
    **dict.fromkeys(("old", "age", "年龄"), "old"),
}
"""What a quantity can be the measure of, by its words after it, and by its names."""
_ENDING = re.compile(r"\s+(?:left|remaining|in total|in all|altogether|each|total)$", re.IGNORECASE)
_LABEL = re.compile(rf"[A-Za-z][A-Za-z'-]*(?: [A-Za-z][A-Za-z'-]*){{0,2}}|[{HAN}]{{1,6}}")
_NO_LABEL = re.compile(
    r"""
    \b(?: more|less|fewer|than|of|times|or|and|not|if|is|are|was|the|plus|minus|over|to|from
        | with|without|by|but|squared|cubed|factorial
    )\b
    | [比的和或不没有多少是加减乘除倍方上下内成折]
    """,
    re.VERBOSE | re.IGNORECASE,
)


def is_filler(words: str) -> bool:
    """Return whether words after a quantity add nothing to it: `in total`, `左右`, or none at
    all."""
    return _FILLER.fullmatch(words) is not None


def read_label(words: str) -> str | None:
    """Return what is counted, empty if only filler follows; None if the words say more."""
    label = _ENDING.sub("", words.strip(". "))
    if is_filler(label):
        return ""
    if not _LABEL.fullmatch(label) or _NO_LABEL.search(label):
        return None
    first = label.split()[0]
    variable = first.isascii() and len(first) <= 2  # `5 x` is a product
    return None if variable or first.lower() in FUNCTIONS else label
