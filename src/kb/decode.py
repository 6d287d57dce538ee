"""Decoding of text files."""

import codecs

from .contracts import SkippedFile


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which come from damaged files and file names and which databases
    reject."""
    return text.encode(errors="replace").decode()


def decode(raw: bytes) -> str:
    """Decode UTF-8, UTF-16 with a byte-order mark, GB18030, or the most likely encoding.

    Raises:
        SkippedFile: it is not text.
    """
    text = raw.decode(find_encoding(raw))
    if "\0" in text:
        raise SkippedFile("broken", "NUL")
    return text


def find_encoding(raw: bytes) -> str:
    """Return the name of an encoding that decodes a text and takes off its byte-order mark.

    Raises:
        SkippedFile: there is none.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return _guess_encoding(raw)
    return "utf-8-sig" if raw.startswith(codecs.BOM_UTF8) else "utf-8"


def _guess_encoding(raw: bytes) -> str:
    """Return the encoding of a text that is not UTF-8.

    Most byte sequences are valid GB18030, but real Chinese text consists mostly of level-1
    characters, whose lead bytes are B0 to D7.
    """
    common = sum(0xB0 <= byte <= 0xD7 for byte in raw)
    foreign = sum(byte >= 0x80 for byte in raw)
    if 3 * common >= foreign:
        try:
            raw.decode("gb18030")
        except UnicodeDecodeError:
            pass
        else:
            return "gb18030"
    from charset_normalizer import from_bytes

    best = from_bytes(raw).best()
    if best is None:
        raise SkippedFile("broken", "encoding")
    return best.encoding
