"""What is done with cells of a workbook in the confined process: read, set."""

import datetime as dt
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from ...language.messages import say
from ..errors import InvalidCall, NotFound, TooLarge

_MOST_UNPACKED = 200 << 20
_MOST_CELLS = 2_000
_CELL_CHARACTERS = 2_000
_KEPT = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|docProps/(core|app|custom)\.xml|docProps/thumbnail\.\w+"
    r"|xl/(workbook|styles|sharedStrings|calcChain)\.xml|xl/_rels/workbook\.xml\.rels"
    r"|xl/theme/theme\d+\.xml|xl/worksheets/sheet\d*\.xml|xl/worksheets/_rels/[^/]+\.rels"
    r"|xl/tables/table\d+\.xml|xl/printerSettings/[^/]+\.bin"
    r"|xl/comments\d*\.xml|xl/comments/comment\d+\.xml|xl/drawings/(\w*[vV]mlDrawing\d+)\.vml"
    r"|xl/drawings/commentsDrawing\d+\.vml|xl/externalLinks/.+|.*/"
)
"""Parts of a workbook that openpyxl writes again as they were, or that Excel makes anew."""


def read_cells(
    request: dict[str, Any], blobs: list[bytes], enter: Callable[[], None]
) -> tuple[dict[str, Any], bytes]:
    """Return the cells of a range that are not blank, by their names."""
    import openpyxl
    import openpyxl.reader.excel

    enter()
    _check_package(request["path"], blobs[0])
    values, formulas = (
        _open(openpyxl.load_workbook, request["path"], blobs[0], data_only=only, read_only=True)
        for only in (True, False)
    )
    sheet = _find_sheet(values, request)
    bounds = _read_range(request["range"], sheet)
    found = _merge_cells(
        _iterate(sheet, bounds), _iterate(formulas[sheet.title], bounds), request["formulas"]
    )
    cells = dict(islice(found, _MOST_CELLS))
    return {
        "sheet": sheet.title,
        "sheets": values.sheetnames,
        "cells": cells,
        "left_out": sum(1 for _ in found),
    }, b""


def set_cells(
    request: dict[str, Any], blobs: list[bytes], enter: Callable[[], None]
) -> tuple[dict[str, Any], bytes]:
    """Return the workbook with some cells set, and what was in them before."""
    import openpyxl
    import openpyxl.writer.excel

    enter()
    path, raw = request["path"], blobs[0]
    _check_package(path, raw)
    _check_keepable(path, raw)
    book = _open(openpyxl.load_workbook, path, raw, rich_text=True)
    sheet = _find_sheet(book, request)
    merged = [str(area) for area in sheet.merged_cells.ranges]
    done = []
    for name, text in request["cells"].items():
        cell = sheet[name]
        if type(cell).__name__ == "MergedCell":
            area = next(area for area in merged if name in _list_names(sheet, area))
            first = area.partition(":")[0]
            raise InvalidCall(say("act.sheets.merged", cell=name, area=area, first=first))
        before = cell.value
        _set_value(cell, text)
        done.append({"cell": name, "before": _simplify(before), "after": _simplify(cell.value)})
    return {"sheet": sheet.title, "cells": done}, _save(book, openpyxl.writer.excel.ExcelWriter)


def _list_names(sheet: Any, area: str) -> set[str]:
    return {cell.coordinate for row in sheet[area] for cell in row}


def _set_value(cell: Any, text: str) -> None:
    """Set a cell; its format stays, save that a date needs one."""
    value: Any = text
    try:
        value = json.loads(text)
    except ValueError:
        if re.fullmatch(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d)?)?", text):
            value = dt.datetime.fromisoformat(text) if len(text) > 10 else _read_date(text)
    if isinstance(value, list | dict):
        value = text
    before = cell.number_format
    try:
        cell.value = value
    except ValueError as error:  # control characters
        raise InvalidCall(say("act.sheets.characters", cell=cell.coordinate)) from error
    if before != "General":
        cell.number_format = before


def _read_date(text: str) -> dt.date | str:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:  # no such day
        return text


