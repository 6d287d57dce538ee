"""`/kb` over HTTP, with an embedder that needs no model."""

import shutil
import threading
from pathlib import Path

import pytest
from concertino.errors import InvalidTask
from concertino.service.uploads import clean_file_name
from fastapi.testclient import TestClient

from tests.kb.letter_pairs import LetterPairs
from tests.model_server import PATIENCE, use
from tests.service.conftest import Client
from tests.service.streams import Event, events_in
from tests.service.test_keys import create

TEXT = b"# Fractions\n\nA fraction is a part of a whole."


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> LetterPairs:
    pairs = LetterPairs()
    monkeypatch.setattr("concertino.kb.base.load_embedder", lambda name, settings: pairs)
    return pairs


def upload(
    service: TestClient, name: str, content: bytes, headers: dict[str, str] | None = None
) -> list[Event]:
    """Send a file, and follow it to its end."""
    sent = service.post("/kb/documents", files={"file": (name, content)}, headers=headers)
    assert sent.status_code == 202, sent.text
    where = sent.headers["location"]
    return list(events_in(service.get(f"{where}/events", headers=headers).text.splitlines()))


def outcome(events: list[Event]) -> str:
    return str(events[-1].data["upload"]["status"])


def test_a_file_is_added_listed_found_and_removed(client: Client) -> None:
    service = client()
    events = upload(service, "fractions.md", TEXT)
    [document] = service.get("/kb/documents").json()["items"]
    [hit] = service.get("/kb/search", params={"q": "What is a fraction?"}).json()["items"]

    assert outcome(events) == "added"
    assert events[-1].data["upload"]["progress"] == 1
    assert document["name"] == hit["source"] == "fractions.md"
    assert document["doc_id"] == hit["doc_id"] == events[-1].data["upload"]["doc_id"]
    assert "part of a whole" in hit["text"]
    assert service.delete(f"/kb/documents/{document['doc_id']}").status_code == 204
    assert service.delete(f"/kb/documents/{document['doc_id']}").status_code == 404
    assert service.get("/kb/documents").json()["items"] == []


def test_a_file_of_the_same_name_replaces_the_earlier_one(client: Client) -> None:
    service = client()

    assert outcome(upload(service, "a.txt", TEXT)) == "added"
    assert outcome(upload(service, "a.txt", TEXT)) == "unchanged"
    assert outcome(upload(service, "a.txt", b"other")) == "replaced"
    assert len(service.get("/kb/documents").json()["items"]) == 1


@pytest.mark.parametrize(
    ("name", "content"), [("a.exe", b"x"), ("a.pdf", b"no pdf"), ("a.txt", b""), ("a.docx", b"PK")]
)
def test_a_file_that_cannot_be_read_is_skipped_with_the_reason(
    client: Client, name: str, content: bytes
) -> None:
    service = client()
    events = upload(service, name, content)

    assert outcome(events) == "skipped"
    assert events[-1].data["upload"]["message"]
    assert service.get("/kb/documents").json()["items"] == []


def test_why_a_file_was_refused_is_told_in_the_language_of_whoever_reads(client: Client) -> None:
    service = client()
    refused = upload(service, "a.exe", b"x")[-1].data["upload"]["upload_id"]
    for language, words in (
        ("en", "files of the kind .exe cannot be read"),
        ("zh", "不支持 .exe 类型的文件"),
    ):
        headers = {"Accept-Language": language}
        assert service.get(f"/kb/uploads/{refused}", headers=headers).json()["message"] == words
        told = events_in(
            service.get(f"/kb/uploads/{refused}/events", headers=headers).text.splitlines()
        )
        assert [event.data["upload"]["message"] for event in told] == [words]


