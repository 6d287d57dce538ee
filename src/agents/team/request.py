"""What a request asks for besides its content: kind of work, language, form, length."""

import builtins
import re
from typing import Literal, NamedTuple, cast

from ...language.detect import ADDRESS
from ...language.messages import Language, say
from ...language.numerals import CHINESE_DIGITS, ENGLISH_ONES

Kind = Literal["code", "translation", "rewriting", "plan", "text", "answer"]
"""`rewriting` is work on a given text, which has to keep its facts; `text` a text to be made up."""
Shape = Literal["list", "table", "json"]

_NUMBER = rf"(\d{{1,4}}|{'|'.join(ENGLISH_ONES[1:])}|[一二两三四五六七八九十百]{{1,4}})"
_I = re.IGNORECASE
_TONGUES = (
    ("en", r"english", r"英"),
    ("zh", r"chinese|mandarin", r"[中汉]|白话|现代汉"),
    (
        "other",
        r"french|german|spanish|italian|portuguese|russian|japanese|korean|latin|arabic|dutch|greek",
        r"法|德|西班牙|意大利|葡萄牙|俄|日|韩|阿拉伯|拉丁",
    ),
)
_TARGETS = {
    name: re.compile(
        rf"\b(?:in|into|to) (?:simplified |plain |good )?(?:{english})\b"
        rf"(?=\s*(?:[:,.;!?(]|please\b|\Z|the following|this))"
        rf"|(?:译|译成|译为|改写成|用|写成)(?:地道的?)?(?:{chinese})[文语]",
        _I,
    )
    for name, english, chinese in _TONGUES
}
_ABOUT_A_WORD = re.compile(
    r"\b(?:how (?:do|would) (?:you|i|we) say|what(?: is|'s)|word for|call(?:ed)?)\b|怎么说|是什么",
    _I,
)
_BOTH = re.compile(r"\bbilingual\b|双语|中英(?:文)?对照", _I)
_TRANSLATION = re.compile(
    r"\btranslat\w+|\bin(?:to)? (?:english|chinese|french|german|spanish)\s*:|翻译|译[成为]", _I
)
_REWRITING = re.compile(
    r"\b(?:rewrite|rephrase|reword|proofread|correct|polish|paraphrase|reformat|convert|fix)\b"
    r"|\bmore (?:politely|formal\w*)\b|\b(?:turn|put|format|make) (?:this|it|these|that) (?!short)"
    r"|改写|润色|校对|改得|改成|改正|改错|说得|委婉|整理成|转成|修改",
    _I,
)
_PLAN = re.compile(
    r"\b(?:itinerary|schedule|timetable|agenda)\b|\b(?:plan|organi[sz]e) (?:a|an|my|our|the)\b"
    r"|\b(?:meal|training|study|revision|project|weekly|action) plan\b|行程|计划|日程|安排|方案",
    _I,
)
_TEXT = re.compile(
    r"\b(?:draft|compose)\b|\bwrite (?:me |us )?(?:a|an|the|some|two|three)\b|写(?!的|法|错|得)"
    r"|文案|广告语|口号",
    _I,
)
_PROGRAM = (
    r"(?<![a-z])(?:python|java|javascript|typescript|golang|rust|sql|bash|regex|html|css"
    r"|regular expressions?)(?![a-z])|c\+\+|c#"
)
_CODE = re.compile(
    rf"(?:{_PROGRAM}).{{0,40}}\b(?:functions?|scripts?|programs?|class(?:es)?|methods?|code|query"
    r"|algorithms?"
    r"|tests?)\b"
    r"|\b(?:write|implement|refactor|debug|fix|complete|create|code)\b.{0,40}"
    rf"(?:\b(?:functions?|scripts?|code|class|method|unit tests?|quer(?:y|ies)|regex)\b|{_PROGRAM})"
    rf"|(?:{_PROGRAM}).{{0,12}}(?:函数|脚本|程序|代码|方法|类|查询|语句)|(?:写|实现|编写|重构|调试)"
    r".{0,12}(?:函数|脚本|程序|代码|正则|类，|一个类)|代码.{0,6}(?:错|问题|重构|优化)"
    rf"|用\s*(?:{_PROGRAM})\s*(?:语言)?[写实编]|正则表达式"
    r"|^\s*(?:async )?def \w+\(|```|\b[a-z_]\w*\([\w, =*:]*\)\s*(?:that|which|，|：|返回|判断)",
    _I | re.MULTILINE | re.DOTALL,
)
_OTHER_CODE = re.compile(
    r"(?<![a-z])(?:java|javascript|typescript|golang|in go|rust|sql|bash|shell|html|css|regex"
    r"|regular expressions?|php|kotlin|swift)(?![a-z])|c\+\+|c#|正则",
    _I,
)
_JSON = re.compile(
    r"\b(?:as|in|into|to|valid|this|return|output) (?:a )?json\b|json\s*格式|[成为用出]\s*json", _I
)
_TABLE = re.compile(
    r"\b(?:as|in|into|make|create|draw|build|give me|with) (?:a |an )?(?:\w+ )?table\b(?! tennis)"
    r"|[成用做画][个一张]{0,2}(?:对比)?表|列[个一张]{1,2}表|表格",
    _I,
)
_LIST = re.compile(
    r"\bbullet(?:ed)?\b|\b(?:as a|numbered) list\b|分点|逐条|列点|列表形式|要点形式", _I
)
_COUNTED = re.compile(
    r"\b(?:give|list|name|suggest|write|propose|find|think of|come up with|offer|provide|share|tell"
    r"|brainstorm|recommend)\b(?: me| us)?(?: up)?(?: the| exactly| some)?"
    rf" {_NUMBER} (?!(?:words?|sentences?|paragraphs?|lines?|days?|hours?|minutes?|weeks?|people"
    r"|pages?|unit tests?|tests?|characters?|dollars?|hundred|thousand)\b)"
    r"(?:[a-z'-]+ ){0,3}?[a-z]+s\b"
    rf"|(?:起|给|列|写|想|说|推荐|出|提|举|来|取)[^，。；：\d一二两三四五六七八九十]{{0,8}}{_NUMBER}\s*"
    r"(?:个|条|句|种|点|项|则|款)(?!字|人|月|小时|测试|星期|句话)",
    _I,
)
_WORDS = re.compile(
    r"(?P<bound>at most|up to|no more than|under|less than|fewer than|within|max(?:imum)?(?: of)?)?"
    r" ?(?:about |around |roughly |in )?\b(?P<en>\d{1,4})[- ]words?\b"
    r"|(?P<least>不超过|最多)?"
    r"(?P<zh>\d{2,4}|[一二两三四五六七八九]百|[一二三四五六七八九]十)"
    r"\s*个?字(?P<within>以内|之内|内)?",
    _I,
)
_SENTENCES = re.compile(rf"\b{_NUMBER} sentences?\b|{_NUMBER}句话", _I)
_TESTS = re.compile(
    rf"{_NUMBER}\s*(?:unit |small |simple )*(?:tests?|assert(?:ion)?s?|test cases)\b"
    rf"|{_NUMBER}\s*个?测试",
    _I,
)
_NAMED_FUNCTION = re.compile(r"(?:\bdef )?\b([a-zA-Z_]\w*)\(")
_BUILTINS = frozenset(dir(builtins))
_EACH = re.compile(r"\beach\b|每[个条句项则人]")
_MORE = re.compile(rf"[^.。]{{0,20}}(?:\band|和|与)\s*{_NUMBER}\b", _I)
_PAYLOAD = re.compile(r"[:：]\s*(\S.*)\Z|[“\"「](.+)[”\"」]", re.DOTALL)


