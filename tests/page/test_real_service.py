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
from tests.scripted_model import ScriptedModel, done, next_action


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


def test_files_are_worked_on_with_approval_and_put_back(
    browser: Browser, home: Path, scripted: Callable[..., ScriptedModel], tmp_path: Path
) -> None:
    config = tmp_path / "app.toml"
    config.write_text("[server]\nport = 8080\n")
    change = {"path": "app.toml", "key": "server.port", "value": "9090"}
    model = scripted(
        act_next=[next_action("value_set"), next_action("done")],
        act_params=[change],
        act_done=[done("The port in app.toml is now 9090.", "r1")],
    )
    with visiting(browser, model) as visit:
        page = visit()
        page.get_by_label("Kind of task").select_option("act")
        page.get_by_label("Mode").select_option("ask")
        page.locator("#work-files").set_input_files(config)
        expect(page.locator("#work-list")).to_contain_text("app.toml")
        ask(page, "Set the port in app.toml to 9090")
        form = page.get_by_role("form", name="May this be done?")
        expect(form.locator("del")).to_have_text("port = 8080")
        expect(form.locator("ins")).to_have_text("port = 9090")
        expect(page.locator("#calls-list")).to_contain_text("waits for you")
        page.reload()
        form.get_by_role("button", name="Approve", exact=True).click()
        expect(page.locator("#task-status")).to_have_text("Verified")
        expect(page.locator("#calls-list ins")).to_have_text("port = 9090")
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Undo all").click()
        expect(page.locator("#undo-note")).to_have_text("As before: app.toml.")
        with page.expect_download() as downloading:
            page.get_by_role("button", name="Download app.toml").first.click()
        assert Path(downloading.value.path()).read_bytes() == config.read_bytes()
