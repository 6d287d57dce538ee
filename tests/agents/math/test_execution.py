"""Programs out of a model's replies."""

import pytest
from concertino.agents.math.execution import ensure_answer, extract_program
from concertino.context import get_sandbox
from concertino.tools.answers import run_program


@pytest.mark.parametrize(
    "program",
    [
        "pens = 12\nprice = 3\ntotal = pens * price",
        "total = 12\ntotal *= 3",
        "print(12 * 3)",
        "print('The cost is', 12 * 3)",
        "cost = 36\nprint(f'{12} pens cost {cost} dollars')",
        "def cost(pens):\n    return 3 * pens\ncost(12)",
    ],
)
async def test_a_program_that_forgets_to_name_its_answer_has_its_last_result(program: str) -> None:
    found = await run_program(get_sandbox(), ensure_answer(program))
    assert found.answer.exact == "36"


@pytest.mark.parametrize(
    "program",
    [
        "answer = 36\nrest = 4",
        "answer, rest = 36, 4\nprint(rest)",
        "for n in range(3):\n    answer = 12 * n\nprint('done')",
        "print('no result')",
        "print(f'done')",
        "def cost(pens):\n    return 3 * pens",
        "this is no program",
        "nul = '\0'",
        "",
    ],
)
def test_one_that_names_it_or_has_none_stays_as_it_is(program: str) -> None:
    assert ensure_answer(program) == program


def test_the_longest_fence_is_the_program() -> None:
    reply = "First `x = 1`.\n```python\nanswer = 1\n```\nThen:\n```python\nanswer = 12 * 3\n```"
    assert extract_program(reply) == "answer = 12 * 3"
