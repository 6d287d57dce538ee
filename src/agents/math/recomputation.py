"""Correction of arithmetic errors in a chain of reasoning.

A small model often knows the method but miscalculates: `12.5 × 48 = 500`. Each line's statements
about numbers are recomputed in the sandbox, and a wrong result is replaced wherever the later
reasoning uses it.
"""

import re
from fractions import Fraction

from ...tools.arithmetic import Statement, evaluate_expressions, find_wrong, format_value
from ...tools.sandbox import Sandbox

MAX_SLIPS = 4
"""Most corrections per line."""

_CLOCK = re.compile(r"[-+].*=\s*\d+[时点]")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?!\w|\.\d)", re.A)


async def correct_arithmetic(sandbox: Sandbox, reasoning: str, problem: str) -> str:
    """Correct the arithmetic errors in the reasoning. Numbers of the problem, and results that are
    only rounded, are left unchanged."""
    given = {_strip_commas(found) for found in _NUMBER.findall(problem)}
    right: dict[str, str] = {}
    lines = []
    for line in reasoning.splitlines():
        line = _replace_numbers(line, right)
        for _ in range(MAX_SLIPS):
            slips = await _find_slips(sandbox, line, f"{problem}\n{reasoning}")
            slip = next((number for number in slips if number not in given), None)
            if slip is None:
                break
            right[slip] = slips[slip]
            line = _replace_numbers(line, {slip: slips[slip]})
        lines.append(line)
    return "\n".join(lines)


async def _find_slips(sandbox: Sandbox, line: str, within: str) -> dict[str, str]:
    """Return the wrong results in a line, mapped to the right ones. A wrong sign alone does not
    count: "20 are wanted, 12 - 20 = 8 are missing"."""
    wrong = await find_wrong(sandbox, line, within=within)
    slips = {}
    for statement in wrong:
        if statement.sign != "=" or not _is_plain_number(statement.right):
            continue
        if statement.right in _NUMBER.findall(statement.shown.partition("=")[0]):
            continue
        value = await _find_right_value(sandbox, statement)
        if value is not None:
            slips[statement.right] = format_value(value)
    return slips


async def _find_right_value(sandbox: Sandbox, statement: Statement) -> Fraction | None:
    """Return the value that a wrong result should have; None if it is only rounded, or if two
    readings give values equally near."""
    lefts = [statement.left, *(r.left for r in statement.others if r.right == statement.right)]
    stated = Fraction(statement.right)
    values = {value for value in await evaluate_expressions(sandbox, lefts) if value is not None}
    if _CLOCK.search(statement.shown):
        values = {value for value in values if 0 <= value < 24}
    if any(abs(abs(value) - stated) < _last_place(statement.right) for value in values):
        return None
    if len(values) > 1:
        values = {value for value in values if stated <= 3 * value <= 9 * stated}
    return values.pop() if len(values) == 1 else None


def _replace_numbers(line: str, right: dict[str, str]) -> str:
    return _NUMBER.sub(lambda found: right.get(_strip_commas(found[0]), found[0]), line)


def _strip_commas(number: str) -> str:
    return number.replace(",", "")


def _is_plain_number(side: str) -> bool:
    return re.fullmatch(r"\d+(?:\.\d+)?", side) is not None


def _last_place(number: str) -> Fraction:
    """Return the place value of the last digit, 1 for a whole number. Less is rounding."""
    return Fraction(1, 10 ** len(number.partition(".")[2]))
