import codecs

import pytest
from concertino.actions.errors import InvalidCall
from concertino.actions.files.text import TextFile, decode_text, encode_edited
from hypothesis import given
from hypothesis import strategies as st

CHINESE = "端口 = 8080\n名称 = 服务器\n这里是一些说明文字\n"
FORMS = [
    TextFile(CHINESE, "utf-8"),
    TextFile(CHINESE, "utf-8", codecs.BOM_UTF8),
    TextFile(CHINESE, "utf-8", b"", "\r\n"),
    TextFile(CHINESE, "utf-8", codecs.BOM_UTF8, "\r\n"),
    TextFile(CHINESE, "utf-16-le", codecs.BOM_UTF16_LE, "\r\n"),
    TextFile(CHINESE, "utf-16-be", codecs.BOM_UTF16_BE),
    TextFile(CHINESE, "gb18030", b"", "\r\n"),
    TextFile(CHINESE, "gb18030"),
    TextFile("one\ntwo\n", "utf-8", b"", "\r"),
    TextFile("one\r\ntwo\nthree\r", "utf-8"),
    TextFile("", "utf-8"),
    TextFile("", "utf-8", codecs.BOM_UTF8),
]


@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_a_text_is_told_from_how_it_is_written_down(form: TextFile) -> None:
    assert decode_text(form.encode(), "a.txt") == form


@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_an_edited_text_is_written_down_as_it_was(form: TextFile) -> None:
    raw = form.encode()
    edited = encode_edited(raw, form, form.text.replace("8080", "9090") + "end\n", "a.txt")
    assert edited.startswith(form.bom)
    added = "end\n".replace("\n", form.newline).encode(form.encoding)
    assert edited == raw.replace("8080".encode(form.encoding), "9090".encode(form.encoding)) + added


@given(st.binary() | st.text().map(str.encode) | st.text().map(lambda t: t.encode("utf-16")))
def test_what_is_decoded_is_encoded_to_the_same_bytes_or_not_at_all(raw: bytes) -> None:
    try:
        found = decode_text(raw, "a")
        assert encode_edited(raw, found, found.text, "a") == raw
    except InvalidCall:
        pass


@given(st.text(st.characters(codec="gb18030", exclude_categories=["Cc", "Cs"])))
def test_text_in_utf_8_is_always_text(text: str) -> None:
    assert decode_text(text.encode(), "a").encode() == text.encode()


@pytest.mark.parametrize(
    ("path", "raw", "told"),
    [
        ("cat.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png, 16 bytes"),
        ("a.bin", bytes(range(256)), "256 bytes"),
        ("odd", b"\xff\xfe\x00", "unknown type, 3 bytes"),
        ("a.txt", b"one\0two", "text/plain, 7 bytes"),
        ("报告.DOCX", b"PK\x03\x04\0", "document_read"),
        ("a.xlsx", b"PK\x03\x04\0", "sheet_read"),
    ],
)
def test_what_is_not_text_is_told_with_its_size_and_type_or_who_reads_it(
    path: str, raw: bytes, told: str
) -> None:
    with pytest.raises(InvalidCall, match=told):
        decode_text(raw, path)


def test_a_character_that_the_encoding_lacks_is_named() -> None:
    raw = "café crème déjà vu à la carte, où êtes-vous, garçon".encode("cp1252")
    found = decode_text(raw, "a.txt")
    with pytest.raises(InvalidCall, match="U0001f389"):
        encode_edited(raw, found, "🎉", "a.txt")
