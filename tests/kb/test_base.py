import json
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from concertino.errors import InvalidTask
from concertino.kb import (
    Document,
    EmbedderMismatch,
    KnowledgeBase,
    KnowledgeBaseError,
    UnknownDocument,
    default_folder,
)
from concertino.kb.embed import EMBED_BATCH
from concertino.kb.keyword import split_words
from concertino.kb.vectors import DamagedVectors, VectorIndex, is_damaged
from concertino.settings import get_settings

from tests.kb.letter_pairs import LetterPairs

FRACTIONS: Document = {
    "id": "fractions",
    "title": "Fractions",
    "source": "book.md",
    "text": "# 分数\n分数是整体的一部分。\n## 加法\n同分母分数相加，分母不变。",
}
HTTP: Document = {"id": "http", "text": "HTTP uses port 80 and HTTPS uses port 443."}


def in_both_indexes(base: KnowledgeBase, word: str) -> tuple[int, int]:
    """Vectors in all, and chunks that hold the word."""
    store = base.store
    with store.lock():
        found = store.catalogue.keywords.search([(each,) for each in split_words(word)], 50)
        return len(store.vectors.list_ids(store.collection)), len(found)


def test_documents_are_found_in_both_languages(base: KnowledgeBase) -> None:
    assert base.add_documents([FRACTIONS, HTTP]) == ["fractions", "http"]
    assert base.search("怎样把分数相加？")[0][0] == "fractions"
    assert base.search("Which port does HTTPS use?", top_k=1) == [("http", 1.0)]


def test_what_a_langchain_loader_made_is_added_under_its_source_and_place(
    base: KnowledgeBase, tmp_path: Path
) -> None:
    loaders = pytest.importorskip("langchain_community.document_loaders")
    table = tmp_path / "capitals.csv"
    table.write_text("country,capital\nFrance,Paris\nItaly,Rome\n", encoding="utf-8")
    rows = loaders.CSVLoader(str(table)).load()

    assert base.add_documents(rows) == [f"{table}#0", f"{table}#1"]
    assert base.add_documents(rows) == [f"{table}#0", f"{table}#1"], "the same twice is nothing"
    assert base.search("capital of Italy", top_k=1) == [(f"{table}#1", 1.0)]
    assert base.retrieve("capital of Italy", top_k=1)[0].source == str(table)


def test_a_hit_tells_where_it_is_from_and_how_good_it_is(base: KnowledgeBase) -> None:
    base.add_documents([FRACTIONS, HTTP])
    hit = base.retrieve("同分母分数相加", top_k=1)[0]
    assert (hit.doc_id, hit.title, hit.source) == ("fractions", "Fractions", "book.md")
    assert (hit.heading, hit.text) == ("分数 > 加法", "同分母分数相加，分母不变。")
    assert hit.score == 1
    assert 0 < hit.similarity < 1
    assert hit.keyword_score == pytest.approx(1)
    assert base.get_chunk(hit.chunk_id).text == hit.text


def test_what_is_found_by_words_alone_has_its_similarity_too(tmp_path: Path) -> None:
    base = KnowledgeBase(tmp_path, embedder=LetterPairs())
    filler: list[Document] = [{"id": f"{n}", "text": "Zanzibar zebra"} for n in range(60)]
    base.add_documents([*filler, {"id": "odd", "text": "zanzibar " + "qqq xxx " * 40}])
    hits = {hit.doc_id: hit for hit in base.retrieve("Zanzibar zebra xxx", top_k=60)}
    assert 0 < hits["odd"].similarity < hits["0"].similarity


def test_texts_alone_are_documents_too(base: KnowledgeBase) -> None:
    [doc_id] = base.add_documents(["Water boils at 100 degrees."])
    assert base.search("When does water boil?") == [(doc_id, 1.0)]


@pytest.mark.parametrize("query", ["", " \n"])
def test_an_empty_question_finds_nothing(base: KnowledgeBase, query: str) -> None:
    base.add_documents([HTTP])
    assert base.search(query) == []


def test_an_empty_base_finds_nothing_and_loads_no_model(tmp_path: Path) -> None:
    base = KnowledgeBase(tmp_path, embedder="sentence-transformers:not-installed")
    assert base.search("anything") == []
    assert base.documents() == []
    assert base.stats().chunks == 0


