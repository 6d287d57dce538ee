"""Full-width punctuation in data, half-width in the program that reads them.

Models write `line.split(":")` also where the lines have "：", and again when told so.
"""

import io
import re
import tokenize
import unicodedata
from ast import literal_eval
from contextlib import suppress

_WIDE = re.compile("[：，；（）！？％＝＋－／]")


def find_wide(values: str, line: str) -> dict[str, str]:
    """Return the full-width punctuation of the data where a line of code has the half-width one:
    by the latter, as in `{":": "："}`."""
    pairs = {unicodedata.normalize("NFKC", wide): wide for wide in _WIDE.findall(values)}
    return {narrow: wide for narrow, wide in pairs.items() if narrow in line and wide not in line}


def widen_line(code: str, number: int, wide: dict[str, str]) -> str | None:
    """Return a program in which the texts of one line that are nothing but a half-width mark, with
    or without spaces, are the full-width mark; None if there are none.

    Args:
        code: The program.
        number: The line, from 1.
        wide: Full-width marks by half-width ones.
    """
    lines = code.split("\n")
    with suppress(tokenize.TokenError, SyntaxError):
        for token in reversed(list(tokenize.generate_tokens(io.StringIO(code).readline))):
            if token.type != tokenize.STRING or (token.start[0], token.end[0]) != (number, number):
                continue
            if mark := wide.get(str(literal_eval(token.string)).strip()):
                line = lines[number - 1]
                lines[number - 1] = f"{line[: token.start[1]]}{mark!r}{line[token.end[1] :]}"
    widened = "\n".join(lines)
    return widened if widened != code else None
