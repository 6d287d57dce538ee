"""Prompts that chat programs send in the background: titles, tags, questions to ask next, queries.

They are no tasks: one call of the model answers them, in the form they ask for. A prompt is known
by its form alone, wherever it comes from:

- Open WebUI's begin with `### Task:` and name the JSON field that they want.
- Others, such as LibreChat's, NextChat's, LobeChat's or Cherry Studio's, want a title or a summary
  *of the conversation*, *short*, and *nothing besides*. All three have to be said within a few
  lines at the beginning or at the end of the last message, or in the system's.
"""

import json
import re
from typing import Any, Literal, NamedTuple, get_args

from pydantic import Field, create_model

from ...language.detect import detect_language
from ...models.client import LanguageModel, Reply
from ...prompts import load_prompt
from ...state import Contract
from ...tools.fence import fence
from .request import Message

PROMPT = load_prompt("chat/background")

Wanted = Literal["title", "tags", "follow_ups", "queries", "summary", "text", "prompt"]

MAX_CHARS = 1200
"""Characters shown of a conversation, half from its beginning and half from its end."""
_WINDOW = 500
"""Characters of a message's beginning and end in which an instruction is looked for."""
_LISTS: tuple[Wanted, ...] = ("tags", "follow_ups", "queries")
_TOKENS: dict[Wanted, int] = {"summary": 300, "follow_ups": 150, "queries": 120, "prompt": 150}

_FIELD = re.compile(rf"\{{\s*\"({'|'.join(get_args(Wanted))})\"\s*:")
_TALK = r"(?:conversation|chat|discussion|dialogue?|messages?|thread|exchange|query)"
_THIS_TALK = rf"\b(?:an?|the|this|our|user's|above|following)\s+{_TALK}\b"
_TITLE = re.compile(
    rf"\btitle\b[^.\n]{{0,60}}{_THIS_TALK}|{_THIS_TALK}[^.,\n]{{0,20}}\btitle\b"
    r"|\bname (?:for )?(?:this|the) (?:conversation|chat)\b"
    r"|\b(?:this|the) (?:conversation|chat) a name\b"
    r"|(?:会话|对话|聊天|这句话)[^。\n]{0,20}(?:主题|标题|题目|名称)"
    r"|(?:主题|标题|题目|名称)[^。\n]{0,15}(?:会话|对话|聊天)",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    rf"\bsummari[sz]e\b[^.\n]{{0,20}}\b{_TALK}\b.{{0,100}}\bcontext\b"
    r"|(?:总结|概括)[^。\n]{0,10}(?:对话|会话|聊天).{0,30}上下文",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"\b(?:concise|short|brief|briefly|\d+|two|three|four|five|six|ten)\b[^.\n]{0,40}"
    r"\b(?:words?|characters?|title|name)\b|[\d一二三四五六七八九十到至 -]+个?(?:字|词)|简短|简要",
    re.IGNORECASE,
)
_NOTHING_ELSE = re.compile(
    r"\b(?:only|just|nothing else|without any|no (?:quotes?|quotation|punctuation|explanation)"
    r"|as a prompt for future)\b|\btitle:\s*\Z|不(?:要|需要|用)[^。\n]{0,6}(?:解释|标点|引号|多余)"
    r"|(?:只|仅|直接)(?:返回|输出)|提示 ?(?:prompt|词)",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"(?:^|\n)[^\n]{0,40}(?:conversation|messages?|对话)\s*[:：]\s*\n?(.+)",
    re.DOTALL | re.IGNORECASE,
)


class BackgroundPrompt(NamedTuple):
    """A prompt that a chat program sends by itself."""

    wanted: Wanted
    as_json: bool
    conversation: str


def recognize_background(messages: list[Message]) -> BackgroundPrompt | None:
    """Return what is wanted if the messages are a background prompt; None for a person's."""
    last = messages[-1].text.strip()
    if last.startswith("### Task:"):
        return _recognize_form(last)
    others = [each for each in messages[:-1] if each.role not in ("system", "developer")]
    if wanted := _read_instruction(last):
        quoted = _QUOTED.search(last)
        talk = quoted[1].strip() if quoted else _join(others) or last
        return BackgroundPrompt(wanted, False, talk)
    if all(each.role == "user" for each in [*others, messages[-1]]):
        for each in messages:
            if each.role != "user" and (wanted := _read_instruction(each.text)):
                return BackgroundPrompt(wanted, False, _join([*others, messages[-1]]))
    return None


def _recognize_form(text: str) -> BackgroundPrompt | None:
    """Read a prompt that names a field of JSON; the last one named is the one that is wanted."""
    before, _, rest = text.partition("<chat_history>")
    talk, _, after = rest.rpartition("</chat_history>")
    if not (fields := _FIELD.findall(f"{before}\n{after}")):
        return None
    if fields[-1] == "text":
        talk = before.rpartition("<text>")[2].partition("</text>")[0]
    return BackgroundPrompt(fields[-1], True, talk.strip() or text)


def _read_instruction(text: str) -> Wanted | None:
    for part in {text[:_WINDOW], text[-_WINDOW:]}:
        if _SHORT.search(part) and _NOTHING_ELSE.search(part):
            if _TITLE.search(part):
                return "title"
            if _SUMMARY.search(part):
                return "summary"
    return None


def _join(messages: list[Message]) -> str:
    said = [each for each in messages if each.text.strip()]
    return "\n".join(f"{each.role.capitalize()}: {each.text}" for each in said)


async def answer_background(model: LanguageModel, prompt: BackgroundPrompt) -> Reply[str]:
    """Answer a background prompt in the form it asks for.

    Raises:
        ModelError: the model is unreachable, or gave no valid reply.
    """
    talk = prompt.conversation
    if len(talk) > MAX_CHARS:
        talk = f"{talk[: MAX_CHARS // 2]}\n…\n{talk[-MAX_CHARS // 2 :]}"
    language = detect_language(talk)
    reply = await model.generate_structured(
        PROMPT[language].messages(wanted=prompt.wanted, conversation=fence(talk, "conversation")),
        _build_form(prompt.wanted),
        max_tokens=_TOKENS.get(prompt.wanted, 60),
        language=language,
    )
    value = getattr(reply.value, prompt.wanted)
    text = json.dumps({prompt.wanted: value}, ensure_ascii=False) if prompt.as_json else value
    return Reply(text, reply.usage)


def _build_form(wanted: Wanted) -> type[Contract]:
    field: Any = (str, Field(min_length=1, max_length=1000 if wanted == "summary" else 300))
    if wanted in _LISTS:
        field = (list[str], Field(max_length=6))
    return create_model("Background", __base__=Contract, **{wanted: field})
