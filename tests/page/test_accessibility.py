"""axe finds no serious fault in any view, in both schemes and on a phone."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.conftest import Visitor
from tests.page.scripts import REWARD, ROUTING, SOLUTION, SOLVED, STARTED, decision, done, tokens
from tests.page.stand_in import Hold, StandIn
from tests.page.test_tasks import ask

LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": {"width": 360, "height": 780}},
}
SERIOUS = ("serious", "critical")


@pytest.fixture(params=list(LOOKS))
def look(request: pytest.FixtureRequest) -> dict[str, Any]:
    return LOOKS[request.param]


def assert_accessible(page: Page) -> None:
    """No serious fault, and nothing that makes the page wider than the screen."""
    found = Axe().run(page).response["violations"]
    faults = [
        (fault["id"], node["html"])
        for fault in found
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]
    assert faults == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_asking(visit: Visitor, look: dict[str, Any]) -> None:
    page = visit(**look)
    page.get_by_label("Kind of task").select_option("write_story")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#ask-problem")).to_be_visible()
    assert_accessible(page)


def test_a_task_at_work(visit: Visitor, service: StandIn, look: dict[str, Any]) -> None:
    hold = Hold()
    service.script = [*SOLVED[:6], hold]
    page = visit(**look)
    ask(page)
    expect(page.locator("#timeline > li")).to_have_count(6)
    assert_accessible(page)
    hold.released.set()


def test_an_answer(visit: Visitor, service: StandIn, look: dict[str, Any]) -> None:
    wide = "$$" + " + ".join(f"x_{{{n}}}" for n in range(60)) + "$$"
    answer = {"exact": "1", "text": "1", "latex": "1", "decimal": None}
    service.script = [
        *SOLVED[:-1],
        done("unverified", f"{SOLUTION}\n\n{wide}", answer=answer),
    ]
    page = visit(**look)
    ask(page)
    expect(page.locator("#answer .katex").last).to_be_visible()
    assert_accessible(page)


def test_every_head_of_a_table_has_a_name(visit: Visitor, service: StandIn) -> None:
    table = "| $x^2$ | y | $a$ and $b$ | |\n|---:|---|---|---|\n| 1 | 2 | 3 | 4 |"
    service.script = [*SOLVED[:-1], done("verified", table)]
    page = visit()
    ask(page)
    expect(page.locator("#answer table")).to_be_visible()
    assert [fault["id"] for fault in Axe().run(page).response["violations"]] == []
    heads = page.locator("#answer-text").get_by_role("columnheader")
    expect(heads).to_have_count(3)
    expect(page.locator("#answer-text").get_by_role("columnheader", name="x^2")).to_be_visible()
    expect(heads.first.locator(".katex-html")).to_be_visible()


def test_a_text_that_is_being_written(
    visit: Visitor, service: StandIn, look: dict[str, Any]
) -> None:
    begin, end = Hold(), Hold()
    advised = {"type": "routing", **ROUTING}
    chosen = decision("write_story", "A story is asked for.")
    service.script = [STARTED, advised, chosen, begin, *tokens("# A snail\n\nOnce"), end]
    page = visit(**look)
    ask(page)
    expect(page.locator("#timeline > li")).to_have_count(2)
    begin.released.set()
    expect(page.locator("#draft")).to_contain_text("Once")
    assert_accessible(page)
    end.released.set()


def test_a_reward_and_a_rating(visit: Visitor, service: StandIn, look: dict[str, Any]) -> None:
    service.script = [done("verified", "Once", "write_story", reward=REWARD)]
    page = visit(**look)
    ask(page)
    page.locator("#reward summary").click()
    page.get_by_role("button", name="4 of 5").click()
    expect(page.locator("#rating-note")).not_to_be_empty()
    assert_accessible(page)


def test_a_question_to_the_person(visit: Visitor, service: StandIn, look: dict[str, Any]) -> None:
    service.script = [
        STARTED,
        decision("need_input", "?"),
        {"type": "needs_input", "question": "Why?"},
    ]
    page = visit(**look)
    ask(page)
    expect(page.locator("#asked-form")).to_be_visible()
    assert_accessible(page)


def test_documents_and_history(visit: Visitor, service: StandIn, look: dict[str, Any]) -> None:
    service.documents = [{"doc_id": "a", "title": "Handbook", "name": "handbook.pdf", "chunks": 12}]
    service.script = [done("verified", "36")]
    page = visit(**look)
    ask(page)
    page.get_by_role("link", name="Documents").click()
    expect(page.locator("#documents-list > li")).to_have_count(1)
    assert_accessible(page)
    page.get_by_role("link", name="History").click()
    expect(page.locator("#tasks-list > li")).to_have_count(1)
    assert_accessible(page)


def test_the_dialog_for_the_key(visit: Visitor, service: StandIn, look: dict[str, Any]) -> None:
    service.key = "ck-right"
    visit.expected.append("401")
    page = visit(**look)
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_accessible(page)
