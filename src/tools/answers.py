"""Programs and answers, run and compared in the sandbox.

`answer_algebra` is the inside of this module: its source travels with each call, and all that
a model wrote is evaluated there and nowhere else.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..language.text import HAN
from ..state import Answer
from .sandbox import Sandbox, SandboxResult

# Runs after the model's program, in its process. The program may have changed its globals and
# builtins, so nothing read here is trusted to be more than what that program says.
_EPILOGUE = """
if "answer" not in globals():
    raise NameError("the program must put its result into a variable named `answer`")
_inside = {"__name__": "answer_algebra"}
exec(compile(_algebra, "answer_algebra", "exec"), _inside)
_outcome = _inside["build_outcome"](dict(globals()))
"""


class ProgramOutcome(BaseModel):
    """What a program that ran to its end found."""

    model_config = ConfigDict(frozen=True)

    answer: Answer
    facts: dict[str, str]
    """Its named quantities with their exact values, in order of definition."""


class ProgramError(Exception):
    """The program failed; the text is for the model that is to mend it."""


async def run_program(sandbox: Sandbox, program: str) -> ProgramOutcome:
    """Run a program that leaves its result in `answer`.

    Raises:
        ProgramError: it did not come to an end with an answer that can be read.
        SandboxUnavailable: this machine cannot confine it.
    """
    ran = await sandbox.run(
        f"{program}\n{_EPILOGUE}", inputs={"_algebra": _load_algebra_source()}, result="_outcome"
    )
    if ran.status != "ok" or ran.value is None:
        raise ProgramError(ran.error or f"the program ended without an answer ({ran.status})")
    try:
        return ProgramOutcome.model_validate_json(ran.value)
    except ValueError:
        raise ProgramError("the program's answer cannot be read, or is too long") from None


async def read_answer(sandbox: Sandbox, text: str) -> Answer | None:
    """A written answer as an exact value; None where it is not one."""
    found = await _evaluate(sandbox, "describe(read_value(text))", text=text)
    return Answer(**found) if found else None


async def is_same_answer(sandbox: Sandbox, left: str, right: str, *, exact: bool = False) -> bool:
    """Whether two written answers mean the same; unless `exact`, a rounded decimal may."""
    found = await _evaluate(
        sandbox, "is_same_answer(left, right, exact)", left=left, right=right, exact=exact
    )
    return found is True


async def group_answers(sandbox: Sandbox, answers: list[str]) -> list[int]:
    """A group number for each answer, the same for answers that mean the same."""
    found = await _evaluate(sandbox, "group_answers(answers)", answers=answers)
    return found if isinstance(found, list) else list(range(len(answers)))


async def find_broken_forms(sandbox: Sandbox, answer: str, forms: Sequence[str]) -> list[str]:
    """Those of `whole` and `non_negative` that the answer is not."""
    found = await _evaluate(
        sandbox, "find_broken_forms(answer, forms)", answer=answer, forms=list(forms)
    )
    return found if isinstance(found, list) else []


async def check_substitution(sandbox: Sandbox, problem: str, answer: str) -> str | None:
    """What is found to hold when the answer is put into the problem's own equations, or None
    where that shows nothing."""
    found = await _evaluate(
        sandbox, "check_substitution(problem, answer)", problem=problem, answer=answer
    )
    return found if isinstance(found, str) else None


async def _evaluate(sandbox: Sandbox, expression: str, **inputs: Any) -> Any:
    ran: SandboxResult = await sandbox.run(
        f"_inside = {{**inputs}}\nexec(compile(algebra, 'answer_algebra', 'exec'), _inside)\n"
        f"import json\nfound = json.dumps(eval({expression!r}, _inside))",
        inputs={"algebra": _load_algebra_source(), "inputs": inputs},
        result="found",
    )
    try:
        return json.loads(ran.value) if ran.status == "ok" and ran.value else None
    except ValueError:  # cut, as it is too long
        return None


def extract_boxed_answer(reply: str) -> str:
    """What the last `\\boxed{…}` of a chain of reasoning holds; without one, its last number."""
    start = reply.rfind("\\boxed{")
    if start < 0:
        numbers = re.findall(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?", reply)
        return numbers[-1] if numbers else ""
    depth, begin = 1, start + len("\\boxed{")
    for end in range(begin, len(reply)):
        depth += {"{": 1, "}": -1}.get(reply[end], 0)
        if depth == 0:
            return reply[begin:end]
    return reply[begin:]


@cache
def _load_algebra_source() -> str:
    """The module's source, with the one name that it has from here written out: inside the
    sandbox there is nothing to import it from."""
    source = (files(__package__) / "answer_algebra.py").read_text(encoding="utf-8")
    return source.replace("from ..language.text import HAN\n", f"HAN = {HAN!a}\n")
