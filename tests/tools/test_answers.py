"""Answers that are longer than what the sandbox hands back."""

import pytest
from concertino.tools.answers import ProgramError, read_answer, run_program
from concertino.tools.sandbox import default_sandbox


async def test_an_answer_too_long_to_be_told_is_none() -> None:
    assert await read_answer(default_sandbox(), "6^50000") is None


async def test_a_program_with_such_an_answer_has_failed() -> None:
    with pytest.raises(ProgramError, match="too long"):
        await run_program(default_sandbox(), "answer = 6**50000")
