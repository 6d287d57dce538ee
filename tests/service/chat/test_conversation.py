"""A chat's messages as a task."""

from typing import Any

import pytest
from concertino.errors import InvalidTask
from concertino.service.chat.conversation import keep_latest, split_conversation
from concertino.service.chat.request import Message


def talk(*said: tuple[str, str | None]) -> list[Message]:
    return [Message.model_validate({"role": role, "content": text}) for role, text in said]


def pairs(earlier: list[Any]) -> list[tuple[str, str]]:
    return [(each["question"], each["answer"]) for each in earlier]


def test_an_answer_is_all_that_was_said_before_the_next_question() -> None:
    question, earlier, instructions = split_conversation(
        talk(
            ("system", "Be brief."),
            ("user", "a"),
            ("assistant", None),
            ("tool", "5"),
            ("assistant", "b"),
            ("assistant", "c"),
            ("user", "d"),
        )
    )
    assert (question, pairs(earlier), instructions) == ("d", [("a", "b\n\nc")], "Be brief.")


def test_a_question_without_an_answer_is_left_out() -> None:
    _, earlier, _ = split_conversation(talk(("user", "a"), ("user", "b"), ("user", "c")))
    assert earlier == []


@pytest.mark.parametrize("last", ["assistant", "tool", "system"])
def test_the_last_word_is_the_user_s(last: str) -> None:
    with pytest.raises(InvalidTask):
        split_conversation(talk(("user", "a"), (last, "b")))


def test_the_latest_exchanges_are_kept() -> None:
    said = [(role, f"{role}{n}") for n in range(9) for role in ("user", "assistant")]
    _, earlier, _ = split_conversation(talk(*said, ("user", "now")))
    kept = keep_latest(earlier, 2 * len("user0assistant0") + 1)
    assert pairs(kept) == [("user7", "assistant7"), ("user8", "assistant8")]
