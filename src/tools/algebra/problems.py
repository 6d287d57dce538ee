"""Reading of a problem that is stated by relations: `Solve x^2 = 4 for x`, `解方程组…`.

A word or a formula that is not understood could change what is asked, so nothing is read then.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import partial
from typing import Any

import sympy as sp

from ...language.text import HAN
from .expressions import parse_expression, write_logarithms
from .latex import simplify
from .selecting import SELECTORS, Selector

_FUNCTIONS = frozenset(["sin", "cos", "tan", "cot", "ln", "exp", "sqrt", "abs", "pi"])
"""`log` is not among them: its base depends on the school."""
_TOKEN = re.compile(r"\d+\.?\d*|[A-Za-z]+|<=|>=|!=|[-+*/^().|]|[=<>]|\s+|\S")
_RATIO_TERM = r"(\d+(?:\.\d+)?(?:/\d+|[a-z])?|[a-z]|\([^()]*\))"
_PROPORTION = re.compile(
    rf"(?<![A-Za-z\d.])(?<!\d:){_RATIO_TERM}\s*:\s*{_RATIO_TERM}\s*="
    rf"\s*{_RATIO_TERM}\s*:\s*{_RATIO_TERM}"
    r"(?![A-Za-z\d:])"
)
_PUNCTUATION = ",;:?!\"'"
_RELATION_SIGN = re.compile(r"<=|>=|[=<>]")
_RELATIONS = {"=": partial(sp.Eq, evaluate=False), "<": sp.Lt, ">": sp.Gt, "<=": sp.Le, ">=": sp.Ge}

_PLAIN_ENGLISH = frozenset(
    re.findall(
        r"\w+",
        """
        solve find determine compute calculate give let have please following
        equation equations inequality inequalities system simultaneous linear quadratic cubic
        value values solution solutions root roots set real reals proportion
        unknown unknowns variable variables
        satisfies satisfy satisfying such given
        what which is are if then when where that and all both
        the a an this these of for to in with by over your us me it
        """,
    )
)
"""Words that do not change what is asked."""
_PLAIN_CHINESE = re.compile(
    "|".join(
        re.findall(
            r"\S+",
            """
            解方程组 解不等式组 解不等式 解比例 比例
            一元[一二三]次 二元一次 实数范围内 取值范围 方程组 不等式组
            解方程 不等式 未知数 是多少 等于多少
            方程 求解 求出 解集 实数解 实数根 实数 实根 已知 如果 其中 满足 所有 全部 下列 下面 以下
            关于 那么 等于 什么
            请问 请 计算 帮我 帮忙 一下 同时 联立 分别 各是 各 求 解 根 若 且 和 与 则 的 值 是
            设 为 当 时 这个 试 在 中 由 得
            """,
        )
    )
)
"""The same in Chinese; of words that begin alike the longer one first."""


_DERIVED = re.compile(r"[的之](?:和|差|积|商|比|倍|平方|立方|一半)|\d倍")
"""Something made of the unknowns."""
_GIVEN_ROOT = re.compile(
    r"(?i)\bis (?:a|one|the) (?:root|solution)|(?:是|为)[^，。,]*的(?:一个)?[根解]"
)
"""What is told of a root, which is not what is asked."""
_YES_OR_NO = re.compile(r"(?i)^\s*(?:is|are|does|do|can|has|have|will)\b")


@dataclass(frozen=True)
class Problem:
    """What a problem states and asks."""

    relations: list[Any]
    """Equations and inequalities, at least one."""
    wanted: list[str]
    """Names of the unknowns that are asked for; none if the words do not say."""
    selectors: list[Selector]
    """What is asked of the solutions."""
    real_only: bool
    """Whether the words ask for real solutions."""


def read_problem(text: str) -> Problem | None:
    """Return what a problem states and asks; None if a part of it is not understood."""
    plain = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", simplify(text.replace("\n", " ; ")))
    plain = _PROPORTION.sub(r"(\1)/(\2)=(\3)/(\4)", write_logarithms(plain))
    plain = re.sub(r"(?i)\breal numbers?\b", "reals", plain)
    selectors, rest = _take_selectors(plain)
    if _DERIVED.search(rest) or _YES_OR_NO.search(plain) or _GIVEN_ROOT.search(plain):
        return None
    formulas, words = split_formulas(rest)
    chinese = "".join(word for word in words if not word.isascii())
    if not _is_plain(words, chinese):
        return None
    relations: list[Any] = []
    wanted: list[str] = []
    for formula in formulas:
        bare = formula.strip(" =()[]{}")
        found = parse_relations(formula)
        if found:
            relations += found
        elif re.fullmatch(r"[A-Za-z]", bare):
            wanted.append(bare)
        elif bare and not re.fullmatch(r"\(\d\)", formula.strip()):
            return None
    if not relations:
        return None
    real_only = "real" in words or "reals" in words or "实" in chinese
    return Problem(relations, list(dict.fromkeys(wanted)), selectors, real_only)


def _take_selectors(text: str) -> tuple[list[Selector], str]:
    """Return the selectors that a text has, and the text without their phrases."""
    selectors = []
    for selector in SELECTORS:
        shorter = selector.pattern.sub(" ; ", text)
        if shorter != text:
            selectors.append(selector)
            text = shorter
    return selectors, text


def _is_plain(words: list[str], chinese: str) -> bool:
    """Return whether all words are known not to change what is asked."""
    known = all(word.lower() in _PLAIN_ENGLISH for word in words if word.isascii())
    return known and re.search(f"[{HAN}]", _PLAIN_CHINESE.sub("", chinese)) is None


def split_formulas(text: str) -> tuple[list[str], list[str]]:
    """Split a text at its words and punctuation; return the formulas between them, and the
    words."""
    formulas = [""]
    words = []
    for piece in _TOKEN.findall(text):
        if _is_word(piece):
            words.append(piece)
        if _is_word(piece) or _is_punctuation(piece):
            formulas.append("")
        else:
            formulas[-1] += piece
    stripped = [formula.strip(" .") for formula in formulas]
    unknown = any("a" in re.findall("[A-Za-z]+", each) for each in stripped if each != "a")
    article = "" if unknown else "a"
    return [formula for formula in stripped if formula not in ("", article)], words


def _is_word(piece: str) -> bool:
    if piece.isascii():
        return piece.isalpha() and len(piece) > 1 and piece.lower() not in _FUNCTIONS
    return unicodedata.category(piece[0]) == "Lo"


def _is_punctuation(piece: str) -> bool:
    """Return whether a character ends a formula: punctuation, and other scripts' letters."""
    if piece.isascii():
        return piece in _PUNCTUATION
    return unicodedata.category(piece[0])[0] in "LP"


def parse_relations(formula: str) -> list[Any]:
    """Return a formula's equation or inequalities; empty if it is none, or has no unknown."""
    formula = formula.strip(" {}").removesuffix("(").removeprefix(")")
    signs = _RELATION_SIGN.findall(formula)
    if not signs or (len(signs) > 1 and "=" in signs):
        return []
    sides = _RELATION_SIGN.split(formula)
    try:
        relations = [
            _RELATIONS[sign](parse_expression(left), parse_expression(right))
            for left, sign, right in zip(sides, signs, sides[1:], strict=False)
        ]
    except Exception:  # SymPy raises anything on what it cannot parse
        return []
    has_unknowns = all(getattr(relation, "free_symbols", None) for relation in relations)
    return relations if has_unknowns else []
