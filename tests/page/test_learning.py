"""The bandit's values over time."""

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Visitor
from tests.page.learned import ARMS, arm
from tests.page.stand_in import StandIn
from tests.page.test_accessibility import LOOKS, assert_accessible


def lines(page: Page) -> list[str]:
    return [" ".join(line.split()) for line in page.locator(".key li").all_inner_texts()]


def test_before_anything_was_learned_it_says_how_that_comes(visit: Visitor) -> None:
    page = visit()
    page.get_by_role("link", name="Learning").click()
    expect(page.get_by_role("heading", level=1, name="What has been learned")).to_be_focused()
    expect(page.locator("#learning-none")).to_contain_text("Nothing has been learned yet")
    expect(page.locator("#learning-charts svg")).to_have_count(0)


def test_each_kind_of_task_has_a_chart_with_a_line_for_each_workflow(
    visit: Visitor, service: StandIn
) -> None:
    service.arms = ARMS
    page = visit("#/learning")
    headings = page.locator("#learning-charts h2")
    expect(headings).to_have_text(
        ["Tasks of the kind: Mathematics", "Tasks of the kind: no clear kind"]
    )
    expect(page.locator(".lines").first.locator("path.line")).to_have_count(3)
    assert lines(page) == [
        "Mathematics 81 points from 8 tasks",
        "Lesson 42 points from 3 tasks",
        "Your documents -10 points from 1 task",
        "Story 73 points from 2 tasks",
    ]


def test_lines_differ_in_more_than_their_colour(visit: Visitor, service: StandIn) -> None:
    service.arms = ARMS
    page = visit("#/learning")
    drawn = page.locator(".key svg")
    expect(drawn).to_have_count(4)
    patterns = drawn.locator(".line").evaluate_all(
        "lines => lines.map(line => getComputedStyle(line).strokeDasharray)"
    )
    marks = drawn.locator(".mark").evaluate_all("marks => marks.map(m => m.getAttribute('d'))")
    assert len(set(zip(patterns, marks, strict=True))) == 4


def test_a_workflow_has_the_same_line_in_every_chart(visit: Visitor, service: StandIn) -> None:
    service.arms = [arm("open", "write_story", [0.5]), arm("write_story", "write_story", [0.7])]
    page = visit("#/learning")
    drawn = page.locator(".key svg")
    expect(drawn).to_have_count(2)
    one, other = (drawn.nth(n).get_attribute("class") for n in range(2))
    assert one == other


def test_earlier_values_are_read_with_the_keyboard(visit: Visitor, service: StandIn) -> None:
    service.arms = ARMS
    page = visit("#/learning")
    slider = page.get_by_role("slider", name="Mathematics")
    slider.focus()
    page.keyboard.press("Home")
    assert lines(page)[:3] == [
        "Mathematics 90 points from 1 task",
        "Lesson 50 points from 1 task",
        "Your documents -10 points from 1 task",
    ]
    page.keyboard.press("ArrowRight")
    assert lines(page)[0] == "Mathematics 85 points from 2 tasks"
    value_text = slider.get_attribute("aria-valuetext") or ""
    assert "2 Mar 2026" in value_text
    assert "Mathematics 85 points from 2 tasks; Lesson 50" in value_text


def test_earlier_values_are_read_with_the_pointer(visit: Visitor, service: StandIn) -> None:
    service.arms = ARMS
    page = visit("#/learning")
    page.locator(".lines").first.hover(position={"x": 42, "y": 60})
    expect(page.locator(".key li").first).to_contain_text("90 points from 1 task")


def test_the_values_are_there_as_a_table(visit: Visitor, service: StandIn) -> None:
    service.arms = ARMS
    page = visit("#/learning")
    page.get_by_text("The values as a table").first.click()
    rows = page.locator("#learning-charts table").first.locator("tbody tr")
    expect(rows).to_have_count(12)
    expect(rows.last.get_by_role("rowheader")).to_have_text("Your documents")
    expect(rows.last).to_contain_text("-10")


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("look", LOOKS)
def test_it_is_accessible(visit: Visitor, service: StandIn, look: str, language: str) -> None:
    service.arms = ARMS
    page = visit("#/learning", language=language, **LOOKS[look])
    expect(page.locator("path.line").first).to_be_visible()
    page.get_by_role("main").locator("summary:visible").first.click()
    assert_accessible(page)
