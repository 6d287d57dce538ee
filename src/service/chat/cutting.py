"""The end of a reply, where a client bounds it by `stop` or by a number of tokens."""

import re
from itertools import islice
from typing import Literal

from ...language.text import HAN

Ending = Literal["stop", "length"]

_TOKEN = re.compile(rf"[{HAN}]|[^\W_{HAN}]{{1,4}}|[^\w\s]|_")
"""Counts no fewer tokens than most tokenizers do, so that a client gets no more than it asked."""


def cut_reply(text: str, stop: list[str], limit: int | None) -> tuple[str, Ending]:
    """Return the text up to the first of the `stop` words or `limit` tokens, and why it ends."""
    ends = [place for word in stop if (place := text.find(word)) >= 0]
    text = text[: min(ends, default=len(text))]
    beyond = next(islice(_TOKEN.finditer(text), limit, None), None) if limit is not None else None
    return (text[: beyond.start()].rstrip(), "length") if beyond else (text, "stop")
