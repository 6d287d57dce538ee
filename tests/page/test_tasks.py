"""Asking, watching, answering, stopping, following up."""

import re

from playwright.sync_api import Page, expect

from tests.page.conftest import Visitor
from tests.page.scripts import LESSON, SOLVED, STARTED, decision, done, progress, turn
from tests.page.stand_in import Hold, StandIn

EQUATION = "Solve x^2 - 5x + 6 = 0."


def ask(page: Page, question: str = EQUATION) -> None:
    """Ask, and wait until the task's own view shows."""
    page.get_by_label("Your task").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("heading", level=1, name=question)).to_be_visible()


def test_a_solution_shows_its_answer_formulas_table_and_checks(
    visit: Visitor, service: StandIn
) -> None:
    service.script = SOLVED
    page = visit()
    ask(page)
    expect(page.locator("#task-status")).to_have_text("Verified")
    answer = page.locator("#answer")
    expect(answer.locator(".result .katex-html")).to_have_text("x∈{2,3}")
    expect(answer.locator(".math.display")).to_have_count(1)
    expect(answer.get_by_role("cell", name="2", exact=True)).to_have_class("align-right")
    expect(answer.locator("pre code")).to_contain_text("x = symbols")
    expect(answer.locator("#checks .passed")).to_have_count(2)
    assert service.asked == [{"question": EQUATION, "inputs": {}}]


def test_decisions_arrive_one_by_one_with_reason_and_cost(visit: Visitor, service: StandIn) -> None:
    hold = Hold()
    service.script = [
        *SOLVED[:6],
        progress("execution", "The first chain has run."),
        hold,
        *SOLVED[6:],
    ]
    page = visit()
    ask(page)
    first, steps = page.locator("#timeline > li").first, page.locator("#timeline > li")
    expect(steps).to_have_count(6)
    expect(first).to_contain_text("Coordinator→Comprehension")
    expect(first).to_contain_text("what is given and what is asked for must be read first")
    expect(first).to_contain_text("chosen from Comprehension, Planning or Execution")
    expect(first).to_contain_text("2.1 s · 876 tokens")
    expect(steps.last).to_contain_text("The first chain has run.")
    expect(page.locator("#pending")).to_have_text("Now: Execution")
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
    hold.released.set()
    expect(page.locator("#task-status")).to_have_text("Verified")
    expect(page.locator("#pending")).to_be_hidden()


def test_a_reload_while_it_runs_picks_the_task_up(visit: Visitor, service: StandIn) -> None:
    hold = Hold()
    service.script = [*SOLVED[:5], hold, *SOLVED[5:]]
    page = visit()
    ask(page)
    expect(page.locator("#timeline > li")).to_have_count(4)
    page.reload()
    expect(page.locator("#timeline > li")).to_have_count(4)
    hold.released.set()
    expect(page.locator("#task-status")).to_have_text("Verified")
    expect(page.locator("#timeline > li")).to_have_count(9)
    assert len(service.asked) == 1


def test_a_stream_that_breaks_off_goes_on_after_its_last_event(
    visit: Visitor, service: StandIn
) -> None:
    hold = Hold()
    service.script = [*SOLVED[:5], hold, *SOLVED[5:]]
    service.cut = cut = Hold()
    page = visit()
    visit.expected.append("ERR_INCOMPLETE_CHUNKED_ENCODING")
    ask(page)
    expect(page.locator("#timeline > li")).to_have_count(4)
    cut.released.set()
    expect(page.locator("#task-status")).to_have_text("Connection lost; trying again")
    hold.released.set()
    expect(page.locator("#task-status")).to_have_text("Verified")
    expect(page.locator("#timeline > li")).to_have_count(9)
    assert service.last_event_ids == [None, "5"]


def test_an_ended_task_shows_its_history_when_it_is_opened(
    visit: Visitor, service: StandIn
) -> None:
    service.script = SOLVED
    page = visit()
    ask(page)
    expect(page.locator("#task-status")).to_have_text("Verified")
    page.reload()
    expect(page.locator("#timeline > li")).to_have_count(9)
    expect(page.locator("#task-cost")).to_contain_text("2,628 tokens")
    page.get_by_role("link", name="History").click()
    page.get_by_role("link", name=EQUATION).click()
    expect(page.locator("#answer-text")).to_contain_text("A product is zero")


