"""Whatever the program calls by a name of its own, people read a word of their language for it."""

import re
from typing import Any, get_args

import pytest
from concertino.graphs.coordinator import build_graph
from concertino.graphs.registry import WORKFLOWS
from concertino.graphs.solve_math import SOLVE_MATH
from concertino.language.messages import Language, say
from concertino.learning.reward import TERM_NAMES
from concertino.models.loading import LoadingState
from concertino.state import STATUSES, WAITING, Comprehension
from playwright.sync_api import Page, expect

from tests.page.conftest import Visitor
from tests.page.learned import arm
from tests.page.scripts import STARTED, decision, done, node, turn
from tests.page.stand_in import Hold, StandIn

LOCALES: dict[Language, str] = {"en": "en-GB", "zh": "zh-CN"}
NODES = sorted(name for name in build_graph().nodes if not name.startswith("__"))
ACTIONS = sorted({*NODES, *WORKFLOWS, "complete", "need_input"} - {"receive", "coordinator"})
IDENTIFIER = re.compile(r"\b[A-Za-z]+(?:_[A-Za-z]+)+\b|\b[A-Z]{4,}\b")
LATIN = re.compile(r"[A-Za-z]{2,}")
LATIN_IN_CHINESE = {"Concertino", "English", "Ctrl", "Enter", "HTML", "PDF", "CSV"}
LATIN_IN_CHINESE |= {"Markdown", "Word", "PowerPoint", "Excel", "API"}


def read(page: Page, language: Language) -> str:
    """All that the page shows, opened out; no identifier is in it and, in Chinese, no English."""
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    words = page.locator("body").inner_text()
    assert IDENTIFIER.findall(words) == []
    if language == "zh":
        assert set(LATIN.findall(words)) - LATIN_IN_CHINESE == set()
    return words


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Any:
    return request.param


def checks_of(workflow: str) -> list[dict[str, Any]]:
    return [{"name": name, "passed": True, "detail": ""} for name in WORKFLOWS[workflow].checks]


def test_decisions_and_turns_of_everyone(
    visit: Visitor, service: StandIn, language: Language
) -> None:
    routing = {
        "task_type": "open",
        "candidates": [{"workflow": name, "p": 0.2} for name in WORKFLOWS],
        "values": [{"workflow": name, "value": 0.5, "count": 2} for name in WORKFLOWS],
        "suggestion": next(iter(WORKFLOWS)),
    }
    all_named = ", ".join(name for name in ACTIONS if "_" in name)
    of_model = decision("planning", all_named, instructions=all_named)
    script = [STARTED, {"type": "routing", **routing}, {**of_model, "legal": ACTIONS}]
    for action in ACTIONS:
        for source in ("forced", "fallback"):
            script += [decision(action, f"Only {action} makes sense.", source=source)]
            script += [turn(action, "1", failed=source == "forced")]
    service.script = [*script, done("verified", "36")]
    page = visit(language=LOCALES[language])
    page.locator("#question").fill("36")
    page.locator("#ask-send").click()
    expect(page.locator("#task-status")).to_have_class("badge verified")
    read(page, language)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_results_with_their_checks_and_points(
    visit: Visitor, service: StandIn, language: Language, workflow: str
) -> None:
    checks = checks_of(workflow)
    terms = [{"name": name, "value": 0.5, "weight": 1.0} for name in TERM_NAMES]
    terms += [{"name": check["name"], "value": 1.0, "weight": 1.0} for check in checks]
    reward = {"quality": 1, "cost": 0.5, "reward": 0.8, "quality_terms": terms, "cost_terms": terms}
    readable = {"name": "readable", "passed": False, "detail": ""}
    service.script = [done("unverified", "36", workflow, checks=[*checks, readable], reward=reward)]
    page = visit(language=LOCALES[language])
    page.locator("#question").fill("36")
    page.locator("#ask-send").click()
    expect(page.locator("#checks-list li")).to_have_count(len(checks) + 1)
    expect(page.locator("#reward")).to_be_visible()
    read(page, language)


def test_every_status_in_the_history_and_alone(
    visit: Visitor, service: StandIn, language: Language
) -> None:
    page = visit(language=LOCALES[language])
    statuses = [status for status in STATUSES if status != "queued"]
    for status in statuses:
        service.script = [done(status, workflow="rag_qa")]
        page.request.post(f"{service.address}tasks", data={"question": "36"})
    page.goto(f"{service.address}#/tasks")
    expect(page.locator("#tasks-list > li")).to_have_count(len(statuses))
    read(page, language)
    for number, status in enumerate(statuses):
        if status in ("running", *WAITING):
            continue  # what goes on is followed, and this one does not
        page.goto(f"{service.address}#/tasks/task{number}")
        expect(page.locator("#task-status")).to_have_class(f"badge {status}")
        read(page, language)


@pytest.mark.parametrize("state", [each for each in get_args(LoadingState) if each != "ready"])
def test_what_is_waited_for_while_the_model_is_made_ready(
    visit: Visitor, service: StandIn, language: Language, state: str
) -> None:
    waits, goes_on = Hold(), Hold()
    service.script = [
        *(STARTED, node("start", "coordinator")),
        *({"type": "model", "state": state, "share": 0.45}, waits),
        *({"type": "model", "state": "ready", "share": None}, goes_on, done("verified", "36")),
    ]
    page = visit(language=LOCALES[language])
    page.locator("#question").fill("36")
    page.locator("#ask-send").click()
    model = {"en": "language model", "zh": "语言模型"}[language]
    expect(page.locator("#pending")).to_contain_text(model)
    if state != "loading":
        expect(page.locator("#pending")).to_contain_text("45")
    read(page, language)
    waits.released.set()
    expect(page.locator("#pending")).not_to_contain_text(model)
    goes_on.released.set()
    expect(page.locator("#task-status")).to_have_class("badge verified")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 413, 418, 422, 429, 500, 503])
def test_refusals_without_words_of_the_service(
    visit: Visitor, language: Language, code: int
) -> None:
    visit.expected.append(str(code))
    page = visit(language=LOCALES[language])
    expect(page.locator("#inputs input")).to_be_visible()
    page.route("**/tasks", lambda route: route.fulfill(status=code, body=""))
    page.locator("#question").fill("36")
    page.locator("#ask-send").click()
    if code == 401:
        page.locator("#key button[value=cancel]").click()
    expect(page.locator("#ask-problem")).to_be_visible()
    read(page, language)


def test_what_was_learned(visit: Visitor, service: StandIn, language: Language) -> None:
    service.arms = [arm(kind, name, [0.5]) for kind in ("open", *WORKFLOWS) for name in WORKFLOWS]
    page = visit("#/learning", language=LOCALES[language])
    expect(page.locator("#learning-charts > section")).to_have_count(len(WORKFLOWS) + 1)
    words = read(page, language) if language == "en" else page.locator("body").inner_text()
    assert IDENTIFIER.findall(words) == []


@pytest.mark.parametrize("kind", get_args(Comprehension.model_fields["problem_type"].annotation))
def test_kinds_of_problems_have_words(kind: str) -> None:
    for spoken in LOCALES:
        assert not IDENTIFIER.search(say(f"math.type.{kind}", spoken))


def test_findings_of_a_verification_have_words() -> None:
    for check in SOLVE_MATH.checks:
        for spoken in LOCALES:
            kinds = [f"report.failed.{check}"]
            kinds += [] if check == "given" else [f"report.check.{check}"]
            assert not any(IDENTIFIER.search(say(key, spoken, detail="2")) for key in kinds)
