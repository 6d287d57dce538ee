"""`/health/ready`: what is tried, and what is said of what does not work."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from concertino.service import readiness

from tests.model_server import SECRET, ModelServer, use
from tests.scale import schema
from tests.scripted_server import ScriptedServer
from tests.service.conftest import Client
from tests.service.test_live import DeafModel

ALL_WELL = {"database": "ok", "queue": "ok", "model": "ok"}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PATIENCE", 0.2)


@pytest.fixture
def deaf() -> Iterator[DeafModel]:
    model = DeafModel()
    yield model
    model.close()


def test_a_service_whose_database_queue_and_model_answer_is_ready(
    client: Client, serve: Callable[..., ModelServer]
) -> None:
    serve()
    response = client(model=None).get("/health/ready")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "checks": ALL_WELL}


def test_a_provider_without_its_key_is_named(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_PROVIDER="openai")
    service = client()
    response = service.get("/health/ready")

    assert response.status_code == 503
    assert "OPENAI_API_KEY" in response.json()["checks"]["model"]
    assert service.get("/health/live").json() == {"status": "ok"}


def test_a_model_that_nobody_serves_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    checks = client().get("/health/ready").json()["checks"]
    assert checks == {**ALL_WELL, "model": checks["model"]}
    assert "cannot be reached" in checks["model"]


@pytest.mark.parametrize(("status", "message"), [(401, "refused the key"), (503, "503")])
def test_a_model_server_that_refuses_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch, status: int, message: str
) -> None:
    server = ScriptedServer(lambda body: (200, ""), models=(status, {"error": SECRET}))
    use(monkeypatch, OPENAI_BASE_URL=server.url, OPENAI_API_KEY=SECRET)
    checks = client().get("/health/ready").json()["checks"]
    server.close()

    assert message in checks["model"]
    assert SECRET not in checks["model"]


@pytest.mark.usefixtures("impatient")
def test_a_model_server_that_does_not_answer_holds_the_probe_up_for_a_moment_only(
    client: Client, deaf: DeafModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, OPENAI_BASE_URL=deaf.url)
    assert "no answer" in client().get("/health/ready").json()["checks"]["model"]


@pytest.mark.usefixtures("impatient")
def test_a_database_that_another_keeps_locked_is_not_ready_until_it_is_free(
    client: Client, home: Path
) -> None:
    service = client()
    other = sqlite3.connect(home / "tasks.sqlite", isolation_level=None)
    other.execute("begin exclusive")
    for _ in range(2):
        assert "no answer" in service.get("/health/ready").json()["checks"]["database"]
    other.execute("commit")
    other.close()
    while service.get("/health/ready").status_code != 200:
        pass


def test_a_redis_that_is_gone_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with schema() as database:
        use(
            monkeypatch,
            CONCERTINO_DATABASE_URL=database,
            CONCERTINO_REDIS_URL="redis://127.0.0.1:9/0",
        )
        service = client()
        checks = service.get("/health/ready").json()["checks"]
        service.__exit__(None, None, None)
    assert checks == {**ALL_WELL, "queue": "ConnectionError"}


def test_the_model_is_not_asked_at_each_probe(
    client: Client, serve: Callable[..., ModelServer]
) -> None:
    server = serve()
    service = client(model=None)
    for _ in range(5):
        service.get("/health/ready")
    assert len(server.keys) == 1


def test_a_model_file_that_is_missing_is_named(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_MODEL_PATH="/nowhere/model.gguf")
    assert "/nowhere/model.gguf" in client().get("/health/ready").json()["checks"]["model"]
