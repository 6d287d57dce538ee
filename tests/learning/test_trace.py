"""The trace on disk: whole lines from many processes, torn ones skipped, nothing secret in it."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from concertino.learning.contracts import Amendment, Reward
from concertino.learning.trace import TextRedactor, Trace, read_trace_files
from concertino.settings import get_settings

from tests.learning.records import NOON, record

ROOT = Path(__file__).parents[2]
SECRET = "sk-not-for-anyones-eyes"

WRITE = """
import sys
from pathlib import Path
from concertino.learning.contracts import Amendment, Reward
from concertino.learning.trace import Trace
from tests.learning.records import record
folder, name, count = sys.argv[1:]
for number in range(int(count)):
    Trace(Path(folder)).append(record(f"{name}{number}", question="word " * 2000))
"""


@contextmanager
def room(size: int) -> Iterator[None]:
    """Files may grow to this size only, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def lines(folder: Path) -> list[str]:
    return [
        line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()
    ]


def test_what_was_written_is_read_in_the_order_in_which_tasks_ended(tmp_path: Path) -> None:
    trace = Trace(tmp_path)
    trace.append(record("late", ended=NOON + timedelta(hours=1)))
    trace.append(record("early"))
    assert [found.task_id for found in trace.read().records] == ["early", "late"]
    assert trace.read().records[0] == record("early")
    assert trace.read().skipped == 0


def test_a_trace_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert Trace(tmp_path / "none").read().records == []


def test_of_several_lines_about_a_task_the_latest_word_is_read(tmp_path: Path) -> None:
    trace = Trace(tmp_path)
    for revision in (0, 5, 5, 2):
        trace.append(record("a", revision=revision, status=f"{revision}"))
    [found] = trace.read().records
    assert (found.revision, found.status) == (5, "5")


def test_lines_of_many_processes_are_whole(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), f"p{n}-", "30"], cwd=ROOT)
        for n in range(4)
    ]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * 4
    found = Trace(tmp_path).read()
    assert (len(found.records), found.skipped) == (120, 0)


def test_an_amendment_changes_the_reward_of_the_task_that_it_names(tmp_path: Path) -> None:
    trace, better = Trace(tmp_path), Reward(quality=1, cost=0, reward=1)
    trace.append(record("a"))
    trace.append(Amendment(task_id="a", revision=3, reward=better))
    trace.append(Amendment(task_id="a", revision=2, reward=Reward(quality=0, cost=0, reward=0)))
    trace.append(Amendment(task_id="gone", revision=3, reward=better))
    found = trace.read()
    assert [(each.task_id, each.reward) for each in found.records] == [("a", better)]
    assert found.skipped == 0


def test_an_amendment_counts_in_whatever_order_the_files_are_read(tmp_path: Path) -> None:
    for number in (2, 10):
        Trace(tmp_path / str(number)).append(record("a"))
    better = Reward(quality=1, cost=0, reward=1)
    Trace(tmp_path / "late").append(Amendment(task_id="a", revision=3, reward=better))
    folders = [tmp_path / name for name in ("late", "10", "2")]
    for paths in (folders, folders[::-1]):
        [found] = read_trace_files(paths).records
        assert (found.reward, found.revision) == (better, 3)


def test_a_record_of_more_rounds_stands_against_an_earlier_amendment(tmp_path: Path) -> None:
    trace = Trace(tmp_path)
    trace.append(record("a", revision=7))
    trace.append(Amendment(task_id="a", revision=3, reward=Reward(quality=1, cost=0, reward=1)))
    assert trace.read().records == [record("a", revision=7)]


@pytest.mark.parametrize("name", ["2026-11-21.1.bak.jsonl", "2026-11-21.one.jsonl", "mine.jsonl"])
def test_files_of_other_names_are_left_alone(tmp_path: Path, name: str) -> None:
    trace = Trace(tmp_path, days=1, today=lambda: NOON.date())
    (tmp_path / name).write_text("not ours")
    (tmp_path / f"{NOON.date()}.1.bak.jsonl").write_text("nor this")
    trace.append(record("a"))
    assert (trace.read().records, trace.read().skipped) == ([record("a")], 0)
    assert (tmp_path / name).read_text() == "not ours"


def test_a_file_that_is_deleted_before_it_is_opened_is_passed_over(tmp_path: Path) -> None:
    trace = Trace(tmp_path)
    trace.append(record("a"))
    (tmp_path / "2020-01-01.1.jsonl").symlink_to(tmp_path / "gone")
    assert trace.read().records == [record("a")]


@pytest.mark.parametrize("torn", ['{"task_id": "b', "{", '{"task_id": "b"}'])
def test_a_line_that_a_kill_cut_off_is_skipped_and_the_next_is_whole(
    tmp_path: Path, torn: str
) -> None:
    trace = Trace(tmp_path)
    trace.append(record("a"))
    [file] = tmp_path.glob("*.jsonl")
    with file.open("a") as opened:
        opened.write(torn)
    assert trace.read().skipped == 1

    trace.append(record("c"))
    found = trace.read()
    assert [found.task_id for found in found.records] == ["a", "c"]
    assert found.skipped == 1