class Asked(NamedTuple):
    """What a request asks for."""

    task: str
    """The request itself."""
    kind: Kind
    language: Language | None
    """Language of the answer; None for one that is not checked."""
    shape: Shape | None = None
    items: int | None = None
    """Number of things asked for."""
    units: int | None = None
    """Length, in units of `language/text.py`."""
    at_most: bool = False
    """Whether `units` is an upper bound."""
    sentences: int | None = None
    tests: int | None = None
    """Tests that the code has to come with."""
    functions: tuple[str, ...] = ()
    """Functions that the code has to define."""
    runs: bool = False
    """Whether the code is Python, which can be run."""
    given: str = ""
    """The text to work on."""


def read_request(task: str, language: Language) -> Asked:
    """Read what a task asks for, by program."""
    kind = _tell_kind(task)
    code = kind == "code"
    words = _WORDS.search(task)
    counted = None if code else _COUNTED.search(task)
    given = _PAYLOAD.search(task) if kind in ("translation", "rewriting") else None
    return Asked(
        task=task,
        kind=kind,
        language=_tell_language(task, language),
        shape=None if code else _tell_shape(task),
        items=_read_items(counted, task),
        units=None if _EACH.search(task) else _read_units(words),
        at_most=_is_bound(words),
        sentences=_read_number(_first(_SENTENCES.search(task))),
        tests=_read_number(_first(_TESTS.search(task))) if code else None,
        functions=tuple(dict.fromkeys(_list_functions(task))) if code else (),
        runs=code and not _OTHER_CODE.search(task),
        given=next(filter(None, given.groups()), "") if given else "",
    )


