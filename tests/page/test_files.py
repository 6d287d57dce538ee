"""Files to work on: dropped in, changed before one's eyes, approved or not, downloaded, undone."""

from pathlib import Path
from typing import Any

import pytest
from concertino.actions.catalogue import ACTIONS
from playwright.sync_api import Page, expect

from tests.page.conftest import Visitor
from tests.page.scripts import (
    SOLVED,
    STARTED,
    action,
    approval,
    call_result,
    changed,
    decision,
    done,
    needs_approval,
    result,
    turn,
)
from tests.page.stand_in import Hold, StandIn
from tests.page.test_accessibility import LOOKS, assert_accessible
from tests.page.test_names import LOCALES, read
from tests.page.test_phone import phone
from tests.page.test_tasks import ask

PORT = "--- app.toml\n+++ app.toml\n@@ -1,3 +1,3 @@\n [server]\n-port = 8080\n+port = 9090\n # end"
WROTE = call_result(
    "r1",
    "value_set",
    {"path": "app.toml", "key": "server.port", "value": "9090"},
    preview="port = 9090",
    effects=[changed("app.toml", PORT)],
)
CHANGED: list[dict[str, Any]] = [
    STARTED,
    decision("planner", "Only that.", source="forced"),
    turn("planner", "Set the port."),
    action("r1", "value_set", "write"),
    result(WROTE),
    done(
        "verified",
        "The port is 9090.",
        "act",
        call_results=[WROTE],
        effects=[changed("app.toml", PORT)],
    ),
]
DELETION = approval("r1", "file_delete", {"path": "old.txt", "folder": False}, "-gone")
DELETES = [
    STARTED,
    decision("approve", "Only that.", source="forced"),
    needs_approval(DELETION),
]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "app.toml", tmp_path / "notes & more.txt"]
    for path in paths:
        path.write_text("x" * 1500)
    return paths


def open_work(page: Page) -> None:
    page.locator("#work > summary").click()
    expect(page.locator("#work-folder option").nth(1)).to_be_attached()


def at_work(visit: Visitor, service: StandIn, script: list[Any], **options: Any) -> Page:
    """A task over a workspace, opened."""
    service.workspaces["0"] = {"app.toml": b"port = 9090"}
    service.script = script
    page = visit(**options)
    asked = {"question": "Set the port to 9090", "workflow": "act", "workspace": "0"}
    page.request.post(f"{service.address}tasks", data=asked)
    page.goto(f"{service.address}#/tasks/task0")
    return page


def test_files_make_a_new_folder_which_the_task_works_on(
    visit: Visitor, service: StandIn, files: list[Path]
) -> None:
    page = visit()
    open_work(page)
    page.locator("#work-files").set_input_files(files)
    expect(page.locator("#work-list li")).to_have_count(2)
    expect(page.locator("#work-list")).to_contain_text("notes & more.txt1.5 kB")
    assert service.workspaces == {"0": {path.name: path.read_bytes() for path in files}}
    ask(page, "Set the port")
    assert service.asked == [{"question": "Set the port", "inputs": {}, "workspace": "0"}]
    page.get_by_role("link", name="Ask").click()
    ask(page, "Something else")
    assert "workspace" not in service.asked[-1], "the next task begins without files"


def test_files_are_dropped_into_the_folder_and_not_into_the_knowledge_base(
    visit: Visitor, service: StandIn
) -> None:
    page = visit()
    page.evaluate("""() => {
        const dropped = new DataTransfer();
        dropped.items.add(new File(["1,2"], "a.csv"));
        for (const type of ["dragover", "drop"])
            document.getElementById("work").dispatchEvent(new DragEvent(type,
                { dataTransfer: dropped, bubbles: true, cancelable: true }));
    }""")
    expect(page.locator("#work-list")).to_contain_text("a.csv")
    assert (service.workspaces, service.documents) == ({"0": {"a.csv": b"1,2"}}, [])


def test_a_folder_from_before_is_chosen_and_a_file_in_it_deleted(
    visit: Visitor, service: StandIn
) -> None:
    service.workspaces = {"0": {"a.csv": b"1", "b.csv": b"2"}, "1": {"c.csv": b"3"}}
    page = visit()
    open_work(page)
    page.get_by_label("Folder").select_option("0")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete “a.csv”").or_(
        page.get_by_role("button", name="Delete a.csv")
    ).click()
    expect(page.locator("#work-list li")).to_have_count(1)
    assert service.workspaces["0"] == {"b.csv": b"2"}
    page.reload()
    expect(page.get_by_label("Folder")).to_have_value("0")
    ask(page, "Sum it up")
    assert service.asked[0]["workspace"] == "0"


