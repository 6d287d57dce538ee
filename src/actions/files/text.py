"""Text files: decoded for editing, and encoded as they were."""

import codecs
import mimetypes
import os
import re
from dataclasses import dataclass, replace
from typing import Literal

from ...kb.contracts import SkippedFile
from ...kb.decode import find_encoding
from ...language.messages import say
from ..errors import InvalidCall, Unavailable
from ..paths import show_path
from ..workspace import Workspace

_ACTIONS = {
    ".docx": ("document_read", "document_write"),
    ".pdf": ("document_read", None),
    ".pptx": ("document_read", None),
    ".xlsx": ("sheet_read", "sheet_set"),
    ".xlsm": ("sheet_read", "sheet_set"),
    ".parquet": ("table_query", "table_save"),
}
"""Actions that read and write what is not text, by the ending of its name."""
_CONTROL = re.compile("[\x00-\x06\x0e-\x1a\x1c-\x1f]")
"""Control characters that no text has."""


@dataclass(frozen=True)
class TextFile:
    """The text of a file, and how it is written down."""

    text: str
    """Lines end with a line feed; only where the file mixes ends of lines they are as in it."""
    encoding: str = "utf-8"
    bom: bytes = b""
    newline: Literal["\n", "\r\n", "\r"] = "\n"

    def encode(self) -> bytes:
        """Return the content of the file.

        Raises:
            UnicodeEncodeError: a character is not in the encoding.
        """
        text = self.text
        if self.newline != "\n":
            text = text.replace("\r\n", "\n").replace("\n", self.newline)
        return self.bom + text.encode(self.encoding)


def read_text(workspace: Workspace, path: str) -> tuple[bytes, TextFile]:
    """Return the content of a file of the workspace, and its text.

    Raises:
        InvalidCall: it is not text.
    """
    raw = workspace.read_bytes(path)
    return raw, decode_text(raw, path)


def decode_text(raw: bytes, path: str) -> TextFile:
    """Decode the content of a file.

    Raises:
        InvalidCall: it is not text.
    """
    encoding, bom = _find_encoding(raw, path)
    try:
        text = raw[len(bom) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise _binary(raw, path) from error
    if _CONTROL.search(text):
        raise _binary(raw, path)
    newline = _find_newline(text)
    return TextFile(text.replace(newline, "\n"), encoding, bom, newline)


def encode_edited(raw: bytes, old: TextFile, text: str, path: str) -> bytes:
    """Return the content of a file with another text, in the encoding and with the ends of lines
    that it had.

    Raises:
        InvalidCall: the encoding does not have all characters, or is not known for certain.
    """
    try:
        if old.encode() != raw:
            raise InvalidCall(say("act.text.uncertain", path=show_path(path)))
        return replace(old, text=text).encode()
    except UnicodeEncodeError as error:
        text = say(
            "act.text.not_in_encoding",
            path=show_path(path),
            encoding=old.encoding,
            character=ascii(error.object[error.start]),
        )
        raise InvalidCall(text) from error


def _find_encoding(raw: bytes, path: str) -> tuple[str, bytes]:
    """Return the encoding of a text, which leaves a byte-order mark alone, and that mark."""
    try:
        name = find_encoding(raw)
    except SkippedFile as error:
        raise _binary(raw, path) from error
    except ImportError as error:
        raise Unavailable(say("act.not_installed", reason=error)) from error
    if name == "utf-16":
        little = raw.startswith(codecs.BOM_UTF16_LE)
        return ("utf-16-le" if little else "utf-16-be"), raw[:2]
    bom = codecs.BOM_UTF8 if name == "utf-8" and raw.startswith(codecs.BOM_UTF8) else b""
    return name, bom


def _find_newline(text: str) -> Literal["\n", "\r\n", "\r"]:
    pairs, returns, feeds = text.count("\r\n"), text.count("\r"), text.count("\n")
    if pairs and pairs == returns == feeds:
        return "\r\n"
    return "\r" if returns and not feeds else "\n"


def _binary(raw: bytes, path: str) -> InvalidCall:
    shown = show_path(path)
    if reader := find_actions(path)[0]:
        return InvalidCall(say("act.text.other_action", path=shown, action=reader))
    kind = mimetypes.guess_type(path)[0] or say("act.text.unknown_type")
    return InvalidCall(say("act.text.binary", path=shown, size=len(raw), type=kind))


def find_actions(path: str) -> tuple[str | None, str | None]:
    """Return the actions that read and write a file which, by its name, is not text."""
    return _ACTIONS.get(os.path.splitext(path)[1].casefold(), (None, None))
