"""Conversion of the LaTeX and the full-width forms that answers use to plain text."""

import re

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_CHARACTERS = str.maketrans(
    {
        **{"×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "—": "-", "，": ","},
        **{"、": ",", "；": ";", "：": ":", "∶": ":", "≤": "<=", "≥": ">=", "≦": "<=", "≧": ">="},
        **{"⩽": "<=", "⩾": ">=", "∞": "oo", "π": "pi", "∅": "EmptySet", "﹣": "-", "％": "%"},
        **{"￥": "¥", "＄": "$", "′": "'", "″": '"', "ℝ": "Reals", "₀": "_0", "₁": "_1", "₂": "_2"},
        **{"₃": "_3", "∠": "", "°": "°", "º": "°", "˚": "°", "∨": " or ", "∧": " and "},
        **{"“": '"', "”": '"', "‘": "'", "’": "'", "℃": "°C", "℉": "°F", "…": "..."},
        **dict(
            zip(
                "½⅓⅔¼¾⅕⅖⅗⅘⅙⅛⅜⅝⅞",
                _ := (
                    " 1/2",
                    " 1/3",
                    " 2/3",
                    " 1/4",
                    " 3/4",
                    " 1/5",
                    " 2/5",
                    " 3/5",
                    " 4/5",
                    " 1/6",
                    " 1/8",
                    " 3/8",
                    " 5/8",
                    " 7/8",
                ),
                strict=True,
            )
        ),
    }
)
_COMMANDS = {
    **{"times": "*", "cdot": "*", "ast": "*", "div": "/", "pi": "pi", "infty": "oo", "%": "%"},
    **{"leq": "<=", "le": "<=", "leqslant": "<=", "geq": ">=", "ge": ">=", "geqslant": ">="},
    **{"lt": "<", "gt": ">", "ne": "!=", "neq": "!=", "approx": "≈", "cup": "∪", "cap": "∩"},
    **{"emptyset": "EmptySet", "varnothing": "EmptySet", "pm": "±", "in": "∈", "colon": ":"},
    **{"quad": " ", "qquad": " ", "left": "", "right": "", "displaystyle": "", "degree": "°"},
    **{"sin": "sin", "cos": "cos", "tan": "tan", "ln": "ln", "log": "log", "exp": "exp"},
    **{"$": "$", ",": " ", ";": " ", ":": " ", "!": "", " ": " ", "&": "&", "#": "#", "_": "_"},
    **{"{": "{", "}": "}", "land": " and ", "lor": " or ", "wedge": " and ", "vee": " or "},
    **{"ldots": "...", "cdots": "...", "dots": "...", "yen": "¥", "pounds": "£", "euro": "€"},
    **{"alpha": "alpha", "beta": "beta", "theta": "theta", "gamma": "gamma", "lambda": "lamda"},
    **{
        "angle": "",
        "triangle": "",
        "prime": "'",
        "mid": "|",
        "vert": "|",
        "lvert": "|",
        "rvert": "|",
        "%": "%",
    },
}
_COMMAND = re.compile(r"\\([A-Za-z]+|[^A-Za-z])[ \t]?")
_WORDS = re.compile(
    r"\\(?:text(?:bf|rm|it|normal)?|mathrm|mbox|mathbf|operatorname)\s*\{([^{}]*)\}"
)
_INLINE = re.compile(r"\$((?:\\[A-Za-z]+|[^$A-Za-z]|[A-Za-z](?![A-Za-z]))+)\$")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_MATRIX = re.compile(r"\\begin\{([bpvBV]?matrix)\}(.*?)\\end\{\1\}", re.DOTALL)
_CASES = re.compile(r"\\begin\{(cases|aligned|array)\}(?:\{[^{}]*\})?(.*?)\\end\{\1\}", re.DOTALL)
_REPEATING = re.compile(r"(\d*\.\d*)\\(?:overline|dot|bar)\s*\{(\d+)\}(?:\\dot\s*\{(\d)\})?")
_GROUP = r"(?:\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}|(\d|[A-Za-z]))"
_FRACTION = re.compile(rf"\\[dtc]?frac\s*{_GROUP}\s*{_GROUP}")
_ROOT = re.compile(rf"\\sqrt\s*(?:\[([^\]]*)\])?\s*{_GROUP}")
_EXPONENT = re.compile(r"\^\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_SUBSCRIPT = re.compile(r"_\s*\{?(\w+)\}?")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def simplify(text: str) -> str:
    """Return a written answer as plain text: `\\frac{3}{4}` becomes `3/4`, `１２％` `12%`."""
    text = text.translate(_FULL_WIDTH).translate(_CHARACTERS).strip()
    if re.search(r"[\\$]|[\^_]\s*\{", text):
        text = _convert_latex(text)
    text = re.sub(
        r"√\s*(\d+(?:\.\d+)?|[A-Za-z]|(?=\())", lambda m: f"sqrt({m[1]})" if m[1] else "sqrt", text
    )
    text = re.sub(r"(?<=\d)[⁰¹⁻⁴-⁹²³]+|(?<=[a-z)])[⁰¹⁻⁴-⁹]+", _to_power, text)
    return re.sub(r"\s+", " ", text).strip()


def _to_power(found: re.Match[str]) -> str:
    return "^" + found[0].translate(_SUPERSCRIPTS)


def _convert_latex(text: str) -> str:
    text = _INLINE.sub(r" \1 ", re.sub(r"\\[()\[\]]|\$\$", " ", text)).strip()
    text = _BOXED.sub(r"\1", text)
    text = re.sub(r"(?<=\d)(?:\\,|\{,\}|\\ )(?=\d{3}(?!\d))", "", text)
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
    return sign


def _to_quotient(found: re.Match[str]) -> str:
    """Return a fraction in brackets; a mixed number's, after a digit, as `3 1/2`."""
    top, bottom = (found[1] or found[2] or "").strip(), (found[3] or found[4] or "").strip()
    if top.isdigit() and bottom.isdigit():
        before = found.string[: found.start()].rstrip()
        alone = not before or not (re.match(r"[A-Za-z0-9)]", before[-1]))
        mixed = before[-1:].isdigit()
        return f" {top}/{bottom} " if mixed or alone else f"*({top}/{bottom})"
    return f"(({top})/({bottom}))"


def _to_root(found: re.Match[str]) -> str:
    inside = found[2] or found[3] or ""
    return f"(({inside})^(1/({found[1]})))" if found[1] else f"sqrt({inside})"


def _to_rows(found: re.Match[str]) -> str:
    rows = [f"[{', '.join(row.split('&'))}]" for row in _split_rows(found[2])]
    return f"Matrix([{', '.join(rows)}])"


def _split_rows(content: str) -> list[str]:
    return [row.strip() for row in re.split(r"\\\\", content) if row.strip()]
