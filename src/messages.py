"""What the program says to people, in English and Chinese; the texts are in `messages.toml`."""

import os
import tomllib
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
    entry: Any = _texts()
    for name in key.split("."):
        entry = entry[name]
    text: str = entry[language or default_language()]
    return text.format(**fields)


def default_language() -> Language:
    """`zh` where the environment's locale is Chinese, else `en`."""
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if locale.lower().startswith("zh") else "en"


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("messages.toml").read_text(encoding="utf-8"))
