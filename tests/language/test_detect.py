import pytest
from concertino.language.detect import detect_language, is_foreign
from concertino.language.messages import Language


@pytest.mark.parametrize(
    "text",
    [
        r"求解 $\frac{x^2}{\sin\theta}+\sqrt{2}=\alpha$",
        r"计算 \int_{0}^{\infty} e^{-x^2} \mathrm{d}x",
        r"化简 \(\cos^2\alpha+\sin^2\alpha\)",
        r"求和 \begin{cases} x+y=1 \\ x-y=3 \end{cases}",
        "解方程 sin(x)+cos(x)=tan(x)",
        "解释 `def foo(bar): return baz`",
        "```python\nfor item in many: print(item)\n```\n解释",
        "总结 https://example.org/the/long/way 和 www.example.org/more",
        "打开 notes/my_old_file.txt 看看",
        "换算 5 km/h 和 12 kg",
        "换算 kg mol cm",
        "介绍 Harry Potter 的作者",
        "写信给 ann@example.org",
        "说明 getUserName 和 HTTP2 的用法",
    ],
)
def test_formulas_code_addresses_names_and_units_are_words_of_no_language(text: str) -> None:
    assert detect_language(text) == "zh"


@pytest.mark.parametrize(
    "text",
    [
        "What does 你好 mean?",
        "translate 你好 to English please",
        r"Solve $x^2=4$ and \(y=2\)",
        r"\frac{1}{2}",
        "Fix foo.py",
        "",
    ],
)
def test_english_with_a_few_chinese_characters_stays_english(text: str) -> None:
    assert detect_language(text) == "en"


@pytest.mark.parametrize(
    ("text", "language", "foreign"),
    [
        ("The port is 9090.", "zh", True),
        ("端口已改为 9090。", "zh", False),
        ("端口已改为 9090。", "en", True),
        ("The title is 春游通知和安排。", "en", False),
        ("9090", "zh", False),
        ("config/app.toml", "zh", False),
        ("", "en", False),
    ],
)
def test_a_text_is_foreign_when_it_has_words_of_the_other_language_only(
    text: str, language: Language, foreign: bool
) -> None:
    assert is_foreign(text, language) is foreign
