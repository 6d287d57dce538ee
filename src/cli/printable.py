"""A result as one printable HTML page: A4, no scripts, no external resources.

Model output is untrusted: its HTML is shown as text, images are omitted, links lead only to the
web, and formulas become MathML without links and styles.
"""

import html
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from string import Template
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ..language.messages import Language, say

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_ATTRIBUTES = frozenset(
    (
        *("display", "displaystyle", "stretchy", "fence", "form", "separator", "columnalign"),
        *("linethickness", "mathvariant", "accent", "accentunder", "movablelimits"),
        *("lspace", "rspace"),
    )
)
"""MathML attributes that affect only layout."""

_FRACTION = re.compile(r"(?<![\w./])(\d{1,4})/(\d{1,4})(?![\w/]|\.\d)", re.ASCII)

_BRACKETED = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)


def render_result(result: Mapping[str, Any]) -> str:
    """Render the report of a task's result, as returned by `run_task`, for printing.

    A lesson's answers start on a new sheet. Without a report the page says why.
    """
    text = result.get("report") or result.get("error") or result.get("input_request") or ""
    title = result.get("question") or ""
    lesson = (result.get("outputs") or {}).get(result.get("workflow") or "", {}).get("data", {})
    return render_markdown(
        str(text),
        title=str(lesson.get("title") or title),
        language=lesson.get("language") or result.get("language") or "en",
        worksheet=bool(lesson.get("exercises")),
    )


def render_markdown(
    markdown: str, *, title: str, language: Language = "en", worksheet: bool = False
) -> str:
    """Render Markdown with LaTeX formulas between `$` signs as an HTML page.

    Args:
        markdown: text of the page.
        title: page title; also its heading if the text has none.
        language: language of the text.
        worksheet: the text is a lesson: fractions are stacked, and there is room for name and
            answers.
    """
    shown = " ".join(title.split())
    if not re.search(r"^# ", markdown, re.MULTILINE):
        markdown = f"# {_escape_markdown(shown[:120])}\n\n{markdown}"
    tokens = _build_parser().parse(_BRACKETED.sub(_convert_brackets, markdown))
    _start_sheets(tokens)
    if worksheet:
        _stack_fractions(tokens)
        _leave_room(tokens, language)
    body = _build_parser().renderer.render(tokens, _build_parser().options, {})
    frame = Template((files(__package__) / "printable.html").read_text(encoding="utf-8"))
    return frame.substitute(language=language, title=html.escape(shown[:200]), body=body)


@cache
def _build_parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    reader.use(
        dollarmath_plugin,
        allow_space=False,
        allow_digits=False,
        double_inline=True,
        renderer=_render_formula,
    )
    return reader


def _convert_brackets(match: re.Match[str]) -> str:
    return f"${match[1].strip()}$" if match[1] else f"\n\n$$\n{match[2].strip()}\n$$\n\n"


def _escape_markdown(title: str) -> str:
    """Escape Markdown syntax in a title."""
    return re.sub(r"([\\`*_{}\[\]<>#$|!])", r"\\\1", title)


def _start_sheets(tokens: Sequence["Token"]) -> None:
    """Insert a page break before each answers heading."""
    keys = {say("lesson.key", language) for language in ("en", "zh")}
    for opening, heading in pairwise(tokens):
        if opening.type == "heading_open" and heading.content in keys:
            opening.attrJoin("class", "sheet")


def _stack_fractions(tokens: Sequence["Token"]) -> None:
    """Turn each fraction written with a slash, in text or a formula, into a stacked one."""
    from markdown_it.token import Token

    for block in tokens:
        if block.type.startswith("math"):
            block.content = _FRACTION.sub(r"\\dfrac{\1}{\2}", block.content)
        pieces: list[Token] = []
        for token in block.children or []:
            if token.type != "text":
                if token.type.startswith("math"):
                    token.content = _FRACTION.sub(r"\\dfrac{\1}{\2}", token.content)
                pieces.append(token)
                continue
            end = 0
            for found in _FRACTION.finditer(token.content):
                pieces.append(Token("text", "", 0, content=token.content[end : found.start()]))
                latex = rf"\dfrac{{{found[1]}}}{{{found[2]}}}"
                pieces.append(Token("math_inline", "math", 0, content=latex, markup="$"))
                end = found.end()
            pieces.append(Token("text", "", 0, content=token.content[end:]))
        block.children = pieces or block.children


def _leave_room(tokens: list["Token"], language: Language) -> None:
    """Add lines for name and date under the title, and room to answer to each exercise."""
    from markdown_it.token import Token

    headings = {say("lesson.practice", each) for each in ("en", "zh")}
    lists: list[Token] = []
    practice = False
    for opening, following in pairwise(tokens):
        if opening.type == "heading_open":
            practice = following.content in headings
        elif practice and opening.type == "ordered_list_open":
            lists.append(opening)
    if lists:
        lists[-1].attrJoin("class", "exercises")  # an earlier list tells how to work
    blanks = "".join(
        f"<span>{say(f'lesson.{blank}', language)}</span>" for blank in ("name", "date")
    )
    end = next(n for n, token in enumerate(tokens) if token.type == "heading_close")
    tokens.insert(end + 1, Token("html_block", "", 0, content=f'<p class="blanks">{blanks}</p>\n'))


def _render_formula(latex: str, options: dict[str, Any]) -> str:
    """Render a formula as MathML, or its source as code if it cannot be parsed."""
    from latex2mathml.converter import convert_to_element

    display = "block" if options.get("display_mode") else "inline"
    try:
        formula = convert_to_element(latex, display=display)
    except Exception:  # the library has no common base error
        return f"<code>{html.escape(latex)}</code>"
    for element in formula.iter():
        # The library writes characters as references, and passes on unknown attributes.
        element.text = html.unescape(element.text or "")
        for name in set(element.attrib) - _ATTRIBUTES:
            del element.attrib[name]
    return ElementTree.tostring(formula, encoding="unicode")