def test_the_coordinators_question_is_answered(visit: Visitor, service: StandIn) -> None:
    question = "What does one pen cost?"
    service.script = [
        STARTED,
        decision("need_input", "The price is missing.", instructions=question),
        {"type": "needs_input", "question": question},
        turn("need_input", "3 dollars"),
        done("verified", "36 dollars"),
    ]
    page = visit()
    ask(page, "What do 12 pens cost?")
    expect(page.locator("#asked-question")).to_have_text(question)
    expect(page.locator("#task-status")).to_have_text("A question for you")
    page.get_by_label("Your answer").fill("3 dollars")
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.locator("#answer-text")).to_have_text("36 dollars")
    expect(page.locator("#asked-form")).to_be_hidden()
    assert service.resumed == [{"answer": "3 dollars"}]


def test_a_question_that_was_answered_is_not_asked_again_after_a_reload(
    visit: Visitor, service: StandIn
) -> None:
    hold = Hold()
    service.script = [
        STARTED,
        {"type": "needs_input", "question": "Which grade?"},
        turn("need_input", "Grade 3"),
        hold,
        done("verified", "A lesson"),
    ]
    page = visit()
    ask(page, "A lesson on fractions")
    page.get_by_label("Your answer").fill("Grade 3")
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.locator("#timeline > li")).to_have_count(1)
    page.reload()
    expect(page.locator("#timeline > li")).to_have_count(1)
    expect(page.locator("#asked-form")).to_be_hidden()
    hold.released.set()


def test_a_task_is_stopped(visit: Visitor, service: StandIn) -> None:
    hold = Hold()
    service.script = [*SOLVED[:3], hold]
    page = visit()
    ask(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#task-status")).to_have_text("Stopped")
    expect(page.locator("#task-problem")).to_contain_text("stopped before there was an answer")
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    hold.released.set()
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_label("Your task")).to_have_value(EQUATION)


def test_a_failed_task_says_why_and_goes_on_where_it_was(visit: Visitor, service: StandIn) -> None:
    service.script = [*SOLVED[:3], done("failed", error="The model's server does not answer.")]
    page = visit()
    ask(page)
    expect(page.locator("#task-problem")).to_have_text("The model's server does not answer.")
    service.script = SOLVED[3:]
    page.get_by_role("button", name="Go on with it").click()
    expect(page.locator("#task-status")).to_have_text("Verified")
    expect(page.locator("#timeline > li")).to_have_count(9)
    expect(page.locator("#task-problem")).to_be_hidden()
    assert service.resumed == [{"answer": None}]


def test_a_follow_up_goes_to_the_same_thread_and_names_what_it_follows(
    visit: Visitor, service: StandIn
) -> None:
    service.script = [done("verified", "A long story about a snail.", "write_story")]
    page = visit()
    ask(page, "A story about a snail")
    page.get_by_label("Follow up").fill("Shorter, please")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1, name="Shorter, please")).to_be_visible()
    assert service.asked[1] == {"question": "Shorter, please", "thread_id": "task0"}
    page.get_by_text("Earlier in this conversation").click()
    expect(page.get_by_role("link", name="A story about a snail")).to_be_visible()


def test_a_workflows_inputs_are_offered_and_sent_by_their_type(
    visit: Visitor, service: StandIn
) -> None:
    service.script = [done("verified", "Once upon a time", "write_story")]
    page = visit()
    page.get_by_label("Kind of task").select_option("write_story")
    page.get_by_label("Characters").fill("Ada\n Ben \n\n")
    page.get_by_label("Length in words").fill("300")
    page.get_by_label("Language").select_option("Chinese")
    ask(page, "A snail")
    assert service.asked == [
        {
            "question": "A snail",
            "workflow": "write_story",
            "inputs": {"characters": ["Ada", "Ben"], "length": 300, "language": "zh"},
        }
    ]


def test_fields_say_what_they_are_for_and_refuse_too_many_lines(
    visit: Visitor, service: StandIn
) -> None:
    page = visit(language="zh-CN")
    page.get_by_label("任务类型").select_option("rag_qa")
    pages = page.get_by_label("网页", exact=True)
    expect(pages).to_have_accessible_description("除资料外还要读的网页")
    pages.fill("\n".join(f"https://example.org/{n}" for n in range(6)))
    page.get_by_label("你的任务").fill("通知期是多久？")
    page.get_by_role("button", name="提问", exact=True).click()
    expect(page.locator("#ask-problem")).to_have_text("网页: 最多 5 行。")
    assert service.asked == []


