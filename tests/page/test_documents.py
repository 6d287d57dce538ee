"""The knowledge base: upload, list, search, delete."""

from pathlib import Path

from playwright.sync_api import expect

from tests.page.conftest import Visitor
from tests.page.scripts import done
from tests.page.stand_in import StandIn


def test_files_are_uploaded_listed_found_and_deleted(
    visit: Visitor, service: StandIn, tmp_path: Path
) -> None:
    notes, program = tmp_path / "notes.md", tmp_path / "program.bin"
    notes.write_text("Notice is three months.")
    program.write_bytes(b"\x00")
    page = visit("#/documents")
    expect(page.locator("#documents-none")).to_be_visible()
    page.locator("#documents-files").set_input_files([notes, program])
    lines = page.locator("#documents-uploads li")
    expect(lines.nth(0)).to_contain_text("notes.md")
    expect(lines.nth(0)).to_contain_text("Added")
    expect(lines.nth(1)).to_contain_text("Not added: Files of this kind cannot be read.")
    expect(page.locator("#documents-list > li")).to_have_count(1)
    page.get_by_label("Search the documents").fill("notice")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#search-note")).to_have_text("1 passage found")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete notes.md").click()
    expect(page.locator("#documents-list > li")).to_have_count(0)
    assert service.documents == []


def test_a_document_can_be_added_where_the_task_is_asked(
    visit: Visitor, service: StandIn, tmp_path: Path
) -> None:
    (tmp_path / "notes.md").write_text("Notice is three months.")
    service.script = [done("verified", "Three months.", "rag_qa")]
    page = visit()
    page.locator("#ask-files").set_input_files(tmp_path / "notes.md")
    expect(page.locator("#ask-uploads")).to_contain_text("Added")
    assert [document["title"] for document in service.documents] == ["notes.md"]
    expect(page.locator("#ask-attach-note")).to_be_visible()


def test_an_upload_shows_how_much_has_been_sent(visit: Visitor, tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_bytes(b"x" * 5_000_000)
    page = visit("#/documents")
    page.evaluate("""() => {
        window.seen = [];
        const value = Object.getOwnPropertyDescriptor(HTMLProgressElement.prototype, "value");
        Object.defineProperty(HTMLProgressElement.prototype, "value", {
            get: value.get,
            set(share) { window.seen.push(share); value.set.call(this, share); },
        });
    }""")
    page.locator("#documents-files").set_input_files(tmp_path / "big.txt")
    expect(page.locator("#documents-uploads")).to_contain_text("Added")
    sent = page.evaluate("window.seen")
    assert sent[-2:] == [0.5, 1]  # what the service has told of adding it
    assert max(sent[:-2]) == 1  # what the browser has told of sending it
