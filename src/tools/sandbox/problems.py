"""What is told of an exception that a program raised."""

import os
from collections.abc import Sequence
from types import TracebackType

NAME = "<program>"
"""File name under which programs are compiled."""
_ERROR_CHARACTERS = 1000
_LINE_CHARACTERS = 160


def describe_problem(problem: BaseException, code: str, libraries: Sequence[str]) -> str:
    """Return an exception's type and message, with the line of the program that raised it.

    Args:
        problem: The exception.
        code: Source of the program.
        libraries: Folders whose paths are removed from the message.
    """
    said = problem.msg if isinstance(problem, SyntaxError) else problem
    message = f"{type(problem).__name__}: {said}".removesuffix(": ")
    for folder in libraries:
        message = message.replace(folder + os.sep, "")
    message = message[: _ERROR_CHARACTERS - _LINE_CHARACTERS]
    number = _line_number(problem, code)
    lines = code.split("\n")
    if number is None or not 0 < number <= len(lines):
        return message
    return f"{message} (line {number}: {lines[number - 1].strip()[: _LINE_CHARACTERS - 20]})"


def _line_number(problem: BaseException, code: str) -> int | None:
    """Return the line of the program that raised, or that cannot be compiled."""
    if "\0" in code:  # the compiler does not say where
        return code.count("\n", 0, code.index("\0")) + 1
    if isinstance(problem, SyntaxError) and problem.filename == NAME:
        return problem.lineno
    step = find_program_step(problem)
    return step.tb_lineno if step else None


def find_program_step(problem: BaseException) -> TracebackType | None:
    """Return the program's innermost step in the traceback, as libraries may raise below it; None
    if the program did not run."""
    found = None
    step = problem.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == NAME:
            found = step
        step = step.tb_next
    return found
