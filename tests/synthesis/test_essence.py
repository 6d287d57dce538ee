"""Lifting: what becomes of a seed, with planted faults."""

from decimal import Decimal
from fractions import Fraction

import pytest
from concertino.synthesis.contracts import Essence, Refusal
from concertino.synthesis.essence import choose_level, find_domain, find_query, lift_seed
from concertino.synthesis.fill import fill_problem, fill_program
from concertino.synthesis.mutate import change_parameters
from concertino.tools.sandbox import Sandbox

from tests.synthesis.conftest import make_seed

PENS = "Mia buys 12 pens at $3 each and pays with $50. How much change does she get?"
PENS_PROGRAM = "pens = 12\nprice = 3\npaid = 50\ncost = pens * price\nanswer = paid - cost"


async def lift(sandbox: Sandbox, problem: str, program: str, answer: object) -> Essence:
    found = await lift_seed(make_seed(problem, program, answer), sandbox)
    assert isinstance(found, Essence), found
    return found


def free(essence: Essence) -> list[Decimal]:
    return [slot.value for slot in essence.slots]


def kept(essence: Essence) -> dict[str, str]:
    return {number.text: number.reason for number in essence.kept}


async def test_a_solved_problem_becomes_an_essence(sandbox: Sandbox) -> None:
    essence = await lift(sandbox, PENS, PENS_PROGRAM, "14")
    assert free(essence) == [12, 3, 50]
    assert [slot.kind for slot in essence.slots] == ["whole", "money", "money"]
    assert essence.query == "How much change does she get?"
    assert (essence.domain, essence.complexity_level) == ("money", "simple")
    assert essence.success_pattern.key_steps == ["pens", "price", "paid", "cost"]
    assert essence.success_pattern.execution_pattern == "mul sub"
    assert essence.status == "draft"


async def test_an_essence_filled_with_its_own_values_is_the_seed(sandbox: Sandbox) -> None:
    essence = await lift(sandbox, PENS, PENS_PROGRAM, "14")
    values = {slot.name: slot.value for slot in essence.slots}
    assert fill_problem(essence, values) == PENS
    assert fill_program(essence, values) == PENS_PROGRAM


async def test_the_same_problem_with_other_numbers_is_the_same_essence(sandbox: Sandbox) -> None:
    first = await lift(sandbox, PENS, PENS_PROGRAM, "14")
    task = (await change_parameters(first, sandbox, 1))[0]
    assert (await lift(sandbox, task.question, task.program, task.gold.exact)).id == first.id


@pytest.mark.parametrize(
    ("program", "obstacle"),
    [
        ("answer = (", "not_python"),
        ("total = 0\nfor _x in [12, 3]:\n    total += 1\nanswer = 14", "loop"),
        ("answer = sum(n for n in [12, 3])", "loop"),
        ("def solve():\n    return 50 - 12 * 3\nanswer = solve()", "function"),
        ("import random\nanswer = random.randint(14, 14)", "random"),
        ("import os\nanswer = 14", "import"),
        ("try:\n    answer = 50 - 12 * 3\nexcept ValueError:\n    pass", "statement"),
        ("answer = eval('50 - 12 * 3')", "statement"),
        ("answer = f'{50 - 12 * 3} dollars'", "words"),
        ("answer = '14 dollars'", "words"),
        ("answer = 50 - 12 * 3 + 17 - 17", "unknown_number"),
        ("answer = 14", "unknown_number"),
        ("answer = 50 - 12 * 3 - 0 * 1e999", "statement"),
        ("answer = 50 - 12 * 3 + " + "0 + " * 80 + "0", "too_many"),
        (f"answer = 50 - 12 * 3 - 0 * {'9' * 5000}", "not_python"),
        ("answer = 50 - 12 - 3", "wrong_answer"),
        ("answer = 12 / (3 - 3) + 50", "fails"),
        ("x = 12\n__builtins__ = 3\nanswer = 50 - x * 3", "statement"),
        ("print.x = 12\nanswer = 50 - 12 * 3", "statement"),
    ],
)
async def test_what_cannot_be_lifted_is_refused_with_the_reason(
    sandbox: Sandbox, program: str, obstacle: str
) -> None:
    found = await lift_seed(make_seed(PENS, program, "14"), sandbox)
    assert isinstance(found, Refusal)
    assert found.obstacle == obstacle, found.detail


