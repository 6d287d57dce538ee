"""What keeps other sites and machines away, and how the command refuses to open up."""

import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest

from tests.model_server import PATIENCE, PENS
from tests.service.conftest import Client, LiveService

COMMAND = [sys.executable, "-c", "from concertino.cli.service import serve; serve()"]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "192.168.1.5:8000",
        "localhost.evil",
        "evil@127.0.0.1",
    ],
)
def test_without_a_key_other_host_names_are_refused(client: Client, host: str) -> None:
    refused = client().get("/tasks", headers={"Host": host})

    assert refused.status_code == 403
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "localhost:1234", "[::1]:8000"])
def test_without_a_key_this_machine_s_names_are_served(client: Client, host: str) -> None:
    assert client().get("/tasks", headers={"Host": host}).is_success


def test_without_a_key_other_machines_are_refused(client: Client) -> None:
    assert client(peer=("192.168.1.5", 4000)).get("/tasks").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_without_a_key_pages_of_other_sites_cannot_start_a_task(
    client: Client, headers: dict[str, str]
) -> None:
    service = client()
    refused = service.post("/tasks", json={"question": PENS}, headers=headers)

    assert refused.status_code == 403
    assert service.get("/tasks").json()["items"] == []


def test_the_own_page_can_start_a_task(client: Client) -> None:
    own = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert client().post("/tasks", json={"question": PENS}, headers=own).status_code == 202


@pytest.mark.parametrize("path", ["/tasks", "/nothing", "/page/app.js", "/openapi.json"])
def test_every_answer_has_the_security_headers_and_none_for_other_origins(
    client: Client, path: str
) -> None:
    headers = client().get(path, headers={"Origin": "http://127.0.0.1:8000"}).headers

    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert not [name for name in headers if name.startswith("access-control")]


def test_it_does_not_listen_for_other_machines_without_a_key() -> None:
    ended = subprocess.run(
        [*COMMAND, "--host", "0.0.0.0", "--port", "0"],  # noqa: S104
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.returncode != 0
    assert "concertino keys create" in ended.stderr


def test_a_second_service_on_the_same_home_is_refused(live: Callable[[], LiveService]) -> None:
    service = live()
    ended = subprocess.run(
        [*COMMAND, "--port", "0"], capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode != 0
    assert "CONCERTINO_HOME" in ended.stderr
    assert httpx.get(f"{service.url}/health/live").is_success


def test_a_port_in_use_is_told(live: Callable[[], LiveService]) -> None:
    port = live().url.rpartition(":")[2]
    ended = subprocess.run(
        [*COMMAND, "--port", port], capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode != 0
    assert "--port" in ended.stderr
