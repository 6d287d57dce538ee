"""Summary: long text in few sentences, part by part, with only the numbers that stand in it."""

from ...language.messages import Language
from ...language.reading import repair_text
from ...language.text import split_sentences
from ...models.client import LanguageModel, Reply
from ...prompts import load_prompt
from ...tools.fence import fence
from ...tools.numbers import extract_numbers

PART = load_prompt("sources/summary")
WHOLE = load_prompt("sources/summary_of_parts")
PART_TOKENS = 1500
"""Of a page that one call reads; eight calls at once fit the embedded model's context."""
MAX_PARTS = 12
TOKENS_PER_WORD = 3


async def summarize(
    model: LanguageModel,
    text: str,
    title: str,
    task: str,
    length: int,
    language: Language,
    *,
    aloud: bool,
) -> Reply[str]:
    """A text of at most a few pages in about `length` words; `aloud` where the person gets it.

    Raises:
        ModelError: the model could not be reached or refused.
    """
    messages = PART[language].messages(text=fence(text, title), task=task, length=length)
    reply = await model.generate_text(
        messages, max_tokens=TOKENS_PER_WORD * length + 50, aloud=aloud
    )
    return _repair_reply(reply, language)


async def combine(
    model: LanguageModel, parts: list[str], title: str, task: str, length: int, language: Language
) -> Reply[str]:
    """Summaries of the parts of a text, in order, as one of about `length` words.

    Raises:
        ModelError: the model could not be reached or refused.
    """
    shown = fence("\n\n".join(parts), title)
    messages = WHOLE[language].messages(text=shown, task=task, length=length)
    reply = await model.generate_text(
        messages, max_tokens=TOKENS_PER_WORD * length + 50, aloud=True
    )
    return _repair_reply(reply, language)


def _repair_reply(reply: Reply[str], language: Language) -> Reply[str]:
    """A summary without what it repeats, and without the sentence in which it was cut off."""
    return Reply(repair_text(reply.value, language, cut_off=reply.cut_off), reply.usage)


def with_known_numbers(summary: str, text: str) -> tuple[str, list[str]]:
    """The summary without the sentences that name a number the text does not, and those."""
    known = extract_numbers(text)
    kept: list[str] = []
    dropped: list[str] = []
    for sentence in split_sentences(summary):
        if extract_numbers(sentence) <= known:
            kept.append(sentence)
        else:
            dropped.append(sentence.strip())
    return "".join(kept).strip(), dropped
