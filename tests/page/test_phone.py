"""The page on a phone, in both languages."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.page.conftest import Visitor
from tests.page.learned import ARMS
from tests.page.scripts import ROUTING, STARTED, decision, done
from tests.page.stand_in import Hold, StandIn
from tests.page.test_accessibility import assert_accessible
from tests.page.test_tasks import ask


def phone(width: int) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 700}, "is_mobile": True, "has_touch": True}


@pytest.fixture(params=[320, 375])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def box(place: Locator) -> dict[str, float]:
    found = place.bounding_box()
    assert found is not None
    return dict(found)


def test_the_navigation_has_one_line_wherever_one_is(
    visit: Visitor, service: StandIn, width: int
) -> None:
    service.arms = ARMS
    page = visit("#/documents", **phone(width))
    for view in ("Documents", "Learning", "History", "Ask"):
        page.get_by_role("link", name=view, exact=True).click()
        links = page.locator("nav a")
        assert len({box(link)["y"] for link in links.all()}) == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_the_name_of_a_refused_upload_can_be_read(
    visit: Visitor, width: int, language: str, tmp_path: Path
) -> None:
    refused = tmp_path / "the_photos_of_our_last_excursion.bin"
    refused.write_bytes(b"x")
    page = visit("#/documents", language=language, **phone(width))
    page.locator("#documents-files").set_input_files(refused)
    expect(page.locator("#documents-uploads .bad")).to_be_visible()
    assert box(page.locator("#documents-uploads .name"))["width"] > width / 2
    assert_accessible(page)


def test_no_word_of_a_table_is_broken(visit: Visitor, service: StandIn, width: int) -> None:
    hold = Hold()
    chosen = decision("write_story", "A story.")
    service.script = [STARTED, {"type": "routing", **ROUTING}, chosen, hold, done("verified", "36")]
    page = visit(**phone(width))
    ask(page, "A snail")
    expect(page.locator(".advice")).to_be_visible()
    lines = """head => [...head.textContent.matchAll(/\\S+/g)].map(({ index, 0: word }) => {
        const range = document.createRange(), text = head.firstChild;
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        return range.getClientRects().length;
    })"""
    for head in page.locator(".advice thead th").all():
        assert set(head.evaluate(lines)) == {1}
    hold.released.set()


def test_a_line_of_the_key_keeps_its_words_whole(
    visit: Visitor, service: StandIn, width: int
) -> None:
    service.arms = ARMS
    page = visit("#/learning", **phone(width))
    for name in page.locator(".key .name").all():
        assert box(name)["height"] < 30


def test_a_keyboard_on_the_screen_does_not_cover_the_page_at_once(visit: Visitor) -> None:
    page = visit(**phone(375))
    expect(page.get_by_label("Grade")).to_be_visible()
    expect(page.get_by_label("Your task")).not_to_be_focused()


@pytest.mark.parametrize("view", ["", "#/tasks", "#/tasks/task0", "#/documents", "#/learning"])
@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("screen", [320, 1280])
def test_nothing_moves_when_a_view_is_opened(
    visit: Visitor, service: StandIn, view: str, language: str, screen: int
) -> None:
    service.arms = ARMS
    text = "$x^2$ is $\\frac{1}{2}$, as $\\sum x$ is."
    service.script = [
        done("verified", text, checks=[{"name": "ran", "passed": True, "detail": ""}])
    ]
    options = phone(screen) if screen < 500 else {"viewport": {"width": screen, "height": 800}}
    page = visit(language=language, **options)
    page.request.post(f"{service.address}tasks", data={"question": "36"})
    page.add_init_script("""window.moved = [];
        new PerformanceObserver((list) => window.moved.push(...list.getEntries()
            .map(({ value }) => value))).observe({ type: "layout-shift", buffered: true });""")
    page.goto("about:blank")
    page.goto(service.address + view)
    page.wait_for_load_state("networkidle")
    assert sum(page.evaluate("window.moved")) < 0.001
