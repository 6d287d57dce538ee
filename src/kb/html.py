"""HTML to text. All of a saved page is kept except what is plainly not text: an extractor of the
main article would lose tables and short pages."""

import re
from typing import Any

from ..errors import InvalidTask
from .decode import require_encoding
from .office import format_table
from .split import Section, split_markdown

_DROPPED = "//script | //style | //nav | //noscript | //template | //head"
_BLOCK_TAGS = (
    *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "footer"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre"),
    *("section", "table", "ul"),
)
_BLOCKS = " | ".join(f"//{tag}" for tag in _BLOCK_TAGS)


def find_declared_encoding(raw: bytes) -> str | None:
    """Return the encoding that a page names, if it can be read in it."""
    declared = re.search(rb"<meta[^>]+charset=[\"']?([\w-]+)", raw[:2048], re.IGNORECASE)
    try:
        name = require_encoding(declared[1].decode()) if declared else None
        raw.decode(name or "ascii")
    except (UnicodeDecodeError, InvalidTask):
        return None
    return name


def read_html(page: str) -> list[Section]:
    from lxml import html

    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    body = html.document_fromstring(page.encode(), parser=parser)
    for element in body.xpath(_DROPPED):
        element.drop_tree()
    for element in body.xpath("//*[not(self::pre) and not(ancestor::pre)]"):
        element.text = _collapse_spaces(element.text)
        element.tail = _collapse_spaces(element.tail)
    # Innermost first, so that a nested table is already text when the outer one is formatted.
    for element in reversed(body.xpath(_BLOCKS)):
        text = _format_block(element)
        element.clear(keep_tail=True)
        element.text = f"\n{text}\n"
    return split_markdown(re.sub(r"\n\s*\n+", "\n\n", body.text_content()))


def _format_block(element: Any) -> str:
    """Format a block element as Markdown."""
    text = str(element.text_content())
    if element.tag == "table":
        rows = element.xpath(".//tr")
        return "\n".join(
            format_table([cell.text_content() for cell in row.xpath("td|th")] for row in rows)
        )
    if element.tag == "pre":
        return f"```\n{text}\n```"
    if re.fullmatch("h[1-6]", element.tag) and text.strip():
        return f"{'#' * int(element.tag[1])} {' '.join(text.split())}"
    return text


def _collapse_spaces(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")
