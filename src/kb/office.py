"""Word, PowerPoint, Excel and CSV files to text.

Of a sheet each passage begins with the names of the columns; rows of tables within other texts are
labelled one by one, since a passage may hold any part of them.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .split import Section, count_tokens, split_markdown

MAX_HEAD_TOKENS = 64


def read_docx(raw: bytes) -> list[Section]:
    from docx import Document
    from docx.table import Table

    lines = []
    for block in Document(io.BytesIO(raw)).iter_inner_content():
        if isinstance(block, Table):
            lines += format_table([[cell.text for cell in row.cells] for row in block.rows])
            continue
        style = (block.style.name if block.style is not None else None) or ""
        level = 1 if style == "Title" else int((re.findall(r"^Heading (\d)", style) or [0])[0])
        text = block.text.strip()
        lines.append(f"{'#' * min(level, 6)} {text}" if level and text else text)
    return split_markdown("\n".join(lines))


def read_pptx(raw: bytes) -> list[Section]:
    from pptx import Presentation

    sections = []
    for number, slide in enumerate(Presentation(io.BytesIO(raw)).slides, start=1):
        title = slide.shapes.title
        lines = [line for shape in slide.shapes for line in _read_shape(shape)]
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            lines.append(slide.notes_slide.notes_text_frame.text)
        heading = " ".join(title.text_frame.text.split()) if title is not None else ""
        sections.append(Section("\n".join(lines).strip(), heading or f"{number}"))
    return [section for section in sections if section.text]


def _read_shape(shape: Any) -> Iterator[str]:
    """Yield the texts of a slide's shape, of its table and of the shapes it groups."""
    for inner in getattr(shape, "shapes", ()):
        yield from _read_shape(inner)
    if shape.has_text_frame and shape.text_frame.text.strip():
        yield shape.text_frame.text
    if getattr(shape, "has_table", False):
        yield from format_table([[cell.text for cell in row.cells] for row in shape.table.rows])


def read_xlsx(raw: bytes) -> list[Section]:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    sections = []
    for sheet in book.worksheets:
        rows = ([_format_cell(value) for value in row] for row in sheet.iter_rows(values_only=True))
        sections.append(_build_sheet(rows, sheet.title))
    return [section for section in sections if section.text]


def read_csv(text: str) -> list[Section]:
    try:
        dialect: Any = csv.Sniffer().sniff(text[:8192], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    return [_build_sheet(csv.reader(io.StringIO(text, newline=""), dialect))]


def _build_sheet(rows: Iterable[Sequence[str]], heading: str = "") -> Section:
    """Return a sheet's rows under its first one; labelled one by one if that is long."""
    head, *body = _strip_rows(rows) or [[]]
    names = "; ".join(head)
    if not body or count_tokens(names) > MAX_HEAD_TOKENS:
        return Section("\n".join(format_table([head, *body])), heading)
    return Section("\n".join("; ".join(row).rstrip("; ") for row in body), heading, names)


def _strip_rows(rows: Iterable[Sequence[str]]) -> list[list[str]]:
    """Return the rows that are not empty, each cell on one line."""
    filled = ([" ".join(cell.split()) for cell in row] for row in rows)
    return [row for row in filled if any(row)]


def format_table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a self-contained line per row, its values labelled with the first row's names."""
    head, *lines = _strip_rows(rows) or [[]]
    body = [
        "; ".join(
            f"{name}: {value}" if name else value
            for name, value in zip(_pad_row(head, len(row)), row, strict=False)
            if value
        )
        for row in lines
    ]
    return body or ["; ".join(cell for cell in head if cell)] * bool(head)


def _pad_row(head: list[str], length: int) -> list[str]:
    return head + [""] * (length - len(head))


def _format_cell(value: object) -> str:
    return "" if value is None else str(value)
