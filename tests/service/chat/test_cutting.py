"""Where a reply ends that a client bounds."""

import pytest
from concertino.service.chat.cutting import cut_reply


@pytest.mark.parametrize(
    ("stop", "limit", "text", "ending"),
    [
        ([], None, "Pens cost 36 dollars.", "stop"),
        (["36"], None, "Pens cost ", "stop"),
        (["dollars", "cost"], None, "Pens ", "stop"),
        (["euros"], None, "Pens cost 36 dollars.", "stop"),
        ([], 2, "Pens cost", "length"),
        ([], 4, "Pens cost 36 doll", "length"),
        ([], 6, "Pens cost 36 dollars.", "stop"),
        (["36"], 1, "Pens", "length"),
    ],
)
def test_a_reply_ends_at_a_stop_or_at_its_length(
    stop: list[str], limit: int | None, text: str, ending: str
) -> None:
    assert cut_reply("Pens cost 36 dollars.", stop, limit) == (text, ending)


def test_chinese_characters_and_signs_are_tokens() -> None:
    assert cut_reply("一共36元。", [], 3) == ("一共36", "length")
