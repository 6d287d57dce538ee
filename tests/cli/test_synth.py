"""`concertino synth`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from concertino import run_task
from concertino.cli.main import main

from tests.model_server import PENS, ModelServer
from tests.scripted_model import ScriptedModel

pytest.importorskip("datasketch", reason="the extra `synth` is not installed")

GOOD = {
    "id": "shop",
    "problem": "Mia buys 12 pens at $3 each and pays with $50. How much change does she get?",
    "program": "pens = 12\nprice = 3\npaid = 50\nanswer = paid - pens * price",
    "answer": 14,
}
LOOP = {
    "id": "loop",
    "problem": "Ann saves $8 in each of 5 months. How much is that?",
    "program": "answer = 0\nfor month in range(5):\n    answer += 8",
    "answer": 40,
}
CHINESE = {
    "id": "绳子",
    "problem": "一根绳子长36米，剪去它的1/4，还剩多少米？",
    "program": "length = 36\nanswer = length - length * 1 / 4",
    "answer": 27,
}


def run(*given: object) -> Result:
    return CliRunner().invoke(main, ["synth", *[str(part) for part in given]])


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    path = tmp_path / "seeds.jsonl"
    lines = [json.dumps(row) for row in (GOOD, LOOP, {"problem": "x"}, CHINESE)]
    path.write_text("\n".join(lines) + '\n{"problem"', encoding="utf-8")
    return path


def test_each_seed_is_told_with_what_became_of_it(seeds: Path) -> None:
    made = run("make", seeds)
    assert made.exit_code == 0
    shop, loop, missing, rope, half = made.stdout.splitlines()
    assert shop.startswith("lifted   shop  12 pens (6 to 24)")
    assert shop.endswith("3 new tasks")
    assert loop.startswith("refused  loop  the program loops over its numbers")
    assert missing == "no seed  seeds.jsonl:3  missing: program, answer"
    assert "1/4 (a fraction)" in rope
    assert half == "no seed  seeds.jsonl:5  half a line: the file ends within it"
    assert "lifted 2, known 0, refused 1, unreadable 2. New tasks: 6" in made.stderr


def test_it_is_told_in_chinese_to_who_reads_chinese(
    seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "程序对数字使用了循环" in run("make", seeds).stdout


def test_tasks_are_written_and_stored_and_never_made_twice(seeds: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    assert run("make", seeds, "--out", first, "--count", 2).exit_code == 0
    assert run("make", seeds, "--out", second, "--count", 2).exit_code == 0
    rows = [json.loads(line) for path in (first, second) for line in path.open(encoding="utf-8")]
    assert len({row["question"] for row in rows}) == len(rows) == 8
    stored = json.loads(run("tasks", "--json").stdout)
    assert {row["id"] for row in stored} == {row["id"] for row in rows}
    assert len(json.loads(run("seeds", "--json").stdout)) == 2
    assert len(run("seeds").stdout.splitlines()) == 2


def test_a_copy_with_other_numbers_and_names_is_told_as_known(seeds: Path, tmp_path: Path) -> None:
    run("make", seeds)
    copy = {
        "id": "copy",
        "problem": "Tom buys 9 pens at $4 each and pays with $90. How much change does he get?",
        "program": "answer = 90 - 9 * 4",
        "answer": 54,
    }
    path = tmp_path / "copy.jsonl"
    path.write_text(json.dumps(copy) + "\n", encoding="utf-8")
    assert run("make", path).stdout.startswith("known    copy")


def test_solved_tasks_are_seeds(scripted: Callable[..., ScriptedModel]) -> None:
    task_id = run_task(PENS, model=scripted())["task_id"]
    [outcome] = json.loads(run("make", "--json").stdout)
    assert outcome["essence"]["task_id"] == task_id
    assert outcome["tasks"]


def test_lifted_problems_are_certified_once(
    scripted: Callable[..., ScriptedModel], serve: Callable[..., ModelServer]
) -> None:
    run_task(PENS, model=scripted())
    run("make")
    serve(reasoning=["I cannot say."])
    told = run("certify").stdout
    assert told.startswith("draft")
    assert "agreed 0 of 5" in told
    assert run("certify").stdout == ""


def test_only_what_is_certified_is_exported_unless_drafts_are_asked_for(
    seeds: Path, tmp_path: Path
) -> None:
    run("make", seeds)
    none = run("export", tmp_path / "data")
    assert none.exit_code == 2
    assert "concertino synth certify" in none.stderr
    drafts = run("export", tmp_path / "data", "--drafts", "--form", "prompt")
    assert drafts.exit_code == 0
    rows = [
        json.loads(line)
        for path in (tmp_path / "data").glob("*.jsonl")
        for line in path.open(encoding="utf-8")
    ]
    assert len(rows) == 6


def test_without_seeds_it_is_told_what_to_do() -> None:
    made = run("make")
    assert made.exit_code == 2
    assert "no task was solved yet" in made.stderr
    assert "no essences yet" in run("seeds").stderr