def test_a_file_over_the_limit_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, CONCERTINO_KB_MAX_FILE_MB="1")
    service = client()

    assert outcome(upload(service, "a.txt", b"words " * (900 << 10 >> 3))) == "added"
    for size in ((1 << 20) + 10, 3 << 20):
        refused = service.post("/kb/documents", files={"file": ("b.txt", b"x" * size)})
        assert refused.status_code == 413
        assert refused.headers["content-type"] == "application/problem+json"
        assert "1 MB" in refused.json()["detail"] or "1024 kB" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\notes.md", "notes.md"),
        ("..\\..", None),
        ("/", None),
        (".hidden", "hidden"),
        ("a\x00b\n.txt", "ab.txt"),
        ("课文.md", "课文.md"),
        ("x" * 300, None),
        ("\udcff", None),
    ],
)
def test_a_file_cannot_choose_its_folder(given: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(InvalidTask):
            clean_file_name(given)
    else:
        assert clean_file_name(given) == kept


def test_a_folder_is_no_document(
    client: Client, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = client()
    upload(service, "a.txt", TEXT)
    monkeypatch.chdir(home.parent)

    assert service.delete(f"/kb/documents/{home.name}").status_code == 404
    assert len(service.get("/kb/documents").json()["items"]) == 1


def test_each_key_has_documents_of_its_own(client: Client) -> None:
    mine, other = create("mine"), create("other")
    service = client()
    doc_id = upload(service, "a.txt", TEXT, mine)[-1].data["upload"]["doc_id"]
    sent = service.post("/kb/documents", files={"file": ("b.txt", TEXT)}, headers=mine)

    assert len(service.get("/kb/documents", headers=mine).json()["items"]) >= 1
    assert service.get("/kb/documents", headers=other).json()["items"] == []
    found = service.get("/kb/search", params={"q": "fraction"}, headers=other)
    assert found.json()["items"] == []
    assert service.delete(f"/kb/documents/{doc_id}", headers=other).status_code == 404
    assert service.get(sent.headers["location"], headers=other).status_code == 404
    assert service.get(f"{sent.headers['location']}/events", headers=other).status_code == 404


def test_a_task_is_answered_from_its_own_key_s_documents_alone(client: Client) -> None:
    mine, other = create("mine"), create("other")
    sentence = "A fraction is a part of a whole."
    says = {"statements": [{"passage": 1, "quote": sentence, "text": sentence}]}
    service = client(cited_answer=[says])
    upload(service, "a.txt", TEXT, mine)
    asked = {"question": "What is a fraction?", "workflow": "rag_qa"}

    def sources(header: dict[str, str]) -> list[str]:
        task = service.post("/tasks", json=asked, headers={**header, "Prefer": "wait=60"}).json()
        return [each["text"] for each in task["outputs"]["rag_qa"]["sources"]]

    assert any("part of a whole" in text for text in sources(mine))
    assert sources(other) == []


def test_a_file_that_was_taken_before_a_stop_is_added_after_it(
    client: Client, embedder: LetterPairs, home: Path
) -> None:
    reached, released = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        released.wait(PATIENCE)
        raise RuntimeError("the process was killed here")

    embedder.before = hold
    first = client()
    sent = first.post("/kb/documents", files={"file": ("a.txt", TEXT)})
    waiting = first.post("/kb/documents", files={"file": ("b.txt", TEXT)})
    assert reached.wait(PATIENCE)
    kept = home.with_name("kept")
    shutil.copytree(home, kept, ignore=shutil.ignore_patterns("*.lock", "lock"))
    released.set()
    first.__exit__(None, None, None)
    shutil.rmtree(home)
    kept.rename(home)
    embedder.before = lambda: None

    second = client()
    for response in (sent, waiting):
        events = events_in(second.get(f"{response.headers['location']}/events").text.splitlines())
        assert outcome(list(events)) == "added"
    assert not list((home / "uploads").iterdir())


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": " "}, {"q": "x", "top_k": 0}])
def test_a_search_without_a_question_is_refused(client: Client, query: dict[str, str]) -> None:
    assert client().get("/kb/search", params=query).status_code == 422
