"""Decoding of text files: which encoding a file has is found by trial."""

import codecs
import re
from encodings import normalize_encoding
from encodings.aliases import aliases

from ..errors import InvalidTask
from ..language.messages import say
from ..language.text import HAN, HAN_CHARACTER
from .contracts import SkippedFile

ENCODINGS = ("cp1252", "gb18030", "big5hkscs", "cp932")
"""Encodings tried for text that is neither UTF-8 nor UTF-16; the likelier ones first."""
_TEXT_ENCODINGS = {"utf_8_sig", *aliases.values()} - {
    *("base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"),
    *("mbcs", "undefined"),  # Windows alone; none
}
_SAMPLE = 1 << 16
"""Bytes that an encoding is judged by."""
_FREQUENT = set(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实"
    "日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政"
    "美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员"
    "解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件"
    "計這個們來為國說時會對過發後種經沒動學現當還進樣開從實軍與長機關點業將兩間問應戰頭體見產話給門東聲員"
    "論處義幾認條氣題爾別變總電數報結場課湖書讀寫語師級減乘除圓邊形"
)
"""Characters that most Chinese texts are full of, in both scripts."""
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽž]")
_KANA = re.compile(r"[\u3041-\u30fa\u30fc-\u30ff]")
_MARKS = re.compile(
    r"[°£€¥§©®±²³µ·½¼¾–—‘’“”„…«»¿¡×÷、。，．：；！？（）《》「」『』〈〉【】　～％①-⑳℃]"
)
_ODD = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\uff61-\uff9f\u2500-\u25ff]"
)
"""Controls, private characters, half-width kana, frames: hardly ever in a text."""
_WITHIN_WORD = re.compile(rf"[A-Za-z][{HAN}\u3041-\u30ff](?=[A-Za-z.,;]|\s|\Z)")
"""A lone Chinese or Japanese character at the end of, or within, a Latin word."""
_PLAUSIBLE = 0.15


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which come from damaged files and file names and which databases
    reject."""
    return text.encode(errors="replace").decode()


def require_encoding(name: str) -> str:
    """Return the usual name of an encoding.

    Raises:
        InvalidTask: there is none of this name, or it is none of text.
    """
    plain = normalize_encoding(name).lower()
    module = aliases.get(plain, plain)
    # Not looked up at once: that would import a module of whatever name is sent.
    if module not in _TEXT_ENCODINGS:
        raise InvalidTask(say("kb.invalid.encoding", name=name))
    return codecs.lookup(module).name


def decode(raw: bytes, encoding: str | None = None) -> tuple[str, str]:
    """Return the text of a file and the encoding it has.

    Args:
        encoding: Its encoding; None means that it is found out.

    Raises:
        SkippedFile: it is not text, or not of this encoding.
    """
    name = encoding or find_encoding(raw)
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as error:
        raise SkippedFile("encoding", name) from error
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise SkippedFile("broken", "NUL")
    return text, name


def find_encoding(raw: bytes) -> str:
    """Return the likeliest encoding of a file.

    Raises:
        SkippedFile: it is not text.
    """
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if raw.startswith(mark):
            return name
    try:
        text = raw.decode()
        if "\0" not in text:
            return "utf-8"
    except UnicodeDecodeError:
        pass
    even, odd = raw[:_SAMPLE:2].count(0), raw[1:_SAMPLE:2].count(0)
    wide = ("utf-16-le", "utf-16-be")
    names = wide if even or odd else (*ENCODINGS, *wide)
    scores = {name: _measure_plausibility(raw, name) for name in names}
    name = max(names, key=lambda name: scores[name])
    return name if scores[name] > _PLAUSIBLE else _guess_rare(raw)


def _guess_rare(raw: bytes) -> str:
    from charset_normalizer import from_bytes

    best = None if b"\0" in raw else from_bytes(raw).best()
    if best is None:
        raise SkippedFile("broken", "encoding")
    return best.encoding


def _measure_plausibility(raw: bytes, encoding: str) -> float:
    """Return how much a file looks like text in an encoding, at most 1; -1 if it cannot be in it.

    Frequent Chinese characters, kana, common signs and accented letters within Latin words count
    for it; rare characters little; what hardly occurs in texts counts against it.
    """
    try:
        raw.decode(encoding)
        text = codecs.getincrementaldecoder(encoding)().decode(raw[:_SAMPLE])
    except UnicodeDecodeError:
        return -1
    foreign = "".join(sign for sign in text if sign >= "\x80")
    plain = len(text) - len(foreign)
    if encoding.startswith("utf-16") and 2 * plain > len(text):
        return 1 - 2 * len(_ODD.findall(text)) / len(text)
    marks = len(_MARKS.findall(foreign))
    if encoding == "cp1252" and 2 * len(foreign) > plain:
        marks = 0  # signs stand among words and numbers
    points = sum(map(_rate_chinese, HAN_CHARACTER.findall(foreign)))
    points += 0.8 * marks + len(_KANA.findall(foreign)) + _rate_latin(text)
    points -= 2 * len(_ODD.findall(text)) + 1.5 * len(_WITHIN_WORD.findall(text))
    return points / max(1, len(foreign))


def _rate_chinese(sign: str) -> float:
    """Rate a Chinese character: frequent, in the first half of a national standard, or rare."""
    if sign in _FREQUENT:
        return 1.0
    simplified, traditional = (sign.encode(name, "ignore")[:1] for name in ("gb2312", "big5"))
    return 0.6 if b"" < simplified <= b"\xd7" or b"" < traditional <= b"\xc6" else 0.0


def _rate_latin(text: str) -> float:
    """Rate the accented letters of words: against it where a word has more of them than others,
    or a capital within."""
    points = 0.0
    for word in re.findall(r"[^\W\d_]+", text):
        accented = sum(sign >= "\x80" for sign in _LATIN.findall(word))
        odd = 2 * accented > max(2, len(word)) or not (
            word[1:].islower() or word[1:] == "" or word.isupper()
        )
        foreign = len(_LATIN.findall(word)) < len(word)
        points += -accented if odd or foreign else 0.9 * accented
    return points
