"""Bytes of a text file into text."""

from .contracts import SkippedFile


def replace_surrogates(text: str) -> str:
    """The text without lone surrogates, which damaged files and file names bring and no database
    takes."""
    return text.encode(errors="replace").decode()


def decode(raw: bytes) -> str:
    """Text in UTF-8, in UTF-16 with its mark, in GB18030, or in what it is most likely to be.

    Raises:
        SkippedFile: it is no text.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _decode_by_guess(raw)
    if "\0" in text:
        raise SkippedFile("broken", "NUL")
    return text


def _decode_by_guess(raw: bytes) -> str:
    """Text that is not in UTF-8. Most bytes are valid GB18030; what is really Chinese has mostly
    characters of its first level, whose leading bytes are B0 to D7."""
    common = sum(0xB0 <= byte <= 0xD7 for byte in raw)
    foreign = sum(byte >= 0x80 for byte in raw)
    if 3 * common >= foreign:
        try:
            return raw.decode("gb18030")
        except UnicodeDecodeError:
            pass
    from charset_normalizer import from_bytes

    best = from_bytes(raw).best()
    if best is None:
        raise SkippedFile("broken", "encoding")
    return str(best)
