"""Text as it is written, who is playing, and what the task was advised and has earned."""

from playwright.sync_api import expect

from tests.page.conftest import Visitor
from tests.page.scripts import REWARD, ROUTING, STARTED, decision, done, node, token, tokens, turn
from tests.page.stand_in import Hold, StandIn
from tests.page.test_tasks import ask

STORY = "Once upon a time there was a **brave** snail."
CHOSEN = decision("write_story", "A story is asked for.")


def test_a_text_shows_while_it_is_written_and_gives_way_to_the_answer(
    visit: Visitor, service: StandIn
) -> None:
    begin, end = Hold(), Hold()
    service.script = [STARTED, CHOSEN, begin, *tokens(STORY), end, done("verified", "The end.")]
    page = visit()
    ask(page, "A snail")
    expect(page.locator("#timeline > li")).to_have_count(2)
    begin.released.set()
    draft = page.get_by_role("region", name="Being written")
    expect(draft.locator(".prose")).to_have_text("Once upon a time there was a brave snail.")
    expect(draft.locator("strong")).to_have_text("brave")
    expect(draft).to_contain_text("a draft that has not been checked yet")
    expect(page.locator("#answer")).to_be_hidden()
    end.released.set()
    expect(page.locator("#answer-text")).to_have_text("The end.")
    expect(draft).to_be_hidden()


def test_texts_that_are_written_at_once_stand_one_under_the_other(
    visit: Visitor, service: StandIn
) -> None:
    begin, end = Hold(), Hold()
    one, other = tokens("The first part", "a"), tokens("The second part", "b")
    mixed = [piece for pair in zip(one, other, strict=True) for piece in pair]
    service.script = [STARTED, CHOSEN, begin, *mixed, end]
    page = visit()
    ask(page, "A snail")
    expect(page.locator("#timeline > li")).to_have_count(2)
    begin.released.set()
    expect(page.locator("#draft .prose")).to_have_text(["The first part", "The second part"])
    end.released.set()


def test_what_is_written_anew_takes_the_place_of_what_was_written_before(
    visit: Visitor, service: StandIn
) -> None:
    holds = Hold(), Hold(), Hold()
    service.script = [
        *(STARTED, CHOSEN, holds[0]),
        *tokens("A first try", "a"),
        *(turn("write_story", "A draft", failed=True), decision("rewrite_story", "Once more.")),
        holds[1],
        *tokens("A second try", "b"),
        holds[2],
    ]
    page = visit()
    ask(page, "A snail")
    expect(page.locator("#timeline > li")).to_have_count(2)
    holds[0].released.set()
    expect(page.locator("#timeline > li")).to_have_count(4)
    expect(page.locator("#draft .prose")).to_have_text(["A first try"])
    holds[1].released.set()
    expect(page.locator("#draft .prose")).to_have_text(["A second try"])
    holds[2].released.set()


def test_after_a_reload_what_was_missed_is_marked_and_the_answer_is_whole(
    visit: Visitor, service: StandIn
) -> None:
    begin, missed, end = Hold(), Hold(), Hold()
    service.script = [
        *(STARTED, CHOSEN, node("start", "write_part", "write_story"), begin),
        *(token("蜗牛🐌", 0), missed, token("went on.", 3), end),
        done("verified", "The end."),
    ]
    page = visit()
    ask(page, "A snail")
    expect(page.locator("#timeline > li")).to_have_count(2)
    begin.released.set()
    expect(page.locator("#draft")).to_contain_text("蜗牛🐌")
    page.reload()
    expect(page.locator("#timeline > li")).to_have_count(2)
    expect(page.locator("#draft")).to_be_hidden()
    expect(page.locator("#pending")).to_have_text("Now: Story, writing a part")
    missed.released.set()
    expect(page.locator("#draft .prose")).to_have_text("… went on.")
    end.released.set()
    expect(page.locator("#answer-text")).to_have_text("The end.")