@pytest.mark.parametrize("bad", [" ", {"text": ""}, {"id": "x"}, {"text": 5}])
def test_a_document_without_text_is_refused_before_anything_is_added(
    base: KnowledgeBase, bad: Any
) -> None:
    with pytest.raises(InvalidTask, match="2"):
        base.add_documents([HTTP, bad])
    assert base.documents() == []


@pytest.mark.parametrize("top_k", [0, -1, 1001])
def test_a_senseless_number_of_hits_is_refused(base: KnowledgeBase, top_k: int) -> None:
    with pytest.raises(InvalidTask, match=str(top_k)):
        base.retrieve("question", top_k)


def test_what_was_added_before_is_not_embedded_again(
    base: KnowledgeBase, embedder: LetterPairs
) -> None:
    base.add_documents([FRACTIONS, HTTP])
    done = len(embedder.embedded)
    assert base.add_documents([HTTP, FRACTIONS]) == ["http", "fractions"]
    assert len(embedder.embedded) == done
    base.add_documents([HTTP], chunk_size=16, overlap=0)
    assert len(embedder.embedded) > done


def test_a_changed_document_replaces_its_earlier_text_in_both_indexes(
    base: KnowledgeBase,
) -> None:
    base.add_documents([FRACTIONS, HTTP])
    [old] = [hit for hit in base.retrieve("HTTPS port") if hit.doc_id == "http"]
    base.add_documents([{"id": "http", "text": "SSH uses port 22."}])
    assert in_both_indexes(base, "https") == (3, 0)
    assert base.search("SSH port", 1) == [("http", 1.0)]
    with pytest.raises(UnknownDocument):
        base.get_chunk(old.chunk_id)


def test_a_removed_document_is_in_neither_index(base: KnowledgeBase) -> None:
    base.add_documents([FRACTIONS, HTTP])
    assert in_both_indexes(base, "分数") == (3, 2)
    assert base.remove("book.md") == ["fractions"]
    assert in_both_indexes(base, "分数") == (1, 0)
    assert [document.doc_id for document in base.documents()] == ["http"]
    with pytest.raises(UnknownDocument, match="list of documents"):
        base.remove("fractions")


def test_a_base_remembers_its_embedder_and_refuses_another(tmp_path: Path) -> None:
    KnowledgeBase(tmp_path, embedder=LetterPairs("one")).add_documents([HTTP])
    other = KnowledgeBase(tmp_path, embedder=LetterPairs("two"))
    for use in (lambda: other.search("port"), lambda: other.add_documents([FRACTIONS])):
        with pytest.raises(EmbedderMismatch, match="concertino kb reembed --embedder 'two'"):
            use()
    assert other.documents()[0].doc_id == "http"


def test_an_emptied_base_takes_any_embedder(tmp_path: Path) -> None:
    first = KnowledgeBase(tmp_path, embedder=LetterPairs("one"))
    first.add_documents([HTTP])
    first.remove("http")
    second = KnowledgeBase(tmp_path, embedder=LetterPairs("two"))
    second.add_documents([FRACTIONS])
    assert second.stats().embedder == "two"
    assert second.search("分数", 1)[0][0] == "fractions"


def test_reembedding_changes_the_embedder_and_loses_nothing(tmp_path: Path) -> None:
    old = KnowledgeBase(tmp_path, embedder=LetterPairs("one"))
    old.add_documents([FRACTIONS, HTTP])
    base, seen = KnowledgeBase(tmp_path), list[tuple[float, int]]()
    assert base.reembed(LetterPairs("two"), progress=lambda n, of, _: seen.append((n, of))) == 3
    assert seen == [(3, 3)]
    assert base.search("HTTPS port", 1) == [("http", 1.0)]
    assert in_both_indexes(base, "https") == (3, 1)
    with pytest.raises(EmbedderMismatch):
        old.search("port")


