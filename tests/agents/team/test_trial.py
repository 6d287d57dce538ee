"""Programs meet assertions in the sandbox."""

from concertino.agents.team.contracts import Contribution
from concertino.agents.team.request import read_request
from concertino.agents.team.trial import build_test_check, format_program, hold_trial

TASK = read_request("Write a Python function twice(n) that doubles a number.", "en")


def program(body: str, number: int = 1, version: int = 0) -> Contribution:
    text = f"```python\ndef twice(n):\n    return {body}\n```"
    return Contribution(role="programmer", number=number, round=version, text=text)


def asserted(*lines: str) -> list[Contribution]:
    return [Contribution(role="tester", number=2, text="\n".join(lines))]


async def test_a_program_that_passes_all_assertions_holds_and_is_shown_with_them() -> None:
    trial = await hold_trial(
        [program("2 * n")], asserted("assert twice(2) == 4", "assert twice(0) == 0"), TASK
    )
    assert trial.holds
    assert build_test_check(trial, "en").detail == "2 assertions"
    assert "assert twice(2) == 4" in format_program(trial, "en")


async def test_the_program_that_passes_more_is_the_better_one() -> None:
    trial = await hold_trial(
        [program("n * n"), program("2 * n", version=1)],
        asserted("assert twice(2) == 4", "assert twice(3) == 6"),
        TASK,
    )
    assert trial.holds
    assert trial.best is not None
    assert trial.best.round == 1


async def test_an_assertion_that_every_program_fails_does_not_count() -> None:
    said = asserted("assert twice(2) == 4", "assert twice(3) == 6", "assert twice(3.5) == 8")
    one = await hold_trial([program("2 * n")], said, TASK)
    two = await hold_trial([program("2 * n"), program("n + n", version=1)], said, TASK)

    assert not one.holds, "who is wrong cannot be told of one program"
    assert two.holds
    assert two.left_out == 1


async def test_assertions_that_contradict_each_other_do_not_count() -> None:
    said = asserted("assert twice(2) == 4", "assert twice(3) == 6", "assert twice(3) == 9")
    trial = await hold_trial([program("2 * n")], said, TASK)
    assert trial.passed == ["assert twice(2) == 4"]
    assert trial.holds


async def test_an_example_of_the_task_always_counts() -> None:
    asked = read_request("Write a function twice(n) in Python.\n>>> twice(4)\n8\n", "en")
    trial = await hold_trial([program("n * n"), program("n ** 2", version=1)], [], asked)
    assert not trial.holds
    assert trial.failed == ["assert twice(4) == 8"]


async def test_without_a_program_that_runs_or_an_assertion_nothing_is_shown() -> None:
    broken = await hold_trial([program("(")], asserted("assert twice(2) == 4"), TASK)
    untested = await hold_trial([program("2 * n")], asserted("I cannot test this."), TASK)
    assert broken.best is None
    assert not broken.holds
    assert not untested.holds
    assert not build_test_check(untested, "en").passed
