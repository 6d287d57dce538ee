import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from concertino.actions.errors import ActionError, InvalidCall, NotFound, TooLarge
from concertino.actions.spec import ActionContext
from concertino.actions.spreadsheets.actions import (
    SheetReadParams,
    SheetSetParams,
    read_assignments,
    read_sheet,
    set_sheet,
)

from tests.actions.books import add_part, make_book, save


def reopen(content: bytes | None) -> Any:
    from openpyxl import load_workbook

    return load_workbook(io.BytesIO(content or b""))


@pytest.fixture
def book(folder: Path) -> Path:
    from openpyxl.comments import Comment
    from openpyxl.styles import Font

    rows = [["品名", "单价"], ["笔", 1.5], ["合计", "=B2*2"]]
    made = reopen(make_book({"价格": rows, "Sheet2": [["x"]]}))
    sheet = made["价格"]
    sheet["B2"].font = Font(bold=True)
    sheet["B2"].number_format = "0.00"
    sheet["A1"].comment = Comment("note", "author")
    sheet.merge_cells("A5:B6")
    path = folder / "book.xlsx"
    path.write_bytes(save(made))
    return path


def test_cells_are_read_by_name(book: Path, context: ActionContext) -> None:
    data = read_sheet(SheetReadParams(path="book.xlsx"), context).data
    assert data.cells == {
        "A1": "品名",
        "B1": "单价",
        "A2": "笔",
        "B2": 1.5,
        "A3": "合计",
        "B3": "=B2*2",
    }
    assert data.sheets == ["价格", "Sheet2"]
    assert "A2 笔 | B2 1.5" in data.format_preview()


def test_a_range_of_another_sheet_is_read(book: Path, context: ActionContext) -> None:
    part = SheetReadParams(path="book.xlsx", sheet="价格", range="B1:$B$2")
    assert read_sheet(part, context).data.cells == {"B1": "单价", "B2": 1.5}
    other = SheetReadParams(path="book.xlsx", sheet="sheet2")
    assert read_sheet(other, context).data.cells == {"A1": "x"}


def test_formulas_are_shown_on_request(folder: Path, context: ActionContext) -> None:
    import xlsxwriter  # type: ignore[import-untyped]

    file = io.BytesIO()
    made = xlsxwriter.Workbook(file, {"in_memory": True})
    made.add_worksheet().write_formula("A1", "=1+1", None, 2)
    made.close()
    (folder / "x.xlsx").write_bytes(file.getvalue())
    assert read_sheet(SheetReadParams(path="x.xlsx"), context).data.cells == {"A1": 2}
    shown = SheetReadParams(path="x.xlsx", formulas=True)
    assert read_sheet(shown, context).data.cells == {"A1": "=1+1"}


def test_many_cells_are_cut_and_counted(folder: Path, context: ActionContext) -> None:
    (folder / "x.xlsx").write_bytes(make_book({"s": [[n, n] for n in range(1500)]}))
    data = read_sheet(SheetReadParams(path="x.xlsx"), context).data
    assert (len(data.cells), data.left_out) == (2000, 1000)
    assert len(data.format_preview()) <= 640


def test_cells_are_set_and_formats_stay(book: Path, context: ActionContext) -> None:
    cells = "B2=9.5; A4=备注: a;b; C2==B2*2; C3=2024-05-01; C4=007; A3=null"
    outcome = set_sheet(SheetSetParams(path="book.xlsx", cells=cells), context)
    [change] = outcome.changes
    assert change.before == book.read_bytes()
    sheet = reopen(change.after)["价格"]
    values = [sheet[name].value for name in ("B2", "A4", "C2", "C4", "A3", "B3")]
    assert values == [9.5, "备注: a;b", "=B2*2", "007", None, "=B2*2"]
    assert sheet["C3"].is_date
    assert sheet["B2"].font.b
    assert sheet["B2"].number_format == "0.00"
    assert sheet["A1"].comment.text == "note"
    assert [str(area) for area in sheet.merged_cells.ranges] == ["A5:B6"]
    assert (outcome.data.cells[0].before, outcome.data.cells[0].after) == (1.5, 9.5)
    assert "when the file is opened" in outcome.data.format_preview()


