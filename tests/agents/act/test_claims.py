import pytest
from concertino.agents.act.claims import find_ids, find_kept, find_unfounded_claim, find_untouched
from concertino.state import CallResult, FileEffect


def result(*paths: str) -> CallResult:
    effects = [FileEffect(path=path, before=None, after="0", diff="") for path in paths]
    return CallResult(
        id="r1", action="file_write", params={}, status="done", preview="", effects=effects
    )


@pytest.mark.parametrize(
    "message",
    [
        "The port has been changed to 9090.",
        "端口已改为 9090，其他内容不变。",
        "I wrote the letter.",
    ],
)
def test_a_change_without_an_effect_is_an_unfounded_claim(message: str) -> None:
    assert find_unfounded_claim(message, [])
    assert not find_unfounded_claim(message, [result("a")])


@pytest.mark.parametrize("message", ["Nothing was changed.", "端口没有改动。", "There are 3 rows."])
def test_what_claims_no_change_needs_no_effect(message: str) -> None:
    assert not find_unfounded_claim(message, [])


def test_a_file_of_the_task_that_is_not_there_and_was_not_touched_is_found() -> None:
    assert find_untouched("There are 4 rows.", ["all.csv"], []) == ["all.csv"]
    assert find_untouched("There are 4 rows.", ["all.csv"], [result("out/all.csv")]) == []
    assert find_untouched("a.txt is deleted.", ["a.txt"], [result("a.txt")]) == []


@pytest.mark.parametrize(
    "message",
    ["../secret.txt cannot be read.", "没有 secret.txt 这个文件。", "secret.txt isn't there."],
)
def test_a_missing_file_may_be_told_by_its_name(message: str) -> None:
    assert find_untouched(message, ["../secret.txt"], []) == []
    assert find_untouched("No more information is needed.", ["../secret.txt"], [])


def change(diff: str) -> CallResult:
    effect = FileEffect(path="a.json", before="0", after="1", diff=diff)
    return CallResult(
        id="r1", action="python_run", params={}, status="done", preview="", effects=[effect]
    )


KEPT = '--- a.json\n+++ a.json\n-  "old": true\n+  "old": false'
GONE = '--- old.json\n+++ old.json\n-  "old": true,\n   "older": 1'


@pytest.mark.parametrize(
    "task", ["Add x: 1 and remove old.", "加上 x: 1，并删掉 old。", "delete `old`"]
)
def test_what_the_task_says_to_remove_and_is_written_anew_is_found(task: str) -> None:
    assert find_kept(task, [change(KEPT)]) == "old"
    assert find_kept(task, [change(GONE)]) is None
    assert find_kept(task, [change(KEPT), change(GONE)]) is None
    assert find_kept(task, []) is None


def test_what_the_task_says_to_keep_may_be_written_anew() -> None:
    assert find_kept("Set old to false and remove the third row.", [change(KEPT)]) is None


def test_ids_of_results_in_a_message_are_found() -> None:
    assert find_ids("It is the same as r1.", [result("a")]) == ["r1"]
    assert find_ids("结果见r1", [result("a")]) == ["r1"]
    assert find_ids("The file r1.txt and r2 are there; star1 too.", []) == []
