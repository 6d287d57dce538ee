"""The work on a task as text, and drafts among it."""

from typing import Any, cast

from concertino.service.chat.thinking import Thinking
from concertino.tasks.events import Event

DRAFT = "✎ A draft, which may still change:\n"


def token(message: str, text: str) -> dict[str, Any]:
    return {"type": "token", "node": "part", "message": message, "offset": 0, "text": text}


def step(kind: str, summary: str = "", node: str = "part") -> dict[str, Any]:
    return {"type": kind, "summary": summary, "node": node}


def told(*events: dict[str, Any]) -> str:
    thinking = Thinking()
    return "".join(thinking.tell(cast("Event", event)) for event in events)


def test_a_draft_is_announced_once_and_ends_with_its_line() -> None:
    events = [token("a", "Once "), token("a", "upon"), step("node_end"), step("turn", "told")]
    assert told(*events) == f"{DRAFT}Once upon\ntold\n"


def test_drafts_written_side_by_side_are_told_one_after_the_other() -> None:
    events = [token("a", "A1 "), token("b", "B1 "), token("a", "A2"), token("b", "B2")]
    assert told(*events, step("node_end")) == f"{DRAFT}A1 A2\n{DRAFT}B1 B2\n"


def test_no_piece_of_a_draft_is_lost_where_another_one_ends_first() -> None:
    events = [token("a", "A1 "), token("b", "B1"), step("node_end"), token("a", "A2")]
    assert told(*events, step("turn", "done")) == f"{DRAFT}A1 \n{DRAFT}B1\n{DRAFT}A2\ndone\n"


def test_the_end_of_another_node_does_not_break_a_draft() -> None:
    events = [token("a", "A1 "), step("node_end", node="other"), token("a", "A2")]
    assert told(*events) == f"{DRAFT}A1 A2"


def test_what_was_told_as_a_draft_is_not_told_again() -> None:
    events = [token("a", "Once upon a time."), step("progress", "Once upon a time.")]
    assert told(*events, step("progress", "The end.")) == f"{DRAFT}Once upon a time.\nThe end.\n"
