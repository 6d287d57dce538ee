"""Seeds from files and from stored tasks, with what is wrong with them."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from concertino import run_task
from concertino.learning.trace import Trace
from concertino.settings import get_settings
from concertino.store.open import open_store
from concertino.synthesis.contracts import Seed
from concertino.synthesis.seeds import MAX_LINE_BYTES, NoSeed, read_file, read_state, read_task

from tests.model_server import PENS
from tests.scripted_model import ScriptedModel
from tests.store.test_serializer import STORED

GOOD = {"id": "a", "problem": "What are 12 and 30?", "program": "answer = 12 + 30", "answer": 42}


def write(path: Path, *lines: object, end: str = "\n") -> Path:
    shown = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(shown) + end, encoding="utf-8")
    return path


def faults(path: Path) -> list[str]:
    return [
        f"{s.fault} {s.detail}".strip() if isinstance(s, NoSeed) else "" for s in read_file(path)
    ]


def test_a_line_is_a_seed(tmp_path: Path) -> None:
    [seed] = read_file(write(tmp_path / "seeds.jsonl", GOOD))
    assert isinstance(seed, Seed)
    assert (seed.id, seed.answer, seed.language) == ("a", "42", "en")


def test_another_s_field_names_and_more_fields_are_read_too(tmp_path: Path) -> None:
    row = {**GOOD, "source": "mine", "question": GOOD["problem"]}
    del row["problem"], row["id"]
    [seed] = read_file(write(tmp_path / "seeds.jsonl", row))
    assert isinstance(seed, Seed)
    assert seed.id == "seeds:1"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{not json", "not_json"),
        ('"a text"', "no_object"),
        ({"problem": "What?"}, "missing program, answer"),
        ({**GOOD, "problem": ""}, "missing problem"),
        ({**GOOD, "program": 3}, "invalid program"),
        ({**GOOD, "language": "fr"}, "invalid language"),
        ({**GOOD, "problem": "x" * 20_001}, "invalid problem"),
        ({**GOOD, "answer": True}, "invalid answer"),
        ('{"problem": "\\ud800", "program": "answer = 1", "answer": "1"}', "invalid problem"),
        ("[" * 100_000, "not_json"),
    ],
)
def test_a_bad_line_is_told_and_the_others_are_read(
    tmp_path: Path, line: object, fault: str
) -> None:
    assert faults(write(tmp_path / "seeds.jsonl", GOOD, line, "", GOOD)) == ["", fault, ""]


def test_two_megabytes_in_a_line_are_passed_over(tmp_path: Path) -> None:
    long = {**GOOD, "program": "x" * 2_000_000}
    assert faults(write(tmp_path / "seeds.jsonl", long, GOOD)) == ["too_long", ""]
    assert faults(write(tmp_path / "end.jsonl", GOOD, "x" * MAX_LINE_BYTES * 3, end="")) == [
        "",
        "too_long",
    ]


def test_half_a_line_at_the_end_is_told_as_such(tmp_path: Path) -> None:
    half = json.dumps(GOOD)[:40]
    assert faults(write(tmp_path / "seeds.jsonl", GOOD, half, end="")) == ["", "half"]
    assert faults(write(tmp_path / "whole.jsonl", GOOD, GOOD, end="")) == ["", ""]


def test_of_a_file_that_grows_what_stood_there_first_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "seeds.jsonl", GOOD, GOOD)
    reading = read_file(path)
    first = next(reading)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(GOOD) + "\n" + json.dumps(GOOD)[:20])
    rest = list(reading)
    assert [type(seed) for seed in (first, *rest)] == [Seed, Seed]
    assert len(list(read_file(path))) == 4


def test_a_file_that_is_cut_off_while_it_is_read_ends_there(tmp_path: Path) -> None:
    path = write(tmp_path / "seeds.jsonl", *[GOOD] * 5_000)
    reading = read_file(path)
    next(reading)
    path.write_text("", encoding="utf-8")
    assert all(isinstance(seed, Seed | NoSeed) for seed in reading)


async def read_stored(home: Path) -> list[Seed | NoSeed]:
    async with open_store(home) as store:
        return [await read_task(store, r) for r in Trace.of(get_settings()).read().records]


@pytest.fixture
def task_id(scripted: Callable[..., ScriptedModel]) -> str:
    return str(run_task(PENS, model=scripted())["task_id"])


async def test_a_verified_task_is_a_seed_with_its_program(task_id: str, home: Path) -> None:
    [seed] = await read_stored(home)
    assert isinstance(seed, Seed)
    assert (seed.task_id, seed.problem) == (task_id, PENS)
    assert "answer = 12 * price" in seed.program
    assert "second_route" in seed.indicators


def test_a_task_that_was_not_verified_is_none(
    scripted: Callable[..., ScriptedModel], home: Path
) -> None:
    run_task(PENS, model=scripted(reasoning=["That makes \\boxed{35}."]))
    [found] = asyncio.run(read_stored(home))
    assert isinstance(found, NoSeed)
    assert found.fault == "not_verified"


async def test_a_task_whose_state_is_gone_is_told(task_id: str, home: Path) -> None:
    async with open_store(home) as store:
        await store.checkpointer.adelete_thread(task_id)
    [found] = await read_stored(home)
    assert isinstance(found, NoSeed)
    assert found.fault == "no_state"


def test_a_task_whose_text_is_hashed_is_none(
    scripted: Callable[..., ScriptedModel], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCERTINO_TRACE_TEXTS", "hashed")
    get_settings.cache_clear()
    run_task(PENS, model=scripted())
    [found] = asyncio.run(read_stored(home))
    assert isinstance(found, NoSeed)
    assert found.fault == "hashed"


def test_tasks_that_an_earlier_version_solved_are_read(home: Path) -> None:
    home.mkdir()
    shutil.copy(STORED, home / "tasks.sqlite")

    async def read() -> list[Seed | NoSeed]:
        async with open_store(home) as store:
            return [await read_state(store, task.task_id) for task in await store.list_latest(100)]

    found = asyncio.run(read())
    seeds = [seed for seed in found if isinstance(seed, Seed)]
    assert len(found) == 9
    assert [seed.answer for seed in seeds] == ["36"]
    assert "answer" in seeds[0].program
