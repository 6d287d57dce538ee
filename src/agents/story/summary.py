"""The running summary: what a story has told so far, in a few sentences."""

from ...language.messages import Language
from ...models.client import LanguageModel, Reply
from ...prompts import load_prompt
from .text import cut_to_length, extract_prose

PROMPT = load_prompt("story/summary")
SUMMARY_LENGTH = 120
"""Default length of a summary, in units; a longer one is cut."""


async def summarize_story(
    model: LanguageModel, before: str, text: str, language: Language, length: int = SUMMARY_LENGTH
) -> Reply[str]:
    """Summarise a story from a summary of its beginning and the later text, in about `length`
    units."""
    reply = await model.generate_text(
        PROMPT[language].messages(before=before or "-", text=text, length=length),
        max_tokens=2 * length + 40,
    )
    return Reply(cut_to_length(extract_prose(reply.value), length), reply.usage)
