"""Cells of workbooks: read and set."""

import json
import re
from itertools import groupby
from typing import Any

from pydantic import BaseModel

from ...language.messages import say, use_language
from ..catalogue import register
from ..confined.run import run_confined
from ..errors import InvalidCall
from ..libraries import need
from ..spec import Action, ActionContext, Data, ExistingFile, Outcome, Params
from ..workspace import Change

_NAME = r"\$?([A-Za-z]{1,3})\$?([1-9]\d{0,6})"
_SEPARATOR = re.compile(rf"[;；\n]\s*(?={_NAME}\s*=)")
_ASSIGNMENT = re.compile(rf"\s*{_NAME}\s*=\s*(.*?)\s*", re.DOTALL)
_MOST_SET = 500
_PREVIEW = 560


class SheetReadParams(Params):
    path: ExistingFile
    """An .xlsx file."""
    range: str = ""
    """Such as `A1:C5`; empty for all cells."""
    sheet: str = ""
    """Name of the sheet; empty for the first."""
    formulas: bool = False
    """Formulas instead of values."""


class SheetSetParams(Params):
    path: ExistingFile
    """An .xlsx file."""
    sheet: str = ""
    """Name of the sheet; empty for the first."""
    cells: str
    """Such as `B2=9.5`; several: `B2=9.5; C2=text`; a formula: `C3==SUM(C1:C2)`."""


class SheetCells(Data):
    path: str
    sheet: str
    sheets: list[str]
    cells: dict[str, Any]
    """Values of the cells that are not blank, by name, such as `B2`."""
    left_out: int
    """How many more cells are not blank."""

    def format_preview(self) -> str:
        lines = [f"{self.path}#{self.sheet}"]
        if len(self.sheets) > 1:
            lines.append(say("act.tables.sheets", names=", ".join(self.sheets)))
        room = _PREVIEW
        shown = 0
        for _, row in groupby(self.cells.items(), lambda cell: cell[0].lstrip(_LETTERS)):
            cells = list(row)
            line = " | ".join(f"{name} {_format_value(value)}" for name, value in cells)
            room -= len(line) + 1
            if room < 0 and shown:
                break
            shown += len(cells)
            lines.append(line[:_PREVIEW])
        left_out = len(self.cells) - shown + self.left_out
        more = [say("act.sheets.more", count=left_out)] if left_out else []
        return "\n".join([*lines, *more]) if self.cells else say("act.sheets.blank")


class SetCell(BaseModel):
    cell: str
    before: Any
    after: Any


class SheetSetData(Data):
    path: str
    sheet: str
    cells: list[SetCell]

    def format_preview(self) -> str:
        changes = "; ".join(
            f"{done.cell}: {_format_value(done.before)} → {_format_value(done.after)}"
            for done in self.cells
        )
        cut = "…" if len(changes) > _PREVIEW else ""
        return f"{self.path}#{self.sheet} {changes[:_PREVIEW]}{cut} {say('act.sheets.uncomputed')}"


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _format_value(value: Any) -> str:
    return "–" if value is None else " ".join(str(value).split())


def read_sheet(params: SheetReadParams, context: ActionContext) -> Outcome[SheetCells]:
    """Read cells."""
    with use_language(context.language):
        raw = _read_book(params.path, context)
        request = params.model_dump()
        data, _ = run_confined("concertino.actions.spreadsheets.run:read_cells", request, [raw])
        return Outcome(SheetCells(path=params.path, **data))


def set_sheet(params: SheetSetParams, context: ActionContext) -> Outcome[SheetSetData]:
    """Ask for a workbook with some cells set."""
    with use_language(context.language):
        cells = read_assignments(params.cells)
        raw = _read_book(params.path, context)
        request = {"path": params.path, "sheet": params.sheet, "cells": cells}
        data, content = run_confined(
            "concertino.actions.spreadsheets.run:set_cells", request, [raw]
        )
        found = SheetSetData(path=params.path, **data)
        return Outcome(found, (Change(params.path, raw, content),))


def read_assignments(text: str) -> dict[str, str]:
    """Return the values of cells, as text, by the cells' names.

    Raises:
        InvalidCall: a part is not of the form `B2=value`, or there are too many.
    """
    try:
        values = json.loads(text)
        parts = [f"{name}={value}" for name, value in values.items()]
    except (ValueError, AttributeError):
        parts = [part for part in _split(text) if part.strip()]
    found = {}
    for part in parts:
        match = _ASSIGNMENT.fullmatch(part.rstrip("; "))
        if not match:
            raise InvalidCall(say("act.sheets.assignment", part=part[:80]))
        found[match[1].upper() + match[2]] = match[3]
    if not 0 < len(found) <= _MOST_SET:
        raise InvalidCall(say("act.sheets.count", most=_MOST_SET))
    return found


def _split(text: str) -> list[str]:
    """Split at the separators that another cell's name follows; values may have `;` in them."""
    begins = [0, *(match.end() for match in _SEPARATOR.finditer(text))]
    ends = [*(match.start() for match in _SEPARATOR.finditer(text)), len(text)]
    return [text[begin:end] for begin, end in zip(begins, ends, strict=True)]


def _read_book(path: str, context: ActionContext) -> bytes:
    raw = context.workspace.read_bytes(path)
    if not path.lower().endswith((".xlsx", ".xlsm")):
        raise InvalidCall(say("act.sheets.kind", path=path))
    return raw


register(
    Action(
        name="sheet_read",
        description={
            "en": "Read cells of an Excel file (.xlsx): a range such as A1:C5, or all",
            "zh": "读取 Excel 文件（.xlsx）的单元格：如 A1:C5，或全部",
        },
        params=SheetReadParams,
        data=SheetCells,
        effect="read",
        run=read_sheet,
        suffixes=(".xlsx", ".xlsm"),
        find_obstacle=need("openpyxl"),
    )
)
register(
    Action(
        name="sheet_set",
        description={
            "en": "Set cells of an Excel file (.xlsx) to values or formulas; formats stay",
            "zh": "设置 Excel 文件（.xlsx）单元格的值或公式，保留格式",
        },
        params=SheetSetParams,
        data=SheetSetData,
        effect="write",
        run=set_sheet,
        suffixes=(".xlsx", ".xlsm"),
        find_obstacle=need("openpyxl"),
    )
)
