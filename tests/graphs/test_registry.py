"""A new workflow: registered, offered to the Coordinator, run, concluded."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from concertino import ConcertinoError, InvalidTask, ModelError, resume_task, run_task
from concertino.agents.turns import define_input, format_problem, parse_inputs
from concertino.graphs.conclusion import build_output, record_output
from concertino.graphs.registry import WORKFLOWS, Agent, Workflow, register
from concertino.graphs.rules import legal_actions
from concertino.state import Check, TaskState
from pydantic import BaseModel

from tests.scripted_model import ScriptedModel, decision

Scripted = Callable[..., ScriptedModel]
TEXT = "Count the letters of this text, please."


class CountLetters(BaseModel):
    letter: str = define_input("t", en="the letter to count", zh="要数的字母")


async def count_letters(state: TaskState) -> TaskState:
    letter = parse_inputs(state, CountLetters).letter
    found = f"{format_problem(state).count(letter)} times {letter}"
    check = Check(name="counted", passed=True, detail=letter)
    return record_output("count_letters", build_output("counting", found, [check]), summary=found)


COUNTING = Workflow(
    name="counting",
    description={"en": "counts letters in a text.", "zh": "数文中的字母。"},
    inputs=CountLetters,
    agents=(
        Agent("count_letters", {"en": "counts a letter.", "zh": "数某个字母。"}, count_letters),
    ),
    checks={"counted": {"en": "every letter was looked at", "zh": "看过每个字母"}},
)


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """Remove the workflows that a test registers."""
    before = dict(WORKFLOWS)
    yield
    WORKFLOWS.clear()
    WORKFLOWS.update(before)


def fresh(workflow: str | None) -> TaskState:
    """Return a task that nobody has worked on."""
    return {
        "question": TEXT,
        "language": "en",
        "workflow": workflow,
        "active": workflow,
        "max_iterations": 10,
        "history": [],
    }


def test_a_registered_workflow_is_among_those_that_may_be_chosen() -> None:
    before = legal_actions(fresh(None))
    assert register(COUNTING) is COUNTING

    assert legal_actions(fresh(None)) == [*before, "counting"]
    assert legal_actions(fresh("counting")) == ["count_letters"]
    assert "count_letters" not in legal_actions(fresh("solve_math"))


def test_a_registered_workflow_runs_to_its_end_under_its_name(scripted: Scripted) -> None:
    register(COUNTING)
    model = scripted()
    result = run_task(TEXT, workflow="counting", inputs={"letter": "e"}, model=model)

    assert result["status"] == "verified"
    assert result["final_answer"] == f"{TEXT.count('e')} times e"
    assert result["report"].endswith("Checked: every letter was looked at (e).")
    assert result["outputs"]["counting"]["checks"][0]["name"] == "counted"
    assert result["total_iterations"] == 1
    assert [r["actor"] for r in result["iteration_history"]] == [
        "coordinator",
        "count_letters",
        "coordinator",
    ]
    assert model.asked == [], "there was nothing to decide"
    assert resume_task(result["task_id"], model=model) == result


def test_the_coordinator_may_choose_a_registered_workflow_itself(scripted: Scripted) -> None:
    register(COUNTING)
    model = scripted(choosing=[decision("counting"), decision("complete")])
    result = run_task(TEXT, model=model)

    first, second = [r for r in result["iteration_history"] if r["decision"]][:2]
    assert {"solve_math", "counting"} <= set(first["legal"])
    assert first["source"] == "model"
    assert (second["legal"], second["source"]) == (["count_letters"], "forced")
    assert "counting: counts letters in a text." in model.asked[0]
    assert result["workflow"] == "counting"
    assert result["final_answer"] == f"{TEXT.count('t')} times t"


def test_two_workflows_may_follow_one_another(scripted: Scripted) -> None:
    register(COUNTING)
    model = scripted(
        choosing=[decision("counting"), decision("solve_math"), decision("complete")],
        coordinator=[decision("execution"), decision("complete")],
    )
    result = run_task("A shop sells 12 pens at 3 dollars each. What do they cost?", model=model)

    assert set(result["outputs"]) == {"counting", "solve_math"}
    assert result["workflow"] == "solve_math"
    assert result["final_answer"] == "36"
    last = result["iteration_history"][-1]
    assert "complete" in last["legal"]
    assert not {"counting", "solve_math"} & set(last["legal"]), "each is chosen once"


def test_a_workflow_that_follows_mathematics_finds_what_was_solved(scripted: Scripted) -> None:
    register(COUNTING)
    found: dict[str, str] = {}

    async def look(state: TaskState) -> TaskState:
        found.update({name: output.text for name, output in state["outputs"].items()})
        return await count_letters(state)

    WORKFLOWS["counting"] = replace(COUNTING, agents=(replace(COUNTING.agents[0], node=look),))
    model = scripted(
        choosing=[decision("solve_math"), decision("counting"), decision("complete")],
        coordinator=[decision("execution")],
    )
    run_task("A shop sells 12 pens at 3 dollars each. What do they cost?", model=model)

    assert found["solve_math"] == "- price = 3\n- the answer is 36"


def test_the_other_workflows_go_on_as_before(scripted: Scripted) -> None:
    register(COUNTING)
    result = run_task(
        "A shop sells 12 pens at 3 dollars each. What do they cost?",
        workflow="solve_math",
        model=scripted(),
    )

    assert result["final_answer"] == "36"


def test_an_action_that_always_gives_the_same_comes_to_an_end(scripted: Scripted) -> None:
    async def fail(state: TaskState) -> TaskState:
        check = Check(name="counted", passed=False, detail="lost count")
        return record_output("count_letters", build_output("counting", "?", [check]), summary="?")

    register(replace(COUNTING, agents=(replace(COUNTING.agents[0], node=fail),)))
    model = scripted(coordinator=[decision("count_letters")])
    result = run_task(TEXT, workflow="counting", model=model)

    assert result["total_iterations"] == 2
    assert result["status"] == "unverified"
    assert "counted: lost count" in model.asked[-1]


def test_an_input_that_no_workflow_knows_is_refused_with_those_that_are_known() -> None:
    register(COUNTING)

    with pytest.raises(InvalidTask, match=r"colour.*letter"):
        run_task(TEXT, inputs={"colour": "red"})


def test_a_task_whose_workflow_is_not_registered_any_more_is_refused(scripted: Scripted) -> None:
    async def fail(state: TaskState) -> TaskState:
        raise ModelError("the server is gone")

    register(replace(COUNTING, agents=(replace(COUNTING.agents[0], node=fail),)))
    model = scripted()
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
        replace(COUNTING, name="solve_math", agents=()),
        replace(COUNTING, name="execution", agents=()),
        replace(COUNTING, name="own", agents=(replace(COUNTING.agents[0], name="planning"),)),
        replace(COUNTING, name="own", agents=(replace(COUNTING.agents[0], name="solve_math"),)),
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
    own = replace(COUNTING, agents=(replace(COUNTING.agents[0], name=name),))

    with pytest.raises(ValueError, match=name):
        register(own)


def test_two_actions_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="count_letters"):
        register(replace(COUNTING, agents=COUNTING.agents * 2))
