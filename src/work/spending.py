"""What the calls of language models cost, as LangChain tells of each of them.

An owner is charged for every call that was answered, whatever became of it afterwards: also for
those of a report, of which no event tells, and for replies that could not be used.
"""

from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from ..models.client import cut_off_reply


class Spending(BaseCallbackHandler):
    """Counts the tokens of a run's calls that its owner has not been charged for yet."""

    run_inline = True
    ignore_chain = True

    def __init__(self) -> None:
        self.owed = 0
        """Tokens, read and written."""

    def on_llm_end(self, response: LLMResult, **about: Any) -> None:
        self._add(extract_token_counts(response))

    def on_llm_error(self, error: BaseException, **about: Any) -> None:
        self._add(tokens_of_error(error))

    def settle(self, tokens: int) -> None:
        """Note that the owner has been charged for so many."""
        self.owed -= tokens

    def _add(self, tokens: dict[str, int]) -> None:
        self.owed += tokens.get("prompt", 0) + tokens.get("output", 0)


def extract_token_counts(response: LLMResult) -> dict[str, int]:
    """What a call cost: `prompt`, `cached` (included in `prompt`) and `output`."""
    generation = response.generations[0][0] if response.generations[0] else None
    return _tokens_of_message(
        generation.message if isinstance(generation, ChatGeneration) else None
    )


def tokens_of_error(error: BaseException) -> dict[str, int]:
    """What a call cost that ended with an error: nothing, or the reply that was cut off."""
    return _tokens_of_message(cut_off_reply(error))


def _tokens_of_message(message: Any) -> dict[str, int]:
    usage = message.usage_metadata if isinstance(message, AIMessage) else None
    if usage is None:
        return {}
    cached = usage.get("input_token_details", {}).get("cache_read", 0)
    return {"prompt": usage["input_tokens"], "cached": cached, "output": usage["output_tokens"]}
