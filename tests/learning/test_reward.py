"""What a task earns: the terms of its quality and cost, and that padding earns nothing."""

from typing import Any

import pytest
from concertino.agents.lesson.checks import check_lesson as checked_lesson
from concertino.agents.lesson.contracts import Lesson
from concertino.agents.sources.cited_answer import CitedSentence, verify_citations
from concertino.agents.story.checks import check_length, check_repetition
from concertino.agents.story.contracts import StoryBrief
from concertino.graphs import coordinator as coordinator  # its imports register the workflows
from concertino.graphs.registry import WORKFLOWS, list_sources
from concertino.learning.contracts import Baseline
from concertino.learning.reward import (
    Evidence,
    build_cost_terms,
    build_quality_terms,
    combine_terms,
    measure_costs,
)
from concertino.state import Check, Output, Record, Source, Usage
from concertino.tools.sandbox import default_sandbox
from hypothesis import given
from hypothesis import strategies as st

from tests.agents.lesson.test_checks import lesson

PAGES = [
    Source(number=1, title="notes", location="notes.md", text="The bridge was built in 1932."),
    Source(
        number=2, title="plan", location="plan.md", text="It is 503 metres long and made of steel."
    ),
]


def checks(**passed: bool) -> list[Check]:
    return [Check(name=name, passed=held, detail="") for name, held in passed.items()]


def judged(workflow: str, status: str = "verified", **changes: Any) -> Evidence:
    found = changes.pop("checks", [])
    output = Output(
        workflow=workflow,
        status=status if status in ("verified", "unverified", "no_answer") else "unverified",
        text=changes.pop("text", "A text."),
        checks=found,
        data=changes.pop("data", {}),
    )
    given = {
        "status": status,
        "workflow": workflow,
        "output": output,
        "language": "en",
        "features": {},
        "sources": list_sources(),
        "weights": WORKFLOWS[workflow].weights if workflow in WORKFLOWS else {},
        **changes,
    }
    return Evidence(**given)


def quality(case: Evidence) -> float:
    return combine_terms(build_quality_terms(case), [], 0.2).quality


def answered(*statements: tuple[int, str]) -> float:
    """Quality of an answer from `PAGES` in which the model wrote these sentences."""
    written = [CitedSentence(passage=n, quote=text, text=text) for n, text in statements]
    found = verify_citations(written, "When was the bridge built?", PAGES, Usage(), "en")
    status = "verified" if found.check.passed else "unverified"
    return quality(
        judged("rag_qa", status, checks=[found.check], text=found.text, data=dict(found.data))
    )


BUILT = (1, "The bridge was built in 1932.")
LONG = (2, "It is 503 metres long and made of steel.")
INVENTED = (1, "Its architect was Ada Quill of Bristol.")


def test_an_answer_that_is_verified_in_all_is_worth_one() -> None:
    assert quality(judged("solve_math", checks=checks(ran=True, second_route=True))) == 1


def test_independent_routes_count_most_of_what_is_checked_in_mathematics() -> None:
    agreed = checks(ran=False, second_route=True)
    ran = checks(ran=True, second_route=False)
    assert quality(judged("solve_math", "unverified", checks=agreed)) > quality(
        judged("solve_math", "unverified", checks=ran)
    )


@pytest.mark.parametrize("workflow", list(WORKFLOWS))
def test_verified_is_better_than_unverified_than_no_answer_than_failed(workflow: str) -> None:
    names = list(WORKFLOWS[workflow].checks)
    mixed = checks(**{name: n > 0 for n, name in enumerate(names)})
    cases = [
        judged(workflow, checks=checks(**dict.fromkeys(names, True))),
        judged(workflow, "unverified", checks=mixed, data={"sentences": 2, "supported": 1}),
        judged(workflow, "no_answer"),
        judged(workflow, "failed", checks=checks(**dict.fromkeys(names, True))),
    ]
    worth = [quality(case) for case in cases]
    assert worth == sorted(worth, reverse=True)
    assert len(set(worth)) == 4
    assert worth[-1] == 0


def test_to_say_that_the_documents_hold_no_answer_is_worth_more_than_no_solution() -> None:
    assert quality(judged("rag_qa", "no_answer")) > quality(judged("solve_math", "no_answer"))


def test_a_workflow_without_weights_is_judged_by_its_status_and_the_share_of_its_checks() -> None:
    half = judged("new", "unverified", checks=checks(a=True, b=False))
    assert [term.name for term in build_quality_terms(half)] == ["status", "a", "b"]
    assert {term.weight for term in build_quality_terms(half)[1:]} == {1.0}


def test_sentences_that_nothing_supports_tell_against_an_answer() -> None:
    assert answered(BUILT) > answered(BUILT, INVENTED) > answered(BUILT, INVENTED, INVENTED)


@pytest.mark.parametrize(
    "padding",
    [[BUILT], [BUILT] * 4, [LONG], [LONG] * 4, [INVENTED], [BUILT, LONG, BUILT]],
)
def test_padding_an_answer_earns_nothing(padding: list[tuple[int, str]]) -> None:
    assert answered(BUILT, *padding) <= answered(BUILT)
    assert answered(BUILT, INVENTED, *padding) <= answered(BUILT, INVENTED)


TALE = ["Ada polished the brass lamp until it shone.", "Tomas slipped on the steep stairs again."]


