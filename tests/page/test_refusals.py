"""Keys, and errors as words that say what to do."""

import pytest
from playwright.sync_api import expect

from tests.page.conftest import Visitor
from tests.page.scripts import SOLVED
from tests.page.stand_in import StandIn
from tests.page.test_tasks import EQUATION, ask


def test_the_key_is_asked_for_once_and_kept_for_the_tab(visit: Visitor, service: StandIn) -> None:
    service.key, service.script = "ck-right", SOLVED
    visit.expected.append("401")
    page = visit()
    key = page.get_by_role("dialog", name="API key")
    expect(key).to_contain_text("This service wants an API key")
    key.get_by_label("Key").fill("ck-wrong")
    key.get_by_label("Key").press("Enter")
    expect(key).to_contain_text("That key was not accepted")
    key.get_by_label("Key").fill("ck-right")
    key.get_by_role("button", name="Use this key").click()
    expect(key).to_be_hidden()
    ask(page)
    expect(page.locator("#task-status")).to_have_text("Verified")
    page.reload()
    expect(page.locator("#task-status")).to_have_text("Verified")
    expect(key).to_be_hidden()
    assert page.evaluate("Object.values(localStorage).includes('ck-right')") is False


def test_without_a_key_the_page_says_what_to_do(visit: Visitor, service: StandIn) -> None:
    service.key = "ck-right"
    visit.expected.append("401")
    page = visit()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#ask-problem")).to_contain_text("Reload the page to give one")


def test_a_full_queue_says_when_to_try_again_and_keeps_the_question(
    visit: Visitor, service: StandIn
) -> None:
    service.full = True
    visit.expected.append("429")
    page = visit()
    page.get_by_label("Your task").fill(EQUATION)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert").filter(visible=True)).to_have_text(
        "The service is busy. Try again in 7 seconds. The queue is full."
    )
    expect(page.get_by_label("Your task")).to_have_value(EQUATION)


def test_a_service_that_is_gone_is_told_apart_from_one_that_refuses(
    visit: Visitor, service: StandIn
) -> None:
    visit.expected.append("ERR_CONNECTION")
    page = visit()
    expect(page.get_by_label("Grade")).to_be_visible()
    service.stop()
    page.get_by_label("Your task").fill(EQUATION)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#ask-problem")).to_contain_text("cannot be reached")


def test_what_could_not_be_reached_once_is_not_told_when_the_view_is_opened_again(
    visit: Visitor, service: StandIn
) -> None:
    visit.expected.append("ERR_FAILED")
    page = visit()
    expect(page.get_by_label("Grade")).to_be_visible()
    page.route("**/tasks", lambda route: route.abort(), times=1)
    page.get_by_label("Your task").fill(EQUATION)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#ask-problem")).to_contain_text("cannot be reached")
    page.get_by_role("link", name="Documents").click()
    page.get_by_role("link", name="Ask").click()
    expect(page.get_by_label("Your task")).to_have_value(EQUATION)
    expect(page.locator("#ask-problem")).to_be_hidden()


@pytest.mark.parametrize("task_id", ["nowhere", "%", "%e4%b8", "..", "%2e%2e", "a%2Fb", "<b>"])
def test_a_task_that_is_not_there_points_to_the_history(visit: Visitor, task_id: str) -> None:
    visit.expected.append("404")
    page = visit(f"#/tasks/{task_id}")
    expect(page.locator("#task-problem")).to_contain_text("The history lists what is yours")


def test_an_empty_task_is_not_sent(visit: Visitor, service: StandIn) -> None:
    page = visit()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#ask-problem")).to_have_text("Write down your task first.")
    expect(page.get_by_label("Your task")).to_be_focused()
    assert service.asked == []


@pytest.mark.parametrize("address", ["#/%", "#/nowhere", "#%", "#/documents/%", "#/tasks/a/b"])
def test_an_address_of_no_view_leads_to_asking(visit: Visitor, address: str) -> None:
    page = visit(address)
    expect(page.get_by_label("Your task")).to_be_visible()
