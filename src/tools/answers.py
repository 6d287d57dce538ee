"""Running of programs and comparison of answers in the sandbox.

`algebra` is the part inside the sandbox: text written by a model is evaluated only there.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..state import Answer
from .sandbox import Sandbox, SandboxResult

# Runs after the model's program, in its process. The program may have changed its globals and
# builtins, so its output is trusted no more than the program itself.
_EPILOGUE = """
if "answer" not in globals():
    raise NameError("the program must put its result into a variable named `answer`")
from concertino.tools.algebra.entry import build_outcome as _build_outcome
_outcome = _build_outcome(dict(globals()))
"""


_BOX = "\\boxed{"
_PLAIN_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?")
_JOINED = re.compile(r"[\s$]*(?:[,;，、]|and|or|和|或|与)?[\s$]*(?:[A-Za-z](?:_\d)?\s*=)?[\s$]*")
_NAME_BEFORE = re.compile(r"([A-Za-z](?:_\d)?)\s*=[\s$]*\Z")


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
    ran = await sandbox.run(f"{program}\n{_EPILOGUE}", result="_outcome")
    if ran.status != "ok" or ran.value is None:
        raise ProgramError(ran.error or f"the program ended without an answer ({ran.status})")
    try:
        return ProgramOutcome.model_validate_json(ran.value)
    except ValueError:
        raise ProgramError("the program's answer cannot be read, or is too long") from None


async def read_answer(sandbox: Sandbox, text: str, *, words: bool = True) -> Answer | None:
    """Parse a written answer; None if it is empty or too long or, unless `words`, only words."""
    found = await _call(sandbox, "describe_answer", text, words=words)
    return Answer(**found) if found else None


async def is_same_answer(sandbox: Sandbox, left: str, right: str, *, exact: bool = False) -> bool:
    """Return whether two written answers are equal; unless `exact`, up to rounding.

    A comparison that is not understood is not equal. A number equals the same number with a unit.
    """
    return await _call(sandbox, "compare_answers", left, right, exact=exact) is True


async def group_answers(sandbox: Sandbox, answers: list[str]) -> list[int]:
    """Return a group number for each written answer, equal for equal answers."""
    found = await _call(sandbox, "group_answers", answers)
    return found if isinstance(found, list) else list(range(len(answers)))


async def fit_answer(sandbox: Sandbox, problem: str, answer: Answer) -> Answer | None:
    """Return an answer in the type and with the unit that a problem asks for; None if it is of
    another type, and so is no answer to it."""
    found = await _call(sandbox, "fit_answer", problem, answer.written)
    return Answer(**found) if found else None


async def find_broken_forms(
    sandbox: Sandbox, problem: str, answer: Answer, forms: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the forms that an answer is held to, and those that it violates.

    Args:
        forms: those that comprehension has found (`whole`, `non_negative`); the problem's words
            add their own.
    """
    found = await _call(sandbox, "find_broken_forms", problem, answer.written, list(forms))
    return (found[0], found[1]) if found else ([], [])


async def find_made_up_numbers(sandbox: Sandbox, program: str, problem: str) -> list[str]:
    """Return the numbers of a program that the problem neither states nor implies."""
    found = await _call(sandbox, "find_made_up_numbers", program, problem)
    return found if isinstance(found, list) else []


async def check_substitution(sandbox: Sandbox, problem: str, answer: str) -> str | None:
    """Return the problem's relations that an answer is the solution of, or None if that is not
    certain."""
    found = await _call(sandbox, "check_substitution", problem, answer)
    return found if isinstance(found, str) else None


async def _call(sandbox: Sandbox, function: str, *arguments: Any, **options: Any) -> Any:
    """Call a function of `algebra/entry.py`; None if it fails, or its result is too long."""
    ran: SandboxResult = await sandbox.run(
        "import json\nfrom concertino.tools.algebra import entry\n"
        "found = json.dumps(getattr(entry, function)(*arguments, **options))",
        inputs={"function": function, "arguments": arguments, "options": options},
        result="found",
    )
    try:
        return json.loads(ran.value) if ran.status == "ok" and ran.value else None
    except ValueError:  # truncated, as it is too long
        return None


def extract_boxed_answer(reply: str) -> str:
    """Return the content of the last `\\boxed{…}` in a reply, or else its last number. Boxes that
    are joined, `x = \\boxed{1} and y = \\boxed{2}`, are one answer."""
    boxes = list(_find_boxes(reply))
    if not boxes:
        numbers = _PLAIN_NUMBER.findall(reply)
        return numbers[-1] if numbers else ""
    joined = [boxes.pop()]
    while boxes and _JOINED.fullmatch(reply[boxes[-1][1] : joined[0][0]]):
        joined.insert(0, boxes.pop())
    contents = [reply[start + len(_BOX) : end - 1] for start, end in joined]
    if len(joined) == 1:
        return contents[0]
    names = [_NAME_BEFORE.search(reply[:start]) for start, _ in joined]
    return ", ".join(
        f"{name[1]} = {content}" if name else content
        for name, content in zip(names, contents, strict=True)
    )


def _find_boxes(reply: str) -> Iterator[tuple[int, int]]:
    """Yield the span of each box; one that is not closed ends with the text, and a brace more."""
    start = reply.find(_BOX)
    while start >= 0:
        depth = 1
        end = start + len(_BOX)
        while depth and end < len(reply):
            depth += {"{": 1, "}": -1}.get(reply[end], 0)
            end += 1
        yield start, end + (1 if depth else 0)
        start = reply.find(_BOX, end)