@pytest.mark.parametrize("padding", [TALE, ["And so on and on it went."] * 3, ["Word " * 90]])
def test_padding_a_story_earns_nothing(padding: list[str]) -> None:
    brief = StoryBrief(
        kind="new",
        topic="a lamp",
        about="",
        language="en",
        style="",
        characters=[],
        length=15,
        chapters=0,
    )

    def rate(segments: list[str]) -> float:
        checks = (check_length, check_repetition)
        found = [check(segments, brief, "en").check for check in checks]
        held = all(check.passed for check in found)
        return quality(judged("write_story", "verified" if held else "unverified", checks=found))

    assert rate(TALE) == 1
    assert rate([*TALE, *padding]) < 1


@pytest.mark.parametrize("padding", ["You see a cake. " * 400, "You see we take it apart. " * 60])
async def test_padding_a_lesson_earns_nothing(padding: str) -> None:
    async def taught(made: Lesson) -> float:
        found = (await checked_lesson(default_sandbox(), made)).checks
        held = all(check.passed for check in found)
        return quality(judged("teach_explain", "verified" if held else "unverified", checks=found))

    good = lesson()
    padded = {**good.parts, "concept": good.parts["concept"] + padding}
    assert await taught(good) == 1
    assert await taught(good.model_copy(update={"parts": padded})) <= 1


@pytest.mark.parametrize("workflow", list(WORKFLOWS))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_result_in_more_words_is_worth_no_more(workflow: str, language: str) -> None:
    found = checks(**dict.fromkeys(WORKFLOWS[workflow].checks, True))
    worth = [
        quality(judged(workflow, checks=found, text="一二 three " * times, language=language))
        for times in (1, 10, 100, 1000)
    ]
    assert worth == sorted(worth, reverse=True)


def test_an_answer_from_where_the_question_did_not_ask_is_worth_less() -> None:
    asked = {"names_own_documents": 1.0, "asks_for_latest": 0.0}
    found = checks(citations=True)
    assert quality(judged("rag_qa", checks=found, features=asked)) > quality(
        judged("search_qa_strict", checks=found, features=asked)
    )


def test_a_reference_counts_more_than_all_checks_and_a_rating_more_than_all_else() -> None:
    good, bad = checks(ran=True, second_route=True), checks(ran=False, second_route=False)
    wrong = judged("solve_math", checks=good, opinions={"reference": 0.0})
    right = judged("solve_math", "unverified", checks=bad, opinions={"reference": 1.0})
    assert quality(wrong) < 0.5 < quality(right)

    praised = judged("solve_math", "unverified", opinions={"reference": 0.0, "rating": 1.0})
    blamed = judged("solve_math", checks=good, opinions={"reference": 1.0, "rating": 0.0})
    assert quality(praised) >= 0.9
    assert quality(blamed) <= 0.1


def test_a_cost_is_one_half_where_it_is_as_usual_and_stays_bounded() -> None:
    usual = Baseline(workflow="rag_qa", count=9, usual={"tokens": 100.0, "loads": 0.0})
    values = {
        spent: build_cost_terms({"tokens": spent, "loads": 0.0}, usual)[0].value
        for spent in (0.0, 50.0, 100.0, 1e12)
    }
    assert values[0.0] == 0
    assert values[100.0] == 0.5
    assert 0 < values[50.0] < 0.5 < values[1e12] <= 1
    assert build_cost_terms({"loads": 0.0}, usual)[0].value == 0
    assert build_cost_terms({"loads": 1.0}, usual)[0].value == 1


def test_the_first_task_of_a_workflow_costs_what_is_usual() -> None:
    terms = build_cost_terms({"tokens": 70.0, "seconds": 3.0}, Baseline(workflow="new"))
    assert {term.name: term.value for term in terms} == {"tokens": 0.5, "seconds": 0.5}


def test_a_reward_is_quality_less_the_weighed_cost() -> None:
    found = combine_terms(
        build_quality_terms(judged("rag_qa", checks=checks(citations=True))),
        build_cost_terms({"tokens": 10.0}, Baseline(workflow="rag_qa", usual={"tokens": 10.0})),
        0.2,
    )
    assert found.reward == pytest.approx(found.quality - 0.2 * 0.5)


def test_prompt_tokens_from_the_cache_and_waiting_cost_nothing() -> None:
    usage = Usage(calls=3, prompt_tokens=1000, cached_tokens=900, output_tokens=50, seconds=9)
    history = [Record(round=1, actor="execution", summary="", seconds=2.5)]
    assert measure_costs({"usage": usage, "history": history}) == {
        "tokens": 150.0,
        "seconds": 2.5,
        "calls": 3.0,
    }


@given(
    passed=st.dictionaries(st.sampled_from("abcdef"), st.booleans()),
    status=st.sampled_from(["verified", "unverified", "no_answer", "failed"]),
    opinions=st.dictionaries(st.sampled_from(["reference", "rating"]), st.floats(0, 1)),
    spent=st.dictionaries(st.sampled_from(["tokens", "seconds", "calls"]), st.floats(0, 1e9)),
)
def test_every_part_is_bounded_whatever_happened(
    passed: dict[str, bool], status: str, opinions: dict[str, float], spent: dict[str, float]
) -> None:
    case = judged("new", status, checks=checks(**passed), opinions=opinions)
    usual = Baseline(workflow="new", usual={"tokens": 10.0, "calls": 0.0})
    found = combine_terms(build_quality_terms(case), build_cost_terms(spent, usual), 0.2)
    assert 0 <= found.quality <= 1
    assert 0 <= found.cost <= 1
    assert -0.2 <= found.reward <= 1
