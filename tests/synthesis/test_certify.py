"""The certificate: right templates get it, wrong ones do not."""

import re
from collections.abc import Callable

from concertino.models.client import LanguageModel
from concertino.synthesis.certify import ENOUGH, MAX_TRIES, certify, choose_status
from concertino.synthesis.contracts import Essence
from concertino.synthesis.essence import lift_seed
from concertino.tools.sandbox import Sandbox

from tests.scripted_model import ScriptedModel
from tests.synthesis.conftest import make_seed

PROBLEM = "A hall has 13 rows of 17 seats. How many seats has it?"


async def lift(sandbox: Sandbox, program: str, answer: int) -> Essence:
    found = await lift_seed(make_seed(PROBLEM, program, answer), sandbox)
    assert isinstance(found, Essence), found
    return found


def reason(asked: str) -> str:
    """Solve the problem at the prompt's end, as it is meant."""
    rows, seats = (int(n) for n in re.findall(r"(\d+) rows of (\d+)", asked)[-1])
    return f"{rows} rows of {seats} seats are \\boxed{{{rows * seats}}}."


async def test_a_right_template_is_certified_after_two_agreements(
    sandbox: Sandbox, scripted: Callable[..., ScriptedModel]
) -> None:
    essence = await lift(sandbox, "answer = 13 * 17", 221)
    model = scripted(reasoning=[reason])
    found = await certify(essence, LanguageModel.wrap(model), sandbox)
    assert (found.agreed, found.tried) == (ENOUGH, ENOUGH)
    assert choose_status(found) == "certified"
    assert all("answer =" not in asked for asked in model.asked)


async def test_a_solver_that_errs_now_and_then_does_not_matter(
    sandbox: Sandbox, scripted: Callable[..., ScriptedModel]
) -> None:
    essence = await lift(sandbox, "answer = 13 * 17", 221)
    model = scripted(reasoning=["\\boxed{7}", reason, "no answer", reason])
    found = await certify(essence, LanguageModel.wrap(model), sandbox)
    assert (found.agreed, found.tried) == (ENOUGH, 4)


async def test_a_wrong_template_stays_a_draft(
    sandbox: Sandbox, scripted: Callable[..., ScriptedModel]
) -> None:
    """The program happens to be right for the seed's numbers only."""
    essence = await lift(sandbox, "rows = 13\nseats = 17\nanswer = rows * seats", 221)
    wrong = essence.model_copy(
        update={"program": essence.program.replace("rows * seats", "rows + seats")}
    )
    found = await certify(wrong, LanguageModel.wrap(scripted(reasoning=[reason])), sandbox)
    assert (found.agreed, found.tried) == (0, MAX_TRIES)
    assert choose_status(found) == "draft"