def test_a_grade_can_be_given_where_the_coordinator_chooses(
    visit: Visitor, service: StandIn
) -> None:
    service.script = [done("verified", LESSON, "teach_explain")]
    page = visit()
    page.get_by_label("Grade").fill("13")
    page.get_by_label("Your task").fill("Fractions")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#ask-problem")).to_contain_text("Grade: ")
    page.get_by_label("Grade").fill("3")
    ask(page, "Fractions")
    assert service.asked == [{"question": "Fractions", "inputs": {"grade": 3}}]


def test_a_lessons_answers_are_printed_on_a_sheet_of_their_own(
    visit: Visitor, service: StandIn
) -> None:
    service.script = [done("verified", LESSON, "teach_explain")]
    page = visit()
    ask(page, "Fractions")
    page.emulate_media(media="print")
    key = page.get_by_role("heading", name="Answer key")
    assert key.evaluate("node => getComputedStyle(node).breakBefore") == "page"
    for hidden in ("header.top", "#task-state", ".timeline", "#after", "#answer-print"):
        expect(page.locator(hidden)).to_be_hidden()
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf())) == 2


def test_a_printed_lesson_has_stacked_fractions_and_room_for_name_and_answers(
    visit: Visitor, service: StandIn
) -> None:
    lesson = LESSON.replace("Practice\n", "Practice\n\nWork slowly: 1/2 comes first.\n")
    service.script = [done("verified", lesson, "teach_explain")]
    page = visit()
    ask(page, "Fractions")
    expect(page.locator("#answer .mfrac")).to_have_count(5)
    expect(page.locator(".blanks")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".blanks span")).to_have_text(["Name:", "Date:"])
    exercises = page.locator(".exercises > li")
    expect(exercises).to_have_count(1)
    millimetre = 96 / 25.4
    room = exercises.evaluate("node => parseFloat(getComputedStyle(node).paddingBottom)")
    assert room > 20 * millimetre


def test_what_is_no_lesson_keeps_its_slashes(visit: Visitor, service: StandIn) -> None:
    service.script = [done("verified", "See 3/4 and $1/2$.", "rag_qa")]
    page = visit()
    ask(page, "When?")
    expect(page.locator("#answer-text")).to_contain_text("See 3/4")
    expect(page.locator("#answer .mfrac")).to_have_count(0)