def test_a_line_of_a_later_version_is_skipped(tmp_path: Path) -> None:
    trace = Trace(tmp_path)
    trace.append(record("a"))
    [file] = tmp_path.glob("*.jsonl")
    for novelty in ({}, {"novelty": 1}):
        later = json.loads(record("b").model_dump_json()) | {"schema_version": 99, **novelty}
        file.write_text(file.read_text() + json.dumps(later) + "\n")
    assert (len(trace.read().records), trace.read().skipped) == (1, 2)


def test_a_disk_without_room_for_a_line_gets_nothing_of_it(tmp_path: Path) -> None:
    trace = Trace(tmp_path)
    trace.append(record("a"))
    [file] = tmp_path.glob("*.jsonl")
    before = file.read_bytes()
    with room(len(before) + 100), pytest.raises(OSError, match=r"large|space"):
        trace.append(record("b"))
    assert file.read_bytes() == before


def test_each_day_has_its_file_and_a_full_one_goes_on_in_another(tmp_path: Path) -> None:
    today = NOON.date()
    trace = Trace(tmp_path, file_mb=1, today=lambda: today)
    for number in range(3):
        trace.append(record(f"a{number}", question="x" * 400_000))
    today += timedelta(days=1)
    trace.append(record("next"))
    names = sorted(file.name for file in tmp_path.glob("*.jsonl"))
    assert names == ["2026-03-01.1.jsonl", "2026-03-01.2.jsonl", "2026-03-02.1.jsonl"]
    assert len(trace.read().records) == 4


def test_old_files_go_where_the_settings_say_so(tmp_path: Path) -> None:
    today = NOON.date()
    trace = Trace(tmp_path, days=30, today=lambda: today)
    for name, day in (("old", 0), ("recent", 1), ("new", 31)):
        today = NOON.date() + timedelta(days=day)
        trace.append(record(name))
    assert {found.task_id for found in trace.read().records} == {"recent", "new"}


def test_a_key_that_stands_in_a_text_does_not_reach_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    get_settings.cache_clear()
    trace = Trace.of(get_settings())
    trace.append(record("a", question=f"my key is {SECRET}, what is yours?"))
    assert SECRET not in "".join(lines(home / "traces"))
    assert trace.read().records[0].question == "my key is [key], what is yours?"


def test_a_word_that_a_local_server_takes_for_a_key_does_no_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "task_id")
    get_settings.cache_clear()
    trace = Trace.of(get_settings())
    trace.append(record("a"))
    assert trace.read().records == [record("a")]


def test_files_are_for_their_user_alone(tmp_path: Path) -> None:
    Trace(tmp_path / "traces").append(record("a"))
    [file] = (tmp_path / "traces").glob("*.jsonl")
    assert file.stat().st_mode & 0o077 == 0
    assert (tmp_path / "traces").stat().st_mode & 0o077 == 0


def test_texts_are_kept_hashed_or_left_out(tmp_path: Path) -> None:
    given = {"urls": ["http://a.example"], "top_k": 4}
    assert TextRedactor("full", tmp_path).redact_text("what?") == "what?"
    assert TextRedactor("full", tmp_path).redact_inputs(given) == given
    assert TextRedactor("off", tmp_path).redact_text("what?") is None
    assert TextRedactor("off", tmp_path).redact_inputs(given) is None

    hashed = TextRedactor("hashed", tmp_path)
    assert hashed.redact_text("what?") == TextRedactor("hashed", tmp_path).redact_text("what?")
    assert hashed.redact_text("what?") != hashed.redact_text("what!")
    assert "what" not in (hashed.redact_text("what?") or "")
    kept = hashed.redact_inputs(given) or {}
    assert kept["top_k"] == 4
    assert "example" not in str(kept)
    assert hashed.redact_text(None) is None


def test_the_same_text_has_another_hash_in_another_home(tmp_path: Path) -> None:
    mine, yours = (
        TextRedactor("hashed", tmp_path / name).redact_text("what?") for name in ("mine", "yours")
    )
    assert mine != yours
    assert os.stat(tmp_path / "mine" / "traces" / ".key").st_mode & 0o077 == 0


def test_a_task_is_forgotten_with_its_amendments_and_torn_lines_and_no_other(
    tmp_path: Path,
) -> None:
    trace = Trace(tmp_path, file_mb=1)
    for number in range(300):  # more than one file
        for name in ("theirs", "mine"):
            words = f'"task_id":"mine" {number} ' + "word " * 500
            trace.append(record(name, question=words))
    reward = Reward(quality=1, cost=0, reward=1)
    trace.append(Amendment(task_id="mine", revision=2, reward=reward))
    last = sorted(tmp_path.glob("*.jsonl"))[-1]
    with last.open("ab") as file:
        file.write(record("mine").model_dump_json().encode()[:-20])
    trace.append(record("theirs"))

    trace.forget("mine")
    assert {json.loads(line)["task_id"] for line in lines(tmp_path)} == {"theirs"}
    assert len(lines(tmp_path)) == 301
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.jsonl")} == {0o600}
    assert not list(tmp_path.glob("*.new"))
    Trace(tmp_path / "nothing").forget("mine")
    assert not (tmp_path / "nothing").exists()
