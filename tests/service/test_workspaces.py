"""Workspaces over HTTP: files come and go as they are, whatever clients call them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.model_server import PATIENCE
from tests.service.conftest import Client, LiveService


def test_a_file_is_kept_as_it_is_sent_and_deleted(client: Client) -> None:
    service = client()
    here = service.post("/workspaces").headers["Location"]
    file = f"{here}/files/notes/a.json"
    # What curl, browsers and JSON clients say of the same bytes.
    for kind in (None, "application/json", "text/csv", "application/x-www-form-urlencoded"):
        content = f'{{"kind": "{kind}"}}\r\n\0'.encode()
        headers = {"Content-Type": kind} if kind else {}
        assert service.put(file, content=content, headers=headers).status_code == 204
        read = service.get(file)
        assert (read.content, read.headers["content-type"]) == (content, "application/octet-stream")
    [listed] = service.get(here).json()["files"]
    assert listed == {"path": "notes/a.json", "size": len(content)}
    assert service.delete(file).status_code == 204
    assert service.get(file).status_code == service.delete(file).status_code == 404


def test_the_schema_says_that_a_file_is_bytes(client: Client) -> None:
    paths = client().get("/openapi.json").json()["paths"]
    file = paths["/workspaces/{workspace}/files/{path}"]
    assert list(file["get"]["responses"]["200"]["content"]) == ["application/octet-stream"]
    assert list(file["put"]["requestBody"]["content"]) == ["application/octet-stream"]


def test_no_path_leads_out_of_a_workspace(client: Client) -> None:
    service = client(raises=False)
    here = service.post("/workspaces").headers["Location"]
    for path in ("..%2Fa", "%2Fetc%2Fpasswd", "%00", "..", "a%2F..%2F..%2Fb"):
        assert 400 <= service.put(f"{here}/files/{path}", content=b"x").status_code < 500
    assert service.get(here).json()["files"] == []


def test_a_file_that_is_too_large_is_refused_with_the_limit(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCERTINO_KB_MAX_FILE_MB", "1")
    service = client()
    here = service.post("/workspaces").headers["Location"]
    refused = service.put(f"{here}/files/a", content=b"x" * (1 << 20 | 1))
    assert refused.status_code == 413
    assert "1024 kB" in refused.json()["detail"]


def test_of_deletions_at_once_one_deletes_and_the_others_find_nothing(
    live: Callable[[], LiveService],
) -> None:
    url = live().url
    for _ in range(3):
        here = url + httpx.post(f"{url}/workspaces").headers["Location"]
        for number in range(20):
            httpx.put(f"{here}/files/{number}/a", content=b"x").raise_for_status()

        def delete(_: int, here: str = here) -> int:
            return httpx.delete(here, timeout=PATIENCE).status_code

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(delete, range(6))) == [204] + [404] * 5