def _save(book: Any, base: Any) -> bytes:
    """Return a workbook's file, made in memory: nothing can be written to a disk here."""
    from openpyxl.drawing.spreadsheet_drawing import SpreadsheetDrawing
    from openpyxl.worksheet._writer import WorksheetWriter

    class Writer(base):  # type: ignore[misc]
        def write_worksheet(self, ws: Any) -> None:
            ws._drawing = SpreadsheetDrawing()
            out = io.BytesIO()
            writer = WorksheetWriter(ws, out)
            writer.write()
            ws._rels = writer._rels
            self._archive.writestr(ws.path[1:], out.getvalue())
            self.manifest.append(ws)

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        Writer(book, archive).save()
    return file.getvalue()


def _check_package(path: str, raw: bytes) -> None:
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise _unreadable(path, say("kb.skipped.encrypted"))
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            size = sum(part.file_size for part in package.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        raise _unreadable(path, say("kb.skipped.broken", detail=error)) from error
    if size > _MOST_UNPACKED:
        raise TooLarge(say("act.sheets.unpacked", path=path))


def _check_keepable(path: str, raw: bytes) -> None:
    """Check that nothing in a workbook would be lost by writing it anew."""
    with zipfile.ZipFile(io.BytesIO(raw)) as package:
        for name in package.namelist():
            if not _KEPT.fullmatch(name):
                raise InvalidCall(say("act.sheets.lossy", path=path, part=name))
            if name.startswith("xl/worksheets/sheet") and b"<extLst" in package.read(name):
                raise InvalidCall(say("act.sheets.lossy", path=path, part=f"{name} (extLst)"))


def _open(load: Callable[..., Any], path: str, raw: bytes, **options: Any) -> Any:
    try:
        return load(io.BytesIO(raw), **options)
    except MemoryError:
        raise
    except Exception as error:  # the library raises all kinds on a damaged file
        detail = str(error).partition("\n")[0][:200]
        raise _unreadable(path, say("kb.skipped.broken", detail=detail)) from error


def _find_sheet(book: Any, request: dict[str, Any]) -> Any:
    names = {sheet.title.casefold(): sheet for sheet in book.worksheets}
    wanted = request["sheet"]
    sheet = names.get(wanted.casefold()) if wanted else next(iter(names.values()), None)
    if sheet is None:
        known = ", ".join(book.sheetnames)
        text = say("act.tables.no_sheet", path=request["path"], sheet=wanted, known=known)
        raise NotFound(text)
    return sheet


def _read_range(text: str, sheet: Any) -> tuple[int | None, ...]:
    """Return the first and last column and row of a range such as `A1:C5`; all None for all."""
    from openpyxl.utils import range_boundaries

    if not text:
        sheet.reset_dimensions()
        return (None, None, None, None)
    try:
        return tuple(range_boundaries(text.replace("$", "").upper()))
    except (ValueError, TypeError) as error:
        raise InvalidCall(say("act.sheets.range", range=text)) from error


def _iterate(sheet: Any, bounds: tuple[int | None, ...]) -> Iterator[Any]:
    first_column, first_row, last_column, last_row = bounds
    sheet.reset_dimensions()
    for row in sheet.iter_rows(
        min_row=first_row, max_row=last_row, min_col=first_column, max_col=last_column
    ):
        yield from row


def _merge_cells(
    values: Iterator[Any], formulas: Iterator[Any], prefer_formulas: bool
) -> Iterator[tuple[str, Any]]:
    """Yield the cells that are not blank: their values, or formulas where these are wanted or have
    no value yet."""
    for cell, formula in zip(values, formulas, strict=False):
        has_formula = getattr(formula, "data_type", "") == "f"
        use_formula = has_formula and (prefer_formulas or cell.value is None)
        value = formula.value if use_formula else cell.value
        if value is not None:
            yield cell.coordinate, _simplify(value)


def _simplify(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(f"{value:.15g}")
    if isinstance(value, dt.datetime):
        return str(value).removesuffix(" 00:00:00")
    text = str(getattr(value, "text", value))  # an array's formula has its text inside
    return text if len(text) <= _CELL_CHARACTERS else text[:_CELL_CHARACTERS] + "…"


def _unreadable(path: str, reason: str) -> InvalidCall:
    return InvalidCall(say("act.documents.unreadable", path=path, reason=reason))
