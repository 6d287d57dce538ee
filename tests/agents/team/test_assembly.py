"""The team for a task: a person's word first, then rules in both languages."""

from typing import Any

import pytest
from concertino.agents.team.assembly import assemble_team
from concertino.agents.team.contracts import TeamPlan
from concertino.agents.team.inputs import TeamInputs
from concertino.agents.team.request import read_request
from concertino.language.detect import detect_language
from concertino.state import Check, Output
from pydantic import ValidationError

PARTS = "Please:\n1. Name three fruits.\n2. Translate into Chinese: Good morning"


def plan(task: str, before: Output | None = None, **given: Any) -> TeamPlan:
    language = detect_language(task)
    return assemble_team(read_request(task, language), TeamInputs(**given), before, language)


@pytest.mark.parametrize(
    ("task", "topology", "roles"),
    [
        ("Why is the sky blue?", "single", ["assistant"]),
        ("天空为什么是蓝色的？", "single", ["assistant"]),
        ("Write a Python function add(a, b).", "single", ["programmer"]),
        ("Which is better for a beginner, the guitar or the piano?", "single", ["assistant"]),
        (PARTS, "centralized", ["assistant", "translator"]),
        ("请完成：\n1. 列出三种水果。\n2. 解释什么是比喻。", "centralized", ["assistant"]),
        ("Sort these:\n1. pears\n2. apples", "single", ["assistant"]),
        (
            "Compare these two offers: A costs 20 a month, B costs 200 a year.",
            "decentralized",
            ["assistant", "calculator"],
        ),
        ("对比这两份报价：甲每月20元，乙每年200元。", "decentralized", ["assistant", "calculator"]),
        (
            "Compare https://a.test/1 with https://b.test/2",
            "centralized",
            ["page_reader", "writer"],
        ),
    ],
)
def test_the_rules_of_the_cold_start(task: str, topology: str, roles: list[str]) -> None:
    found = plan(task)
    assert (found.topology, found.roles, found.source) == (topology, roles, "rule")
    assert (found.manager is not None) == (topology == "centralized")
    assert (found.aggregation is not None) == (topology == "decentralized")


def test_code_that_failed_its_tests_meets_a_tester() -> None:
    failed = Check(name="tests", passed=False, detail="")
    before = Output(workflow="team", status="unverified", text="x", checks=[failed])
    found = plan("Write a Python function add(a, b).", before)
    assert (found.topology, found.roles) == ("decentralized", ["programmer", "tester"])
    assert found.aggregation == "check"


def test_a_text_that_failed_is_written_again_by_one() -> None:
    failed = Check(name="form", passed=False, detail="")
    before = Output(workflow="team", status="unverified", text="x", checks=[failed])
    assert plan("Give me three names for a club.", before).topology == "single"


@pytest.mark.parametrize(
    ("given", "topology", "aggregation"),
    [
        ({"topology": "single"}, "single", None),
        ({"roles": ["writer"]}, "single", None),
        ({"roles": ["reasoner", "calculator"]}, "decentralized", "vote"),
        ({"roles": ["programmer", "tester"]}, "decentralized", "check"),
        ({"roles": ["assistant", "reasoner"]}, "decentralized", "write"),
        ({"roles": ["assistant", "writer"]}, "centralized", None),
        ({"topology": "decentralized"}, "decentralized", "write"),
        ({"topology": "centralized"}, "centralized", None),
    ],
)
def test_the_persons_word_counts_first(
    given: dict[str, Any], topology: str, aggregation: str | None
) -> None:
    found = plan("Why is the sky blue?", **given)
    assert (found.topology, found.aggregation) == (topology, aggregation)
    assert found.source == "person"
    assert not given.get("roles") or found.roles == given["roles"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"roles": ["wizard"]}, "no such role: wizard"),
        ({"roles": ["critic"]}, "no such role: critic"),
        ({"roles": ["writer", "writer"]}, "twice"),
        ({"roles": ["tester"]}, "answers"),
        ({"topology": "single", "roles": ["writer", "reasoner"]}, "1 to 1 roles"),
        ({"topology": "decentralized", "roles": ["writer"]}, "2 to 3 roles"),
        ({"topology": "decentralized", "roles": ["writer", "assistant"]}, "different methods"),
        ({"topology": "centralized", "roles": ["writer"]}, "2 to 4 roles"),
        ({"topology": "star"}, "Input should be"),
    ],
)
def test_a_team_that_cannot_be_is_refused_in_words(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        TeamInputs(**given)
