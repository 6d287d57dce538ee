"""Plans are DAGs."""

from concertino.agents.math.planning import normalize_plan
from concertino.state import Plan, PlanStep


def plan_of(*depends_on: list[int], ids: list[int] | None = None) -> Plan:
    return Plan(
        steps=[
            PlanStep(id=number, description="", tool="python", depends_on=needs)
            for number, needs in zip(ids or range(1, 9), depends_on, strict=False)
        ]
    )


def test_a_dependency_on_a_later_or_unknown_step_is_dropped() -> None:
    tidy = normalize_plan(plan_of([2], [1, 9], [3]))
    assert [step.depends_on for step in tidy.steps] == [[], [1], []]


def test_odd_ids_are_renumbered_with_their_dependencies() -> None:
    tidy = normalize_plan(plan_of([], [10], ids=[10, 20]))
    assert [(step.id, step.depends_on) for step in tidy.steps] == [(1, []), (2, [1])]
