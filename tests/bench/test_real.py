"""Real tasks are checked by what is known of them, and told of pass by pass."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench.learning.real import TASKS, Task, is_right, passes, read, report, table
from concertino.graphs.registry import WORKFLOWS
from concertino.learning import routing
from concertino.learning.contracts import Candidate
from concertino.learning.router import Guess

from tests.scripted_model import ScriptedModel, decision

PENS = Task(question="What do 12 pens at 3 dollars cost?", workflow="solve_math", number=36)
LAMPS = Task(question="What do 12 lamps at 3 dollars cost?", workflow="solve_math", number=40)


@pytest.fixture(autouse=True)
def router(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is sure of solve_math."""

    async def aguess(*given: Any) -> Guess:
        return Guess([Candidate(workflow="solve_math", p=1.0)])

    monkeypatch.setattr(routing, "aguess", aguess)


def model(scripted: Callable[..., ScriptedModel]) -> ScriptedModel:
    return scripted(choosing=[decision("solve_math"), decision("complete")] * 8)


async def test_passes_tell_what_was_right_and_followed(
    scripted: Callable[..., ScriptedModel], tmp_path: Path
) -> None:
    rows = await passes([PENS, LAMPS], 2, tmp_path / "rows.jsonl", model(scripted))
    assert [row["right"] for row in rows if row["question"] == PENS.question] == [True, True]
    right, wrong = (
        next(row for row in rows if row["question"] == task.question) for task in (PENS, LAMPS)
    )
    assert right["chosen"] == right["suggestion"] == "solve_math"
    assert right["followed"] is True
    assert right["decision_tokens"] > 0
    assert right["reward"] > wrong["reward"]
    assert "| 2 | 2 |" in report(rows)
    assert "| solve_math | solve_math | 4 |" in await table()


async def test_a_stopped_run_goes_on_where_it_was(
    scripted: Callable[..., ScriptedModel], tmp_path: Path
) -> None:
    out = tmp_path / "rows.jsonl"
    first = await passes([PENS], 1, out, model(scripted))
    both = await passes([PENS], 2, out, model(scripted))
    assert both[:1] == first
    assert [row["pass"] for row in both] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "answer", "right"),
    [
        ({"number": 36}, "They cost 1,000 - 964 = 36 dollars.", True),
        ({"number": 36}, "36 pens cost 12 dollars.", False),
        ({"any_of": ["Solberg", "索尔贝格"]}, "It is ingrid solberg [1].", True),
        ({"any_of": ["Solberg"]}, "The documents hold no answer.", False),
        ({"all_of": ["Odo", "river"]}, "Odo crossed the river.", True),
        ({"all_of": ["Odo", "river"]}, "Odo slept.", False),
        ({"length": (3, 5)}, "one two three four", True),
        ({"length": (3, 5)}, "one two", False),
        ({"numbered": 2}, "1. add\n**2.** subtract", True),
        ({"numbered": 2}, "1. add", False),
        ({}, "  ", False),
    ],
)
def test_an_answer_is_right_if_it_is_as_the_task_says(
    changes: dict[str, Any], answer: str, right: bool
) -> None:
    assert is_right(Task(question="?", workflow="solve_math", **changes), answer) is right


def test_the_tasks_that_come_with_it_can_be_read() -> None:
    tasks, documents = read(TASKS)
    assert len(tasks) == 24
    assert len(documents) == 4
    assert {task.workflow for task in tasks} <= set(WORKFLOWS)
