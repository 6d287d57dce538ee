import io
from pathlib import Path
from typing import Any

import pytest
from concertino.actions.documents.actions import (
    DocumentFillParams,
    DocumentReadParams,
    DocumentWriteParams,
    fill_document,
    read_document,
    write_document,
)
from concertino.actions.errors import ActionError, InvalidCall, NothingFound, TooLarge
from concertino.actions.spec import ActionContext

from tests.actions.books import add_part, make_book, save

MARKDOWN = """\
# 合同

Dear **{{ name }}**,

- one
  - inner
- two

1. first

| 品名 | 单价 |
| --- | --- |
| {{ item }} | 5 |

> quoted
"""


def open_word(content: bytes | None) -> Any:
    from docx import Document

    return Document(io.BytesIO(content or b""))


def read(context: ActionContext, path: str, offset: int = 0) -> Any:
    return read_document(DocumentReadParams(path=path, offset=offset), context).data


def write(context: ActionContext, content: str) -> bytes:
    outcome = write_document(DocumentWriteParams(path="new.docx", content=content), context)
    return outcome.changes[0].after or b""


def fill(context: ActionContext, values: str) -> Any:
    call = DocumentFillParams(template="form.docx", path="letter.docx", values=values)
    return fill_document(call, context)


@pytest.fixture
def form(folder: Path, context: ActionContext) -> Path:
    path = folder / "form.docx"
    path.write_bytes(write(context, MARKDOWN))
    return path


def test_markdown_becomes_a_word_file(context: ActionContext) -> None:
    document = open_word(write(context, MARKDOWN))
    styles = [(part.style.name, part.text) for part in document.paragraphs]
    assert styles == [
        ("Heading 1", "合同"),
        ("Normal", "Dear {{ name }},"),
        ("List Bullet", "one"),
        ("List Bullet 2", "inner"),
        ("List Bullet", "two"),
        ("List Number", "first"),
        ("Quote", "quoted"),
    ]
    assert [run.bold for run in document.paragraphs[1].runs] == [None, True, None]
    cells = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert cells == [["品名", "单价"], ["{{ item }}", "5"]]


def test_a_write_asks_for_a_change_and_writes_nothing(folder: Path, context: ActionContext) -> None:
    (folder / "new.docx").write_bytes(b"old")
    outcome = write_document(DocumentWriteParams(path="new.docx", content="text"), context)
    assert outcome.changes[0].before == b"old"
    assert (folder / "new.docx").read_bytes() == b"old"
    assert outcome.data.paragraphs == 1


def test_placeholders_are_filled_in(form: Path, context: ActionContext) -> None:
    outcome = fill(context, '{"name": "A & B <c>", "item": "笔", "extra": 1}')
    document = open_word(outcome.changes[0].after)
    assert document.paragraphs[1].text == "Dear A & B <c>,"
    assert document.tables[0].rows[1].cells[0].text == "笔"
    assert (outcome.data.filled, outcome.data.unused) == (["item", "name"], ["extra"])
    assert outcome.changes[0].path == "letter.docx"


def test_placeholders_without_a_value_are_named(form: Path, context: ActionContext) -> None:
    with pytest.raises(InvalidCall, match=r"item\. Given: name"):
        fill(context, '{"name": "Ann"}')


@pytest.mark.parametrize("values", ["", "Ann", "[1]"])
def test_values_must_be_an_object(form: Path, context: ActionContext, values: str) -> None:
    with pytest.raises(InvalidCall, match="JSON object"):
        fill(context, values)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ name.__init__.__globals__ }}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{{ name",
        "{% include '/etc/passwd' %}",
    ],
)
def test_a_template_runs_no_program(folder: Path, context: ActionContext, text: str) -> None:
    from docx import Document

    document = Document()
    document.add_paragraph("{{ name }}" + text)
    (folder / "form.docx").write_bytes(save(document))
    with pytest.raises(ActionError):
        fill(context, '{"name": "Ann"}')


def test_a_document_without_placeholders_is_refused(folder: Path, context: ActionContext) -> None:
    (folder / "form.docx").write_bytes(write(context, "plain"))
    with pytest.raises(InvalidCall, match="no placeholders"):
        fill(context, '{"name": "Ann"}')


def test_a_long_document_is_read_in_parts(folder: Path, context: ActionContext) -> None:
    text = " ".join(f"word{number}" for number in range(2000))
    (folder / "new.docx").write_bytes(write(context, text))
    read_so_far, offset = "", 0
    while offset is not None:
        part = read(context, "new.docx", offset)
        read_so_far += part.text
        offset = part.next_offset
    assert read_so_far == text
    assert "go on with offset 4000" in read(context, "new.docx").format_preview()
    assert len(read(context, "new.docx").format_preview()) <= 640
    with pytest.raises(NothingFound, match=str(len(text))):
        read(context, "new.docx", 99_999)


def test_each_format_is_read(folder: Path, context: ActionContext) -> None:
    from pptx import Presentation

    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = "分数"
    (folder / "a.pptx").write_bytes(save(deck))
    (folder / "a.xlsx").write_bytes(make_book({"成绩": [["姓名", "分"], ["小明", 95]]}))
    (folder / "a.html").write_text("<h1>标题</h1><p>text</p><script>no</script>")
    assert "分数" in read(context, "a.pptx").text
    assert read(context, "a.xlsx").text == "## 成绩\n\n姓名; 分\n小明; 95"
    assert read(context, "a.html").text == "## 标题\n\ntext"


def make_pdf(password: str = "") -> bytes:
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(300, 300)
    if password:
        writer.encrypt(password, algorithm="AES-256")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("x.pdf", make_pdf("secret"), InvalidCall, "encrypted"),
        ("x.pdf", make_pdf(), InvalidCall, "no text"),
        ("x.pdf", b"%PDF-1.7 damaged", InvalidCall, "damaged"),
        ("x.docx", b"no zip", InvalidCall, "damaged"),
        ("x.docx", b"\xd0\xcf\x11\xe0" + bytes(600), InvalidCall, "encrypted"),
        ("x.exe", b"MZ", InvalidCall, r"\.docx"),
        ("x.html", b"", InvalidCall, "empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    folder: Path, context: ActionContext, name: str, content: bytes, error: Any, words: str
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(error, match=f"{name}.*{words}"):
        read(context, name)


def test_a_bomb_does_not_go_off(folder: Path, context: ActionContext) -> None:
    (folder / "x.docx").write_bytes(add_part(write(context, "a"), "word/x.xml", bytes(300 << 20)))
    call = DocumentFillParams(template="x.docx", path="y.docx", values='{"a": 1}')
    with pytest.raises(TooLarge, match="unpacked"):
        fill_document(call, context)


def test_only_word_files_are_written(context: ActionContext) -> None:
    with pytest.raises(InvalidCall, match="docx"):
        write_document(DocumentWriteParams(path="x.pdf", content="text"), context)
    with pytest.raises(InvalidCall, match="no content"):
        write_document(DocumentWriteParams(path="x.docx", content=" "), context)
