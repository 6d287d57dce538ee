"""Correction of arithmetic errors in a chain of reasoning.

A small model often knows the method but miscalculates: `12.5 × 48 = 500`. Each line's statements
about numbers are recomputed in the sandbox, and a wrong result is replaced wherever the later
reasoning uses it.
"""

import re
from fractions import Fraction

from ...tools.arithmetic import evaluate_expressions, find_statements, format_value
from ...tools.sandbox import Sandbox

MAX_SLIPS = 4
"""Most corrections per line."""

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
            slips = await _find_slips(sandbox, line)
            slip = next((number for number in slips if number not in given), None)
            if slip is None:
                break
            right[slip] = slips[slip]
            line = _replace_numbers(line, {slip: slips[slip]})
        lines.append(line)
    return "\n".join(lines)


async def _find_slips(sandbox: Sandbox, line: str) -> dict[str, str]:
    """Return the wrong results in a line, mapped to the right ones. A wrong sign alone does not
    count: "20 are wanted, 12 - 20 = 8 are missing"."""
    stated = [s for s in find_statements(line) if s.sign == "=" and _is_plain_number(s.right)]
    if not stated:
        return {}
    exact = await evaluate_expressions(sandbox, [statement.left for statement in stated])
    return {
        statement.right: format_value(value)
        for statement, value in zip(stated, exact, strict=True)
        if value is not None
        and abs(abs(value) - Fraction(statement.right)) >= _last_place(statement.right)
    }


def _replace_numbers(line: str, right: dict[str, str]) -> str:
    return _NUMBER.sub(lambda found: right.get(_strip_commas(found[0]), found[0]), line)


def _strip_commas(number: str) -> str:
    return number.replace(",", "")


def _is_plain_number(side: str) -> bool:
    return re.fullmatch(r"\d+(?:\.\d+)?", side) is not None


def _last_place(number: str) -> Fraction:
    """Return the place value of the last digit, 1 for a whole number. Less is rounding."""
    return Fraction(1, 10 ** len(number.partition(".")[2]))