def test_a_folder_is_deleted_unless_a_task_works_on_it(visit: Visitor, service: StandIn) -> None:
    visit.expected.append("409")
    service.workspaces, service.full = {"0": {"a.csv": b"1"}}, True
    page = visit()
    open_work(page)
    page.get_by_label("Folder").select_option("0")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete the folder").click()
    expect(page.locator("#work-problem")).to_contain_text("A task is working on it.")
    service.full = False
    page.get_by_role("button", name="Delete the folder").click()
    expect(page.locator("#work-folder option")).to_have_count(2)
    expect(page.locator("#work-list li")).to_have_count(0)
    expect(page.locator("#work-delete")).to_be_hidden()


def test_a_task_that_failed_is_asked_again_over_the_same_files(
    visit: Visitor, service: StandIn
) -> None:
    page = at_work(visit, service, [*CHANGED[:5], done("cancelled", "", "act")])
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_label("Folder")).to_have_value("0")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Set the port to 9090")).to_be_visible()
    assert [asked["workspace"] for asked in service.asked] == ["0", "0"]


def test_work_on_files_without_any_begins_in_an_empty_folder(
    visit: Visitor, service: StandIn
) -> None:
    page = visit()
    page.get_by_label("Kind of task").select_option("act")
    expect(page.get_by_label("Folder")).to_be_visible()
    expect(page.get_by_label("Mode")).to_have_value("workspace")
    page.get_by_label("Mode").select_option("ask")
    ask(page, "Write a list of the planets")
    assert service.asked[0]["workspace"] == "0"
    assert service.asked[0]["inputs"] == {"mode": "ask"}


def test_a_refused_file_says_why_and_the_others_are_there(
    visit: Visitor, service: StandIn, files: list[Path], tmp_path: Path
) -> None:
    visit.expected.append("422")
    refused = tmp_path / "refused.txt"
    refused.write_text("x")
    page = visit()
    open_work(page)
    page.locator("#work-files").set_input_files([refused, *files])
    expect(page.locator("#work-list li")).to_have_count(2)
    expect(page.locator("#work-uploads")).to_have_text(
        "refused.txtNot added: That name leads out of the folder."
    )


def test_calls_are_watched_as_they_come(visit: Visitor, service: StandIn) -> None:
    begun, over = Hold(), Hold()
    page = at_work(visit, service, [*CHANGED[:4], begun, CHANGED[4], over, CHANGED[5]])
    line = page.locator("#calls-list > li")
    expect(line).to_have_text("…Set a valueunder way")
    begun.released.set()
    expect(line.locator("summary")).to_have_text("✓Set a valueapp.tomldone")
    line.locator("summary").click()
    expect(line.locator("dl")).to_contain_text("server.port")
    expect(line.locator("ins")).to_have_text("port = 9090")
    expect(line.locator("del")).to_have_text("port = 8080")
    over.released.set()
    expect(page.locator("#task-status")).to_have_text("Verified")
    expect(line.locator("ins")).to_be_visible()


def test_what_was_changed_is_shown_downloaded_and_undone(visit: Visitor, service: StandIn) -> None:
    page = at_work(visit, service, CHANGED)
    changes = page.locator("#changes-list > li")
    expect(changes).to_contain_text("app.tomlchanged")
    changes.locator("summary").click()
    expect(changes.locator(".added")).to_have_text("+added: port = 9090")
    expect(changes.locator(".removed")).to_have_text("−removed: port = 8080")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download app.toml").first.click()
    assert downloading.value.suggested_filename == "app.toml"
    assert Path(downloading.value.path()).read_bytes() == b"port = 9090"
    page.on("dialog", lambda dialog: dialog.accept())
    service.undone = {"restored": ["app.toml"], "left": []}
    page.get_by_role("button", name="Undo all").click()
    expect(page.locator("#undo-note")).to_have_text("As before: app.toml.")
    expect(page.locator("#undo")).to_be_hidden()
    page.reload()
    expect(page.locator("#undo-note")).to_contain_text("Undone")
    assert service.undos == 1


