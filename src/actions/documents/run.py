"""What is done with documents in the confined process: read, fill, write."""

import importlib
import io
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...kb.contracts import SkippedFile
from ...kb.load import FORMATS, parse_file
from ...language.messages import say
from ..errors import InvalidCall, TooLarge

if TYPE_CHECKING:
    from docx.document import Document
    from markdown_it.tree import SyntaxTreeNode

    from ...kb.split import Section

SUFFIXES = tuple(FORMATS)
"""Suffixes of documents that can be read."""

_READERS = {
    ".docx": ("docx",),
    ".htm": ("lxml.html",),
    ".html": ("lxml.html",),
    ".pdf": ("pypdf", "pypdf.generic", "pypdf._crypt_providers"),
    ".pptx": ("pptx",),
    ".xlsx": ("openpyxl", "openpyxl.reader.excel"),
}
_MOST_UNPACKED = 256 << 20
_WIDEST_TABLE = 60


def read_text(
    request: dict[str, Any], blobs: list[bytes], enter: Callable[[], None]
) -> tuple[dict[str, Any], bytes]:
    """Return a document's text, with its headings as Markdown's."""
    suffix = os.path.splitext(request["path"].lower())[1]
    for name in _READERS.get(suffix, ()):
        importlib.import_module(name)
    enter()
    try:
        sections, _ = parse_file(suffix, blobs[0], request["most_bytes"])
    except SkippedFile as error:
        if error.reason == "too_big":
            raise TooLarge(say("act.documents.unpacked", path=request["path"])) from error
        raise _unreadable(request["path"], error) from error
    return {}, "\n\n".join(map(_format_section, sections)).encode(errors="replace")


def _format_section(section: "Section") -> str:
    text = f"{section.head}\n{section.text}" if section.head else section.text
    return f"## {section.heading}\n\n{text}" if section.heading else text


def fill(
    request: dict[str, Any], blobs: list[bytes], enter: Callable[[], None]
) -> tuple[dict[str, Any], bytes]:
    """Return a Word file with its placeholders filled in."""
    from docxtpl import DocxTemplate  # type: ignore[import-untyped]
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    path, values = request["path"], request["values"]
    enter()
    _check_package(path, blobs[0])
    environment = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    try:
        template = DocxTemplate(io.BytesIO(blobs[0]))
        names = sorted(template.get_undeclared_template_variables(jinja_env=environment))
    except TemplateError as error:
        raise InvalidCall(say("act.documents.template", path=path, reason=error)) from error
    except Exception as error:  # the library raises all kinds on a damaged file
        raise _unreadable(path, SkippedFile("broken", error)) from error
    missing = [name for name in names if name not in values]
    if missing:
        given = ", ".join(values) or "-"
        raise InvalidCall(say("act.documents.missing", names=", ".join(missing), given=given))
    if not names:
        raise InvalidCall(say("act.documents.no_placeholder", path=path))
    try:
        template.render(values, environment, autoescape=True)
    except TemplateError as error:
        raise InvalidCall(say("act.documents.template", path=path, reason=error)) from error
    file = io.BytesIO()
    template.save(file)
    unused = [name for name in values if name not in names]
    return {"filled": names, "unused": unused}, file.getvalue()


def write(
    request: dict[str, Any], blobs: list[bytes], enter: Callable[[], None]
) -> tuple[dict[str, Any], bytes]:
    """Return a Word file made of Markdown."""
    from docx import Document
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

    document = Document()
    enter()
    counts = {"headings": 0, "paragraphs": 0, "tables": 0}
    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(request["content"]))
    for node in tree.children:
        _add_block(document, node, counts, 0, "")
    file = io.BytesIO()
    document.save(file)
    return dict(counts), file.getvalue()


def _add_block(
    document: "Document", node: "SyntaxTreeNode", counts: dict[str, int], depth: int, style: str
) -> None:
    if node.type == "heading":
        counts["headings"] += 1
        _add_runs(document.add_heading(level=int(node.tag[1])), node)
    elif node.type == "table":
        counts["tables"] += 1
        _add_table(document, node)
    elif node.type in ("bullet_list", "ordered_list"):
        name = "List Bullet" if node.type == "bullet_list" else "List Number"
        level = f" {min(depth + 1, 3)}" if depth else ""
        for item in node.children:
            for child in item.children:
                _add_block(document, child, counts, depth + 1, name + level)
    elif node.type == "blockquote":
        for child in node.children:
            _add_block(document, child, counts, depth, "Quote")
    elif node.type in ("fence", "code_block", "html_block"):
        counts["paragraphs"] += 1
        document.add_paragraph(node.content.rstrip("\n"), style="No Spacing")
    elif node.type != "hr":
        counts["paragraphs"] += 1
        _add_runs(document.add_paragraph(style=style or None), node)


def _add_table(document: "Document", node: "SyntaxTreeNode") -> None:
    rows = [row.children for part in node.children for row in part.children]
    width = max(map(len, rows))
    if width > _WIDEST_TABLE:
        raise InvalidCall(say("act.documents.wide", most=_WIDEST_TABLE))
    table = document.add_table(len(rows), width, style="Table Grid")
    for cells, row in zip(rows, table.rows, strict=True):
        for cell, place in zip(cells, row.cells, strict=False):
            _add_runs(place.paragraphs[0], cell, bold=cell.tag == "th")


def _add_runs(paragraph: Any, node: "SyntaxTreeNode", *, bold: bool = False) -> None:
    for text, styles in _read_runs(node.children, ()):
        run = paragraph.add_run(text)
        run.bold = True if bold or "strong" in styles else None
        run.italic = True if "em" in styles else None


def _read_runs(
    nodes: Sequence["SyntaxTreeNode"], styles: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the stretches of a text, each with what it is inside of."""
    for node in nodes:
        if node.type in ("softbreak", "hardbreak"):
            yield ("\n" if node.type == "hardbreak" else " "), styles
        elif node.children:
            yield from _read_runs(node.children, (*styles, node.type))
            if node.type == "link" and node.attrs.get("href"):
                yield f" ({node.attrs['href']})", styles
        elif node.content:
            yield node.content, styles


def _check_package(path: str, raw: bytes) -> None:
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise _unreadable(path, SkippedFile("encrypted"))
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            size = sum(part.file_size for part in package.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        raise _unreadable(path, SkippedFile("broken", error)) from error
    if size > _MOST_UNPACKED:
        raise TooLarge(say("act.documents.unpacked", path=path))


def _unreadable(path: str, error: SkippedFile) -> InvalidCall:
    reason = say(f"kb.skipped.{error.reason}", detail=error.detail)
    return InvalidCall(say("act.documents.unreadable", path=path, reason=reason))
