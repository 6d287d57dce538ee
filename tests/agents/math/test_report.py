"""A report ends with its answer and says of each check how it went."""

from collections.abc import Callable

import pytest
from concertino import run_task
from concertino.agents.math.report import ends_with
from concertino.state import Answer

from tests.model_server import PENS
from tests.scripted_model import ScriptedModel, comprehension, decision

Scripted = Callable[..., ScriptedModel]
PENS_ZH = "一家商店以每支3元卖出12支笔，一共多少钱？"
BROKEN = ["```python\nanswer = missing\n```"]


@pytest.mark.parametrize(
    ("answer", "decimal", "text", "ends"),
    [
        ("{2, 3}", None, "Factor: $(x - 2)(x - 3) = 0$.\n\nSo x = 4 and x = 1.", False),
        ("{2, 3}", None, "Factor it.\n\nSo x = 2 or x = 3.", True),
        ("26", None, "96 - 70 = 26 rolls.\n\nThis is what was asked for.", True),
        ("3/4", "0.75", "So 75 % are left.", True),
        ("x", None, "It is x.", True),
        ("x", None, "", False),
    ],
)
def test_a_report_ends_with_the_answers_numbers(
    answer: str, decimal: str | None, text: str, ends: bool
) -> None:
    given = Answer(exact=answer, text=answer, latex=answer, decimal=decimal)
    assert ends_with(given, text) == ends


def write_report(question: str, model: ScriptedModel, rounds: int = 10) -> str:
    result = run_task(
        question, workflow="solve_math", storage="memory", model=model, max_iterations=rounds
    )
    return str(result["report"])


WRONG = [
    "Each pen is 3 dollars.\n\nSo 12 are bought.",
    "12 pens cost 47 dollars, less 11, which makes 36.",
]


@pytest.mark.parametrize("prose", WRONG)
def test_prose_that_does_not_hold_gives_way_to_the_reasoning_that_agrees(
    scripted: Scripted, prose: str
) -> None:
    text = write_report(PENS, scripted(report=[prose]))
    assert "12 pens at 3 dollars make 36." in text
    assert prose not in text


EQUATION = "Solve x^2 - 5x + 6 = 0."
SOLVING = "import sympy as sp\nx = sp.symbols('x')\nanswer = set(sp.solve(x**2 - 5*x + 6, x))"


def test_without_reasoning_another_draft_is_written(scripted: Scripted) -> None:
    prose = ["The discriminant is 25 - 24, so x = 2 or 3.", "It factors, so x = 2 or x = 3."]
    assert prose[1] in write_report(EQUATION, scripted(execution=[SOLVING], report=prose))


def test_where_no_draft_holds_the_facts_are_laid_out(scripted: Scripted) -> None:
    text = write_report(EQUATION, scripted(execution=[SOLVING], report=["So x = 4."]))
    assert "the answer is {2, 3}" in text
    assert "So x = 4" not in text


def test_a_verified_report_names_routes_and_forms_in_its_own_language(scripted: Scripted) -> None:
    read = comprehension(answer_is=["whole", "non_negative"])
    chinese = write_report(PENS_ZH, scripted(comprehension=[read], reasoning=["\\boxed{36}"]))
    assert "程序：36、文字推理：36" in chinese
    assert "答案按其性质是整数、非负数" in chinese
    assert "program: 36, reasoning: 36" in write_report(PENS, scripted())


def test_an_unverified_report_says_of_each_check_that_it_failed(scripted: Scripted) -> None:
    model = scripted(
        comprehension=[comprehension(answer_is=["whole"])],
        execution=BROKEN,
        repair=BROKEN,
        reasoning=["That makes \\boxed{73/2}."],
    )
    text = write_report(PENS, model)
    assert "no program came to a result" in text
    assert "should be whole, and it is not" in text
    assert "no independent route arrived at it too (reasoning: 73/2)" in text
    assert "the program ran" not in text


def test_without_a_program_the_rounds_are_named(scripted: Scripted) -> None:
    model = scripted(coordinator=[decision("comprehension")])
    assert "no program has run. Rounds allowed: 1" in write_report(PENS, model, rounds=1)


def test_numbers_of_thousands_of_digits_are_reported_as_others_are(scripted: Scripted) -> None:
    program = "```python\nfrom math import factorial\nanswer = factorial(2000)\n```"
    long = "7" * 5000
    assert "331627509245063324117539338057632" in write_report(
        f"Compute 2000! without {long}.",
        scripted(execution=[program], reasoning=["\\boxed{2000!}"]),
    )


AGAIN = "将方程左右两边合并以后，得到： x = 2 或 x = 3\n\n"
REPEATED = [
    (PENS, "We multiply the number of pens by the price of one.\n\n" * 20 + "So it is 36."),
    (PENS, "12 pens at 3 dollars cost 36 dollars, 因为我们要把两个数相乘才行. So it is 36."),
    (PENS, "12 pens cost 3 dollars each.\n\nSo it is 36 dollars, because the"),
]


@pytest.mark.parametrize(("question", "prose"), REPEATED)
def test_prose_that_repeats_itself_breaks_off_or_slips_gives_way(
    scripted: Scripted, question: str, prose: str
) -> None:
    text = write_report(question, scripted(report=[prose]))
    assert "12 pens at 3 dollars make 36." in text
    assert prose.split("\n")[0] not in text


def test_where_all_drafts_repeat_themselves_the_facts_are_laid_out(scripted: Scripted) -> None:
    model = scripted(execution=[SOLVING], report=[AGAIN * 20])
    text = write_report("解方程 x^2 - 5x + 6 = 0。", model)
    assert "将方程左右两边合并" not in text
    assert "{2, 3}" in text
