"""Office files made for the tests."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any


def save(document: Any) -> bytes:
    """Return a document's file."""
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def make_book(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    """Return a workbook with these rows."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return save(book)


def add_part(package: bytes, name: str, content: bytes) -> bytes:
    """Return an office file with one more part."""
    file = io.BytesIO(package)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()
