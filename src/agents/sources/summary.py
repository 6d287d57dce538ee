"""Summary: condenses a long text part by part, keeping only numbers that occur in it."""

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
"""Tokens of a page read by one call; eight concurrent calls fit the embedded model's context."""
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
    """Summarise a text of at most a few pages in about `length` words; `aloud` if the user sees it.

    Raises:
        ModelError: the model is unreachable or refused.
    """
    messages = PART[language].messages(text=fence(text, title), task=task, length=length)
    reply = await model.generate_text(
        messages, max_tokens=TOKENS_PER_WORD * length + 50, aloud=aloud
    )
    return _repair_reply(reply, language)


async def combine(
    model: LanguageModel, parts: list[str], title: str, task: str, length: int, language: Language
) -> Reply[str]:
    """Combine the summaries of a text's parts, in order, into one of about `length` words.

    Raises:
        ModelError: the model is unreachable or refused.
    """
    shown = fence("\n\n".join(parts), title)
    messages = WHOLE[language].messages(text=shown, task=task, length=length)
    reply = await model.generate_text(
        messages, max_tokens=TOKENS_PER_WORD * length + 50, aloud=True
    )
    return _repair_reply(reply, language)


def _repair_reply(reply: Reply[str], language: Language) -> Reply[str]:
    """Remove repetitions from a summary, and the sentence in which it was cut off."""
    return Reply(repair_text(reply.value, language, cut_off=reply.cut_off), reply.usage)


def with_known_numbers(summary: str, text: str) -> tuple[str, list[str]]:
    """Drop sentences with numbers that the text does not contain. Return the rest, and those
    dropped."""
    known = extract_numbers(text)
    kept: list[str] = []
    dropped: list[str] = []
    for sentence in split_sentences(summary):
        if extract_numbers(sentence) <= known:
            kept.append(sentence)
        else:
            dropped.append(sentence.strip())
    return "".join(kept).strip(), dropped
