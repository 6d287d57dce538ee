"""Messages to the user in English and Chinese; the texts are in `messages.toml`."""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any, Literal

Language = Literal["en", "zh"]


def say(key: str, language: Language | None = None, **fields: object) -> str:
    """Return the text for `key` in a language, with its `{fields}` filled in, and the fitting word
    of each `{field:one|many}`.

    Args:
        key: The text's table in `messages.toml`, for example `weights.fetching`.
        language: None for `default_language()`.

    Raises:
        KeyError: there is no such text, or one of its fields is missing.
    """
    entry: Any = _load_texts()
    for name in key.split("."):
        entry = entry[name]
    text: str = entry[language or default_language()]
    return _PluralFormatter().vformat(text, (), fields)


class _PluralFormatter(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if bar:
            return one if value == 1 else many
        return str(super().format_field(value, format_spec))


_current_language: ContextVar[Language | None] = ContextVar("spoken", default=None)


@contextmanager
def use_language(language: Language | None) -> Iterator[None]:
    """Set the language used where none is given; None changes nothing."""
    before = _current_language.set(language or _current_language.get())
    try:
        yield
    finally:
        _current_language.reset(before)


def default_language() -> Language:
    """Return the language set by `use_language`, or else that of the environment's locale: `zh` if
    it is Chinese, `en` otherwise."""
    if language := _current_language.get():
        return language
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if locale.lower().startswith("zh") else "en"


@cache
def _load_texts() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("messages.toml").read_text(encoding="utf-8"))