def describe_request(asked: Asked, language: Language) -> str:
    """Describe the form that was asked for, one line each, for the model; a small one heeds what
    is said again."""
    lines = []
    if asked.language and asked.language != language:
        lines.append(say(f"team.ask.{asked.language}", language))
    if asked.items:
        lines.append(say("team.ask.items", language, count=asked.items))
    if asked.shape:
        lines.append(say(f"team.ask.{asked.shape}", language))
    if asked.units:
        key = "at_most" if asked.at_most else "units"
        lines.append(say(f"team.ask.{key}", language, length=asked.units))
    if asked.sentences:
        lines.append(say("team.ask.sentences", language, count=asked.sentences))
    return "\n".join(lines)


def list_addresses(text: str) -> list[str]:
    """Return the distinct web addresses in a text, at most five."""
    found = (address[0].rstrip(".,;:!?)") for address in ADDRESS.finditer(text))
    return list(dict.fromkeys(found))[:5]


def _tell_kind(task: str) -> Kind:
    if _TRANSLATION.search(task):
        return "translation"
    if _CODE.search(task) and not _JSON.search(task):
        return "code"
    kinds: tuple[tuple[Kind, re.Pattern[str]], ...] = (
        ("rewriting", _REWRITING),
        ("plan", _PLAN),
        ("text", _TEXT),
    )
    return next((kind for kind, pattern in kinds if pattern.search(task)), "answer")


def _tell_language(task: str, language: Language) -> Language | None:
    """Return the language of the answer; None if it is a third one, or both."""
    if _BOTH.search(task):
        return None
    for name, pattern in _TARGETS.items():
        if pattern.search(task):
            asks_for_words = name == "other" or _ABOUT_A_WORD.search(task)
            return None if asks_for_words else cast("Language", name)
    return language


def _tell_shape(task: str) -> Shape | None:
    if _JSON.search(task):
        return "json"
    if _TABLE.search(task):
        return "table"
    return "list" if _LIST.search(task) else None


def _list_functions(task: str) -> list[str]:
    """Return the names of the functions that a task names, `is_palindrome(s)`."""
    defined = re.findall(r"\bdef (\w+)\(", task)
    called = _NAMED_FUNCTION.findall(task.partition("```")[0])
    named = [name for name in called if len(name) > 1 and name not in _BUILTINS]
    return defined[-1:] or named[:1]


def _first(found: re.Match[str] | None) -> str | None:
    return next(filter(None, found.groups()), None) if found else None


def _read_items(found: re.Match[str] | None, task: str) -> int | None:
    """Return a number of things; one alone is no form, and of several numbers none is."""
    count = _read_number(_first(found))
    if not found or not count or _MORE.match(task, found.end()):
        return None
    return count if 2 <= count <= 50 else None


def _read_units(found: re.Match[str] | None) -> int | None:
    """Return a length; so few words are one only as a bound."""
    count = _read_number(found["en"] or found["zh"]) if found else None
    return count if count and (count >= 10 or _is_bound(found)) else None


def _is_bound(found: re.Match[str] | None) -> bool:
    return bool(found and (found["bound"] or found["least"] or found["within"]))


def _read_number(written: str | None) -> int | None:
    """Return a number that is written in digits, an English word or Chinese characters."""
    if not written:
        return None
    if written.isascii():
        return int(written) if written.isdigit() else ENGLISH_ONES.index(written.lower())
    total = last = 0
    for character in written.replace("两", "二"):
        if character in "十百":
            total += (last or 1) * (10 if character == "十" else 100)
            last = 0
        else:
            last = CHINESE_DIGITS.index(character)
    return total + last
