"""Parts of a task that its own form shows."""

from concertino.agents.team.splitting import MAX_PARTS, split_requests


def test_numbered_requests_are_parts_each_of_its_kind() -> None:
    parts = split_requests("1. Name three fruits.\n2. Translate into Chinese: Good morning\n")
    assert [part.kind for part in parts] == ["answer", "translation"]
    assert [part.language for part in parts] == ["en", "zh"]


def test_what_is_no_request_is_no_part() -> None:
    assert split_requests("Sort this list:\n1. pears\n2. apples") == []
    assert split_requests("Why is the sky blue?") == []
    assert split_requests("1. Name three fruits.") == []


def test_fifty_requests_are_few_parts_and_none_is_lost() -> None:
    parts = split_requests("\n".join(f"{n}. Name fruit number {n}." for n in range(1, 51)))
    assert len(parts) <= MAX_PARTS
    assert sum(part.task.count("Name fruit") for part in parts) == 50