def test_undo_names_what_was_changed_since(visit: Visitor, service: StandIn) -> None:
    page = at_work(visit, service, CHANGED)
    service.undone = {"restored": [], "left": ["app.toml"]}
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Undo all").click()
    expect(page.locator("#undo-note")).to_contain_text("Left alone")
    expect(page.locator("#undo-note")).to_contain_text("app.toml")
    expect(page.locator("#undo")).to_be_visible()


def test_a_failed_task_can_be_undone_too(visit: Visitor, service: StandIn) -> None:
    failed = done(
        "failed", "", "act", call_results=[WROTE], effects=[changed("app.toml", PORT)], error="No."
    )
    page = at_work(visit, service, [*CHANGED[:5], failed])
    expect(page.locator("#task-problem")).to_have_text("No.")
    expect(page.get_by_role("button", name="Undo all")).to_be_visible()


def test_a_call_is_approved_with_its_changes_before_one_s_eyes(
    visit: Visitor, service: StandIn
) -> None:
    page = at_work(visit, service, [*DELETES, done("verified", "It is gone.", "act")])
    form = page.get_by_role("form", name="May this be done?")
    expect(page.locator("#task-status")).to_have_text("Waiting for your approval")
    expect(form).to_contain_text("Deleteold.txt")
    expect(form).to_contain_text("It asks.")
    page.get_by_text("All details").click()
    expect(form.locator("dl")).to_contain_text("With all in itno")
    form.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator("#answer-text")).to_have_text("It is gone.")
    expect(form).to_be_hidden()
    assert service.resumed == [{"answer": "approve", "digests": ["r1-digest"]}]


def test_all_of_a_kind_are_approved(visit: Visitor, service: StandIn) -> None:
    page = at_work(visit, service, [*DELETES, done("verified", "It is gone.", "act")])
    page.get_by_role("button", name="Approve every “Delete” in this task").click()
    expect(page.locator("#answer-text")).to_have_text("It is gone.")
    assert service.resumed[0]["answer"] == "approve all"


def test_a_denial_bears_its_reason_and_enter_in_it_never_approves(
    visit: Visitor, service: StandIn
) -> None:
    page = at_work(visit, service, [*DELETES, done("unverified", "It stays.", "act")])
    page.get_by_label("If not: why").fill("I need it")
    page.get_by_label("If not: why").press("Enter")
    expect(page.locator("#answer-text")).to_have_text("It stays.")
    assert service.resumed[0]["answer"] == "deny: I need it"


def test_an_approval_waits_through_a_reload_and_is_answered_with_the_keyboard(
    visit: Visitor, service: StandIn
) -> None:
    page = at_work(visit, service, [*DELETES, done("verified", "It is gone.", "act")])
    expect(page.locator("#approval")).to_be_visible()
    page.reload()
    expect(page.locator("#approval")).to_be_visible()
    page.locator("#approval-yes").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#answer-text")).to_have_text("It is gone.")


def test_what_was_answered_elsewhere_is_not_answered_again(
    visit: Visitor, service: StandIn
) -> None:
    visit.expected.append("409")
    goes_on = Hold()
    page = at_work(visit, service, [*DELETES, goes_on, done("verified", "It is gone.", "act")])
    expect(page.locator("#approval")).to_be_visible()
    other = approval("r2", "shell_run", {"command": "rm -r in"})
    service.answered_elsewhere = True
    service.tasks["task0"].record["approvals"] = [other]
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.locator("#approval-problem")).to_contain_text("This was answered already.")
    expect(page.locator("#approval-calls")).to_contain_text("rm -r in")
    service.answered_elsewhere = False
    page.get_by_role("button", name="Deny").click()
    assert service.resumed[-1] == {"answer": "deny", "digests": ["r2-digest"]}
    goes_on.released.set()
    expect(page.locator("#answer-text")).to_have_text("It is gone.")


def test_what_cannot_be_seen_is_written_out_where_it_is_to_be_approved(
    visit: Visitor, service: StandIn
) -> None:
    hidden = approval("r1", "shell_run", {"command": "echo \u202etxt.exe\u200b <b>x</b>"})
    page = at_work(visit, service, [STARTED, needs_approval(hidden)])
    expect(page.locator("#approval-calls dd")).to_have_text("echo ⟨U+202E⟩txt.exe⟨U+200B⟩ <b>x</b>")


