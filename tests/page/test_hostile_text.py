"""What a model or a document says is data: nothing in it runs, links to code or loads."""

import pytest
from playwright.sync_api import expect

from tests.page.conftest import Visitor
from tests.page.scripts import STARTED, decision, done, progress, tokens, turn
from tests.page.stand_in import Hold, StandIn
from tests.page.test_tasks import ask

HOSTILE = r"""<img src=x onerror="window.hit=1"> <script>window.hit=2</script>

<svg onload="window.hit=3"></svg><iframe srcdoc="<script>parent.hit=4</script>"></iframe>

[click](javascript:window.hit=5) [data](data:text/html,<script>1</script>) <javascript:window.hit=6>

![picture](https://evil.example/pixel.png)
<a href="javascript:window.hit=7" onclick="window.hit=7">x</a>

$\href{javascript:window.hit=8}{x}$ $\url{javascript:window.hit=9}$
$\htmlData{onclick=window.hit=10}{x}$
$\includegraphics{https://evil.example/pixel.png}$
$\htmlStyle{background:url(https://evil.example)}{x}$

$$\def\a{\a\a}\a$$

```html" onmouseover="window.hit=11
<b>code</b>
```

- [x]: https://evil.example "t"
- <style>body{display:none}</style>
- **safe text** and [a link](https://example.org/)
"""


def test_hostile_markdown_html_and_formulas_do_nothing(visit: Visitor, service: StandIn) -> None:
    source = {
        "number": 1,
        "title": "<img src=x onerror=window.hit=12>",
        "location": "javascript:window.hit=13",
        "chunk_id": None,
        "text": "<script>window.hit=14</script>",
    }
    image = "<img src=x onerror=window.hit=15>"
    service.script = [
        STARTED,
        decision("execution", image, instructions=image),
        progress("execution", image),
        turn("execution", image),
        done("verified", HOSTILE, sources=[source], error=image),
    ]
    page = visit()
    ask(page, image)
    expect(page.get_by_text("safe text")).to_be_visible()
    answer = page.locator("#answer")
    links = [link.get_attribute("href") for link in answer.locator("a").all()]
    assert links == ["https://evil.example/pixel.png", "https://example.org/"]
    for tag in ("img", "script", "svg[onload]", "iframe", "style", "[onclick]", "[onmouseover]"):
        expect(page.locator(f"main {tag}")).to_have_count(0)
    assert page.evaluate("window.hit") is None


def test_hostile_text_does_nothing_while_it_is_written(visit: Visitor, service: StandIn) -> None:
    begin, end = Hold(), Hold()
    service.script = [STARTED, decision("execution", "?"), begin, *tokens(HOSTILE), end]
    page = visit()
    ask(page)
    expect(page.locator("#timeline > li")).to_have_count(2)
    begin.released.set()
    expect(page.locator("#draft")).to_contain_text("safe text")
    for tag in ("img", "script", "iframe", "style", "[onclick]", "[onmouseover]"):
        expect(page.locator(f"main {tag}")).to_have_count(0)
    assert page.evaluate("window.hit") is None
    end.released.set()


def test_formulas_are_set_in_their_own_fonts(visit: Visitor, service: StandIn) -> None:
    service.script = [done("verified", "$x = 1$")]
    page = visit()
    ask(page)
    expect(page.locator("#answer-text .katex-html")).to_be_visible()
    loaded = page.evaluate("""document.fonts.ready.then(fonts =>
        [...fonts].filter(font => font.status === "loaded").map(font => font.family))""")
    assert {"KaTeX_Main", "KaTeX_Math"} <= {family.strip('"') for family in loaded}


def test_money_is_no_formula(visit: Visitor, service: StandIn) -> None:
    service.script = [done("verified", "12 pens at $3 each cost $36, and `$x$` is code.")]
    page = visit()
    ask(page)
    expect(page.locator("#answer-text")).to_have_text(
        "12 pens at $3 each cost $36, and $x$ is code."
    )
    expect(page.locator("#answer-text .math")).to_have_count(0)


@pytest.mark.parametrize(
    "written",
    [
        r"$x = 1$",
        r"\(x = 1\)",
        "$$x = 1$$",
        r"\[x = 1\]",
        "$$\nx\n= 1\n$$",
        "- a\n\n  \\[\n  x = 1\n  \\]",
    ],
)
def test_formulas_are_read_in_each_of_their_forms(
    visit: Visitor, service: StandIn, written: str
) -> None:
    service.script = [done("verified", written)]
    page = visit()
    ask(page)
    expect(page.locator("#answer-text .katex-html")).to_have_text("x=1")


def test_a_formula_that_cannot_be_read_is_shown_as_written(
    visit: Visitor, service: StandIn
) -> None:
    service.script = [done("verified", r"so $\frac{1$ holds")]
    page = visit()
    ask(page)
    expect(page.locator("#answer-text code")).to_have_text(r"\frac{1")
