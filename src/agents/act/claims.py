"""Checks of what the planner says when it is done: what it claims must have a record."""

import json
import re
from collections.abc import Iterable, Sequence

from ...actions.errors import InvalidCall
from ...language.messages import Language, say
from ...state import CallResult, FileEffect


class Unmendable(InvalidCall):
    """A refusal after which the same form filled in again would be no better."""


class NotActed(Unmendable):
    """The planner ends a task for which something has to be done first."""


class UnfoundedClaim(NotActed):
    """The planner says that something was changed, and no result says so."""


class MadeUp(Unmendable):
    """A call would write a value that comes from nowhere.

    Args:
        value: The value.
        about: What it is for: the text that it would replace, or the place.
        language: Language of the task.
    """

    def __init__(self, value: str, about: str, language: Language) -> None:
        super().__init__(say("act.made_up", language, value=value))
        self.question = say("act.ask_value", language, about=about)


class MissingModule(Unmendable):
    """A program imports what is not there."""


class RepeatedTask(InvalidCall):
    """The planner's message is the task itself."""


class HiddenResult(InvalidCall):
    """The planner's message names a result by its id, which the user does not see."""


class UntouchedFile(NotActed):
    """The planner says that the task is complete, and a file that it names is not there."""


class KeptThing(NotActed):
    """The planner says that the task is complete, and what it is to remove is still there."""


class UnfoundedNumber(InvalidCall):
    """The planner's message has a number that is in no result."""


class ForeignMessage(InvalidCall):
    """The planner's message is in another language than the task."""


_CLAIMS = re.compile(
    r"\b(?:has|have|had|was|were|been|I|successfully|is now)\s+(?:been\s+)?(?:\w+ly\s+)?"
    r"(written|created|saved|updated|changed|modified|replaced|deleted|removed|renamed|moved|"
    r"copied|added|filled|merged|edited|inserted)\b"
    r"|\b(?:I|successfully)\s+(wrote|created|saved|updated|changed|modified|replaced|deleted|"
    r"removed|renamed|moved|copied|added|filled|merged|edited|inserted)\b"
    r"|已(?:经)?(?:成功)?(?:把|将)?[^，。；]{0,20}?(写入|创建|保存|更新|修改|改为|改成|替换|删除|删掉|重命名|移动|"
    r"复制|添加|加上|填写|填好|合并|插入)",
    re.IGNORECASE,
)
_REMOVALS = re.compile(
    r"(?:\b(?:remove|delete|drop|take out|get rid of)\s+(?:the\s+|all\s+)?"
    r"|(?:删掉|删除|去掉|移除)\s*)"
    r"[`'\"“]?([\w-]+(?:\.[\w-]+)*)",
    re.IGNORECASE | re.ASCII,
)
_NOT = re.compile(r"\b(?:not|never|nothing|no)\b|没有|未|无法|不能", re.IGNORECASE)
_ABSENT = re.compile(r"\b(?:not|no|cannot|outside)\b|n't\b|没有|未|无法|不", re.IGNORECASE)
_ID = re.compile(r"\br\d+\b(?!\.\w)", re.ASCII)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def find_unfounded_claim(message: str, results: Sequence[CallResult]) -> str | None:
    """Return the first claim that something was changed, if no result has an effect; else None."""
    if any(result.effects or result.action == "shell_run" for result in results):
        return None
    for sentence in re.split(r"[.!?。！？\n]", message):
        claim = _CLAIMS.search(sentence)
        if claim and not _NOT.search(sentence):
            return sentence.strip()
    return None


def find_untouched(
    message: str, missing: Sequence[str], results: Sequence[CallResult]
) -> list[str]:
    """Return the files that the task names, that are not there and that nothing was done to, but
    those of which the message says so.

    Args:
        message: What the planner says at the end.
        missing: Paths in the task's words at which there is nothing.
        results: Results of the task.
    """
    told = _ABSENT.search(message) is not None
    touched = {effect.path for result in results for effect in result.effects}
    names = {path.rpartition("/")[2] for path in touched}
    found = []
    for path in missing:
        name = path.rpartition("/")[2]
        if not {path, name} & (touched | names) and not (told and name in message):
            found.append(path)
    return found


def find_ids(message: str, results: Sequence[CallResult]) -> list[str]:
    """Return the ids of results that stand in a message, such as `r2`."""
    ids = {result.id for result in results}
    return [found for found in _ID.findall(message) if found in ids]


def find_kept(task: str, results: Sequence[CallResult]) -> str | None:
    """Return the first name that the task says to remove and that was written anew as often as it
    was taken out, as far as the changes show; None if there is none. Names are in ASCII, such as
    keys and columns."""
    diffs = [line for r in results for effect in r.effects for line in effect.diff.splitlines()]
    lines = [line for line in diffs if not line.startswith(("+++", "---"))]
    for found in _REMOVALS.finditer(task):
        name = re.compile(rf"(?<![\w.]){re.escape(found[1])}(?!\w)", re.ASCII)
        written = sum(len(name.findall(line[1:])) for line in lines if line.startswith("+"))
        taken = sum(len(name.findall(line[1:])) for line in lines if line.startswith("-"))
        if written and written >= taken:
            return found[1]
    return None


def join_evidence(task: str, results: Sequence[CallResult], effects: Iterable[FileEffect]) -> str:
    """Return what an answer may stand on, as one text: the task, its results and the changes."""
    found = json.dumps([[r.params, r.data, r.preview] for r in results], ensure_ascii=False)
    diffs = "\n".join(effect.diff for effect in effects)
    return f"{task}\n{found}\n{diffs}"


def find_unfounded_numbers(message: str, known: str) -> list[str]:
    """Return the numbers of a message that stand nowhere in what is known."""
    there = {_plain(number) for number in _NUMBER.findall(known)}
    return [number for number in _NUMBER.findall(message) if _plain(number) not in there]


def _plain(number: str) -> str:
    digits = number.replace(",", "")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