def test_a_removed_line_that_looks_like_a_head_is_shown_as_what_it_is(
    visit: Visitor, service: StandIn
) -> None:
    one = "--- a.sql\n+++ a.sql\n@@ -1,2 +1,1 @@\n--- a comment\n x\n"
    diff = f"{one}--- b\n+++ b\n@@ -1 +1 @@\n-1\n+2"
    page = at_work(
        visit, service, [STARTED, needs_approval(approval("r1", "file_write", {}, diff))]
    )
    expect(page.locator("#approval-calls del")).to_have_text(["-- a comment", "1"])
    expect(page.locator("#approval-calls .name")).to_have_text(["a.sql", "b"])


def test_an_answer_that_arrives_moves_nothing_that_is_read(
    visit: Visitor, service: StandIn
) -> None:
    for width in (320, 1280):
        hold = Hold()
        service.tasks.clear()
        page = at_work(
            visit,
            service,
            [*CHANGED[:5], hold, CHANGED[5]],
            viewport={"width": width, "height": 700},
        )
        expect(page.locator("#calls-list > li")).to_have_count(1)
        page.evaluate("""() => { window.moved = [];
            new PerformanceObserver((list) => window.moved.push(...list.getEntries()
                .map(({ value }) => value))).observe({ type: "layout-shift" }); }""")
        places = "[...document.querySelectorAll('#timeline > li')].map((step) => step.offsetTop)"
        before = page.evaluate(places)
        hold.released.set()
        expect(page.locator("#answer-text")).to_have_text("The port is 9090.")
        assert page.evaluate(places) == before, width
        assert sum(page.evaluate("window.moved")) < 0.01, width


def test_on_a_phone_a_button_leads_to_what_is_asked(visit: Visitor, service: StandIn) -> None:
    page = at_work(visit, service, [*SOLVED[:9], *DELETES], **phone(320))
    page.get_by_role("button", name="Go to what is asked").click()
    expect(page.locator("#approval-title")).to_be_focused()
    expect(page.locator("#approval-title")).to_be_in_viewport()


@pytest.mark.parametrize("look", [*LOOKS, "320", "375"])
def test_files_are_accessible(visit: Visitor, service: StandIn, look: str) -> None:
    options = LOOKS.get(look) or phone(int(look))
    long = {"path": "a/" * 60 + "b.txt", "content": "long line " * 400}
    waiting = needs_approval(approval("r2", "file_write", long, PORT), DELETION)
    page = at_work(visit, service, [*CHANGED[:5], waiting, CHANGED[5]], **options)
    expect(page.locator("#approval")).to_be_visible()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert_accessible(page)
    page.locator("#approval-yes").click()
    expect(page.locator("#changes-list > li")).to_have_count(1)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    expect(page.locator("#folder-list li")).to_have_count(1)
    assert_accessible(page)
    page.goto(service.address)
    page.locator("#work > summary").click()
    page.locator("#work-folder").select_option("0")
    expect(page.locator("#work-list li")).to_have_count(1)
    assert_accessible(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_word_about_files_is_of_one_language(
    visit: Visitor, service: StandIn, language: Any
) -> None:
    calls = [
        call_result(f"r{n}", name, dict.fromkeys(each.params.model_fields, "1"), status=status)
        for n, (name, each) in enumerate(ACTIONS.items())
        for status in [("done", "failed", "skipped", "denied")[n % 4]]
    ]
    waits = needs_approval(
        *(approval(each["id"], each["action"], each["params"], "-1", reason="1") for each in calls)
    )
    kinds = [
        changed("1", "", None),
        changed("2", "@@ -1 +1 @@\n-1\n+2\n…"),
        changed("3", "", after=None),
    ]
    page = at_work(
        visit,
        service,
        [waits, done("verified", "36", "act", call_results=calls, effects=kinds)],
        language=LOCALES[language],
    )
    expect(page.locator("#approval")).to_be_visible()
    service.tasks["task0"].record["question"] = "1"
    page.reload()
    expect(page.locator("#approval")).to_be_visible()
    read(page, language)
    page.locator("#approval-yes").click()
    expect(page.locator("#changes-list > li")).to_have_count(3)
    page.evaluate("document.getElementById('folder-list').replaceChildren()")
    read(page, language)
