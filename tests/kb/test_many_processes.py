"""Several processes at one base, one of them killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from concertino.kb import KnowledgeBase

from tests.kb.letter_pairs import LetterPairs

ROOT = Path(__file__).parents[2]

ADD = """
import sys
from concertino.kb import KnowledgeBase
from tests.kb.letter_pairs import LetterPairs
folder, name, count = sys.argv[1:]
base = KnowledgeBase(folder, embedder=LetterPairs())
for number in range(int(count)):
    base.add_documents([{"id": f"{name}{number}", "text": f"document {name} number {number}"}])
    assert f"{name}{number}" in dict(base.search(f"document {name} number {number}", 50))
"""

DIE = """
import os, signal, sys
from concertino.kb import KnowledgeBase
from tests.kb.letter_pairs import LetterPairs
folder, where = sys.argv[1:]
def die(*given, **named):
    os.kill(os.getpid(), signal.SIGKILL)
embedder = LetterPairs()
base = KnowledgeBase(folder, embedder=embedder)
texts = [{"id": f"d{n}", "text": "".join(f"# {s}\\ntext {n} {s}\\n" for s in range(5))}
         for n in range(4)]
base.add_documents(texts[:2])
if where == "embedding":
    embedder.before = die
elif where == "before the catalogue":
    base.store.catalogue.put = die
elif where == "before tidying up":
    base.add_documents([{"id": "d2", "text": "an earlier text"}])
    base.store.vectors.delete_versions = die
base.add_documents(texts)
"""


def python(program: str, *given: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, given)], cwd=ROOT, env=os.environ
    )


def vectors(base: KnowledgeBase) -> set[str]:
    with base.store.lock():
        return base.store.vectors.list_ids(base.store.collection)


def chunks(base: KnowledgeBase) -> set[str]:
    with base.store.lock():
        return set(base.store.catalogue.list_chunk_ids())


def test_two_processes_add_and_search_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    base = KnowledgeBase(tmp_path, embedder=LetterPairs())
    workers = [python(ADD, tmp_path, name, 15) for name in "ab"]
    base.add_documents([{"id": "mine", "text": "document of mine"}])
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    expected = {"mine", *(f"{name}{number}" for name in "ab" for number in range(15))}
    assert {document.doc_id for document in base.documents()} == expected
    assert vectors(base) == chunks(base)
    found = {hit.doc_id for hit in base.retrieve("document number", 50)}
    assert found == expected


def test_what_another_process_removes_is_not_found_any_more(tmp_path: Path) -> None:
    base = KnowledgeBase(tmp_path, embedder=LetterPairs())
    base.add_documents([{"id": "a", "text": "some text"}, {"id": "b", "text": "other text"}])
    assert len(base.search("text")) == 2
    remove = "import sys; from concertino.kb import KnowledgeBase as K; K(sys.argv[1]).remove('a')"
    assert python(remove, tmp_path).wait(timeout=60) == 0
    assert [doc_id for doc_id, _ in base.search("text")] == ["b"]


def check_killed(folder: Path, where: str, left: set[str]) -> None:
    """After the kill the base is whole; the same call does what is left and no more."""
    worker = python(DIE, folder, where)
    assert worker.wait(timeout=60) == -signal.SIGKILL
    embedder = LetterPairs()
    base = KnowledgeBase(folder, embedder=embedder)
    assert {document.doc_id for document in base.documents()} == {f"d{n}" for n in range(4)} - left
    assert len(vectors(base)) == base.stats().chunks
    assert vectors(base) == chunks(base)
    texts = ["".join(f"# {s}\ntext {n} {s}\n" for s in range(5)) for n in range(4)]
    base.add_documents([{"id": f"d{n}", "text": text} for n, text in enumerate(texts)])
    assert len(embedder.embedded) == 5 * len(left)
    assert vectors(base) == chunks(base)
    assert base.stats().chunks == 20


def test_killed_while_embedding_the_finished_documents_are_not_done_again(tmp_path: Path) -> None:
    check_killed(tmp_path, "embedding", {"d2", "d3"})


def test_killed_between_vectors_and_catalogue_nothing_half_is_left(tmp_path: Path) -> None:
    check_killed(tmp_path, "before the catalogue", {"d2", "d3"})


def test_killed_before_the_earlier_vectors_are_deleted_they_are_deleted_later(
    tmp_path: Path,
) -> None:
    check_killed(tmp_path, "before tidying up", {"d3"})


def test_a_base_killed_at_any_moment_is_whole(tmp_path: Path) -> None:
    for _ in range(4):
        worker = python(ADD, tmp_path, "k", 400)
        while not KnowledgeBase(tmp_path, embedder=LetterPairs()).documents():
            assert worker.poll() is None
        worker.kill()
        worker.wait()
        base = KnowledgeBase(tmp_path, embedder=LetterPairs())
        assert vectors(base) == chunks(base)
        assert len(base.search("document", 50)) == min(50, len(base.documents()))
        for document in base.documents():
            base.remove(document.doc_id)
