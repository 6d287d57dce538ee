"""Parts of a task that its own form shows: numbered requests, several addresses."""

import re

from ...language.detect import detect_language
from ...language.text import ITEM_MARK
from .request import Asked, list_addresses, read_request

MAX_PARTS = 4
"""Parts of a task; of more requests each part takes several."""
_ITEM = re.compile(rf"^[ \t]*{ITEM_MARK}", re.MULTILINE)
_ORDER = re.compile(
    r"^(?:please |can you |could you )?(?:write|list|give|draft|translate|explain|name|make|plan"
    r"|find|summari[sz]e|describe|compare|suggest|create|tell|rewrite|what|who|why|when|where|how|which)\b"
    r"|^(?:请|帮我|把|写|列|给|翻译|解释|说明|介绍|概括|总结|拟|起|想|做|推荐|对比|比较)"
    r"|^(?:什么|为什么|怎样|如何)"
    r"|[?？]\s*$",
    re.IGNORECASE,
)


def split_requests(task: str) -> list[Asked]:
    """Return the numbered requests of a task, at most `MAX_PARTS` parts; empty if it is one
    request. Items that are no requests, such as a list to sort, are no parts."""
    marks = list(_ITEM.finditer(task))
    ends = [*(mark.start() for mark in marks[1:]), len(task)][: len(marks)]
    items = [task[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)]
    if len(items) < 2 or not all(_ORDER.search(item) for item in items):
        return []
    size = -(-len(items) // MAX_PARTS)
    groups = ["\n".join(items[start : start + size]) for start in range(0, len(items), size)]
    return [read_request(group, detect_language(group)) for group in groups]


def split_sources(task: str) -> list[str]:
    """Return a part for each address that a task names."""
    return list_addresses(task)[:MAX_PARTS]
