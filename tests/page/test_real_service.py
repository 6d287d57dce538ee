"""The page in front of the service itself, with a scripted model."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from concertino.service.app import create_app
from concertino.settings import Settings
from playwright.sync_api import Browser, expect

from tests.model_server import PATIENCE, PENS, ModelServer
from tests.page.conftest import Visitor
from tests.page.stand_in import Served
from tests.page.test_tasks import ask
from tests.scripted_model import ScriptedModel


@contextmanager
def visiting(browser: Browser, model: ScriptedModel | None) -> Iterator[Visitor]:
    """Where the service answers; without a model it uses the settings'."""
    served = Served(create_app(Settings(), model=model))
    visitor = Visitor(browser, served.start())
    yield visitor
    visitor.leave()
    served.stop()


@pytest.fixture
def visit_service(
    browser: Browser, home: Path, scripted: Callable[..., ScriptedModel]
) -> Iterator[Visitor]:
    with visiting(browser, scripted()) as visitor:
        yield visitor


def words(gate: threading.Event) -> Iterator[str]:
    """A solution word by word, the last ones when the gate is open."""
    yield from ("12 pens ", "at 3 dollars ")
    gate.wait(PATIENCE)
    yield from ("cost ", "36 dollars.")


def test_a_task_is_asked_watched_rated_and_found_again(visit_service: Visitor) -> None:
    page = visit_service()
    page.get_by_label("Kind of task").select_option("solve_math")
    ask(page, PENS)
    expect(page.locator("#task-status")).to_have_text("Verified")
    expect(page.locator("#answer .result .katex-html")).to_have_text("36")
    expect(page.locator("#checks .passed").first).to_be_visible()
    steps = page.locator("#timeline > li").all_inner_texts()
    before = page.locator("#reward-value").inner_text()
    page.get_by_role("button", name="1 of 5").click()
    expect(page.locator("#rating-note")).not_to_be_empty()
    expect(page.locator("#reward-value")).not_to_have_text(before)
    page.reload()
    worst = page.get_by_role("button", name="1 of 5")
    expect(worst).to_have_attribute("aria-pressed", "true")
    assert page.locator("#timeline > li").all_inner_texts() == steps
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("link", name=PENS)).to_be_visible()


def test_a_text_is_read_while_the_model_writes_it(
    browser: Browser, home: Path, serve: Callable[..., ModelServer]
) -> None:
    gate = threading.Event()
    serve().says("report", words(gate))
    with visiting(browser, None) as visit:
        page = visit()
        page.get_by_label("Kind of task").select_option("solve_math")
        ask(page, PENS)
        expect(page.locator("#draft-text")).to_have_text("12 pens at 3 dollars")
        expect(page.locator("#pending")).to_have_text("Now: Report")
        page.reload()  # the text is still in this process, and comes again
        expect(page.locator("#draft-text")).to_have_text("12 pens at 3 dollars")
        gate.set()
        expect(page.locator("#answer-text")).to_contain_text("cost 36 dollars.")
        expect(page.locator("#draft")).to_be_hidden()


def test_a_task_whose_workflow_was_chosen_was_advised_and_teaches(visit_service: Visitor) -> None:
    page = visit_service()
    ask(page, PENS)
    expect(page.locator("#task-status")).to_have_text("Verified")
    expect(page.get_by_role("table", name="What was advised")).to_contain_text("Mathematics")
    reward = page.locator("#reward-value").inner_text().split()[0]
    page.get_by_role("link", name="Learning").click()
    expect(page.locator(".key")).to_contain_text(f"Mathematics{reward} points from 1 task")


def test_a_document_is_added_found_and_deleted(visit_service: Visitor, tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("# Notice\n\nThe notice period is three months.")
    page = visit_service("#/documents")
    page.locator("#documents-files").set_input_files(notes)
    expect(page.locator("#documents-uploads")).to_contain_text("Added")
    page.get_by_label("Search the documents").fill("How long is the notice period?")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#hits")).to_contain_text("three months")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#documents-none")).to_be_visible()
