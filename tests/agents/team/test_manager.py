"""The manager's decision: who is next, among those that are legal now."""

from typing import Any

import pytest
from concertino.agents.team.contracts import Contribution, TeamPlan, TeamState
from concertino.agents.team.manager import build_hop_schema, decide_hop, list_legal_roles
from concertino.models.client import LanguageModel
from pydantic import ValidationError

from tests.scripted_model import ScriptedModel


def part(role: str, number: int, text: str = "Made.") -> Contribution:
    return Contribution(role=role, number=number, text=text)


def state(*made: Contribution, roles: tuple[str, ...] = ("planner", "writer")) -> TeamState:
    team = TeamPlan(
        reasoning="", topology="centralized", manager="planner", roles=list(roles), source="rule"
    )
    return {
        "question": "Plan a party.",
        "language": "en",
        "plan": team,
        "contributions": list(made),
    }


def hop(agent_id: str) -> dict[str, Any]:
    return {"reasoning": "it is missing", "agent_id": agent_id, "instructions": "go on"}


@pytest.mark.parametrize(
    ("agent_id", "may_end"), [("wizard", True), ("", True), ("terminate", False)]
)
def test_what_is_not_legal_cannot_be_said(agent_id: str, may_end: bool) -> None:
    schema = build_hop_schema(("planner", "writer"), may_end)
    with pytest.raises(ValidationError):
        schema(**hop(agent_id))


async def test_it_names_a_role_or_ends() -> None:
    model = ScriptedModel(script={"manager": [hop("writer"), hop("terminate")]})
    first, usage = await decide_hop(LanguageModel.wrap(model), state(part("planner", 1)))
    last, _ = await decide_hop(LanguageModel.wrap(model), state(part("planner", 1)))

    assert (first.next_action, first.agent_id) == ("call_agent", "writer")
    assert (last.next_action, last.agent_id) == ("terminate", None)
    assert usage.calls == 1


async def test_an_unusable_decision_calls_the_first_role_then_ends_with_what_there_is() -> None:
    model = ScriptedModel(script={"manager": ["nobody knows"]})
    first, _ = await decide_hop(LanguageModel.wrap(model), state())
    later, _ = await decide_hop(LanguageModel.wrap(model), state(part("planner", 1)))

    assert first.agent_id == "planner"
    assert later.next_action == "terminate"


async def test_with_no_legal_role_nobody_is_asked() -> None:
    model = ScriptedModel(script={})
    made = [part("planner", 1), part("planner", 2), part("writer", 3), part("writer", 4)]
    assert list_legal_roles(state(*made)) == []
    found, usage = await decide_hop(LanguageModel.wrap(model), state(*made))
    assert found.next_action == "terminate"
    assert usage.calls == 0


def test_a_role_without_what_it_needs_is_not_legal() -> None:
    assert list_legal_roles(state(roles=("page_reader", "writer"))) == ["writer"]


async def test_it_reads_the_beginning_of_what_was_made_only() -> None:
    model = ScriptedModel(script={"manager": [hop("terminate")]})
    made = [part("planner", n, "early " * 100) for n in range(1, 5)]
    await decide_hop(LanguageModel.wrap(model), state(*made, roles=("writer",)))
    assert max(line.count("early") for line in model.asked[0].splitlines()) <= 50
    assert "1. planner (done): early early" in model.asked[0]