def test_an_interrupted_reembedding_goes_on_and_sees_what_changed_meanwhile(
    tmp_path: Path,
) -> None:
    base = KnowledgeBase(tmp_path, embedder=LetterPairs("one"))
    base.add_documents([f"text number {n}" for n in range(40)])

    def interrupt(done: float, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        base.reembed(LetterPairs("two"), progress=interrupt)
    assert len(base.search("number 7")) == 5
    base.remove(base.documents()[0].doc_id)
    base.add_documents([HTTP])
    second = LetterPairs("two")
    assert base.reembed(second) == len(second.embedded) == 40 - EMBED_BATCH + 1
    assert in_both_indexes(base, "text") == (40, 39)


def test_damaged_vectors_are_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    KnowledgeBase(folder, embedder=LetterPairs()).add_documents([FRACTIONS, HTTP])
    (folder / "chroma" / "chroma.sqlite3").write_bytes(b"rubbish" * 1000)
    base = KnowledgeBase(folder, embedder=LetterPairs())
    with pytest.raises(KnowledgeBaseError, match="concertino kb reembed"):
        base.search("port")
    base.reembed(LetterPairs())
    assert base.search("HTTPS port", 1) == [("http", 1.0)]


def test_bases_in_other_folders_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, two = (KnowledgeBase(tmp_path / name, embedder=LetterPairs()) for name in "ab")
    one.add_documents([HTTP])
    assert two.documents() == []


def test_a_base_is_the_persons_own(tmp_path: Path, home: Path) -> None:
    assert KnowledgeBase().folder == default_folder() == home / "kb" / "default"
    assert (home / "kb" / "default").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KnowledgeBaseError, match="CONCERTINO_HOME"):
        KnowledgeBase(tmp_path / "file" / "base")


