from concertino.agents.act.report import list_effects
from concertino.state import CallResult, FileEffect


def result(number: int, before: str | None, after: str | None, diff: str) -> CallResult:
    effect = FileEffect(path="a.txt", before=before, after=after, diff=diff)
    return CallResult(
        id=f"r{number}",
        action="file_write",
        params={},
        status="done",
        preview="",
        effects=[effect],
    )


def test_a_file_that_changed_twice_is_one_effect_with_both_diffs() -> None:
    [effect] = list_effects([result(1, None, "one", "+1"), result(2, "one", "two", "-1\n+2")])
    assert (effect.before, effect.after, effect.diff) == (None, "two", "+1\n-1\n+2")


def test_a_file_that_is_as_it_was_is_no_effect() -> None:
    assert list_effects([result(1, "one", "two", "+1"), result(2, "two", "one", "-1")]) == []
