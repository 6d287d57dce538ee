"""A result as a page to print: self-contained, readable without scripts, safe."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from concertino.cli.printable import render_markdown, render_result


class Seen(HTMLParser):
    """The elements and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def seen(text: str) -> Seen:
    reader = Seen()
    reader.feed(text)
    return reader


def result(report: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "question": "Explain <adding>",
        "language": "en",
        "workflow": "teach_explain",
        "outputs": {},
        "report": report,
        **changes,
    }


@pytest.mark.parametrize("key", ["Answer key", "参考答案"])
def test_the_answers_are_on_a_sheet_of_their_own(key: str) -> None:
    text = render_result(result(f"# Adding\n\n## Practice\n\n1. 3 + 4\n\n## {key}\n\n1. **7**"))
    assert f'<h2 class="sheet">{key}</h2>' in text
    assert text.count('class="sheet"') == 1
    assert ".sheet { break-before: page; }" in text
    assert "size: A4" in text


def test_formulas_are_mathml() -> None:
    text = render_markdown(r"So $\frac{3}{4}$, \(x^2\), and $$\sqrt{2}$$", title="t")
    assert text.count("<math") == 3
    assert "<mfrac>" in text
    assert "\\" not in text.partition("<body>")[2]


def test_prices_are_no_formulas() -> None:
    text = render_markdown("A pen costs $5 and a book $7.", title="t")
    assert "A pen costs $5 and a book $7." in text


def test_a_formula_that_cannot_be_read_is_shown_as_it_is() -> None:
    assert r"<code>\frac{</code>" in render_markdown(r"$\frac{$", title="t")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://example.org/x.png)",
        "[x](javascript:alert(1))",
        r"$\text{<img src=x onerror=alert(1)>}$",
        r"$\text{&lt;script&gt;alert(1)&lt;/script&gt;}$",
        r"$\href{javascript:alert(1)}{x}$",
        r"$\style{background:url(https://example.org)}{x}$",
        r"$\frac{<script>alert(1)</script>$",
        "```<script>\n</script>alert(1)\n```",
        '"><script>alert(1)</script>',
    ],
)
def test_what_a_model_wrote_is_shown_and_not_run(hostile: str) -> None:
    found = seen(render_result(result(hostile, question=hostile)))
    assert not {"script", "img", "iframe", "link", "object"} & set(found.tags)
    for name, value in found.attributes:
        assert not name.startswith("on")
        assert not (value or "").lower().startswith("javascript:")
        assert name != "src"
        assert name != "style"


def test_nothing_is_fetched_from_elsewhere() -> None:
    text = render_result(result("# Adding\n\nSee [this](https://example.org)."))
    assert not re.search(r"url\(|@import|<link|src=", text)
    assert "default-src 'none'" in text


def test_the_title_is_the_lessons_and_the_question_where_there_is_none() -> None:
    lesson = {"teach_explain": {"data": {"title": "分数", "language": "zh"}}}
    text = render_result(result("# 分数\n\n好", outputs=lesson))
    assert "<title>分数</title>" in text
    assert '<html lang="zh">' in text

    text = render_result(result("It is 7.", workflow="solve_math", question="What is 3_4 *now*?"))
    assert "<h1>What is 3_4 *now*?</h1>" in text


@pytest.mark.parametrize("report", [None, ""])
def test_a_task_without_a_report_says_why(report: str | None) -> None:
    assert "the server is gone" in render_result(result(report, error="the server is gone"))
    assert "<h1>Explain &lt;adding&gt;</h1>" in render_result(result(report))
