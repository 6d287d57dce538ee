"""Conversion of the LaTeX and the full-width forms that answers use to plain text."""

import re

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_PLAIN_SIGNS = {
    "*": "×·⋅",
    "/": "÷",
    "-": "−–—﹣",
    ",": "，、",
    ";": "；",
    ":": "：∶",
    "<=": "≤≦⩽",
    ">=": "≥≧⩾",
    "oo": "∞",
    "pi": "π",
    "EmptySet": "∅",
    "Reals": "ℝ",
    "%": "％",
    "¥": "￥",
    "$": "＄",
    "'": "′‘’",
    '"': "″“”",
    "°": "°º˚",
    "°C": "℃",
    "°F": "℉",
    "...": "…",
    "": "∠",
    " or ": "∨",
    " and ": "∧",
    "_0": "₀",
    "_1": "₁",
    "_2": "₂",
    "_3": "₃",
    " 1/2": "½",
    " 1/3": "⅓",
    " 2/3": "⅔",
    " 1/4": "¼",
    " 3/4": "¾",
    " 1/5": "⅕",
    " 2/5": "⅖",
    " 3/5": "⅗",
    " 4/5": "⅘",
    " 1/6": "⅙",
    " 1/8": "⅛",
    " 3/8": "⅜",
    " 5/8": "⅝",
    " 7/8": "⅞",
}
"""Plain text, and the characters that are written for it."""
_CHARACTERS = str.maketrans(
    {sign: plain for plain, signs in _PLAIN_SIGNS.items() for sign in signs}
)

