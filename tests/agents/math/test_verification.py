"""Which answer is best supported: independent routes count, repetitions do not."""

from typing import Literal

import pytest
from concertino.agents.math.verification import find_best_supported
from concertino.state import Answer, Attempt
from concertino.tools.sandbox import default_sandbox

Route = Literal["program", "reasoning"]


def attempt(route: Route, value: str) -> Attempt:
    return Attempt(
        route=route, answer=Answer(exact=value, text=value, latex=value), working=f"{route} {value}"
    )


@pytest.mark.parametrize(
    ("attempts", "answer", "support"),
    [
        ([("program", "5")], "5", 1),
        ([("program", "1/2"), ("reasoning", "0.5")], "1/2", 2),
        ([("program", "70"), ("reasoning", "68")], "68", 1),
        ([("program", "70"), ("reasoning", "68"), ("program", "70")], "70", 1),
        ([("program", "70"), ("reasoning", "68"), ("program", "71")], "68", 1),
        ([("program", "70"), ("reasoning", "68"), ("program", "68")], "68", 2),
        ([("program", "1"), ("reasoning", "2"), ("program", "3"), ("reasoning", "3")], "3", 2),
    ],
)
async def test_the_answer_that_most_routes_arrive_at_is_best_supported(
    attempts: list[tuple[Route, str]], answer: str, support: int
) -> None:
    made = [attempt(route, value) for route, value in attempts]
    found, routes = await find_best_supported(default_sandbox(), made)
    assert (found.exact, len(routes)) == (answer, support)