def test_a_full_disk_is_told_and_leaves_nothing_half(
    base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.add_documents([HTTP])
    put = base.store.catalogue.put

    def full(*given: object) -> None:
        put(*given)  # type: ignore[arg-type]
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(base.store.catalogue, "put", full)
    with pytest.raises(KnowledgeBaseError, match="disk is full"):
        base.add_documents([FRACTIONS])
    monkeypatch.undo()
    assert in_both_indexes(base, "分数") == (1, 0)
    base.add_documents([FRACTIONS])
    assert in_both_indexes(base, "分数") == (3, 2)


def test_threads_may_add_remove_and_search_at_once(base: KnowledgeBase) -> None:
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(5):
                doc_id = f"{number}-{step}"
                base.add_documents([{"id": doc_id, "text": f"thread {number} step {step}"}])
                assert base.search(f"thread {number} step {step}")
            base.remove(doc_id)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert in_both_indexes(base, "thread") == (16, 16)


def test_files_are_added_from_folders_and_bad_ones_reported(
    base: KnowledgeBase, tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "fractions.md").write_text(FRACTIONS["text"], encoding="utf-8")
    (folder / "ports.txt").write_text(HTTP["text"], encoding="utf-16")
    (folder / "bad.docx").write_bytes(b"no zip file")
    (folder / "photo.jpg").write_bytes(b"x")
    report = base.add_files([folder])
    assert {Path(skipped.source).name: skipped.reason for skipped in report.skipped} == {
        "bad.docx": "broken",
        "photo.jpg": "unsupported",
    }
    assert report.count("added") == 2
    hit = base.retrieve("分数加法", 1)[0]
    assert (hit.source, hit.title) == (str(folder / "fractions.md"), "fractions")
    assert base.add_files([folder]).count("unchanged") == 2
    assert len(base.remove(str(folder))) == 2


def test_a_changed_file_replaces_its_text_and_a_spoilt_one_keeps_it(
    base: KnowledgeBase, tmp_path: Path
) -> None:
    file = tmp_path / "note.txt"
    for text in ("first words", "second words"):
        file.write_text(text)
        outcomes = [document.outcome for document in base.add_files([file]).documents]
    assert outcomes == ["replaced"]
    file.write_text("")
    assert [skipped.reason for skipped in base.add_files([file]).skipped] == ["empty"]
    assert [hit.text for hit in base.retrieve("words")] == ["second words"]


def test_a_file_over_the_limit_is_skipped_unread(
    base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCERTINO_KB_MAX_FILE_MB", "1")
    get_settings.cache_clear()
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate((1 << 20) + 1)
    [skipped] = KnowledgeBase(base.folder, embedder=LetterPairs()).add_files([huge]).skipped
    assert skipped.reason == "too_big"
    assert "1 MB" in skipped.message


def test_broken_characters_in_texts_names_and_questions_do_no_harm(
    base: KnowledgeBase, tmp_path: Path
) -> None:
    name = os.fsdecode(b"bad-\xff-name.txt")
    (tmp_path / name).write_text("first text")
    assert base.add_files([tmp_path / name]).count("added") == 1
    base.add_documents([{"id": "a\udc80", "text": "second \0 text \ud800"}])
    assert len(base.search("text \udcff")) == 2
    assert base.add_files([tmp_path / name]).count("unchanged") == 1


def test_progress_goes_from_nothing_to_all(base: KnowledgeBase) -> None:
    seen: list[tuple[float, int]] = []
    long: Document = {"id": "long", "text": "".join(f"# {n}\ntext {n}\n" for n in range(64))}
    base.add_documents([HTTP, long], progress=lambda n, of, _: seen.append((n, of)))
    batches = 64 // EMBED_BATCH
    steps = [1 + number / batches for number in range(1, batches + 1)]
    assert seen == [(n, 2) for n in (0, 1.0, 1, 1, *steps, 2)]


def test_chunk_ids_are_the_same_in_every_base_of_the_same_texts(tmp_path: Path) -> None:
    ids = []
    for name in "ab":
        base = KnowledgeBase(tmp_path / name, embedder=LetterPairs())
        base.add_documents([FRACTIONS])
        ids.append(sorted(hit.chunk_id for hit in base.retrieve("分数")))
    assert ids[0] == ids[1]


def test_hits_can_be_written_as_json(base: KnowledgeBase) -> None:
    base.add_documents([FRACTIONS])
    written = json.loads(base.retrieve("分数", 1)[0].model_dump_json())
    assert {"score", "text", "source", "chunk_id", "doc_id", "title"} <= written.keys()


def test_vectors_that_are_only_locked_are_not_damaged_and_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "base"
    base = KnowledgeBase(folder, embedder=LetterPairs())
    base.add_documents([FRACTIONS, HTTP])

    def locked(self: VectorIndex) -> None:
        raise RuntimeError("error returned from database: (code: 5) database is locked")

    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(VectorIndex, "_open_client", locked)
        elsewhere.setattr(VectorIndex, "_get_collection", locked)
        with pytest.raises(KnowledgeBaseError, match="nothing was deleted") as raised:
            base.search("port")
        assert not isinstance(raised.value, DamagedVectors)
        with pytest.raises(KnowledgeBaseError, match="database is locked"):
            base.reembed(LetterPairs())
    assert base.search("HTTPS port", 1) == [("http", 1.0)]


@pytest.mark.parametrize(
    "error", [PermissionError(13, "denied"), OSError(28, "No space left on device"), MemoryError()]
)
def test_what_the_machine_refuses_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    base = KnowledgeBase(tmp_path / "base", embedder=LetterPairs())
    base.add_documents([HTTP])

    def refuse(*given: object) -> None:
        raise error

    with monkeypatch.context() as refusing:
        refusing.setattr(VectorIndex, "_get_collection", refuse)
        with pytest.raises(KnowledgeBaseError) as raised:
            base.search("port")
    assert not isinstance(raised.value, DamagedVectors)
    assert not is_damaged(tmp_path / "base" / "chroma")


def test_damaged_vectors_are_kept_aside_until_the_new_ones_stand(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    KnowledgeBase(folder, embedder=LetterPairs()).add_documents([FRACTIONS, HTTP])
    (folder / "chroma" / "chroma.sqlite3").write_bytes(b"rubbish" * 1000)
    aside: list[bool] = []

    def watch(done: float, total: int, what: str, /) -> None:
        aside.append((folder / "chroma.damaged" / "chroma.sqlite3").exists())

    base = KnowledgeBase(folder, embedder=LetterPairs())
    base.reembed(LetterPairs(), progress=watch)
    assert aside == [True]
    assert not (folder / "chroma.damaged").exists()
    assert base.search("HTTPS port", 1) == [("http", 1.0)]


def test_a_graph_that_lost_a_file_is_damage(tmp_path: Path) -> None:
    base = KnowledgeBase(tmp_path / "base", embedder=LetterPairs())
    base.add_documents([HTTP])
    chroma = tmp_path / "base" / "chroma"
    assert not is_damaged(chroma)
    (chroma / "chroma.sqlite3").unlink()
    assert is_damaged(chroma)
