"""The workflow `team`: the home of every task that no other workflow is made for."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from concertino import InvalidTask, resume_task, run_task
from concertino.graphs.registry import find_home

from tests.graphs.pages import serve_pages
from tests.graphs.test_search_qa_strict import LAKE
from tests.scripted_model import ScriptedModel, decision

Scripted = Callable[..., ScriptedModel]
CODING = "Write a Python function is_even(n) that tells even numbers, with two tests."
CODE = """```python
def is_even(n):
    return n % 2 == 0

assert is_even(2)
assert not is_even(3)
```"""
WRONG = CODE.replace("n % 2 == 0", "n % 2 == 1")


@pytest.fixture
def team(scripted: Scripted) -> Scripted:
    """A model that sends every task to the team."""
    return lambda **script: scripted(choosing=[decision("team")], **script)


def test_it_takes_what_no_other_workflow_is_made_for() -> None:
    assert find_home() == "team"


@pytest.mark.parametrize(
    ("task", "role", "text"),
    [
        ("Why is the sky blue?", "assistant", "Air scatters blue light most."),
        ("天空为什么是蓝色的？", "assistant", "空气散射蓝光最多。"),
        ("Draft an e-mail about Friday.", "writer", "Dear parents, on Friday we go out."),
        ("给家长写一封关于周五的信。", "writer", "各位家长，周五我们外出。"),
        ("Translate into Chinese: Good morning.", "translator", "早上好。"),
        ("把这句翻译成英文：早上好。", "translator", "Good morning to you."),
        ("Plan a trip to Rome.", "planner", "1. Arrive.\n2. See the Forum."),
        ("给我列一个去西安的行程。", "planner", "1. 到达。\n2. 看兵马俑。"),
    ],
)
def test_one_role_answers_and_is_not_called_verified_where_nothing_shows_that_it_is_right(
    team: Scripted, task: str, role: str, text: str
) -> None:
    model = team(**{role: [text]})
    result = run_task(task, model=model)

    assert result["final_answer"] == text
    assert result["status"] == "unverified"
    told = {"en": "Not verified", "zh": "未经验证"}[result["language"]]
    assert told in result["report"]
    assert len(model.asked) == 2, "one decision and one answer"
    assert not any(record["failed"] for record in result["iteration_history"])
    plan = result["outputs"]["team"]["data"]["plan"]
    assert (plan["topology"], plan["roles"], plan["source"]) == ("single", [role], "rule")


def test_code_that_passes_its_tests_is_verified(team: Scripted) -> None:
    model = team(programmer=[CODE])
    result = run_task(CODING, model=model)

    assert result["status"] == "verified"
    assert "def is_even" in result["final_answer"]
    assert "the code passes its tests (2 assertions)" in result["report"]
    assert len(model.asked) == 2


def test_what_failed_a_check_is_done_once_more_with_what_was_wrong(team: Scripted) -> None:
    model = team(assistant=["1. Stars", "1. Stars\n2. Moons\n3. Suns"])
    result = run_task("Give me three names for a club.", model=model)

    assert "1 instead of 3" in model.asked[-1]
    assert "1. Stars" in model.asked[-1], "it sees the version before"
    sources = [r["source"] for r in result["iteration_history"] if r["source"]]
    assert sources == ["model", "forced", "forced"]


def test_the_better_of_two_versions_is_kept(team: Scripted) -> None:
    model = team(assistant=["1. Stars\n2. Moons", "星星\n月亮"])
    result = run_task("Give me three names for a club.", model=model)

    assert result["final_answer"] == "1. Stars\n2. Moons"
    assert result["status"] == "unverified"
    assert "Not everything held: it has the form asked for (2 instead of 3)" in result["report"]


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("while True: pass", "TimeoutError"),
        ("import no_such_thing", "no_such_thing"),
        ("def is_even(n): return", "tests"),
    ],
)
def test_code_that_cannot_be_right_ends_clearly(team: Scripted, program: str, told: str) -> None:
    model = team(programmer=[f"```python\n{program}\n```"], tester=["I do not know."])
    result = run_task(CODING, model=model)

    assert result["status"] == "unverified"
    assert told in result["report"]
    assert result["total_iterations"] == 2


def test_what_another_workflow_found_is_material_behind_a_fence(scripted: Scripted) -> None:
    model = scripted(
        choosing=[decision("solve_math"), decision("team")],
        writer=["Dear parents, the pens cost 36 dollars."],
    )
    run_task("12 pens at 3 dollars each: write a letter about what they cost.", model=model)

    assert 'label="solve_math"' in model.asked[-1]


def test_nothing_follows_it(team: Scripted) -> None:
    result = run_task("Why is the sky blue?", model=team(assistant=["Air scatters light."]))
    assert result["iteration_history"][-1]["legal"] == ["complete"]


def test_an_answer_that_is_empty_is_no_answer(team: Scripted) -> None:
    result = run_task("Why is the sky blue?", model=team(assistant=[""]))
    assert result["status"] == "no_answer"
    assert "Nothing came of this task" in result["report"]


PLAIN = "Write a Python function is_even(n) that tells even numbers."
TESTS = "assert is_even(2) == True\nassert is_even(3) == False\nassert is_even(0) == True"


def parts_of(result: dict[str, Any]) -> list[tuple[str, int]]:
    return [(p["role"], p["round"]) for p in result["outputs"]["team"]["data"]["parts"]]


def test_a_program_meets_the_assertions_of_somebody_who_has_not_seen_it(team: Scripted) -> None:
    model = team(programmer=[CODE], tester=[TESTS])
    result = run_task(PLAIN, inputs={"topology": "decentralized"}, model=model)

    assert result["status"] == "verified"
    assert "the code passes its tests (3 assertions)" in result["report"]
    assert "assert is_even(0) == True" in result["final_answer"]
    assert parts_of(result) == [("programmer", 0), ("tester", 0)]
    tester = next(asked for asked in model.asked if "You test programs" in asked)
    assert "n % 2" not in tester


def test_a_program_that_fails_is_drawn_once_more_with_the_assertions_it_failed(
    team: Scripted,
) -> None:
    model = team(programmer=[WRONG, CODE], tester=[TESTS])
    result = run_task(PLAIN, inputs={"topology": "decentralized"}, model=model)

    assert result["status"] == "verified"
    assert parts_of(result)[-1] == ("programmer", 1)
    assert "assert is_even(2) == True" in model.asked[-1]
    assert "n % 2 == 1" not in model.asked[-1]


def test_one_role_whose_code_fails_gives_way_to_programmer_and_tester(team: Scripted) -> None:
    model = team(programmer=[WRONG, WRONG, CODE], tester=[TESTS])
    result = run_task(CODING, model=model)

    assert result["status"] == "verified"
    assert result["total_iterations"] == 2
    assert result["outputs"]["team"]["data"]["plan"]["topology"] == "decentralized"
    tester = next(asked for asked in model.asked if "You test programs" in asked)
    assert "n % 2" not in tester


def test_two_methods_that_agree_verify_an_answer(team: Scripted) -> None:
    model = team(
        reasoning=["12 times 3 is \\boxed{36}."], execution=["```python\nanswer = 12 * 3\n```"]
    )
    roles = {"roles": ["reasoner", "calculator"]}
    result = run_task("What is 12 times 3?", inputs=roles, model=model)

    assert result["status"] == "verified"
    assert result["final_answer"] == "12 times 3 is **36**."


def test_two_methods_that_differ_have_one_exchange_and_then_the_computed_answer_stands_unverified(
    team: Scripted,
) -> None:
    model = team(reasoning=["It is \\boxed{35}."], execution=["```python\nanswer = 12 * 3\n```"])
    roles = {"roles": ["reasoner", "calculator"]}
    result = run_task("What is 12 times 3?", inputs=roles, model=model)

    assert result["status"] == "unverified"
    assert "36" in result["final_answer"]
    assert parts_of(result) == [(r, n) for n in (0, 1) for r in ("reasoner", "calculator")]
    again = [asked for asked in model.asked if "another answer" in asked]
    assert len(again) == 2
    assert not any("36" in asked for asked in again), "nobody is told what the other found"


def test_a_comparison_of_figures_is_weighed_computed_and_written_by_one(team: Scripted) -> None:
    model = team(
        assistant=["A is dearer."],
        execution=["```python\nsaved = 20 * 12 - 200\nanswer = saved\n```"],
        writer=["A costs 240 a year and B 200, so B saves 40."],
    )
    task = "Compare these two offers: A costs 20 a month, B costs 200 a year."
    result = run_task(task, model=model)

    assert result["final_answer"] == "A costs 240 a year and B 200, so B saves 40."
    assert parts_of(result) == [("assistant", 0), ("calculator", 0), ("writer", 1)]
    assert 'label="calculator 2"' in model.asked[-1]


def test_a_role_that_gives_nothing_does_not_take_the_others_with_it(team: Scripted) -> None:
    model = team(assistant=["A is dearer than B."], execution=["```python\n1 / 0\n```"])
    task = "Compare these two offers: A costs 20 a month, B costs 200 a year."
    result = run_task(task, model=model)

    assert result["final_answer"] == "A is dearer than B."
    assert result["status"] == "unverified"
    assert "ZeroDivisionError" in result["report"]


PARTS = "Please:\n1. Name three fruits.\n2. Why is the sky blue?\n3. Translate into Chinese: Hello"


def test_parts_are_done_side_by_side_and_what_fails_comes_back_alone(team: Scripted) -> None:
    def answer(asked: str) -> str:
        if "Do only this part of it: Why" in asked:
            return "Air scatters blue light."
        return "1. apple\n2. pear\n3. fig" if "earlier version" in asked else "1. apple\n2. pear"

    model = team(assistant=[answer], translator=["你好，世界。"])
    result = run_task(PARTS, model=model)

    assert "3. fig" in result["final_answer"]
    assert "你好" in result["final_answer"]
    assert "every part holds (3 of 3)" in result["report"]
    assert sorted(parts_of(result)) == [
        ("assistant", 0),
        ("assistant", 0),
        ("assistant", 1),
        ("translator", 0),
    ]
    assert len(model.asked) == 5, "one decision and four texts"


def test_fifty_requests_end_in_bounded_rounds(team: Scripted) -> None:
    model = team(assistant=["All done."])
    task = "\n".join(f"{n}. Name fruit number {n}." for n in range(1, 51))
    result = run_task(task, model=model)

    assert result["total_iterations"] == 1
    assert len(model.asked) <= 1 + 8


def hop(agent_id: str, instructions: str = "go on") -> dict[str, Any]:
    return {"reasoning": "it is missing", "agent_id": agent_id, "instructions": instructions}


MANAGED = {"topology": "centralized", "roles": ["planner", "writer"]}


def test_a_manager_hands_out_what_builds_on_each_other(team: Scripted) -> None:
    model = team(
        manager=[hop("planner"), hop("writer", "the invitation"), hop("terminate")],
        planner=["1. Cake at three.\n2. Games at four."],
        writer=["Dear all, come for cake at three."],
    )
    result = run_task("Plan a party, then invite everyone.", inputs=MANAGED, model=model)

    assert "1. Cake" in result["final_answer"]
    assert "Dear all" in result["final_answer"]
    writer = next(asked for asked in model.asked if "You write texts" in asked)
    assert 'label="planner 1"' in writer
    assert "Do only this part of it: the invitation" in writer


def test_a_manager_that_never_ends_is_stopped_and_what_was_made_is_kept(team: Scripted) -> None:
    made = iter(range(100))
    model = team(
        manager=[lambda _: json.dumps(hop(("planner", "writer")[next(made) % 2]))],
        planner=[lambda _: f"1. Cake at {next(made)}.\n2. Games."],
        writer=[lambda _: f"Dear all, come at {next(made)}."],
    )
    result = run_task("Plan a party, then invite everyone.", inputs=MANAGED, model=model)

    assert result["status"] == "unverified"
    assert "Cake" in result["final_answer"]
    assert len(parts_of(result)) <= 6


def test_a_manager_whose_team_says_the_same_again_is_stopped(team: Scripted) -> None:
    model = team(manager=[hop("writer")], writer=["Dear all, come to the party."])
    result = run_task("Plan a party, then invite everyone.", inputs=MANAGED, model=model)

    assert parts_of(result) == [("writer", 0), ("writer", 0)]
    assert result["final_answer"] == "Dear all, come to the party."


def test_a_team_that_cannot_be_is_refused_before_anything_is_made(team: Scripted) -> None:
    model = team()
    one_method = {"topology": "decentralized", "roles": ["writer", "assistant"]}
    with pytest.raises(InvalidTask, match="no such role: wizard"):
        run_task("Why?", inputs={"roles": ["wizard"]}, model=model)
    with pytest.raises(InvalidTask, match="different methods"):
        run_task("Why?", inputs=one_method, model=model)
    assert model.asked == []


def test_several_pages_are_read_each_by_itself_and_put_together_by_one_writer(
    team: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_pages(monkeypatch, lake=LAKE, pond="The pond is 40 m long. Frogs live in it.")

    def cite(asked: str) -> str:
        quote = "Herons nest" if "Herons nest" in asked else "Frogs live in it"
        return json.dumps({"statements": [{"passage": 1, "quote": quote, "text": f"{quote}."}]})

    model = team(cited_answer=[cite], writer=["Herons nest at the lake, frogs live in the pond."])
    result = run_task("Compare https://lake.test with https://pond.test", model=model)

    assert result["final_answer"] == "Herons nest at the lake, frogs live in the pond."
    assert parts_of(result) == [("page_reader", 0), ("page_reader", 0), ("writer", 1)]
    assert {s["location"] for s in result["outputs"]["team"]["sources"]} == {
        "https://lake.test",
        "https://pond.test",
    }


def test_a_model_that_goes_away_in_a_blind_round_fails_the_task_which_can_go_on(
    team: Scripted,
) -> None:
    model = team(programmer=[CODE], tester=[RuntimeError("gone"), TESTS])
    failed = run_task(PLAIN, inputs={"topology": "decentralized"}, model=model)
    assert failed["status"] == "failed"

    done = resume_task(failed["task_id"], model=model)
    assert done["status"] == "verified"
    assert sorted(parts_of(done)) == [("programmer", 0), ("tester", 0)]
