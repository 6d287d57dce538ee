"""Which answer is best supported: independent routes count, repetitions do not."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from concertino import run_task
from concertino.agents.math.verification import find_best_supported
from concertino.state import Answer, Attempt
from concertino.tools.sandbox import default_sandbox

from tests.model_server import PENS
from tests.scripted_model import ScriptedModel, decision

Scripted = Callable[..., ScriptedModel]

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


def solve(question: str, model: ScriptedModel, rounds: int = 6) -> dict[str, Any]:
    return run_task(
        question, workflow="solve_math", storage="memory", model=model, max_iterations=rounds
    )


def checks_of(result: dict[str, Any]) -> dict[str, bool]:
    return {c["name"]: c["passed"] for c in result["outputs"]["solve_math"]["checks"]}


AT_ONCE = [decision("execution")]
PROGRAMS = ["```python\nanswer = 12 * 3\n```", "```python\nanswer = 12 + 3\n```"]


def test_a_program_that_found_another_answer_did_not_compute_this_one(scripted: Scripted) -> None:
    result = solve(
        PENS, scripted(coordinator=AT_ONCE, execution=PROGRAMS, reasoning=["\\boxed{40}"])
    )
    assert (result["status"], result["final_answer"]) == ("unverified", "40")
    assert checks_of(result)["ran"] is False
    assert "the program's result was another one, 15" in result["report"]


@pytest.mark.parametrize(
    "question",
    [
        "A shop sells pens and each customer gets a discount. How much does Tom pay?",
        "商店卖钢笔，每位顾客都有优惠。小明要付多少钱？",
    ],
)
def test_an_answer_from_made_up_prices_is_not_verified_and_the_user_may_be_asked(
    scripted: Scripted, question: str
) -> None:
    model = scripted(
        coordinator=[decision("execution"), decision("need_input", "What does a pen cost?")],
        execution=["```python\nprice = 15\ndiscount = 0.2\nanswer = price * (1 - discount)\n```"],
        reasoning=["A pen costs 15 dollars, less 20 %: \\boxed{12}."],
    )
    result = solve(question, model)
    assert (result["status"], result["input_request"]) == ("needs_input", "What does a pen cost?")
    assert any("does not state 15, 1/5" in prompt for prompt in model.asked)


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Tom has 12 marbles and gives 15 to Ann. How many marbles are left?", "-3"),
        ("Half of the 25 children sing. How many children sing?", "25/2"),
        ("Of 30 children, 34 are ill. How many children are ill?", "34"),
    ],
)
def test_a_count_is_held_to_its_form_without_comprehension(
    scripted: Scripted, question: str, value: str
) -> None:
    model = scripted(
        coordinator=AT_ONCE,
        execution=[f"```python\nfrom fractions import Fraction\nanswer = Fraction('{value}')\n```"],
        reasoning=[f"So \\boxed{{{value}}}."],
    )
    result = solve(question, model)
    assert result["status"] == "unverified"
    assert checks_of(result)["form"] is False


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("A rectangle is 18 cm long and 9 cm wide. What is its area?", "162 cm²"),
        ("一个长方形长18厘米，宽9厘米，面积是多少？", "162平方厘米"),
    ],
)
def test_an_area_is_answered_with_its_unit(scripted: Scripted, question: str, shown: str) -> None:
    model = scripted(
        coordinator=AT_ONCE,
        execution=["```python\nanswer = 18 * 9\n```"],
        reasoning=["\\boxed{162 \\text{ cm}^2}"],
        report=["18 × 9 = 162."],
    )
    result = solve(question, model)
    assert (result["status"], result["final_answer"]) == ("verified", shown)
    assert (result["answer"]["exact"], result["answer"]["kind"]) == ("162", "quantity")


def test_an_answer_of_another_type_is_none(scripted: Scripted) -> None:
    model = scripted(
        coordinator=AT_ONCE,
        execution=["```python\nanswer = 'as many as there are'\n```"],
        repair=["```python\nanswer = 'as many as there are'\n```"],
        reasoning=["\\boxed{\\text{Monday}}"],
    )
    result = solve("A box has 3 rows of 4 pens. How many pens are in it?", model)
    assert result["final_answer"] is None
