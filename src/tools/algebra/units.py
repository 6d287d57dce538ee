"""Units of measure in English and Chinese: their conversion factors and dimensions."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import sympy as sp

Dimension = tuple[tuple[str, int], ...]
"""Powers of base quantities, sorted: `(("length", 1), ("time", -1))`; empty for pure numbers."""


class Unit(NamedTuple):
    """A unit as written, with what it measures."""

    name: str
    """Spelling of the text: `km/h`, `平方厘米`."""
    factor: Any
    """Exact SymPy multiple of the dimension's base unit."""
    dimension: Dimension


_TABLE: dict[str, dict[str, str]] = {
    "length": {
        "1000": "km kilometer kilometre 千米 公里",
        "1": "m meter metre 米 公尺",
        "1/10": "dm decimeter decimetre 分米",
        "1/100": "cm centimeter centimetre 厘米 公分",
        "1/1000": "mm millimeter millimetre 毫米",
        "1/1000000": "μm µm um micrometer micrometre 微米",
        "1609344/1000": "mi mile 英里",
        "9144/10000": "yd yard 码",
        "3048/10000": "ft foot feet 英尺",
        "254/10000": "in inch inches 英寸",
        "500": "里 华里",
        "10/3": "丈",
        "1/3": "尺",
        "1/30": "寸",
    },
    "area": {"10000": "ha hectare 公顷", "2000/3": "亩", "40468564224/10000000": "acre 英亩"},
    "volume": {
        "1/1000": "L l liter litre 升",
        "1/1000000": "mL ml milliliter millilitre 毫升 cc",
        "3785411784/1000000000000": "gal gallon 加仑",
        "946352946/1000000000000": "quart",
        "473176473/1000000000000": "pint",
    },
    "mass": {
        "1000": "t ton tonne 吨",
        "1": "kg kilogram 千克 公斤",
        "1/1000": "g gram 克",
        "1/1000000": "mg milligram 毫克",
        "45359237/100000000": "lb lbs pound 磅",
        "45359237/1600000000": "oz ounce 盎司",
        "1/2": "斤 市斤",
        "1/20": "两",
    },
    "time": {
        "604800": "week wk 周 星期 个星期",
        "86400": "day d 天 日",
        "3600": "h hr hrs hour 小时 个小时 时 钟头 个钟头",
        "60": "min mins minute 分钟",
        "1": "s sec secs second 秒 秒钟",
        "1/1000": "ms millisecond 毫秒",
    },
    "months": {"12": "yr yrs year 年", "1": "month 个月", "3": "quarter 个季度 季度"},
    "yuan": {"1": "元 块 块钱 圆 yuan RMB CNY rmb ¥ ￥ 元钱", "1/10": "角 毛 jiao", "1/100": "fen"},
    "dollar": {"1": "dollar $ USD US$ buck 美元 美金", "1/100": "cent ¢ 美分"},
    "euro": {"1": "€ euro EUR 欧元"},
    "sterling": {"1": "£ GBP 英镑", "1/100": "penny pence"},
    "angle": {
        "pi/180": "° deg degree 度",
        "pi/10800": "'",
        "pi/648000": '"',
        "1": "rad radian 弧度",
    },
    "celsius": {"1": "°C ℃ 摄氏度 celsius"},
    "fahrenheit": {"1": "°F ℉ 华氏度"},
    "number": {
        "1/100": "% percent 百分比",
        "1/1000": "‰",
        "12": "dozen 打",
        "1": "times 倍 fold",
        "1/10": "成 折",
    },
    "speed": {"44704/100000": "mph", "5/18": "kph"},
    "data": {"1": "bit", "8": "B byte 字节", "8000": "KB", "8000000": "MB", "8000000000": "GB"},
    "energy": {"1": "J joule 焦耳 焦", "1000": "kJ", "3600000": "kWh 千瓦时"},
    "power": {"1": "W watt 瓦", "1000": "kW kilowatt 千瓦"},
    "force": {"1": "N newton 牛 牛顿"},
    "voltage": {"1": "V volt 伏 伏特"},
    "current": {"1": "A ampere amp 安 安培"},
    "resistance": {"1": "Ω ohm 欧姆 欧"},
    "pressure": {"1": "Pa pascal 帕"},
    "frequency": {"1": "Hz hertz 赫兹"},
}
_POWERS: dict[str, Dimension] = {
    "speed": (("length", 1), ("time", -1)),
    "area": (("length", 2),),
    "volume": (("length", 3),),
    "number": (),
}
_SYMBOLS = frozenset(["m", "t", "g", "h", "s", "d", "L", "l", "N", "V", "A", "J", "W", "B"])
"""Units of one letter, which are also variables: they need a space before them."""

