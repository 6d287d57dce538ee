import asyncio
import importlib
import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from concertino.errors import ModelError
from concertino.models import embedded
from concertino.models.embedded import EmbeddedServer, get_embedded_server, start_embedded
from concertino.settings import Settings

real = pytest.mark.embedded


@pytest.fixture(scope="module")
def server(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    folder = tmp_path_factory.mktemp("slots")
    started = EmbeddedServer(weights, slot_folder=folder, context=8192, parallel=1)
    yield started
    started.close()


def ask(server: EmbeddedServer, question: str, **options: Any) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": question}], "temperature": 0, **options}
    response = httpx.post(
        f"{server.base_url}/chat/completions",
        json={"max_tokens": 40, **body},
        headers={"Authorization": f"Bearer {server.api_key}"},
        timeout=300,
    )
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def run(weights: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that finds a `server` and `generate()`, which returns once text arrives."""
    start = f"""
        import os, signal, sys, threading, httpx
        from pathlib import Path
        from concertino.models.embedded import get_embedded_server

        weights, sizes = Path({str(weights)!r}), dict(context=2048, parallel=1)
        server = get_embedded_server(weights, slot_folder=Path("none"), **sizes)

        def generate():
            def read():
                body = {{"messages": [{{"role": "user", "content": "Tell a very long story."}}],
                        "stream": True}}
                headers = {{"Authorization": "Bearer " + server.api_key}}
                url = server.base_url + "/chat/completions"
                try:
                    with httpx.stream("POST", url, json=body, headers=headers, timeout=300) as r:
                        for line in r.iter_lines():
                            started.set()
                except httpx.HTTPError:
                    pass
            started = threading.Event()
            threading.Thread(target=read, daemon=True).start()
            assert started.wait(120)
        """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(start) + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@real
def test_it_answers_on_loopback_to_its_key_alone(server: EmbeddedServer) -> None:
    assert server.base_url.startswith("http://127.0.0.1:")
    answer = ask(server, "What is 2 + 3? Answer with the number only.")
    assert "5" in answer["choices"][0]["message"]["content"]
    assert answer["model"] == server.model
    assert httpx.post(f"{server.base_url}/chat/completions", json={}).status_code == 401


@real
def test_output_keeps_to_the_schema_and_its_order(server: EmbeddedServer) -> None:
    properties = {
        "reasoning": {"type": "string", "maxLength": 40},
        "action": {"enum": ["plan", "complete"]},
        "letters": {"type": "array", "items": {"$ref": "#/$defs/letter"}, "maxItems": 2},
    }
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "$defs": {"letter": {"type": "string", "pattern": "^[a-z]$"}},
    }
    answer = ask(
        server,
        "Answer with the action `destroy` and all the letters of the alphabet.",
        max_tokens=200,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    )
    found = json.loads(answer["choices"][0]["message"]["content"])
    assert list(found) == list(properties)
    assert len(found["reasoning"]) <= 40
    assert found["action"] in ("plan", "complete")
    assert len(found["letters"]) <= 2
    assert all(len(letter) == 1 for letter in found["letters"])


@real
def test_a_schema_that_cannot_be_compiled_is_a_bad_request(server: EmbeddedServer) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/missing"}}}
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        ask(
            server,
            "Hello",
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
        )


@real
def test_a_prompt_that_begins_like_an_earlier_one_is_reused(server: EmbeddedServer) -> None:
    beginning = "You are a careful teacher of mathematics. " * 20
    ask(server, f"{beginning} One.", max_tokens=2)
    usage = ask(server, f"{beginning} Two.", max_tokens=2)["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] > 100


@real
def test_dropping_the_connection_stops_the_generation(server: EmbeddedServer) -> None:
    endless = {"messages": [{"role": "user", "content": "Count."}], "ignore_eos": True}
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.base_url}/chat/completions", json=endless, headers=headers, timeout=2)
    # There is one slot: had the generation gone on, this would wait for thousands of tokens.
    short = {**endless, "max_tokens": 1}
    httpx.post(f"{server.base_url}/chat/completions", json=short, headers=headers, timeout=30)


@real
def test_threads_that_ask_at_once_share_one_server(weights: Path, tmp_path: Path) -> None:
    def get(_: int) -> EmbeddedServer:
        return get_embedded_server(weights, slot_folder=tmp_path, context=2048, parallel=1)

    with ThreadPoolExecutor(3) as pool:
        assert len({id(server) for server in pool.map(get, range(3))}) == 1


@real
def test_a_process_exits_with_its_own_code_during_a_generation_and_says_nothing(
    weights: Path,
) -> None:
    done = run(weights, "generate(); sys.exit(3)")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@real
def test_a_process_exits_right_after_loading(weights: Path) -> None:
    assert run(weights, "print('loaded')").returncode == 0


@real
@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
def test_an_interrupt_during_a_generation_ends_the_process(weights: Path) -> None:
    program = "generate(); os.kill(os.getpid(), signal.SIGINT); threading.Event().wait()"
    done = run(weights, program)
    assert done.returncode in (130, -2)
    assert done.stderr.endswith("KeyboardInterrupt\n")


@real
@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
def test_a_termination_during_a_generation_ends_the_process(weights: Path) -> None:
    program = "generate(); os.kill(os.getpid(), signal.SIGTERM); threading.Event().wait()"
    assert run(weights, program).returncode == -15


@real
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_loads_its_own_server_and_leaves_the_parents_alone(weights: Path) -> None:
    program = """
        child = os.fork()
        if child == 0:
            own = get_embedded_server(weights, slot_folder=Path("none"), **sizes)
            assert own.base_url != server.base_url
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert server is get_embedded_server(weights, slot_folder=Path("none"), **sizes)
        generate()
        """
    done = run(weights, program)
    assert done.returncode == 0, done.stderr


def test_a_file_that_is_no_model_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"model\.gguf"):
        EmbeddedServer(tmp_path / "model.gguf", slot_folder=tmp_path)


def test_a_library_that_does_not_load_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ImportError("libgomp.so.1: cannot open shared object file")

    embedded._load_library.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(importlib, "import_module", fail)
        with pytest.raises(ModelError, match="libgomp1"):
            EmbeddedServer(Path("any.gguf"), slot_folder=Path("none"))


def test_loading_the_library_leaves_the_environment_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    embedded._load_library.cache_clear()
    embedded._load_library()
    assert "OMP_WAIT_POLICY" not in os.environ


def test_it_takes_no_more_threads_than_the_process_may_run() -> None:
    assert 1 <= embedded._count_cores() <= (os.cpu_count() or 1)


def test_an_interrupted_start_does_not_wait_for_the_fetch_that_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, let_go, fetched = threading.Event(), threading.Event(), threading.Event()

    def fetch(*_: Any, **__: Any) -> None:
        begun.set()
        let_go.wait(30)
        fetched.set()

    async def interrupted() -> None:
        starting = asyncio.create_task(start_embedded(Settings()))
        await asyncio.to_thread(begun.wait)
        starting.cancel()
        await starting

    monkeypatch.setattr(embedded, "ensure_weights", fetch)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert not fetched.is_set()
    let_go.set()
