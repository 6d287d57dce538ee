"""Extraction of a page's readable text: decoded, without menus and hidden characters."""

import codecs
import logging
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

HTML_TYPES = ("text/html", "application/xhtml+xml")
TEXT_TYPES = ("text/plain", "text/markdown", "text/x-markdown", "text/csv", "application/json")
PDF_TYPE = "application/pdf"
READABLE_TYPES = (*HTML_TYPES, *TEXT_TYPES, PDF_TYPE)

# Limits on time and memory: 100,000 tags take up to 5 s and 300,000 up to 200 MB.
MAX_TAGS_EXTRACTED = 100_000
MAX_TAGS = 300_000
MAX_PDF_PAGES = 300

_NAMED_CHARSET = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_TEXT_CODEC = re.compile(r"utf-(8|16|32)|gb|big5|hz|iso|cp\d|koi8|euc|shift_jis|mac|tis|ascii")
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is its prefix
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Pages that declare the smaller character set often use the larger one; browsers do the same.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252", "ascii": "cp1252"}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_HIDDEN = (
    "//body//*[self::template or self::noscript or @hidden"
    " or contains(translate(@style, 'DISPLAYNOE ', 'displaynoe'), 'display:none')]"
)
_TITLE = "//meta[@property='og:title']/@content | //title/text()"


class Unreadable(ValueError):
    """The bytes do not match their type, or are encrypted."""


@dataclass(frozen=True)
class PageContent:
    """A page's readable content; title and text may be empty."""

    title: str
    """Title in one line."""
    text: str
    """Paragraphs, list items and table rows, each on its own line."""
    truncated: bool = False
    """Whether the page continues after the part that was read."""


def extract_content(body: bytes, content_type: str = "", charset: str | None = None) -> PageContent:
    """Extract the readable text of a page. A large page takes seconds: call it in a thread.

    Args:
        content_type: One of `READABLE_TYPES`, without parameters; if empty, it is detected.
        charset: Charset declared outside the bytes.

    Raises:
        Unreadable: binary data, or a broken or encrypted PDF.
    """
    if content_type == PDF_TYPE or (not content_type and body.startswith(b"%PDF-")):
        return extract_pdf_content(body)
    text = decode_page(body, charset)
    opening = text[:1024].lower()
    if content_type in HTML_TYPES or (
        not content_type and ("<html" in opening or "<!doctype html" in opening)
    ):
        return extract_html_content(text)
    return PageContent("", strip_hidden_characters(text))


def extract_html_content(html: str) -> PageContent:
    """Extract title and main text of an HTML page; all text if no main part is found."""
    from trafilatura import extract, html2txt

    start = "<".join(html.split("<", MAX_TAGS)[:MAX_TAGS])
    tree = _parse_html(start)
    if tree is None:
        return PageContent("", "")
    title = "".join(tree.xpath(_TITLE)[:1])
    text = None
    if start.count("<") <= MAX_TAGS_EXTRACTED:
        text = extract(tree, include_comments=False)
    text = text or html2txt(_parse_html(start))
    return PageContent(
        " ".join(strip_hidden_characters(title).split()),
        strip_hidden_characters(text),
        len(start) < len(html),
    )


def extract_pdf_content(body: bytes) -> PageContent:
    """Extract title and text of a PDF.

    Raises:
        Unreadable: the PDF is broken or encrypted.
    """
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # problems are reported by the error
    try:
        reader = PdfReader(BytesIO(body))
        pages = reader.pages[:MAX_PDF_PAGES]
        text = "\n\n".join(page.extract_text() for page in pages)
        title = str((reader.metadata and reader.metadata.title) or "")
        truncated = len(reader.pages) > MAX_PDF_PAGES
    except Exception as error:  # pypdf raises all kinds of errors on a broken file
        raise Unreadable(str(error)) from error
    return PageContent(
        " ".join(strip_hidden_characters(title).split()), strip_hidden_characters(text), truncated
    )


def decode_page(body: bytes, charset: str | None = None) -> str:
    """Decode a page's bytes.

    Tries the byte-order mark, the declared charset, the one named in the page, then UTF-8,
    GB18030 and Windows-1252, and takes the first that fits: with a declared one 1 % of the
    characters may be invalid, with a guess 5 % of the non-ASCII ones.

    Raises:
        Unreadable: nothing fits, so it is not text.
    """
    for codec, declared in _list_codecs(body, charset):
        text = body.decode(codec, "replace").rstrip("\ufffd")  # the last character may be cut off
        foreign = len(text) - len(text.encode("ascii", "ignore"))
        fits = text.count("\ufffd") <= (len(text) // 100 if declared else foreign // 20)
        if fits and len(_CONTROL.findall(text)) <= 1 + len(text) // 100:
            return text
    raise Unreadable("no text")


def strip_hidden_characters(text: str) -> str:
    """Strip characters that are invisible to a reader but not to a language model.

    These are controls, zero-width and direction marks, tags, fillers and private use. Trailing
    spaces are removed, and at most one empty line is left between lines.
    """
    lines = text.replace("\r\n", "\n").translate(_VISIBLE).split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines)).strip()


class _VisibilityTable(dict[int, int | None]):
    """A translation table for `str.translate`, filled on demand."""

    _LINE_ENDS = frozenset("\n\r\v\f\x85\u2028\u2029")
    _HIDING = frozenset({"Cc", "Cf", "Co", "Cs"})
    _BLANK = frozenset(
        map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0))
    ) | frozenset(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10))))

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        if character in self._LINE_ENDS:
            self[code] = ord("\n")
        elif character == "\t":
            self[code] = code
        else:
            hiding = unicodedata.category(character) in self._HIDING or character in self._BLANK
            self[code] = None if hiding or 0xE0000 <= code < 0xE1000 else code
        return self[code]


_VISIBLE = _VisibilityTable()


def _parse_html(html: str) -> Any:
    """Parse a page without its hidden parts; None if it has no element."""
    import lxml.html

    # As UTF-8 bytes, since lxml rejects a string that declares another encoding.
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = lxml.html.document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    except lxml.etree.ParserError:
        return None
    for element in tree.xpath(_HIDDEN):
        element.drop_tree()
    return tree


def _list_codecs(body: bytes, charset: str | None) -> Iterator[tuple[str, bool]]:
    """Yield names of codecs to try, and whether they were declared."""
    yield from ((codec, True) for mark, codec in _BOMS.items() if body.startswith(mark))
    named = [name.decode("ascii", "replace") for name in _NAMED_CHARSET.findall(body[:4096])]
    for name in (charset or "", *named[:3]):
        try:
            codec = codecs.lookup(name).name
        except (LookupError, ValueError):
            continue
        if _TEXT_CODEC.match(codec):
            yield _WIDER.get(codec, codec), True
    yield from ((codec, False) for codec in ("utf-8", "gb18030", "cp1252"))
