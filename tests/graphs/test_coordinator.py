"""What the Coordinator reads when it chooses a workflow."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from concertino import run_task
from concertino.graphs import coordinator
from concertino.graphs.registry import WORKFLOWS
from concertino.state import OPEN_TASK_TYPE, ArmValue, Candidate, Routing

from tests.scripted_model import ScriptedModel, decision

Scripted = Callable[..., ScriptedModel]
Advise = Callable[[Routing], list[str]]
PENS = "A shop sells 12 pens at 3 dollars each. What do they cost?"
LIKELY = Routing(
    task_type="solve_math",
    candidates=[
        Candidate(workflow="solve_math", p=0.8),
        Candidate(workflow="teach_explain", p=0.15),
        Candidate(workflow="write_story", p=0.05),
    ],
    values=[ArmValue(workflow="teach_explain", value=0.75, count=4)],
    probabilities={"solve_math": 0.6, "teach_explain": 0.4},
    suggestion="teach_explain",
)


@pytest.fixture
def advise(monkeypatch: pytest.MonkeyPatch) -> Advise:
    """Make router and bandit give this advice; the questions they are asked are recorded."""

    def make(routing: Routing) -> list[str]:
        asked: list[str] = []

        async def route_task(
            question: str, inputs: Mapping[str, Any], *_: object, home: str | None
        ) -> Routing:
            asked.append(question)
            return routing

        monkeypatch.setattr(coordinator, "route_task", route_task)
        return asked

    return make


def test_the_coordinator_reads_candidates_rewards_and_suggestion_and_decides(
    advise: Advise, scripted: Scripted
) -> None:
    asked, model, events = advise(LIKELY), scripted(), []
    result = run_task(PENS, model=model, on_event=events.append)

    assert asked == [PENS]
    assert (
        "Router: solve_math 0.80, teach_explain 0.15; rewards so far: teach_explain 0.75 (4); "
        "suggested: teach_explain\n" in model.asked[0]
    )
    assert result["workflow"] == "solve_math", "it only advises"
    first = next(event for event in events if event["type"] == "routing")
    assert first["candidates"][0] == {"workflow": "solve_math", "p": 0.8}


def test_a_source_that_the_words_name_is_told_beside_the_candidates(
    advise: Advise, scripted: Scripted
) -> None:
    advise(LIKELY)
    model = scripted()
    run_task(f"From my notes: {PENS}", model=model)

    assert "Router: first rag_qa, which the words name; " in model.asked[0]


def test_where_the_router_is_undecided_the_coordinator_decides_alone(
    advise: Advise, scripted: Scripted
) -> None:
    advise(LIKELY.model_copy(update={"task_type": OPEN_TASK_TYPE}))
    model = scripted()
    run_task(PENS, model=model)

    assert "Router: -\n" in model.asked[0]


def test_nobody_is_asked_about_a_workflow_that_the_person_named(
    advise: Advise, scripted: Scripted
) -> None:
    asked = advise(LIKELY)
    run_task(PENS, workflow="solve_math", model=scripted())

    assert asked == []


def test_what_spoke_for_a_workflow_speaks_for_completing_once_it_has_played(
    advise: Advise, scripted: Scripted
) -> None:
    advise(LIKELY)
    model = scripted()
    run_task(PENS, model=model)

    last = [asked for asked in model.asked if "which workflow does it" in asked][-1]
    assert "Router: complete 0.80, teach_explain 0.15; rewards" in last


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is the difference between a simile and a metaphor?", "One compares, one equates."),
        ("比喻和拟人有什么区别？", "比喻是打比方，拟人是把物当作人来写。"),
    ],
)
def test_a_task_that_no_other_workflow_is_for_costs_one_decision_and_one_answer(
    advise: Advise, scripted: Scripted, question: str, answer: str
) -> None:
    home = [Candidate(workflow="team", p=0.93)]
    advise(Routing(task_type="team", candidates=home, none=0.93))
    model = scripted(choosing=[decision("team")], assistant=[answer])
    result = run_task(question, model=model)

    assert result["final_answer"] == answer
    assert len(model.asked) == 2
    assert "team 0.93\n" in model.asked[0]


def test_a_source_that_the_words_name_is_not_outweighed_by_the_home_of_the_rest(
    advise: Advise, scripted: Scripted
) -> None:
    advise(Routing(task_type="team", candidates=[Candidate(workflow="team", p=0.9)]))
    model = scripted()
    run_task(f"From my notes: {PENS}", model=model)

    assert "Router: first rag_qa, which the words name\n" in model.asked[0]


def test_nothing_is_complete_before_a_workflow_has_played(scripted: Scripted) -> None:
    free = run_task(PENS, model=scripted())["iteration_history"][0]["legal"]
    named = run_task(PENS, workflow="solve_math", model=scripted())["iteration_history"][0]["legal"]
    assert "team" in free
    assert "complete" not in free
    assert named == [name for name in named if name not in WORKFLOWS]
