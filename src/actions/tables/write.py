"""Rows to files: CSV, JSON, XLSX."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from ...language.messages import say
from ..errors import TooLarge

_SHEET_ROWS = 1_048_576
_CELL_CHARACTERS = 32_767
_EXACT_WHOLE = 10**15

Rows = Sequence[Sequence[Any]]


def simplify(value: Any) -> Any:
    """Return a value of DuckDB as plain data, such as JSON holds."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):  # 0.1 + 0.2 is 0.3 to a reader
        return float(f"{value:.15g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): simplify(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [simplify(part) for part in value]
    if isinstance(value, bytes | bytearray):
        return value.hex()
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def write_csv(columns: Sequence[str], rows: Rows) -> bytes:
    """Return rows as CSV in UTF-8."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_format_text(value) for value in row] for row in rows)
    return file.getvalue().encode()


def write_json(columns: Sequence[str], rows: Rows) -> bytes:
    """Return rows as a list of objects."""
    plain = [
        {name: simplify(value) for name, value in zip(columns, row, strict=True)} for row in rows
    ]
    return (json.dumps(plain, ensure_ascii=False, indent=2) + "\n").encode()


def write_xlsx(columns: Sequence[str], rows: Rows) -> bytes:
    """Return rows as a sheet. Text stays text, whatever it begins with."""
    import xlsxwriter  # type: ignore[import-untyped]

    if len(rows) >= _SHEET_ROWS:
        raise TooLarge(say("act.tables.sheet_full", most=_SHEET_ROWS - 1))
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    text = book.add_format({"quote_prefix": True})
    styles = {
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        time: book.add_format({"num_format": "hh:mm:ss"}),
    }
    for row_number, row in enumerate([columns, *rows]):
        for column, value in enumerate(row):
            _write_cell(sheet, row_number, column, value, text, styles)
    book.close()
    return file.getvalue()


def _write_cell(
    sheet: Any, row: int, column: int, value: Any, text: Any, styles: dict[type, Any]
) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif type(value) in styles and getattr(value, "tzinfo", None) is None and _is_datable(value):
        sheet.write_datetime(row, column, value, styles[type(value)])
    elif isinstance(value, int | float | Decimal) and _is_exact(value):
        sheet.write_number(row, column, value)
    else:
        shown = _format_text(value)
        if len(shown) > _CELL_CHARACTERS:
            raise TooLarge(say("act.tables.cell_full", most=_CELL_CHARACTERS))
        risky = shown.startswith(("=", "+", "-", "@", "\t", "\r"))
        sheet.write_string(row, column, shown, *[text] * risky)


def _is_datable(value: Any) -> bool:
    return isinstance(value, time) or value.year >= 1900


def _is_exact(value: int | float | Decimal) -> bool:
    """Return whether a sheet, which has 15 digits, holds a number as it is."""
    if isinstance(value, int):
        return abs(value) < _EXACT_WHOLE
    return math.isfinite(value)


def _format_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    plain = simplify(value)
    return json.dumps(plain, ensure_ascii=False) if isinstance(plain, dict | list) else str(plain)


WRITERS: dict[str, Callable[[Sequence[str], Rows], bytes]] = {
    ".csv": write_csv,
    ".json": write_json,
    ".xlsx": write_xlsx,
}
"""What writes rows, by the file's suffix."""