MAX_UNIT_CHARS = 40

_PLURAL = re.compile(r"(?<=[a-z]{3})(?:(?<=ch|sh)es|(?<!s)s)$")
_SQUARED = re.compile(r"(?:square|sq\.?)\s+|平方")
_CUBED = re.compile(r"(?:cubic|cu\.?)\s+|立方")
_PER = re.compile(r"\s*/\s*|\s+(?:per|an?)\s+|每")
_TIMES = re.compile(r"\s*[·⋅*]\s*")
_POWER = re.compile(r"\s*(?:\^\s*\{?\(?(-?\d)\)?\}?|\*\*\s*(\d)|([²³]))$")


@cache
def _names() -> dict[str, tuple[Any, Dimension]]:
    return dict(_list_names())


def _list_names() -> Iterator[tuple[str, tuple[Any, Dimension]]]:
    for quantity, factors in _TABLE.items():
        dimension = _POWERS.get(quantity, ((quantity, 1),))
        for factor, names in factors.items():
            value = sp.sympify(factor)
            for name in names.split():
                yield name, (value, dimension)


def find_unit(text: str) -> Unit | None:
    """Return the unit that a text is, `km/h` or `平方厘米`; None if it is none.

    Multiples of the same kind combine: `元/千克`, `m/s^2`, `kg·m`.
    """
    parts = [part.strip() for part in _PER.split(text.strip().rstrip("."))]
    if not 1 <= len(parts) <= 3 or not all(parts):
        return None
    factor = sp.Integer(1)
    powers = dict[str, int]()
    for place, part in enumerate(parts):
        for atom in _TIMES.split(part):
            found = _find_atom("分钟" if place and atom == "分" else atom)
            if found is None:
                return None
            sign = -1 if place else 1
            factor *= found[0] ** sign
            for base, power in found[1]:
                powers[base] = powers.get(base, 0) + sign * power
    dimension = tuple(sorted((base, power) for base, power in powers.items() if power))
    return Unit(text.strip(), factor, dimension)


def _find_atom(text: str) -> tuple[Any, Dimension] | None:
    """Return factor and dimension of a unit without products, perhaps with a power."""
    power = 1
    if found := _POWER.search(text):
        raised = found[1] or found[2] or {"²": "2", "³": "3"}[found[3]]
        power = int(raised)
        text = text[: found.start()]
    for pattern, exponent in ((_SQUARED, 2), (_CUBED, 3)):
        if found := pattern.match(text):
            power = power * exponent
            text = text[found.end() :]
    known = _names().get(text.strip()) or _names().get(singular(text.strip().lower()))
    if known is None:
        return None
    return known[0] ** power, tuple((base, n * power) for base, n in known[1])


def singular(word: str) -> str:
    """Return an English noun without its plural ending, as a key; `boxes` and `box` agree."""
    return _PLURAL.sub("", word)


def needs_space(name: str) -> bool:
    """Return whether a unit is a single letter, which after a digit is read as a variable."""
    return name in _SYMBOLS


def split_unit(text: str) -> tuple[Unit | None, str]:
    """Split a text into the longest unit that it starts with, and the rest.

    Only whole words count in English; in Chinese prose may follow directly.
    """
    for end in _list_ends(text):
        unit = find_unit(text[:end])
        if unit is not None:
            return unit, text[end:].strip()
    return None, text.strip()


def _list_ends(text: str) -> list[int]:
    """Return the places at which a unit could end, the last one first; not within a word."""
    longest = min(len(text), MAX_UNIT_CHARS)
    inside = (text[end - 1 : end + 1] for end in range(1, longest + 1))
    return [
        end
        for end, around in reversed(list(enumerate(inside, 1)))
        if not (len(around) == 2 and around.isascii() and around.isalpha())
    ]
