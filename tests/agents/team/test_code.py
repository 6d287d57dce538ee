"""Code out of a reply, run in the sandbox and met with assertions."""

import pytest
from concertino.agents.team.code import (
    count_assertions,
    drop_assertions,
    extract_python,
    read_assertions,
    read_examples,
    run_code,
    try_assertions,
)

DOUBLE = "def double(n):\n    return 2 * n"


def test_code_is_taken_out_of_its_blocks_and_a_reply_without_code_has_none() -> None:
    reply = (
        f"Here:\n```python\n{DOUBLE}\n```\nand\n```bash\nls\n```\n```\nassert double(2) == 4\n```"
    )
    assert extract_python(reply) == f"{DOUBLE}\n\nassert double(2) == 4"
    assert extract_python(DOUBLE) == DOUBLE
    assert extract_python("No code is needed here.") == ""
    assert extract_python(f"```python\n{DOUBLE}") == DOUBLE, "the block is not closed"


async def test_code_runs_with_its_tests_and_says_why_it_does_not() -> None:
    good = await run_code(f"{DOUBLE}\nassert double(2) == 4")
    wrong = await run_code(f"{DOUBLE}\ndef test_it():\n    assert double(2) == 5")
    absent = await run_code("import no_such_thing")

    assert (good.ok, good.tests) == (True, 1)
    assert not wrong.ok
    assert wrong.error.startswith("AssertionError")
    assert "no_such_thing" in absent.error


async def test_code_that_never_ends_is_stopped() -> None:
    ran = await run_code("while True:\n    pass")
    assert not ran.ok
    assert ran.error.startswith("TimeoutError")


def test_only_assertions_that_parse_and_call_the_function_count() -> None:
    reply = """```python
assert double(1) == 2
assert double(1) == 2
assert triple(1) == 3
assert double(
assert 1 == 1
assert double("a") == (
    "aa"
)
```"""
    found = read_assertions(reply, ["double"])
    assert found == ["assert double(1) == 2", "assert double('a') == 'aa'"]


@pytest.mark.parametrize(
    ("task", "examples"),
    [
        ("Double it.\n>>> double(2)\n4\n>>> double(0)\n0\n", ["double(2) == 4", "double(0) == 0"]),
        ("Flatten: flatten([1, [2]]) returns [1, 2].", ["flatten([1, [2]]) == [1, 2]"]),
        ("double(2) 应返回 4，double(3)→6", ["double(2) == 4", "double(3) == 6"]),
        ("It has to pass:\nassert double(2) == 4\n", ["double(2) == 4"]),
        ("fizz(n) returns True if n is divisible by 3.", []),
        ("def double(n: int) -> int:\n    ...", []),
    ],
)
def test_examples_of_a_task_are_assertions(task: str, examples: list[str]) -> None:
    assert read_examples(task) == [f"assert {example}" for example in examples]


async def test_each_assertion_is_tried_by_itself() -> None:
    asserted = ["assert double(1) == 2", "assert double(1) == 3", "assert double(None) == 0"]
    found = await try_assertions(f"{DOUBLE}\nassert double(0) == 1\nprint(double(3))", asserted)
    assert found is not None
    assert [each.partition(":")[0] for each in found] == ["", "AssertionError", "TypeError"]


async def test_code_that_does_not_run_meets_no_assertion() -> None:
    assert await try_assertions("import no_such_thing", ["assert f() == 1"]) is None


def test_the_tests_of_a_program_are_told_from_the_program() -> None:
    code = f"{DOUBLE}\nassert double(2) == 4\nif __name__ == '__main__':\n    print(double(1))"
    assert count_assertions(code) == 1
    assert drop_assertions(code) == DOUBLE
    assert drop_assertions("def broken(") == "def broken("
