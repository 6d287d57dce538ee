"""Programs run and answers are read, compared and fitted through the real sandbox."""

import pytest
from concertino.state import Answer
from concertino.tools.answers import (
    ProgramError,
    check_substitution,
    extract_boxed_answer,
    find_broken_forms,
    find_made_up_numbers,
    fit_answer,
    group_answers,
    is_same_answer,
    read_answer,
    run_program,
)
from concertino.tools.sandbox import default_sandbox


async def read(text: str) -> Answer:
    """Return a written answer that is known to be readable."""
    found = await read_answer(default_sandbox(), text)
    assert found is not None
    return found


async def test_an_answer_too_long_to_be_told_is_none() -> None:
    assert await read_answer(default_sandbox(), "6^50000") is None


async def test_a_program_with_such_an_answer_has_failed() -> None:
    with pytest.raises(ProgramError, match="too long"):
        await run_program(default_sandbox(), "answer = 6**50000")


@pytest.mark.parametrize(
    ("program", "kind", "text"),
    [
        ("answer = '3小时25分'", "quantity", "3小时25分"),
        ("from sympy import factorint\nanswer = factorint(60)", "named", "2^2 × 3 × 5"),
        ("answer = 3 * 1.67e-27", "number", "5.01 × 10^-27"),
        ("answer = [[1, 2], [3, 4]]", "matrix", "[[1, 2], [3, 4]]"),
        ("answer = '75%'", "percentage", "75%"),
        (
            "answer = {'chickens': 23, 'rabbits': 12}",
            "named",
            "chickens = 23, rabbits = 12",
        ),
        ("answer = '没有正根'", "text", "没有正根"),
        ("answer = '162 cm²'", "quantity", "162 cm²"),
        ("answer = (1, 2)", "tuple", "(1, 2)"),
        ("answer = {2, 3}", "collection", "{2, 3}"),
        ("answer = 7 % 2 == 1", "truth", "true"),
        ("answer = 0.1 + 0.2", "number", "0.3"),
    ],
)
async def test_an_odd_answer_of_a_program_keeps_its_type(
    program: str, kind: str, text: str
) -> None:
    answer = (await run_program(default_sandbox(), program)).answer
    assert (answer.kind, answer.text) == (kind, text)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("answer = None", "no answer"),
        ("price = 3", "variable named `answer`"),
        ("answer = ''", "no answer"),
        ("answer = 1 / 0", "ZeroDivisionError"),
        ("answer = list(range(1000))", "more than"),
    ],
)
async def test_a_program_without_a_readable_answer_has_failed(program: str, why: str) -> None:
    with pytest.raises(ProgramError, match=why):
        await run_program(default_sandbox(), program)


async def test_the_named_quantities_of_a_program_are_its_facts() -> None:
    ran = await run_program(default_sandbox(), "pens = 12\nprice = 0.5\nanswer = pens * price")
    assert ran.facts == {"pens": "12", "price": "0.5"}


@pytest.mark.parametrize(
    ("reply", "kind", "text"),
    [
        (r"So it takes \boxed{3小时25分}.", "quantity", "3小时25分"),
        (r"\boxed{12\,000}", "number", "12000"),
        (r"\boxed{0.\overline{3}}", "number", "1/3"),
        (r"\boxed{3:2}", "ratio", "3:2"),
        (r"\boxed{75\%}", "percentage", "75%"),
        (r"\boxed{162\text{ cm²}}", "quantity", "162 cm²"),
        (r"\boxed{\frac{45}{7} \text{ days}}", "quantity", "45/7 days"),
        (r"\boxed{2x^{2} + \frac{1}{2}}", "expression", "2*x^2 + 1/2"),
        (r"\boxed{(-\infty, 3]}", "set", "(-∞, 3]"),
        (r"\boxed{x = 3, y = 4}", "named", "x = 3, y = 4"),
        (r"\boxed{没有正根}", "text", "没有正根"),
        ("No box: the total is 42", "number", "42"),
    ],
)
async def test_the_boxed_answer_of_a_reply_is_read_with_its_type(
    reply: str, kind: str, text: str
) -> None:
    answer = await read(extract_boxed_answer(reply))
    assert (answer.kind, answer.text) == (kind, text)


async def test_words_are_an_answer_only_where_they_are_wanted() -> None:
    assert (await read("没有正根")).kind == "text"
    assert await read_answer(default_sandbox(), "没有正根", words=False) is None
    assert await read_answer(default_sandbox(), "3小时25分", words=False) is not None


