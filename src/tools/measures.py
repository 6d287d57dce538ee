"""Units of measure in English and Chinese, as plain data: conversion factors and dimensions."""

from fractions import Fraction

Dimension = tuple[tuple[str, int], ...]
"""Powers of base quantities, sorted: `(("length", 1), ("time", -1))`; empty for pure numbers."""

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
        "900": "刻 刻钟",
        "60": "min mins minute 分钟",
        "1": "s sec secs second 秒 秒钟",
        "1/1000": "ms millisecond 毫秒",
    },
    "months": {"12": "yr yrs year 年 岁 周岁", "1": "month 个月", "3": "quarter 个季度 季度"},
    "yuan": {"1": "元 块 块钱 圆 yuan RMB CNY rmb ¥ ￥ 元钱", "1/10": "角 毛 jiao", "1/100": "fen"},
    "dollar": {"1": "dollar $ USD US$ buck 美元 美金", "1/100": "cent ¢ 美分"},
    "euro": {"1": "€ euro EUR 欧元"},
    "sterling": {"1": "£ GBP 英镑", "1/100": "penny pence"},
    "angle": {
        "1": "° deg degree 度",
        "1/60": "'",
        "1/3600": '"',
    },
    "celsius": {"1": "°C ℃ 摄氏度 celsius"},
    "fahrenheit": {"1": "°F ℉ 华氏度 fahrenheit"},
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
POWERS: dict[str, Dimension] = {
    "speed": (("length", 1), ("time", -1)),
    "area": (("length", 2),),
    "volume": (("length", 3),),
    "number": (),
}
"""Quantities that are made of others."""

UNITS = {
    name: (Fraction(factor), quantity)
    for quantity, factors in _TABLE.items()
    for factor, names in factors.items()
    for name in names.split()
}
"""Each unit's multiple of its quantity's base unit, and that quantity."""
