"""What a plan keeps of what the model drafts."""

from concertino.agents.story.plan import without_echoes

BEGIN, END = "Ada lived in a lighthouse by the sea.", "At dawn Tomas gave her the key."


def test_a_plot_point_that_says_an_earlier_one_again_is_dropped() -> None:
    middle = ["Ada saw that the lamp shone better than before.", "A boat hit the rocks."]
    echo = "Ada saw that the lamp shone better than ever before."
    assert without_echoes([BEGIN, *middle, echo, END], 3, "en") == [BEGIN, *middle, END]


def test_an_echo_stays_where_too_few_points_would_be_left() -> None:
    points = [BEGIN, BEGIN, END]
    assert without_echoes(points, 3, "en") == points


def test_beginning_and_ending_always_stay() -> None:
    assert without_echoes([BEGIN, "A boat hit the rocks.", BEGIN, BEGIN], 3, "en") == [
        BEGIN,
        "A boat hit the rocks.",
        BEGIN,
    ]
