"""Documents: the text of Word, PDF, PowerPoint, Excel and HTML files; Word files to fill and to
write. Everything that parses somebody else's file happens in a confined process."""

import json
from typing import Any

from ...language.messages import say, use_language
from ..catalogue import register
from ..confined.run import run_confined
from ..errors import InvalidCall, NothingFound
from ..libraries import need
from ..spec import Action, ActionContext, Data, ExistingFile, Outcome, Params
from ..workspace import MAX_FILE_BYTES, Change
from .run import SUFFIXES

PAGE = 4000
"""Characters that are read at once."""
_PREVIEW = 560


class DocumentReadParams(Params):
    path: ExistingFile
    """A .docx, .pdf, .pptx, .xlsx or .html file."""
    offset: int = 0
    """Character at which to begin."""


class DocumentFillParams(Params):
    template: ExistingFile
    """The .docx file with placeholders such as {{ name }}."""
    path: str
    """The .docx file to write."""
    values: str
    """A JSON object with the placeholders' values: {"name": "Ann"}."""


class DocumentWriteParams(Params):
    path: str
    """The .docx file to write."""
    content: str
    """Markdown: headings, paragraphs, lists, tables."""


class DocumentText(Data):
    path: str
    text: str
    offset: int
    total: int
    """Characters of the whole text."""
    next_offset: int | None
    """Where to go on; None at the end."""

    def format_preview(self) -> str:
        end = self.offset + len(self.text)
        head = say("act.documents.part", start=self.offset, end=end, total=self.total)
        if self.next_offset is not None:
            head += "; " + say("act.documents.next", offset=self.next_offset)
        cut = "…" if len(self.text) > _PREVIEW else ""
        return f"{head}\n{self.text[:_PREVIEW]}{cut}"


class FilledDocument(Data):
    path: str
    filled: list[str]
    unused: list[str]
    """Values for which the template has no placeholder."""

    def format_preview(self) -> str:
        text = say("act.documents.filled", path=self.path, names=", ".join(self.filled) or "-")
        unused = ", ".join(self.unused)
        return f"{text} {say('act.documents.unused', names=unused)}" if unused else text


class WrittenDocument(Data):
    path: str
    headings: int
    paragraphs: int
    tables: int

    def format_preview(self) -> str:
        return say("act.documents.written", **self.model_dump())


def read_document(params: DocumentReadParams, context: ActionContext) -> Outcome[DocumentText]:
    """Read a part of a document's text."""
    with use_language(context.language):
        if not params.path.lower().endswith(SUFFIXES):
            context.workspace.read_bytes(params.path)  # raises if there is none
            known = ", ".join(SUFFIXES)
            raise InvalidCall(say("act.documents.kind", path=params.path, known=known))
        raw = context.workspace.read_bytes(params.path)
        request = {"path": params.path, "most_bytes": MAX_FILE_BYTES}
        text = run_confined("concertino.actions.documents.run:read_text", request, [raw])[
            1
        ].decode()
        if not 0 <= params.offset < len(text):
            raise NothingFound(say("act.documents.past", offset=params.offset, total=len(text)))
        part = text[params.offset : params.offset + PAGE]
        end = params.offset + len(part)
        found = DocumentText(
            path=params.path,
            text=part,
            offset=params.offset,
            total=len(text),
            next_offset=end if end < len(text) else None,
        )
        return Outcome(found)


def fill_document(params: DocumentFillParams, context: ActionContext) -> Outcome[FilledDocument]:
    """Ask for a document with the placeholders of another one filled in."""
    with use_language(context.language):
        _check_word(params.template)
        _check_word(params.path)
        before = context.workspace.find_content(params.path)
        request = {"path": params.template, "values": _read_values(params.values)}
        raw = context.workspace.read_bytes(params.template)
        data, content = run_confined("concertino.actions.documents.run:fill", request, [raw])
        found = FilledDocument(path=params.path, **data)
        return Outcome(found, (Change(params.path, before, content),))


def write_document(params: DocumentWriteParams, context: ActionContext) -> Outcome[WrittenDocument]:
    """Ask for a document with a text in it."""
    with use_language(context.language):
        _check_word(params.path)
        if not params.content.strip():
            raise InvalidCall(say("act.documents.no_content"))
        before = context.workspace.find_content(params.path)
        data, content = run_confined(
            "concertino.actions.documents.run:write", {"content": params.content}
        )
        found = WrittenDocument(path=params.path, **data)
        return Outcome(found, (Change(params.path, before, content),))


def _check_word(path: str) -> None:
    if not path.lower().endswith(".docx"):
        raise InvalidCall(say("act.documents.only_word", path=path))


def _read_values(text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InvalidCall(say("act.documents.values", reason=error)) from error
    if not isinstance(values, dict):
        raise InvalidCall(say("act.documents.values", reason=type(values).__name__))
    return values


register(
    Action(
        name="document_read",
        description={
            "en": "Read the text of a Word, PDF, PowerPoint, Excel or HTML file, page by page",
            "zh": "读取 Word、PDF、PowerPoint、Excel 或 HTML 文件的文字，可分页",
        },
        params=DocumentReadParams,
        data=DocumentText,
        effect="read",
        run=read_document,
        suffixes=SUFFIXES,
        find_obstacle=need("docx", "lxml", "openpyxl", "pptx", "pypdf"),
    )
)
register(
    Action(
        name="document_fill",
        description={
            "en": "Fill the placeholders {{ name }} of a Word template and save it as a new file",
            "zh": "填写 Word 模板中的占位符 {{ name }}，另存为新文件",
        },
        params=DocumentFillParams,
        data=FilledDocument,
        effect="write",
        run=fill_document,
        suffixes=(".docx",),
        find_obstacle=need("docxtpl"),
    )
)
register(
    Action(
        name="document_write",
        description={
            "en": "Write a Word file (.docx) from Markdown: headings, lists, tables",
            "zh": "用 Markdown（标题、列表、表格）生成 Word 文件（.docx）",
        },
        params=DocumentWriteParams,
        data=WrittenDocument,
        effect="write",
        run=write_document,
        untrusted=False,
        suffixes=(".docx",),
        find_obstacle=need("docx"),
    )
)
