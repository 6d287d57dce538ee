"""A workflow of one's own: registered, offered to the Coordinator, run, concluded."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from concertino import ConcertinoError, InvalidTask, ModelError, resume_task, run_task
from concertino.agents.turns import fingerprint
from concertino.context import RunContext
from concertino.graphs.registry import WORKFLOWS, Action, Workflow, register
from concertino.graphs.rules import legal_actions
from concertino.state import TaskState, Turn
from langgraph.runtime import Runtime
from pydantic import BaseModel

from tests.scripted_model import ScriptedModel, decision

Scripted = Callable[..., ScriptedModel]
TEXT = "Count the letters of this text, please."


class CountLetters(BaseModel):
    letter: str = "t"


async def count_letters(state: TaskState) -> TaskState:
    letter = CountLetters.model_validate(state["inputs"]).letter
    found = f"{state['question'].count(letter)} times {letter}"
    return {"turn": Turn(actor="count_letters", summary=found, fingerprint=fingerprint(found))}


async def conclude(state: TaskState, runtime: Runtime[RunContext]) -> TaskState:
    found = next(r.summary for r in state["history"] if r.actor == "count_letters")
    return {"status": "verified", "final_answer": found, "report": f"I counted {found}."}


COUNTING = Workflow(
    name="counting",
    description={"en": "Counts letters.", "zh": "数字母。"},
    inputs=CountLetters,
    actions=(
        Action(
            name="count_letters",
            description={"en": "counts a letter of the text.", "zh": "数文中的某个字母。"},
            node=count_letters,
            legal=lambda state: True,
        ),
    ),
    complete=lambda state: any(r.actor == "count_letters" for r in state["history"]),
    need_input=lambda state: False,
    signals=lambda state: ["the text is short"],
    report=conclude,
)


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """What a test registers is gone after it."""
    before = dict(WORKFLOWS)
    yield
    WORKFLOWS.clear()
    WORKFLOWS.update(before)


def fresh(workflow: str | None) -> TaskState:
    """A task on which nobody has worked."""
    return {
        "question": TEXT,
        "language": "en",
        "workflow": workflow,
        "max_iterations": 10,
        "history": [],
    }


def test_a_registered_workflow_is_among_the_legal_actions() -> None:
    before = legal_actions(fresh(None))
    assert register(COUNTING) is COUNTING

    assert legal_actions(fresh(None)) == [*before, "count_letters"]
    assert legal_actions(fresh("counting")) == ["count_letters"]
    assert legal_actions(fresh("solve_math")) == before


def test_a_registered_workflow_runs_to_its_end_under_its_name(scripted: Scripted) -> None:
    register(COUNTING)
    model = scripted(coordinator=[decision("complete")])
    result = run_task(TEXT, workflow="counting", inputs={"letter": "e"}, model=model)

    assert result["status"] == "verified"
    assert result["final_answer"] == f"{TEXT.count('e')} times e"
    assert result["report"] == f"I counted {result['final_answer']}."
    assert result["total_iterations"] == 1
    assert [r["actor"] for r in result["iteration_history"]] == [
        "coordinator",
        "count_letters",
        "coordinator",
    ]
    [asked] = model.asked
    assert "counts a letter of the text." in asked
    assert "the text is short" in asked
    assert resume_task(result["task_id"], model=model) == result


def test_the_coordinator_may_choose_a_registered_workflow_itself(scripted: Scripted) -> None:
    register(COUNTING)
    model = scripted(coordinator=[decision("count_letters"), decision("complete")])
    result = run_task(TEXT, model=model)

    first = result["iteration_history"][0]
    assert {"comprehension", "count_letters"} <= set(first["legal"])
    assert first["source"] == "model"
    assert result["final_answer"] == f"{TEXT.count('t')} times t"


def test_the_other_workflows_go_on_as_before(scripted: Scripted) -> None:
    register(COUNTING)
    result = run_task(
        "A shop sells 12 pens at 3 dollars each. What do they cost?",
        workflow="solve_math",
        model=scripted(),
    )

    assert result["final_answer"] == "36"


def test_an_action_that_always_gives_the_same_comes_to_an_end(scripted: Scripted) -> None:
    register(COUNTING)
    model = scripted(coordinator=[decision("count_letters")])
    result = run_task(TEXT, workflow="counting", model=model)

    assert result["total_iterations"] == 2
    assert result["status"] == "verified"


def test_a_task_whose_workflow_is_not_registered_any_more_is_refused(scripted: Scripted) -> None:
    register(COUNTING)
    model = scripted(coordinator=[ModelError("the server is gone")])
    failed = run_task(TEXT, workflow="counting", model=model)
    assert failed["status"] == "failed"
    del WORKFLOWS["counting"]

    with pytest.raises(ConcertinoError, match="counting"):
        resume_task(failed["task_id"], model=model)


def test_inputs_that_are_not_of_the_workflows_model_are_refused() -> None:
    register(COUNTING)

    with pytest.raises(InvalidTask, match="letter"):
        run_task(TEXT, workflow="counting", inputs={"letter": 7})


def test_a_workflow_that_is_not_registered_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidTask, match="solve_math"):
        run_task(TEXT, workflow="counting")


@pytest.mark.parametrize(
    "clashing",
    [
        COUNTING,
        replace(COUNTING, name="counting_again"),
        replace(COUNTING, name="solve_math", actions=()),
        replace(COUNTING, name="execution", actions=()),
        replace(COUNTING, name="own", actions=(replace(COUNTING.actions[0], name="planning"),)),
        replace(COUNTING, name="own", actions=(replace(COUNTING.actions[0], name="solve_math"),)),
    ],
)
def test_a_name_that_is_taken_is_refused(clashing: Workflow) -> None:
    register(COUNTING)
    before = dict(WORKFLOWS)

    with pytest.raises(ValueError, match="already registered"):
        register(clashing)
    assert before == WORKFLOWS


@pytest.mark.parametrize("name", ["complete", "need_input", "coordinator", "receive", "report"])
def test_a_name_that_the_graph_itself_uses_is_refused(name: str) -> None:
    own = replace(COUNTING, actions=(replace(COUNTING.actions[0], name=name),))

    with pytest.raises(ValueError, match=name):
        register(own)


def test_two_actions_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="count_letters"):
        register(replace(COUNTING, actions=COUNTING.actions * 2))
