"""The policy: effects, targets and what was approved decide, and nothing that a model writes."""

from typing import Any

import pytest
from concertino.actions.policy import Mode, Request, Ruling, rule
from concertino.actions.spec import Action, Data, Effect, Params, Targets
from concertino.actions.workspace import Change
from concertino.state import Verdict

WRITE = Change("a.txt", b"old", b"new")


def action(effect: Effect, name: str = "do") -> Action[Any, Any]:
    return Action(
        name=name,
        description={"en": "", "zh": ""},
        params=Params,
        data=Data,
        effect=effect,
        run=lambda params, context: None,  # type: ignore[arg-type,return-value]
    )


def request(effect: Effect, *changes: Change, **more: Any) -> Request:
    return Request(action(effect), {"path": "a.txt"}, changes=changes, **more)


@pytest.mark.parametrize(
    ("effect", "read_only", "workspace", "ask"),
    [
        ("read", "allow", "allow", "allow"),
        ("write", "forbid", "allow", "ask"),
        ("delete", "forbid", "ask", "ask"),
        ("execute", "forbid", "ask", "ask"),
        ("network", "forbid", "ask", "ask"),
    ],
)
def test_the_mode_and_the_effect_decide(
    effect: Effect, read_only: str, workspace: str, ask: str
) -> None:
    modes: list[Mode] = ["read_only", "workspace", "ask"]
    changes = [WRITE] if effect in ("write", "delete") else []
    answers = [rule(request(effect, *changes), mode, []).answer for mode in modes]
    assert answers == [read_only, workspace, ask]


def test_a_target_taken_from_somebody_elses_text_is_asked_about() -> None:
    assert rule(request("write", WRITE, from_untrusted=True), "workspace", []).answer == "ask"


def test_an_approval_holds_for_the_same_call_with_the_same_changes_only() -> None:
    asked = request("delete", WRITE)
    verdicts = [Verdict(digest=asked.digest, approved=True)]
    assert rule(asked, "workspace", verdicts).answer == "allow"
    changed = request("delete", Change("a.txt", b"older", b"new"))
    assert rule(changed, "workspace", verdicts).answer == "ask"


def test_a_denied_call_is_forbidden_with_the_users_reason() -> None:
    asked = request("delete", WRITE)
    ruling = rule(asked, "workspace", [Verdict(digest=asked.digest, approved=False, reason="keep")])
    assert (ruling.answer, ruling.denied) == ("forbid", "keep")


def test_a_kind_that_was_approved_is_not_asked_about_again_unless_it_is_risky() -> None:
    verdicts = [Verdict(digest="another", approved=True, action="do")]
    assert rule(request("delete", WRITE), "workspace", verdicts).answer == "allow"
    risky = request("execute", targets=Targets(argv=("sh", "-c", "rm *"), risky=True))
    assert rule(risky, "workspace", verdicts).answer == "ask"


def test_read_only_is_not_lifted_by_an_approval() -> None:
    asked = request("write", WRITE)
    verdicts = [Verdict(digest=asked.digest, approved=True, action="do")]
    assert rule(asked, "read_only", verdicts).answer == "forbid"


def test_losing_a_content_asks_whatever_the_action_is_and_moving_it_does_not() -> None:
    program = action("read")
    lost = Request(program, {}, changes=[Change("a", b"1", None)])
    moved = Request(program, {}, changes=[Change("a", b"1", None), Change("b", None, b"1")])
    assert rule(lost, "workspace", []) == Ruling("ask", "delete")
    assert rule(moved, "workspace", []).answer == "allow"
    assert rule(moved, "read_only", []).answer == "forbid"
