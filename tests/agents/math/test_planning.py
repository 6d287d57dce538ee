"""Plans are DAGs, and their steps gather into chains."""

import pytest
from concertino.agents.math.planning import acyclic, chains
from concertino.state import Plan, PlanStep


def plan_of(*depends_on: list[int], ids: list[int] | None = None) -> Plan:
    return Plan(
        steps=[
            PlanStep(id=number, description="", tool="python", depends_on=needs)
            for number, needs in zip(ids or range(1, 9), depends_on, strict=False)
        ]
    )


@pytest.mark.parametrize(
    ("depends_on", "expected"),
    [
        ([[]], [[1]]),
        ([[], [1], [2]], [[1, 2, 3]]),
        ([[], [1], [1, 2]], [[1, 2, 3]]),
        ([[], [], [1, 2]], [[1], [2], [3]]),
        ([[], [1], [1], [2, 3]], [[1], [2], [3], [4]]),
        ([[], [], [1], [2], [3, 4]], [[1, 3], [2, 4], [5]]),
    ],
)
def test_steps_that_only_follow_each_other_become_one_chain(
    depends_on: list[list[int]], expected: list[list[int]]
) -> None:
    assert chains(plan_of(*depends_on)) == expected


def test_a_dependency_on_a_later_or_unknown_step_is_dropped() -> None:
    tidy = acyclic(plan_of([2], [1, 9], [3]))
    assert [step.depends_on for step in tidy.steps] == [[], [1], []]


def test_odd_ids_are_renumbered_with_their_dependencies() -> None:
    tidy = acyclic(plan_of([], [10], ids=[10, 20]))
    assert [(step.id, step.depends_on) for step in tidy.steps] == [(1, []), (2, [1])]
