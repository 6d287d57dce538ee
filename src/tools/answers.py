"""Running of programs and comparison of answers in the sandbox.

`answer_algebra` is the part inside the sandbox: its source is sent with each call, and text
written by a model is evaluated only there.
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
# builtins, so its output is trusted no more than the program itself.
_EPILOGUE = """
if "answer" not in globals():
    raise NameError("the program must put its result into a variable named `answer`")
_inside = {"__name__": "answer_algebra"}
exec(compile(_algebra, "answer_algebra", "exec"), _inside)
_outcome = _inside["build_outcome"](dict(globals()))
"""


class ProgramOutcome(BaseModel):
    """The result of a program that ran to its end."""

    model_config = ConfigDict(frozen=True)

    answer: Answer
    facts: dict[str, str]
    """The program's named quantities with their exact values, in order of definition."""


class ProgramError(Exception):
    """The program failed; the text is addressed to the model that repairs it."""


async def run_program(sandbox: Sandbox, program: str) -> ProgramOutcome:
    """Run a program that leaves its result in `answer`.

    Raises:
        ProgramError: the program failed or left no readable answer.
        SandboxUnavailable: programs cannot be confined on this machine.
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
    """Parse a written answer as an exact value; None if it is not one."""
    found = await _evaluate(sandbox, "describe(read_value(text))", text=text)
    return Answer(**found) if found else None


async def is_same_answer(sandbox: Sandbox, left: str, right: str, *, exact: bool = False) -> bool:
    """Return whether two written answers are equivalent; unless `exact`, up to rounding."""
    found = await _evaluate(
        sandbox, "is_same_answer(left, right, exact)", left=left, right=right, exact=exact
    )
    return found is True


async def group_answers(sandbox: Sandbox, answers: list[str]) -> list[int]:
    """Return a group number for each answer, equal for equivalent answers."""
    found = await _evaluate(sandbox, "group_answers(answers)", answers=answers)
    return found if isinstance(found, list) else list(range(len(answers)))


async def find_broken_forms(sandbox: Sandbox, answer: str, forms: Sequence[str]) -> list[str]:
    """Return the forms (`whole`, `non_negative`) that the answer violates."""
    found = await _evaluate(
        sandbox, "find_broken_forms(answer, forms)", answer=answer, forms=list(forms)
    )
    return found if isinstance(found, list) else []


async def check_substitution(sandbox: Sandbox, problem: str, answer: str) -> str | None:
    """Return the problem's relations that hold for the answer, or None if that is
    inconclusive."""
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
    except ValueError:  # truncated, as it is too long
        return None


def extract_boxed_answer(reply: str) -> str:
    """Return the content of the last `\\boxed{…}` in a reply, or else its last number."""
    start = reply.rfind("\\boxed{")
    if start < 0:
        numbers = re.findall(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?", reply)
        return numbers[-1] if numbers else ""
    depth = 1
    begin = start + len("\\boxed{")
    for end in range(begin, len(reply)):
        depth += {"{": 1, "}": -1}.get(reply[end], 0)
        if depth == 0:
            return reply[begin:end]
    return reply[begin:]


@cache
def _load_algebra_source() -> str:
    """Return the source of `answer_algebra` with its one import from this package inlined, since
    the package is not available inside the sandbox."""
    source = (files(__package__) / "answer_algebra.py").read_text(encoding="utf-8")
    return source.replace("from ..language.text import HAN\n", f"HAN = {HAN!a}\n")