async def test_an_empty_answer_is_none() -> None:
    assert await read_answer(default_sandbox(), "") is None


async def test_an_answer_is_written_with_its_unit_so_that_it_can_be_read_again() -> None:
    for text in ("15 km", "3小时25分", "75%", "23 chickens", "x = 3, y = 4"):
        answer = await read(text)
        assert await is_same_answer(default_sandbox(), answer.written, text, exact=True)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("3小时25分", "3小时55分", False),
        ("3小时25分", "205 min", True),
        ("5元3角", "5元8角", False),
        ("2xy+1", "2xy+7", False),
        ("9**9**9**9", "9**9**9**9 + 1", False),
        ("50%", "1/2", True),
    ],
)
async def test_two_answers_are_compared_in_the_sandbox(left: str, right: str, same: bool) -> None:
    assert await is_same_answer(default_sandbox(), left, right) is same


async def test_rounding_is_allowed_for_unless_exactness_is_asked_for() -> None:
    assert await is_same_answer(default_sandbox(), "33.33", "100/3")
    assert not await is_same_answer(default_sandbox(), "33.33", "100/3", exact=True)


@pytest.mark.parametrize(
    ("answers", "groups"),
    [
        (["6", "没有正根", "6"], [0, 1, 0]),
        (["{'chickens': 23, 'rabbits': 12}", "12 rabbits and 23 chickens"], [0, 0]),
        (["1/2", "3", "0.5", "50%"], [0, 1, 0, 0]),
        ([], []),
    ],
)
async def test_answers_fall_into_groups_of_equal_ones(
    answers: list[str], groups: list[int]
) -> None:
    assert await group_answers(default_sandbox(), answers) == groups


@pytest.mark.parametrize(
    ("problem", "given", "fitted"),
    [
        ("What is the area of the rectangle in cm²?", "162", "162 cm²"),
        ("长方形的面积是多少平方厘米？", "162", "162平方厘米"),
        ("What percent of the students passed?", "3/4", "75%"),
        ("17÷5等于几余几？", "(3, 2)", "3 r 2"),
        ("17÷5等于几余几？", "17/5", None),
        ("How long is the rope in cm?", "25 kg", None),
        ("How many buses are needed?", "12 km", None),
    ],
)
async def test_an_answer_is_fitted_to_the_question_or_is_none(
    problem: str, given: str, fitted: str | None
) -> None:
    found = await fit_answer(default_sandbox(), problem, await read(given))
    assert (found.text if found else None) == fitted


async def test_a_negative_count_breaks_its_form_without_comprehension() -> None:
    answer = await read("-2")
    held, broken = await find_broken_forms(
        default_sandbox(), "How many apples are left?", answer, []
    )
    assert set(held) == {"whole", "non_negative"}
    assert broken == ["non_negative"]


async def test_the_forms_of_comprehension_are_held_as_well() -> None:
    answer = await read("7/2")
    held, broken = await find_broken_forms(default_sandbox(), "What is it?", answer, ["whole"])
    assert (held, broken) == (["whole"], ["whole"])


async def test_an_invented_price_is_found() -> None:
    problem = "A shop sells pens and each customer gets a discount. How much does Tom pay?"
    assert "37" in await find_made_up_numbers(default_sandbox(), "answer = 37 * 3", problem)


async def test_only_an_answer_to_the_question_is_verified_by_its_relations() -> None:
    problem = "求方程 x^2 - 5x - 6 = 0 的正根"
    assert await check_substitution(default_sandbox(), problem, "6") == "x^2 - 5*x - 6 = 0"
    assert await check_substitution(default_sandbox(), problem, "{-1, 6}") is None


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (r"So \boxed{36}.", "36"),
        (r"First \boxed{5}. Then 5 + 1, so \boxed{6}.", "6"),
        (r"The roots are \boxed{1} and \boxed{-2}.", "1, -2"),
        (r"$x = \boxed{1}$, $y = \boxed{2}$", "x = 1, y = 2"),
        (r"解为 $\boxed{1}$ 和 $\boxed{-2}$。", "1, -2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{36", "36"),
        ("That makes 3 * 12 = 36.", "36"),
        ("I do not know.", ""),
    ],
)
def test_boxes_that_are_joined_are_one_answer(reply: str, answer: str) -> None:
    assert extract_boxed_answer(reply) == answer
