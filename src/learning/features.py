"""Surface features of a question, as numbers from 0 to 1 with readable names.

The router uses them beside the embedding, for details that an embedding blurs (an address, a
formula); the trace keeps them for readers and for learning without texts.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from ..language.detect import ADDRESS, detect_language

_SIGNS: dict[str, tuple[str, ...]] = {
    "asks_to_summarize": (
        r"\b(summar|digest|boil\w* down)|\b(tl;?dr|gist|outline)\b",
        r"\b(main|key) (points?|ideas?)\b",
        r"概括|概要|概述|总结|摘要|大意|要点|归纳|主要内容|[讲说]了?(些|点)?(什么|啥)",
    ),
    "asks_for_latest": (
        r"\b(latest|current(ly)?|today|tonight|yesterday|recent(ly)?|news|right now|at present)\b",
        r"\b(these days|this (week|month|year))\b",
        r"最新|最近|目前|当前|眼下|现在|现任|今[天日年]|昨[天晚]|本[周月]|这周|近期|新闻|实时",
    ),
    "asks_to_search": (
        r"\b(search|google|look (it |this |that )?up|online|internet|(on|from) the web)\b",
        r"上网|联网|网上|搜索|搜一|搜下|检索|百度|谷歌",
    ),
    "asks_to_write": (
        r"\b(writ(e|ing)|compos\w+|continue|invent|make up|draft|tell (me|us) a)\b",
        r"写|编|续|创作|[讲来]个|来一?篇",
    ),
    "names_a_story": (
        r"\b(stor(y|ies)|tales?|fables?|novels?|legend|fiction|scene|plot|chapter|epilogue)\b",
        r"\b(characters?|protagonist|hero(ine)?|role-?play)\b",
        r"故事|童话|寓言|小说|神话|科幻|武侠|悬疑|主角|主人公|角色|扮演|情节|结局|续写",
    ),
    "asks_to_teach": (
        r"\b(explain|teach|introduc|tutor)|\b(lessons?|understand|beginners?|learn)\b",
        r"\b(exercises?|practi[cs]e|worksheet|students?|pupils?|grade(rs?)?|class|kids?)\b",
        r"讲解|讲讲|讲一讲|讲清|教|解释|备课|一[节堂]课|科普|通俗|入门|零基础|小白|初学|[弄搞]懂",
        r"学生|年级|初[一二三]|高[一二三]|练习|例题",
    ),
    "asks_for_result": (
        r"\bhow (many|much|long|far|fast|old|tall|often)\b",
        r"\b(calculat|comput|simplif|factori[sz]e)|\b(solve|evaluate|prove|find (the|all|x|n))\b",
        r"\b(sum|area|probability|volume|remainder|product|average|perimeter|total)\b",
        r"求|算|解方程|化简|证明|因式分解|多少|几|概率|面积|体积|周长",
    ),
    "has_formula": (
        r"[=<>≤≥√∫∑π²³]|\d\s*[-+*/×÷^]\s*[\dxyn(]|\b\d*[xyzn]\s*[-+^]\s*\d|\d\s*%",
        r"\\(frac|sqrt|int|sum)|\b(sin|cos|tan|ln|log)\b",
        r"平方|立方|根号|导数|积分",
    ),
    "names_own_documents": (
        r"\b(my|our|these|those|attached|uploaded|the) ([a-z]+ ){0,2}(notes?|documents?|docs?|pdfs?"
        r"|files?|handbook|manual|contract|agreement|lease|policy|minutes|transcripts?|slides?"
        r"|papers?|report|spreadsheet|syllabus|folder|wiki|knowledge base)\b",
        r"\bi (uploaded|saved|added)\b",
        r"知识库|上传|附件|(我|咱|自己|公司|单位|学校|团队)[^，。？,?]{0,8}(笔记|资料|文件|文档|手册|合同"
        r"|讲义|报告|制度|规定|协议|纪要|记录|表格|指南|日记)",
        r"(资料|笔记|文档|文件|手册|合同)[里中上本库]|[根依]据.{0,8}(资料|文件|文档|手册|合同|笔记)",
    ),
}
_PATTERNS = {name: re.compile("|".join(signs), re.I) for name, signs in _SIGNS.items()}
_NUMBER = re.compile(r"\d+|[一二两三四五六七八九十百千万半]+(?=[个只本元米斤天人块条岁升吨件棵朵])")
_QUESTION = re.compile(r"[?？]|[吗呢]\s*$")


WEAK_FEATURES = frozenset({"asks_for_latest"})
"""Weak signs of a knowledge source, which also occur in passing, as in "today's homework"."""


def extract_features(question: str, inputs: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Extract the features of a question, always with the same names in the same order.

    Args:
        question: the task in plain language.
        inputs: the task's other inputs; an address there counts like one in the question.
    """
    addresses = [str(value) for value in (inputs or {}).values()]
    return {
        "has_url": float(any(map(ADDRESS.search, [question, *addresses]))),
        **{name: float(bool(found.search(question))) for name, found in _PATTERNS.items()},
        "has_question_mark": float(bool(_QUESTION.search(question))),
        "numbers": min(len(_NUMBER.findall(question)), 4) / 4,
        "length": min(len(question.encode()), 600) / 600,
        "is_chinese": float(detect_language(question) == "zh"),
    }


def find_named_sources(question: str, signs: Mapping[str, Collection[str]]) -> list[str]:
    """Return the workflows whose knowledge source a question explicitly asks for.

    Args:
        signs: for each workflow, the features that indicate a request for its source.
    """
    found = {
        name
        for name, value in extract_features(question).items()
        if value and name not in WEAK_FEATURES
    }
    return [flow for flow, names in signs.items() if found.intersection(names)]
