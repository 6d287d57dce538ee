import pytest
from concertino.errors import InvalidTask
from concertino.kb.contracts import SkippedFile
from concertino.kb.decode import decode, require_encoding

SIMPLIFIED = (
    *("分数是整体的一部分。分母不能为零。", "水在100℃沸腾", "价格：18元", "北京", "苹果", "课程表"),
    *("姓名;分数\n小明;95\n", "Hello 你好 world"),
)
TRADITIONAL = ("分數是整體的一部分。", "你好", "蘋果", "臺灣的首都是臺北。", "姓名,分數\n小明,95\n")
WESTERN = (
    *("Water boils at 100°C.", "It costs £18.", "Tickets: £18 — “cheap”, café.", "½ cup", "It’s"),
    *("Die Brüche müssen für größere Schüler gekürzt werden.", "¿Qué? El niño.", "20 °C ± 2 °C"),
)
JAPANESE = ("水は百度で沸騰します。", "こんにちは", "カタカナ")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        *((encoding, text) for encoding in ("gbk", "gb18030") for text in SIMPLIFIED),
        *(("big5", text) for text in TRADITIONAL),
        *(("cp1252", text) for text in WESTERN),
        *(("cp932", text) for text in JAPANESE),
        *(
            (encoding, text)
            for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
            for text in (SIMPLIFIED[0], WESTERN[0], SIMPLIFIED[-1])
        ),
    ],
)
def test_a_text_is_read_in_the_encoding_it_has(encoding: str, text: str) -> None:
    found, used = decode(text.encode(encoding))
    assert found == text
    assert text.encode(used).decode(used) == text


@pytest.mark.parametrize("raw", [b"\x7fELF\0\0\0\x01", bytes(range(256)) * 4])
def test_what_is_no_text_is_not_read(raw: bytes) -> None:
    with pytest.raises(SkippedFile):
        decode(raw)


def test_the_encoding_can_be_said() -> None:
    assert decode("£".encode("cp1252"), "cp1252") == ("£", "cp1252")
    with pytest.raises(SkippedFile) as skipped:
        decode(b"\xff\xff", "utf-8")
    assert (skipped.value.reason, skipped.value.detail) == ("encoding", "utf-8")


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("Big5", "big5"),
        ("UTF8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("latin-1", "iso8859-1"),
        ("gb2312", "gb2312"),
        ("Windows-1252", "cp1252"),
        ("shift-jis", "shift_jis"),
    ],
)
def test_an_encoding_has_many_names(name: str, usual: str) -> None:
    assert require_encoding(name) == usual


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13", "", "../os", "é", "\0"])
def test_a_name_of_no_encoding_is_refused(name: str) -> None:
    with pytest.raises(InvalidTask, match="utf-8"):
        require_encoding(name)
