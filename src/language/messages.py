"""What the program says to people, in English and Chinese; the texts are in `messages.toml`."""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Language = Literal["en", "zh"]


def say(key: str, language: Language | None = None, **fields: object) -> str:
    """The text of `key` in that language, its `{fields}` filled in.

    Args:
        key: The text's table in `messages.toml`, for example `weights.fetching`.
        language: None takes the language of the person's environment.

    Raises:
        KeyError: there is no such text, or it has a field that was not given.
    """
    entry: Any = _load_texts()
    for name in key.split("."):
        entry = entry[name]
    text: str = entry[language or default_language()]
    return text.format(**fields)


_current_language: ContextVar[Language | None] = ContextVar("spoken", default=None)


@contextmanager
def use_language(language: Language | None) -> Iterator[None]:
    """Say what names no language in this one; None changes nothing."""
    before = _current_language.set(language or _current_language.get())
    try:
        yield
    finally:
        _current_language.reset(before)


def default_language() -> Language:
    """The one that is spoken to whoever is served; else `zh` where the environment's locale is
    Chinese, and `en` where it is not."""
    if language := _current_language.get():
        return language
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if locale.lower().startswith("zh") else "en"


@cache
def _load_texts() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("messages.toml").read_text(encoding="utf-8"))