def test_the_skip_link_is_the_first_stop(visit: Visitor) -> None:
    page = visit("#/tasks")
    expect(page.locator("#tasks-none")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_one_clock_tells_the_time_since_the_task_was_asked(
    visit: Visitor, service: StandIn
) -> None:
    service.script = [done("verified", "36")]
    page = visit()
    ask(page)
    expect(page.locator("#task-status")).to_have_text("Verified")
    service.tasks["task0"].record.update(
        created="2026-03-02T09:00:00+00:00", updated="2026-03-02T09:02:05+00:00"
    )
    page.reload()
    expect(page.locator("#task-cost")).to_have_text("2 min 5 s · 2,628 tokens")


def test_a_task_that_ends_well_after_a_failure_to_stop_it_does_not_keep_the_failure(
    visit: Visitor, service: StandIn
) -> None:
    visit.expected.append("ERR_FAILED")
    hold = Hold()
    service.script = [*SOLVED[:3], hold, *SOLVED[3:]]
    page = visit()
    ask(page)
    page.route("**/cancel", lambda route: route.abort())
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#task-problem")).to_contain_text("cannot be reached")
    hold.released.set()
    expect(page.locator("#task-status")).to_have_text("Verified")
    expect(page.locator("#task-problem")).to_be_hidden()


def test_citations_lead_to_the_passage_they_rest_on(visit: Visitor, service: StandIn) -> None:
    source = {
        "number": 1,
        "title": "Handbook",
        "location": "https://example.org/handbook",
        "chunk_id": "c1",
        "text": "Notice is three months.",
    }
    service.script = [done("verified", "Three months [1]. Not [2].", "rag_qa", sources=[source])]
    page = visit()
    ask(page, "What is the notice period?")
    page.get_by_role("button", name="Source 1").click()
    expect(page.get_by_text("Notice is three months.")).to_be_visible()
    expect(page.get_by_role("link", name="Open the page")).to_have_attribute(
        "rel", "noopener noreferrer"
    )
    expect(page.get_by_role("button", name="Source 2")).to_have_count(0)


def test_an_unverified_answer_says_so_and_can_be_rated(visit: Visitor, service: StandIn) -> None:
    failed = {"name": "second_route", "passed": False, "detail": "36, 38"}
    service.script = [done("unverified", "36", checks=[failed])]
    page = visit()
    ask(page)
    expect(page.locator("#answer-caution")).to_contain_text("did not pass every check")
    expect(page.locator("#checks .not-passed")).to_contain_text("an independent route")
    page.get_by_role("button", name="2 of 5").click()
    expect(page.get_by_role("button", name="2 of 5")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#rating [aria-pressed=true]")).to_have_count(1)
    assert service.ratings == [{"rating": 2}]


def test_an_answer_is_copied_as_markdown(visit: Visitor, service: StandIn) -> None:
    service.script = [done("verified", "**36** dollars")]
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    ask(page)
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#answer-note")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "**36** dollars"


def test_the_history_is_read_page_by_page(visit: Visitor, service: StandIn) -> None:
    service.script = [done("verified", "36")]
    page = visit()
    for number in range(22):
        page.request.post(f"{service.address}tasks", data={"question": f"Task number {number}"})
    page.get_by_role("link", name="History").click()
    expect(page.locator("#tasks-list > li")).to_have_count(20)
    page.get_by_role("button", name="Show earlier ones").click()
    expect(page.locator("#tasks-list > li")).to_have_count(22)
    expect(page.get_by_role("button", name="Show earlier ones")).to_be_hidden()


def test_the_history_is_searched_and_its_tasks_are_renamed_and_deleted(
    visit: Visitor, service: StandIn
) -> None:
    service.script = [done("verified", "36")]
    page = visit()
    for question in ("Pens", "Lakes", "<b>Stories</b>"):
        page.request.post(f"{service.address}tasks", data={"question": question})
    page.get_by_role("link", name="History").click()
    lines = page.locator("#tasks-list > li")
    expect(lines).to_have_count(3)

    page.once("dialog", lambda dialog: dialog.accept("Homework"))
    page.get_by_role("button", name="Rename Lakes").click()
    expect(page.get_by_role("link", name="Homework")).to_be_visible()
    page.get_by_label("Find tasks by words").fill("Homework")
    page.get_by_role("button", name="Search").click()
    expect(lines).to_have_count(1)

    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete Homework").click()
    expect(lines).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete Homework").click()
    expect(page.get_by_text("No task has all of these words.")).to_be_visible()
    page.get_by_label("Find tasks by words").fill("")
    page.get_by_role("button", name="Search").click()
    expect(lines).to_have_count(2)

    service.full = True
    visit.expected.append("409")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete Pens").click()
    expect(page.locator("#tasks-problem")).to_contain_text("Another process")
    expect(lines).to_have_count(2)


def test_the_page_speaks_the_browsers_language_and_can_be_switched(visit: Visitor) -> None:
    page = visit(language="zh-CN")
    expect(page.get_by_role("heading", level=1)).to_have_text("今天想做什么？")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    page.get_by_label("你的任务").fill("给三年级讲分数")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What shall we work on?")
    expect(page.get_by_label("Your task")).to_have_value("给三年级讲分数")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("What shall we work on?")


def test_an_answer_is_rated_with_the_keyboard(visit: Visitor, service: StandIn) -> None:
    service.script = [done("verified", "36")]
    page = visit()
    ask(page)
    page.get_by_role("button", name="1 of 5").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#rating-note")).to_contain_text("learns from it")
    assert service.ratings == [{"rating": 4}]


def test_a_whole_task_is_done_with_the_keyboard(visit: Visitor, service: StandIn) -> None:
    service.script = [done("verified", "36")]
    page = visit()
    expect(page.get_by_label("Your task")).to_be_focused()
    page.keyboard.type("12 x 3")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", level=1, name="12 x 3")).to_be_focused()
    expect(page.locator("#answer-text")).to_have_text("36")
