"""Files to text, by format, split at headings if the format has any."""

import io
import os
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from ..language.text import HAN
from .contracts import SkippedFile
from .decode import decode, replace_surrogates
from .html import find_declared_encoding, read_html
from .office import read_csv, read_docx, read_pptx, read_xlsx
from .split import Section, split_markdown

MAX_UNPACK_RATIO = 20
"""Maximum unpacked size of an office file, as a multiple of the file size limit."""


def find_files(paths: Iterable[Path]) -> list[Path]:
    """List the named files and those in the named folders, recursively, as absolute paths.

    Each is listed once. In folders, names that begin with a dot are skipped, and links to
    folders are not followed.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            found[path.resolve()] = None
            continue
        for parent, folders, names in os.walk(path.resolve()):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith("."):
                    found[(Path(parent) / name).resolve()] = None
    return list(found)


def read_file(path: Path, max_bytes: int) -> bytes:
    """Return a file's bytes.

    Raises:
        SkippedFile: its format is unsupported, or it is too big or unreadable.
    """
    if path.suffix.lower() not in FORMATS:
        raise SkippedFile("unsupported", path.suffix or path.name)
    try:
        if not path.is_file():
            raise SkippedFile("unreadable", path.name)
        if path.stat().st_size > max_bytes:
            raise SkippedFile("too_big", max_bytes >> 20)
        return path.read_bytes()
    except OSError as error:
        raise SkippedFile("unreadable", error.strerror or error) from error


def parse_file(
    suffix: str, raw: bytes, max_bytes: int, encoding: str | None = None
) -> tuple[list[Section], str | None]:
    """Return the text of a file, read as the suffix says, and the encoding of a text file.

    Args:
        encoding: The encoding of a text file; None means that it is found out.

    Raises:
        SkippedFile: it is empty, without text, encrypted, damaged, or too big once unpacked.
    """
    if not raw.strip():
        raise SkippedFile("empty")
    if suffix.lower() in OFFICE_SUFFIXES:
        _check_package(raw, max_bytes * MAX_UNPACK_RATIO)
    try:
        sections, encoding = _read(suffix.lower(), raw, encoding)
    except SkippedFile:
        raise
    # The libraries raise all kinds of errors on a damaged file.
    except Exception as error:
        raise SkippedFile("broken", error) from error
    if not any(section.text.strip() for section in sections):
        raise SkippedFile("no_text" if suffix.lower() == ".pdf" else "empty")
    return [
        replace(
            part,
            text=replace_surrogates(part.text),
            heading=replace_surrogates(part.heading),
            head=replace_surrogates(part.head),
        )
        for part in sections
    ], encoding


def _read(suffix: str, raw: bytes, encoding: str | None) -> tuple[list[Section], str | None]:
    if suffix not in TEXT_FORMATS:
        return BINARY_FORMATS[suffix](raw), None
    declared = find_declared_encoding(raw) if suffix in (".html", ".htm") else None
    text, used = decode(raw, encoding or declared)
    return TEXT_FORMATS[suffix](text), used


def _read_text(text: str) -> list[Section]:
    return [Section(text)]


def _read_pdf(raw: bytes) -> list[Section]:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    try:
        reader = PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise SkippedFile("encrypted")
        texts = [page.extract_text() for page in reader.pages]
    except (DependencyError, FileNotDecryptedError) as error:
        raise SkippedFile("encrypted") from error
    return [
        Section(_unwrap(text), f"p. {number}")
        for number, text in enumerate(texts, start=1)
        if text.strip()
    ]


def _unwrap(text: str) -> str:
    """Join Chinese lines, which a PDF may break within a word."""
    return re.sub(rf"(?<=[{HAN}，、；])\n(?=[{HAN}])", "", text)


def _check_package(raw: bytes, limit: int) -> None:
    """Check that an office file is a zip file (encrypted ones are not) within the size limit."""
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise SkippedFile("encrypted")
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            size = sum(part.file_size for part in package.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        raise SkippedFile("broken", error) from error
    if size > limit:
        raise SkippedFile("too_big", limit >> 20)


OFFICE_SUFFIXES = {".docx", ".pptx", ".xlsx"}

TEXT_FORMATS: dict[str, Callable[[str], list[Section]]] = {
    ".txt": _read_text,
    ".text": _read_text,
    ".md": split_markdown,
    ".markdown": split_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".csv": read_csv,
    ".tsv": read_csv,
}
BINARY_FORMATS: dict[str, Callable[[bytes], list[Section]]] = {
    ".pdf": _read_pdf,
    ".docx": read_docx,
    ".pptx": read_pptx,
    ".xlsx": read_xlsx,
}
FORMATS = TEXT_FORMATS.keys() | BINARY_FORMATS.keys()