_PLAIN_COMMANDS = {
    "*": "times cdot ast",
    "/": "div",
    "<=": "leq le leqslant",
    ">=": "geq ge geqslant",
    "<": "lt",
    ">": "gt",
    "!=": "ne neq",
    "≈": "approx",
    "±": "pm",
    "∈": "in",
    "∪": "cup",
    "∩": "cap",
    "EmptySet": "emptyset varnothing",
    "oo": "infty",
    "|": "mid vert lvert rvert",
    ":": "colon",
    "'": "prime",
    "°": "degree",
    "...": "ldots cdots dots",
    "¥": "yen",
    "£": "pounds",
    "€": "euro",
    " and ": "land wedge",
    " or ": "lor vee",
    "lamda": "lambda",
    " ": "quad qquad , ; :",
    "": "left right displaystyle angle triangle !",
}
"""Plain text, and the LaTeX commands for it."""
_KEPT_COMMANDS = "sin cos tan ln lg log exp pi alpha beta gamma theta % $ & # _ { }"
"""Commands whose name is the plain text."""
_COMMANDS = {
    **{name: plain for plain, names in _PLAIN_COMMANDS.items() for name in names.split()},
    **{name: name for name in _KEPT_COMMANDS.split()},
    " ": " ",
}
_COMMAND = re.compile(r"\\([A-Za-z]+|[^A-Za-z])[ \t]?")
_WORDS = re.compile(
    r"\\(?:text(?:bf|rm|it|normal)?|mathrm|mbox|mathbf|operatorname)\s*\{([^{}]*)\}"
)
_NUMBER_SET = re.compile(r"\\mathbb\s*(?:\{([RZNQ])\}|([RZNQ]))")
NUMBER_SETS = {"R": "Reals", "Z": "Integers", "N": "Naturals", "Q": "Rationals"}
"""Letters of the sets of numbers, with SymPy's names."""
_INLINE = re.compile(r"\$((?:\\[A-Za-z]+|[^$A-Za-z]|[A-Za-z](?![A-Za-z]))+)\$")
_DELIMITER = re.compile(r"\\[()\[\]]|\$\$")
_THOUSANDS = re.compile(r"(?<=\d)(?:\\,|\{,\}|\\ )(?=\d{3}(?!\d))")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_MATRIX = re.compile(r"\\begin\{([bpvBV]?matrix)\}(.*?)\\end\{\1\}", re.DOTALL)
_CASES = re.compile(r"\\begin\{(cases|aligned|array)\}(?:\{[^{}]*\})?(.*?)\\end\{\1\}", re.DOTALL)
_REPEATING = re.compile(r"(\d*\.\d*)\\(?:overline|dot|bar)\s*\{(\d+)\}(?:\\dot\s*\{(\d)\})?")
_GROUP = r"(?:\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}|(\d|[A-Za-z]))"
_FRACTION = re.compile(rf"\\[dtc]?frac\s*{_GROUP}\s*{_GROUP}")
_ROOT = re.compile(rf"\\sqrt\s*(?:\[([^\]]*)\])?\s*{_GROUP}")
_EXPONENT = re.compile(r"\^\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_ROOT_SIGN = re.compile(r"√\s*(\d+(?:\.\d+)?|[A-Za-z]|(?=\())")
_RAISED = re.compile(r"(?<=\d)[⁰¹⁻⁴-⁹²³]+|(?<=[a-z)])[⁰¹⁻⁴-⁹]+")
"""Superscripts; not `²` and `³` after letters, which are of units."""
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def simplify(text: str) -> str:
    """Return a written answer as plain text: `\\frac{3}{4}` becomes `3/4`, `１２％` `12%`."""
    text = text.translate(_FULL_WIDTH).translate(_CHARACTERS).strip()
    if re.search(r"[\\$]|[\^_]\s*\{", text):
        text = _convert_latex(text)
    text = _ROOT_SIGN.sub(lambda m: f"sqrt({m[1]})" if m[1] else "sqrt", text)
    text = _RAISED.sub(lambda m: "^" + m[0].translate(_SUPERSCRIPTS), text)
    return re.sub(r"\s+", " ", text).strip()


def _convert_latex(text: str) -> str:
    text = _DELIMITER.sub(" ", text)
    text = _INLINE.sub(r" \1 ", text).strip()
    text = _BOXED.sub(r"\1", text)
    text = _THOUSANDS.sub("", text)
    text = _NUMBER_SET.sub(lambda m: NUMBER_SETS[m[1] or m[2]], text)
    text = _MATRIX.sub(_to_rows, text)
    text = _CASES.sub(lambda m: ", ".join(_split_rows(m[2].replace("&", " "))), text)
    text = _REPEATING.sub(lambda m: f"{m[1]}({m[2]}{m[3] or ''})", text)
    text = re.sub(r"\^\s*\{?\\circ\}?", "°", text)
    text = _WORDS.sub(r" \1 ", text)
    while _ROOT.search(text) or _FRACTION.search(text):
        text = _FRACTION.sub(_to_quotient, _ROOT.sub(_to_root, text))
    text = _EXPONENT.sub(lambda m: f"^({m[1]})" if len(m[1]) > 1 else f"^{m[1]}", text)
    return _COMMAND.sub(_to_sign, text.replace("{,}", ","))


def _to_sign(found: re.Match[str]) -> str:
    sign = _COMMANDS.get(found[1])
    if sign is None:
        raise ValueError(f"unknown command: {found[1]}")
    if sign.isalpha() and found.string[found.end() : found.end() + 1].isalpha():
        return f"{sign} "  # `\\sin x`, whose space belongs to the command
    return sign


def _to_quotient(found: re.Match[str]) -> str:
    """Return a fraction in brackets; one of whole numbers bare, so that `3 1/2` is mixed, unless it
    is a factor after a letter or a bracket."""
    top = (found[1] or found[2] or "").strip()
    bottom = (found[3] or found[4] or "").strip()
    if not (top.isdigit() and bottom.isdigit()):
        return f"(({top})/({bottom}))"
    before = found.string[: found.start()].rstrip()[-1:]
    is_factor = before == ")" or (before.isascii() and before.isalpha())
    return f"*({top}/{bottom})" if is_factor else f" {top}/{bottom} "


def _to_root(found: re.Match[str]) -> str:
    inside = found[2] or found[3] or ""
    return f"(({inside})^(1/({found[1]})))" if found[1] else f"sqrt({inside})"


def _to_rows(found: re.Match[str]) -> str:
    rows = [f"[{', '.join(row.split('&'))}]" for row in _split_rows(found[2])]
    return f"Matrix([{', '.join(rows)}])"


def _split_rows(content: str) -> list[str]:
    return [row.strip() for row in re.split(r"\\\\", content) if row.strip()]
