"""Reasoning with slips of arithmetic: these are put right, and nothing else is touched."""

import re

import pytest
from concertino.agents.math.recomputation import correct_arithmetic
from concertino.context import get_sandbox
from hypothesis import assume, given

from tests.tools.chains import right_chains, wrong_chains
from tests.tools.lines import RIGHT, WRONG, WRONG_AS_THEY_STAND

PROBLEM = "A factory makes 50 quarts in 4 hours. How many in 48 hours?"


async def put_right(reasoning: str, problem: str = PROBLEM) -> str:
    return await correct_arithmetic(get_sandbox(), reasoning, problem)


async def test_a_wrong_result_is_replaced_wherever_the_reasoning_goes_on_with_it() -> None:
    reasoning = (
        r"12.5 \text{ quarts per hour} \times 48 \text{ hours} = 500 \text{ quarts}"
        "\n2400 + 500 = 2900\nso \\boxed{2900}"
    )
    expected = (
        r"12.5 \text{ quarts per hour} \times 48 \text{ hours} = 600 \text{ quarts}"
        "\n2400 + 600 = 3000\nso \\boxed{3000}"
    )
    assert await put_right(reasoning) == expected


async def test_slips_of_one_line_are_put_right_one_after_the_other() -> None:
    assert await put_right("17 × 3 = 41, and 41 + 9 = 60.") == "17 × 3 = 51, and 51 + 9 = 60."
    assert await put_right("7 × 8 = 54; 9 × 9 = 88") == "7 × 8 = 56; 9 × 9 = 81"


async def test_chinese_reasoning_is_read_too() -> None:
    reasoning = "每箱24个，6箱一共 24 × 6 = 142（个）。\n每班 142 ÷ 8 = 17.75（个）。"
    expected = "每箱24个，6箱一共 24 × 6 = 144（个）。\n每班 144 ÷ 8 = 18（个）。"
    assert await put_right(reasoning, "学校买了6箱苹果，分给8个班。") == expected


async def test_results_that_are_no_whole_numbers_are_exact() -> None:
    assert await put_right("7 / 2 = 5") == "7 / 2 = 3.5"
    assert await put_right("22 / 7 = 5") == "22 / 7 = 22/7"
    assert await put_right("1,200 + 300 = 1,600 dollars") == "1,200 + 300 = 1500 dollars"


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        ("So 12.5 × 48 = 500 each day", "So 12.5 × 48 = 600 each day"),
        ("12.5 × 48 = 500 dollars", "12.5 × 48 = 600 dollars"),
        ("3 apples × 4 = 11 apples", "3 apples × 4 = 12 apples"),
        ("1 hour + 2 hours = 5 hours", "1 hour + 2 hours = 3 hours"),
        ("120 km ÷ 2 h = 70 km/h", "120 km ÷ 2 h = 60 km/h"),
        (r"12 \times \$25 = \$200", r"12 \times \$25 = \$300"),
        ("所以一共12.5×48=500。", "所以一共12.5×48=600。"),
        ("60×2=110千米", "60×2=120千米"),
        ("24×6=142（个）", "24×6=144（个）"),
        ("8×15分钟=110分钟", "8×15分钟=120分钟"),
        ("200×(1-20%)=150", "200×(1-20%)=160"),
    ],
)
async def test_a_slip_is_put_right_where_the_unit_stays(reasoning: str, expected: str) -> None:
    assert await put_right(reasoning) == expected


@pytest.mark.parametrize(
    "reasoning",
    [
        r"8 \times 15 \text{ minutes} = 2 \text{ hours}, so \boxed{2}",
        r"8 \times 15\,\text{minutes} = 2\,\text{hours}, so \boxed{2}",
        r"50厘米×4=2米，所以\boxed{2}",
        r"50厘米×4=2（米），所以\boxed{2}",
        r"12 × 25 cents = $3, so \boxed{3}",
        r"100 - 20% = 80, so \boxed{80}",
        r"sqrt(9^2 + 12^2) = 15, so \boxed{15}",
        r"2^4 = 6 (mod 10), so \boxed{6}",
        r"2^4 = 6 \pmod{10}, so \boxed{6}",
        r"7^10000 = 1, so \boxed{1}",
        r"1000 + 500 = 1\,500, so \boxed{1500}",
        r"12 - 20 = 8 are missing, so \boxed{8}",
    ],
)
async def test_correct_reasoning_is_never_corrected(reasoning: str) -> None:
    assert await put_right(reasoning) == reasoning


@pytest.mark.parametrize(
    "reasoning",
    [
        "425 / 6 = 70",
        "425 ÷ 6 = 71",
        "10 / 3 = 3.33",
        "17 ÷ 5 = 3 remainder 2",
        "3 hours = 180 minutes",
        "2 m + 50 cm = 250 cm",
        "40% of 60 = 24",
        "x + 3 = 10",
        "2 + 2 = 5 is what a hasty reader says",
        "12 - 8 = 4\n\n3.14 is not 14, and 4th is not 4",
    ],
)
async def test_what_is_rounded_or_unclear_or_right_stays(reasoning: str) -> None:
    assert await put_right(reasoning, "2, 5") == reasoning


async def test_a_number_of_the_problem_is_never_replaced() -> None:
    assert await put_right("12 × 4 = 50", "He has 50.") == "12 × 4 = 50"


@pytest.mark.parametrize("line", RIGHT)
async def test_a_line_that_can_be_read_rightly_is_not_changed(line: str) -> None:
    assert await put_right(line, "") == line


@pytest.mark.parametrize(("line", "expected"), WRONG)
async def test_a_line_that_is_wrong_however_it_is_read_is_put_right(
    line: str, expected: str
) -> None:
    assert await put_right(line, "") == expected


@pytest.mark.parametrize("line", [line for line, _ in WRONG_AS_THEY_STAND])
async def test_a_wrong_line_without_a_sure_correction_stays(line: str) -> None:
    assert await put_right(line, "") == line


@given(right_chains())
async def test_no_right_chain_of_units_and_mixed_numbers_is_changed(chain: str) -> None:
    assert await put_right(chain, "") == chain


@given(wrong_chains())
async def test_every_plain_wrong_chain_is_put_right(chain: tuple[str, str]) -> None:
    wrong, right = chain
    left, _, result = wrong.rpartition("=")
    numbers = re.findall(r"\d+", result)
    assume(numbers[0] not in re.findall(r"\d+", left))
    assume("-" not in right.rpartition("=")[2])
    assert await put_right(wrong, "") == right


async def test_a_result_that_is_also_one_of_the_numbers_calculated_with_stays() -> None:
    assert await put_right("17 × 3 = 17", "") == "17 × 3 = 17"


async def test_two_readings_that_are_equally_near_leave_the_line_as_it_is() -> None:
    assert await put_right("3 weeks × 7 = 50 days", "") == "3 weeks × 7 = 50 days"


async def test_numbers_rounded_earlier_are_calculated_with_as_they_are_meant() -> None:
    reasoning = "2 ÷ 3 ≈ 0.67\n0.67 × 3000 = 2000"
    assert await put_right(reasoning, "") == reasoning
