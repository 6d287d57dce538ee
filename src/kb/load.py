"""Files into text: what can be read of each format, by heading where it has any."""

import io
import os
import re
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from ..language.text import HAN
from .contracts import SkippedFile
from .decode import decode, replace_surrogates
from .html import read_html
from .office import read_csv, read_docx, read_pptx, read_xlsx
from .split import Section, split_markdown

MAX_UNPACK_RATIO = 20
"""How many times larger than the limit an office file may be once unpacked."""


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and those in the folders named and below; each once, as absolute paths.
    In folders what begins with a dot is passed over, and links to folders are not followed."""
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
    """A file's bytes.

    Raises:
        SkippedFile: its format is none of ours, it is too big or cannot be read.
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


def parse_file(suffix: str, raw: bytes, max_bytes: int) -> list[Section]:
    """The text in a file of that suffix.

    Raises:
        SkippedFile: it is empty, encrypted, damaged, or too big once unpacked.
    """
    if not raw.strip():
        raise SkippedFile("empty")
    if suffix.lower() in OFFICE_SUFFIXES:
        _check_package(raw, max_bytes * MAX_UNPACK_RATIO)
    try:
        sections = FORMATS[suffix.lower()](raw)
    except SkippedFile:
        raise
    # The libraries raise whatever they stumble over in a damaged file.
    except Exception as error:
        raise SkippedFile("broken", error) from error
    if not any(section.text.strip() for section in sections):
        raise SkippedFile("no_text" if suffix.lower() == ".pdf" else "empty")
    return [
        Section(replace_surrogates(part.text), replace_surrogates(part.heading))
        for part in sections
    ]


def _read_text(raw: bytes) -> list[Section]:
    return [Section(decode(raw))]


def _read_markdown(raw: bytes) -> list[Section]:
    return split_markdown(decode(raw))


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
    """A page's lines end where the page does; in Chinese that may be within a word."""
    return re.sub(rf"(?<=[{HAN}，、；])\n(?=[{HAN}])", "", text)


def _check_package(raw: bytes, limit: int) -> None:
    """Office files are zip files; encrypted ones are wrapped in another format."""
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

FORMATS: dict[str, Callable[[bytes], list[Section]]] = {
    ".txt": _read_text,
    ".text": _read_text,
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": _read_pdf,
    ".docx": read_docx,
    ".pptx": read_pptx,
    ".xlsx": read_xlsx,
    ".csv": read_csv,
    ".tsv": read_csv,
}
"""How the bytes of each kind of file become text."""