@pytest.mark.parametrize(
    ("problem", "program", "answer", "expected"),
    [
        (  # a sum done in the head
            "Ann has 15 plums, eats 4 and gets 9. How many has she?",
            "rest = 11\nanswer = rest + 9",
            20,
            {"15": "unused", "4": "unused"},
        ),
        (  # a sum done in the head, of numbers that are used elsewhere too
            "Ann has 15 plums, eats 4 and gets 9. Bob has 15 more and 4 bags. How many are these?",
            "rest = 11\nfirst = 15\nbags = 4\nanswer = rest + 9 + first + bags",
            39,
            {"15": "repeated", "4": "repeated"},
        ),
        (  # a product done in the head, of numbers that are used elsewhere too
            "A hall has 13 rows of 17 seats and a stage with 29. How many are 13 halls, in all?",
            "seats = 221\nrow = 17\nanswer = seats + 29 + row",
            267,
            {"17": "derived"},
        ),
        (  # one number that means two things
            "Ann has 2 plums and Bob has twice as many. How many have they?",
            "ann = 2\nbob = ann * 2\nextra = 0\nanswer = ann + bob",
            6,
            {"2": "repeated"},
        ),
        (  # parts with their total, which the program does not use
            "Of 30 balls 18 are red and 12 are blue. Each costs $5. What do the red ones cost?",
            "answer = 18 * 5",
            90,
            {"30": "unused", "18": "related", "12": "unused"},
        ),
        (  # the remaining share, computed in the head
            "A tank of 80 L loses 25% of it. How many litres are left?",
            "answer = 80 * 0.75",
            60,
            {"25": "unused"},
        ),
        (  # shares that make the whole
            "Of 50 balls 40% are red, worth $3 each, and 60% blue, worth $7. What are they worth?",
            "n = 50\nred = 0.4\nblue = 0.6\nanswer = n * red * 3 + n * blue * 7",
            270,
            {"40": "related", "60": "related"},
        ),
        (  # a number that the program reads and does not use
            "A shop has 14 shelves, 23 boxes and sells 9 boxes. How many boxes are left?",
            "shelves = 14\nboxes = 23\nanswer = boxes - 9",
            14,
            {"14": "still"},
        ),
    ],
)
async def test_planted_faults_leave_the_numbers_concerned_as_they_are(
    sandbox: Sandbox, problem: str, program: str, answer: int, expected: dict[str, str]
) -> None:
    found = await lift_seed(make_seed(problem, program, answer), sandbox)
    if isinstance(found, Refusal):
        assert found.obstacle == "nothing_to_change"
        assert all(f"{number} ({reason})" in found.detail for number, reason in expected.items())
    else:
        assert expected.items() <= kept(found).items()


async def test_a_division_stays_exact_where_the_seed_s_is(sandbox: Sandbox) -> None:
    """Rounding down is right for 24 sweets, and wrong for 25."""
    essence = await lift(
        sandbox, "Share 24 sweets among 6 children. How many does each get?", "answer = 24 // 6", 4
    )
    for task in await change_parameters(essence, sandbox, 20):
        sweets, children = (int(value) for value in task.values.values())
        assert sweets % children == 0
        assert Fraction(task.gold.exact) == Fraction(sweets, children)


async def test_what_is_rounded_stays_rounded(sandbox: Sandbox) -> None:
    problem = "A van takes 8 people. How many vans do 43 people need?"
    program = "import math\npeople = 43\nplaces = 8\nanswer = math.ceil(people / places)"
    essence = await lift(sandbox, problem, program, 6)
    tasks = await change_parameters(essence, sandbox, 20)
    assert len(tasks) == 20
    for task in tasks:
        places, people = (int(value) for value in task.values.values())
        assert people % places
        assert int(task.gold.exact) == -(-people // places)


async def test_a_comparison_that_goes_the_other_way_makes_no_task(sandbox: Sandbox) -> None:
    problem = "Ann runs 14 km and Bob runs 9 km. How much farther does Ann run, in km?"
    program = "ann = 14\nbob = 9\nif ann > bob:\n    answer = ann - bob\nelse:\n    answer = 0"
    essence = await lift(sandbox, problem, program, 5)
    for task in await change_parameters(essence, sandbox, 20):
        bob, ann = sorted(task.values.values())
        assert Fraction(task.gold.exact) == ann - bob > 0


async def test_numbers_stay_plausible(sandbox: Sandbox) -> None:
    problem = (
        "Eve works eight hours a day for $12.50 an hour and saves 20% of it. "
        "How much does she save in 15 days?"
    )
    program = (
        "hours = 8\nwage = 12.5\nshare = 20\ndays = 15\nanswer = hours * wage * days * share / 100"
    )
    essence = await lift(sandbox, problem, program, 300)
    hours, wage, share, days = essence.slots
    assert (hours.writing, hours.low, hours.high) == ("words", 4, 16)
    assert (wage.kind, wage.places, wage.step) == ("money", 2, Decimal("0.5"))
    assert (share.kind, share.step, share.high) == ("percentage", 5, 40)
    assert days.high == 30
    for task in await change_parameters(essence, sandbox, 10):
        assert "$" in task.question
        assert "%" in task.question
        assert task.gold.places is None or task.gold.places <= 2


async def test_chinese_words_and_measure_words_stay(sandbox: Sandbox) -> None:
    essence = await lift(
        sandbox,
        "妈妈买来两盒糖，每盒18块，吃了7块，还剩几块？",
        "n = 2\neach = 18\nanswer = n * each - 7",
        29,
    )
    tasks = await change_parameters(essence, sandbox, 8)
    assert all("盒糖，每盒" in task.question for task in tasks)
    assert {task.question[4] for task in tasks} <= set("两三四")
    assert all(task.gold.exact not in task.question for task in tasks)


async def test_the_same_draw_gives_the_same_tasks_and_another_gives_others(
    sandbox: Sandbox,
) -> None:
    essence = await lift(sandbox, PENS, PENS_PROGRAM, "14")
    first = await change_parameters(essence, sandbox, 3)
    assert await change_parameters(essence, sandbox, 3) == first
    assert await change_parameters(essence, sandbox, 3, seed=1) != first
    known = {task.id for task in first}
    more = await change_parameters(essence, sandbox, 3, known=known)
    assert not known & {task.id for task in more}


def test_what_is_asked_is_the_last_question() -> None:
    assert find_query("Is it so? Yes. How many are 3 and 4? Show it.") == "How many are 3 and 4?"
    assert find_query("求面积。") == "求面积。"


def test_domains_and_levels_follow_from_words_and_operations() -> None:
    assert find_domain("一个长方形的面积是多少？") == "geometry"
    assert find_domain("How many birds are left?") == "counting"
    assert [choose_level(n) for n in (1, 3, 5)] == ["simple", "medium", "complex"]
