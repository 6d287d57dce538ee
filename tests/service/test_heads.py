"""`HEAD` wherever `GET` is."""

from collections.abc import Callable

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.model_server import PATIENCE, PENS, ModelServer
from tests.service.conftest import LiveService

PATHS = ["/", "/tasks", "/workflows", "/v1/models", "/health/live", "/metrics", "/openapi.json"]


@pytest.mark.parametrize("path", PATHS)
def test_the_head_of_a_path_is_that_of_its_answer(
    client: Callable[..., TestClient], path: str
) -> None:
    service = client()
    head, whole = service.head(path), service.get(path)
    assert head.status_code == whole.status_code == 200
    assert head.content == b""
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_the_head_of_what_does_not_exist_says_so(client: Callable[..., TestClient]) -> None:
    service = client()
    assert service.head("/tasks/odd").status_code == 404
    assert service.head("/odd").status_code == 404


def test_the_head_of_a_stream_does_not_wait_for_its_end(
    live: Callable[[], LiveService], serve: Callable[..., ModelServer]
) -> None:
    serve().hold("coordinator")
    service = live()
    task = httpx.post(f"{service.url}/tasks", json={"question": PENS}).json()
    head = httpx.head(f"{service.url}{task['links']['events']}", timeout=PATIENCE)
    assert head.status_code == 200
    assert head.headers["content-type"].startswith("text/event-stream")
