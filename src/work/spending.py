"""Token usage of language model calls, from LangChain callbacks.

An owner is charged for every answered call, whatever its later use: including the calls for a
report, which no event records, and replies that could not be used.
"""

from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from ..models.client import cut_off_reply


class Spending(BaseCallbackHandler):
    """Counts a run's tokens that its owner has not been charged for yet."""

    run_inline = True
    ignore_chain = True

    def __init__(self) -> None:
        self.owed = 0
        """Uncharged tokens (prompt and output)."""

    def on_llm_end(self, response: LLMResult, **about: Any) -> None:
        self._add(extract_token_counts(response))

    def on_llm_error(self, error: BaseException, **about: Any) -> None:
        self._add(tokens_of_error(error))

    def settle(self, tokens: int) -> None:
        """Record that the owner has been charged for `tokens`."""
        self.owed -= tokens

    def _add(self, tokens: dict[str, int]) -> None:
        self.owed += tokens.get("prompt", 0) + tokens.get("output", 0)


def extract_token_counts(response: LLMResult) -> dict[str, int]:
    """Return a call's tokens: `prompt`, `cached` (included in `prompt`) and `output`."""
    generation = response.generations[0][0] if response.generations[0] else None
    return _tokens_of_message(
        generation.message if isinstance(generation, ChatGeneration) else None
    )


def tokens_of_error(error: BaseException) -> dict[str, int]:
    """Return the tokens of a failed call: those of the truncated reply, or none."""
    return _tokens_of_message(cut_off_reply(error))


def _tokens_of_message(message: Any) -> dict[str, int]:
    usage = message.usage_metadata if isinstance(message, AIMessage) else None
    if usage is None:
        return {}
    cached = usage.get("input_token_details", {}).get("cache_read", 0)
    return {"prompt": usage["input_tokens"], "cached": cached, "output": usage["output_tokens"]}
