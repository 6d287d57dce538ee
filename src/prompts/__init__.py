"""Prompts: one Markdown file per agent, each with an English and a Chinese text.

A file has a part per language (`# en`, `# zh`), and in each part the sections `## system`,
any number of pairs `## asked` and `## answered` (worked examples), and `## user`, the only
section with `{fields}`. All but the last message are the same in every call, so that the
server's prompt cache is hit.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage

from ..language.messages import Language

_HEADING = re.compile(r"^(#{1,2}) (en|zh|system|asked|answered|user)$", re.MULTILINE)


@dataclass(frozen=True)
class Prompt:
    """A prompt in one language."""

    fixed: tuple[AnyMessage, ...]
    user: str

    def messages(self, **fields: object) -> list[AnyMessage]:
        """Return the conversation to send, with the fields filled in.

        Raises:
            KeyError: a field of the prompt is missing.
        """
        return [*self.fixed, HumanMessage(self.user.format(**fields))]


@cache
def load_prompt(name: str) -> dict[Language, Prompt]:
    """Return the prompt in `name`.md, such as `lesson/plan`, by language.

    It is read when an agent is imported, never during a run.

    Raises:
        FileNotFoundError: there is no such prompt.
    """
    return _parse_file((files(__package__) / f"{name}.md").read_text(encoding="utf-8"))


def load_all_prompts() -> list[Prompt]:
    """Return all prompts in all languages."""
    rooms = [room for room in files(__package__).iterdir() if room.is_dir()]
    names = [f"{room.name}/{file.name}" for room in rooms for file in room.iterdir()]
    prompts = [load_prompt(name.removesuffix(".md")) for name in names if name.endswith(".md")]
    return [prompt for by_language in prompts for prompt in by_language.values()]


def _parse_file(text: str) -> dict[Language, Prompt]:
    pieces = _HEADING.split(text)[1:]
    parts: dict[Language, list[tuple[str, str]]] = {}
    for level, title, body in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        if level == "#":
            sections = parts.setdefault(cast("Language", title), [])
        else:
            sections.append((title, body.strip()))
    return {language: _build_prompt(sections) for language, sections in parts.items()}


def _build_prompt(sections: list[tuple[str, str]]) -> Prompt:
    kinds = {"system": SystemMessage, "asked": HumanMessage, "answered": AIMessage}
    fixed = tuple(kinds[title](body) for title, body in sections if title != "user")
    return Prompt(fixed, dict(sections)["user"])
