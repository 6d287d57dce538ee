import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from concertino.kb.contracts import SkippedFile
from concertino.kb.load import find_files, parse_file, read_file

LIMIT = 1 << 20
CHINESE = "分数是整体的一部分。分母不能为零。"


def text_of(suffix: str, raw: bytes) -> str:
    return "\n".join(f"{part.heading} | {part.text}" for part in parse_file(suffix, raw, LIMIT)[0])


def saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def docx() -> bytes:
    from docx import Document

    document = Document()
    document.add_heading("分数", 1)
    document.add_paragraph("Before the table.")
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ("名称", "值", "一半", "1/2"), strict=True):
        cell.text = text
    document.add_heading("Adding", 2)
    document.add_paragraph("分母不变。")
    return saved(document)


def pptx() -> bytes:
    from pptx import Presentation
    from pptx.util import Cm

    deck = Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "分数加法"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Cm(5), Cm(1)).text_frame.text = "Keep the denominator."
    slide.notes_slide.notes_text_frame.text = "提醒学生约分。"
    return saved(deck)


def xlsx() -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "成绩"
    for row in (("姓名", "分数"), ("小明", 95), (None, None), ("Ann", 88.5)):
        book.active.append(row)
    return saved(book)


def pdf(text: str = "", password: str | None = None) -> bytes:
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    page = writer.add_blank_page(300, 300)
    name = NameObject
    font = DictionaryObject(
        {name("/Type"): name("/Font"), name("/Subtype"): name("/Type1")}
        | {name("/BaseFont"): name("/Helvetica")}
    )
    fonts = DictionaryObject({name("/F1"): font})
    page[name("/Resources")] = DictionaryObject({name("/Font"): fonts})
    content = DecodedStreamObject()
    content.set_data(f"BT /F1 12 Tf 20 200 Td ({text}) Tj ET".encode())
    page[name("/Contents")] = writer._add_object(content)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


HTML = f"""<html><head><meta charset="gb2312"><title>t</title></head><body><nav>menu</nav><article>
<h1>分数</h1><p>{CHINESE * 3}</p><p>A fraction is a part of a whole, and so on.</p></article>
<script>alert(1)</script></body></html>""".encode("gb18030")


@pytest.mark.parametrize(
    ("suffix", "make", "expected"),
    [
        (".txt", lambda: CHINESE.encode(), [CHINESE]),
        (".md", lambda: f"# 分数\n{CHINESE}".encode(), [f"分数 | {CHINESE}"]),
        (".html", lambda: HTML, ["分数 | ", CHINESE, "A fraction is a part"]),
        (".pdf", lambda: pdf("A fraction"), ["p. 1 | A fraction"]),
        (".docx", docx, ["分数 | Before", "名称: 一半; 值: 1/2", "分数 > Adding | 分母不变。"]),
        (".pptx", pptx, ["分数加法 | ", "Keep the denominator.", "提醒学生约分。"]),
        (".xlsx", xlsx, ["成绩 | 小明; 95\nAnn; 88.5"]),
        (".csv", lambda: "姓名;分数\n小明;95\n".encode("gb18030"), ["小明; 95"]),
        (".TSV", lambda: b"name\tmark\nAnn\t88\n", ["Ann; 88"]),
    ],
)
def test_each_format_gives_its_text_under_its_headings(
    suffix: str, make: Callable[[], bytes], expected: list[str]
) -> None:
    text = text_of(suffix, make())
    assert [part for part in expected if part not in text] == []


def test_a_page_keeps_its_lists_tables_and_code() -> None:
    page = (
        "<h2>A <i>b</i></h2>intro<ul><li>one</li><li>two</li></ul><pre># no heading\n  x</pre>"
        "<table><tr><th>n</th><th>v</th></tr><tr><td>half</td><td><p>1/2</p></td></tr></table>end"
    )
    [section], _ = parse_file(".htm", page.encode(), LIMIT)
    assert section.heading == "A b"
    assert [line for line in section.text.splitlines() if line] == [
        *("intro", "one", "two", "```", "# no heading", "  x", "```", "n: half; v: 1/2", "end")
    ]


def test_a_page_gives_neither_its_scripts_nor_its_menu() -> None:
    assert "alert" not in text_of(".html", HTML)
    assert "menu" not in text_of(".html", HTML)


@pytest.mark.parametrize(
    ("suffix", "make", "reason"),
    [
        (".txt", lambda: b" \n", "empty"),
        (".md", lambda: b"", "empty"),
        (".csv", lambda: b",,\n,,\n", "empty"),
        (".txt", lambda: b"\x7fELF\0\0\0\x01", "broken"),
        (".pdf", lambda: pdf("secret", "password"), "encrypted"),
        (".pdf", lambda: pdf(), "no_text"),
        (".pdf", lambda: b"%PDF-1.7 and then nothing", "broken"),
        (".docx", lambda: docx()[:-500], "broken"),
        (".docx", xlsx, "broken"),
        (".xlsx", lambda: b"\xd0\xcf\x11\xe0" + bytes(600), "encrypted"),
    ],
)
def test_a_file_without_usable_text_is_skipped_with_its_reason(
    suffix: str, make: Callable[[], bytes], reason: str
) -> None:
    with pytest.raises(SkippedFile) as skipped:
        parse_file(suffix, make(), LIMIT)
    assert skipped.value.reason == reason


def test_an_office_file_that_would_unpack_to_very_much_is_not_unpacked() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", bytes(30 << 20))
    with pytest.raises(SkippedFile) as skipped:
        parse_file(".docx", file.getvalue(), LIMIT)
    assert skipped.value.reason == "too_big"


def test_what_cannot_or_must_not_be_read_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    (tmp_path / "huge.txt").write_bytes(b"x" * (LIMIT + 1))
    reasons = []
    for name in ("film.mp4", "huge.txt", "gone.txt"):
        with pytest.raises(SkippedFile) as skipped:
            read_file(tmp_path / name, LIMIT)
        reasons.append(skipped.value.reason)
    assert reasons == ["unsupported", "too_big", "unreadable"]


def test_folders_are_searched_through_and_each_file_is_found_once(tmp_path: Path) -> None:
    for name in ("b.txt", "a/c.md", ".hidden/d.txt", ".e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    found = find_files([tmp_path, tmp_path / "a", tmp_path / "a" / ".." / "b.txt"])
    assert found == [tmp_path / "b.txt", tmp_path / "a" / "c.md"]
