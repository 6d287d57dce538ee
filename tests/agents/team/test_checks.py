"""Machine checks of what a role wrote."""

import pytest
from concertino.agents.team import checks
from concertino.agents.team.checks import check_text, count_items
from concertino.agents.team.request import read_request
from concertino.language.detect import detect_language
from concertino.state import Check
from concertino.tools.sandbox import SandboxUnavailable


async def checks_of(task: str, text: str) -> dict[str, Check]:
    language = detect_language(task)
    found = await check_text(text, read_request(task, language), language)
    return {check.name: check for check in found}


@pytest.mark.parametrize(
    ("task", "text", "failed"),
    [
        ("Why is the sky blue?", "Air scatters blue light most.", set()),
        ("Why is the sky blue?", "因为空气散射蓝光最多。", {"language"}),
        ("把这段通知翻译成英文：周五下午3点停水。", "No water on Friday from 3 p.m.", set()),
        ("把这段通知翻译成英文：周五下午3点停水。", "No water on Friday from 15:00.", set()),
        ("把这段通知翻译成英文：周五下午3点停水。", "No water on Friday.", {"kept"}),
        ("把这段通知翻译成英文：周五下午3点停水。", "周五下午3点没有水。", {"language"}),
        ("Translate into Chinese: We need 2 chairs.", "我们需要两把椅子。", set()),
        ("Make it polite: Tell Ada to come at 9.", "Could you ask Ada to come at 9?", set()),
        ("Rewrite it: Tell Ada to come.", "Could you ask her to come?", {"kept"}),
        ("Give me three names for a club.", "1. Stars\n2. Moons\n3. Suns", set()),
        ("Give me three names for a club.", "Stars, Moons, Suns", set()),
        ("Give me three names for a club.", "1. Stars\n2. Moons", {"form"}),
        ("Make a table of two fruits.", "| a | b |\n| --- | --- |\n| apple | pear |", set()),
        ("Make a table of two fruits.", "An apple and a pear.", {"form"}),
        ('Fix this JSON: {"a": 1,, "b": 2}', '```json\n{"a": 1, "b": 2}\n```', set()),
        ('Fix this JSON: {"a": 1,, "b": 2}', '{"a": 1,, "b": 2}', {"form"}),
        ("Describe the sea in at most 5 words. in at most 10 words", "blue " * 12, {"length"}),
        ("Write two sentences about rain.", "Rain falls. It is wet.", set()),
        ("Write two sentences about rain.", "Rain falls.", {"length"}),
    ],
)
async def test_what_is_asked_for_is_checked(task: str, text: str, failed: set[str]) -> None:
    found = await checks_of(task, text)
    assert {name for name, check in found.items() if not check.passed} == failed


async def test_code_has_to_run_pass_its_tests_and_define_what_was_named() -> None:
    task = "Write a Python function double_it(n), with two tests."
    code = "```python\ndef double_it(n):\n    return 2 * n\nassert double_it(1) == 2\n{}\n```"
    good = await checks_of(task, code.format("assert double_it(2) == 4"))
    few = await checks_of(task, code.format(""))
    wrong = await checks_of(task, code.format("assert double_it(2) == 5"))
    other = await checks_of(task, "```python\ndef twice(n):\n    return 2 * n\n```")

    assert all(check.passed for check in good.values())
    assert set(good) == {"kept", "runs", "tests"}
    assert (few["runs"].passed, few["tests"].passed) == (True, False)
    assert (wrong["runs"].passed, wrong["tests"].passed) == (True, False)
    assert not other["kept"].passed


async def test_the_examples_of_a_task_are_its_tests() -> None:
    task = "Write a Python function twice(n): twice(3) returns 6."
    code = "```python\ndef twice(n):\n    return {}\n```"
    assert (await checks_of(task, code.format("2 * n")))["tests"].passed
    assert not (await checks_of(task, code.format("n * n")))["tests"].passed


async def test_a_piece_of_somebodys_program_is_not_blamed_for_the_rest_of_it() -> None:
    task = "Refactor this code: for i in range(len(xs)): print(xs[i])"
    assert await checks_of(task, "```python\nfor x in xs:\n    print(x)\n```") == {}


async def test_code_that_cannot_be_run_here_is_only_looked_for() -> None:
    task = "Write a SQL query for the ten customers with the most orders."
    assert (await checks_of(task, "```sql\nSELECT 1\n```"))["form"].passed
    assert not (await checks_of(task, "That is easy to do."))["form"].passed


async def test_where_programs_cannot_be_confined_code_is_not_run_and_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run_code(code: str) -> None:
        raise SandboxUnavailable("no Landlock")

    monkeypatch.setattr(checks, "run_code", run_code)
    assert await checks_of("Write a Python function.", "```python\nx = 1\n```") == {}


def test_things_are_counted_as_items_lines_or_rows() -> None:
    assert count_items("- a\n- b") == {2}
    assert count_items("a\nb\nc") == {3}
    assert 2 in count_items("1. Who?\na) he\nb) she\n2. Where?\na) here\nb) there")
    assert 2 in count_items("| n |\n| --- |\n| a |\n| b |")