def test_a_stopped_task_leaves_no_draft(visit: Visitor, service: StandIn) -> None:
    begin, end = Hold(), Hold()
    service.script = [STARTED, CHOSEN, begin, *tokens(STORY), end]
    page = visit()
    ask(page, "A snail")
    expect(page.locator("#timeline > li")).to_have_count(2)
    begin.released.set()
    expect(page.locator("#draft")).to_contain_text("snail")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#task-status")).to_have_text("Stopped")
    expect(page.locator("#draft")).to_be_hidden()
    end.released.set()


def test_the_timeline_tells_who_is_playing(visit: Visitor, service: StandIn) -> None:
    holds = Hold(), Hold(), Hold()
    service.script = [
        *(STARTED, node("start", "router"), holds[0], node("end", "router")),
        *(decision("summarize_url", "A page is named."), node("start", "summarize_url")),
        node("start", "summarize_part", "summarize_url", run="a"),
        node("start", "summarize_part", "summarize_url", run="b"),
        holds[1],
        node("end", "summarize_part", "summarize_url", run="a"),
        holds[2],
    ]
    page = visit()
    ask(page, "Sum it up")
    playing = page.locator("#pending")
    expect(playing).to_have_text("Now: Recognising the kind of task")
    holds[0].released.set()
    expect(playing).to_have_text("Now: Summary of a web page, summing up a part (2 at once)")
    holds[1].released.set()
    expect(playing).to_have_text("Now: Summary of a web page, summing up a part")
    holds[2].released.set()


def test_the_first_decision_tells_what_was_advised_also_when_it_is_opened_later(
    visit: Visitor, service: StandIn
) -> None:
    service.script = [
        *(STARTED, {"type": "routing", **ROUTING}, CHOSEN, turn("write_story", "A story")),
        done("verified", STORY, "write_story", routing=ROUTING),
    ]
    page = visit()
    ask(page, "A snail")
    expect(page.locator("#task-status")).to_have_text("Verified")
    for _ in range(2):
        table = page.locator("#timeline > li").first.get_by_role("table", name="What was advised")
        rows = [" ".join(row.split()) for row in table.locator("tbody tr").all_inner_texts()]
        assert rows == [
            "Story suggested 82% 71 points from 12 tasks",
            "Lesson 11% –",
            "Mathematics 4% -8 points from 1 task",
        ]
        expect(page.locator("#timeline table")).to_have_count(1)
        page.reload()
        expect(page.locator("#task-status")).to_have_text("Verified")


def test_a_task_that_named_its_workflow_was_not_advised(visit: Visitor, service: StandIn) -> None:
    service.script = [STARTED, CHOSEN, done("verified", STORY, "write_story", routing=None)]
    page = visit()
    ask(page, "A snail")
    expect(page.locator("#task-status")).to_have_text("Verified")
    expect(page.locator("#timeline table")).to_have_count(0)


def test_the_reward_is_told_term_by_term_and_follows_the_rating(
    visit: Visitor, service: StandIn
) -> None:
    service.script = [STARTED, CHOSEN, done("verified", STORY, "write_story", reward=REWARD)]
    rating = {"name": "rating", "value": 0.0, "weight": 27.0}
    terms = [*REWARD["quality_terms"], rating]
    service.reward_when_rated = {**REWARD, "reward": -0.01, "quality_terms": terms}
    page = visit()
    ask(page, "A snail")
    reward = page.locator("#reward")
    expect(reward.locator("summary")).to_have_text("70 of 100 points result 79 · effort 45")
    reward.locator("summary").click()
    rows = reward.locator("tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.nth(0)).to_have_text("how the task ended10067%")
    expect(rows.nth(1)).to_have_text("every plot point is told3833%")
    expect(rows.nth(2)).to_have_text("tokens4043%")
    page.get_by_role("button", name="1 of 5").click()
    expect(reward.locator("summary")).to_contain_text("-1 of 100 points")
    expect(rows.nth(2)).to_have_text("your rating090%")
    assert service.ratings == [{"rating": 1}]


def test_a_task_without_a_reward_shows_none(visit: Visitor, service: StandIn) -> None:
    service.script = [STARTED, done("verified", STORY, "write_story", reward=None)]
    page = visit()
    ask(page, "A snail")
    expect(page.locator("#answer-text")).to_be_visible()
    expect(page.locator("#reward")).to_be_hidden()