def test_runs_of_formatted_text_stay(folder: Path, context: ActionContext) -> None:
    from openpyxl import load_workbook
    from openpyxl.cell.rich_text import CellRichText, TextBlock
    from openpyxl.cell.text import InlineFont

    made = reopen(make_book({"s": [["a"]]}))
    made["s"]["B1"] = CellRichText("plain ", TextBlock(InlineFont(b=True), "bold"))
    (folder / "x.xlsx").write_bytes(save(made))
    outcome = set_sheet(SheetSetParams(path="x.xlsx", cells="A1=1"), context)
    after = load_workbook(io.BytesIO(outcome.changes[0].after or b""), rich_text=True)
    assert isinstance(after["s"]["B1"].value, CellRichText)


def test_of_merged_cells_only_the_first_is_set(book: Path, context: ActionContext) -> None:
    with pytest.raises(InvalidCall, match=r"B6 is a part of the merged cells A5:B6\. Set A5"):
        set_sheet(SheetSetParams(path="book.xlsx", cells="B6=1"), context)
    outcome = set_sheet(SheetSetParams(path="book.xlsx", cells="A5=1"), context)
    assert reopen(outcome.changes[0].after)["价格"]["A5"].value == 1


@pytest.mark.parametrize(
    "part",
    [
        "xl/charts/chart1.xml",
        "xl/media/image1.png",
        "xl/drawings/drawing1.xml",
        "xl/pivotTables/pivotTable1.xml",
        "xl/vbaProject.bin",
        "xl/slicers/slicer1.xml",
        "xl/threadedComments/threadedComment1.xml",
        "customXml/item1.xml",
    ],
)
def test_a_book_that_would_lose_a_part_is_refused(
    book: Path, context: ActionContext, part: str
) -> None:
    book.write_bytes(add_part(book.read_bytes(), part, b"<x/>"))
    with pytest.raises(InvalidCall, match=part):
        set_sheet(SheetSetParams(path="book.xlsx", cells="B2=1"), context)


def test_a_sheet_with_extensions_is_refused(book: Path, context: ActionContext) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"</worksheet>", b"<extLst/></worksheet>")
            new.writestr(name, content)
    book.write_bytes(target.getvalue())
    with pytest.raises(InvalidCall, match="extLst"):
        set_sheet(SheetSetParams(path="book.xlsx", cells="B2=1"), context)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("x.xlsx", b"no zip", InvalidCall),
        ("x.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), InvalidCall),
        ("x.csv", b"a,b", InvalidCall),
        ("x.xlsx", add_part(make_book({"s": [["a"]]}), "xl/x.xml", bytes(201 << 20)), TooLarge),
    ],
    ids=["damaged", "encrypted", "other", "bomb"],
)
def test_a_file_that_cannot_be_read_is_named(
    folder: Path, context: ActionContext, name: str, content: bytes, error: type[ActionError]
) -> None:
    (folder / name).write_bytes(content)
    for run, call in (
        (read_sheet, SheetReadParams(path=name)),
        (set_sheet, SheetSetParams(path=name, cells="A1=1")),
    ):
        with pytest.raises(error, match=name):
            run(call, context)  # type: ignore[operator]


def test_what_is_no_range_or_sheet_is_refused(book: Path, context: ActionContext) -> None:
    with pytest.raises(InvalidCall, match="A1:C5"):
        read_sheet(SheetReadParams(path="book.xlsx", range="first row"), context)
    with pytest.raises(NotFound, match="价格, Sheet2"):
        read_sheet(SheetReadParams(path="book.xlsx", sheet="Sheet9"), context)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("b2=9.5", {"B2": "9.5"}),
        ("A1=1; B2 = two words\nC3==A1+1;", {"A1": "1", "B2": "two words", "C3": "=A1+1"}),
        ('{"A1": 5, "B1": "=A1"}', {"A1": "5", "B1": "=A1"}),
        ("A1=", {"A1": ""}),
        ("A1=x；B1=y", {"A1": "x", "B1": "y"}),
    ],
)
def test_assignments_are_read(text: str, cells: dict[str, str]) -> None:
    assert read_assignments(text) == cells


@pytest.mark.parametrize("text", ["", "B2", "set B2 to 5", "1A=5", "[1]"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(InvalidCall):
        read_assignments(text)
