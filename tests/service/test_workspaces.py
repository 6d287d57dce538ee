"""`/workspaces`, and tasks that work on one: approve, deny, download, undo; for an owner only."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.model_server import PATIENCE, use
from tests.scripted_model import done, next_action
from tests.service.conftest import Client, LiveService
from tests.service.test_keys import create

WAIT = {"Prefer": "wait=60"}
WRITE = {"path": "b.txt", "overwrite": True, "content": "12"}
WRITING = {
    "act_next": [next_action("file_write"), next_action("done")],
    "act_params": [WRITE],
    "act_done": [done("I have written 12 to b.txt.", "r1")],
}
DELETING = {
    "act_next": [next_action("file_delete"), next_action("done")],
    "act_params": [{"path": "a.txt", "folder": False}],
    "act_done": [done("a.txt has been deleted.", "r1")],
}


def make_workspace(service: TestClient, **files: str) -> str:
    """A workspace with these texts; `a` is the file a.txt."""
    made = service.post("/workspaces").json()["workspace"]
    for name, text in (files or {"a": "12 apples\n"}).items():
        service.put(f"/workspaces/{made}/files/{name}.txt", content=text.encode())
    return str(made)


def act(service: TestClient, workspace: str, question: str) -> dict[str, Any]:
    body = {"question": question, "workflow": "act", "workspace": workspace}
    response = service.post("/tasks", json=body, headers=WAIT)
    assert response.status_code == 200, response.text
    return dict(response.json())


def answer(service: TestClient, task: dict[str, Any], said: str, **more: Any) -> Any:
    return service.post(task["links"]["resume"], json={"answer": said, **more})


def read_end(service: TestClient, task: dict[str, Any]) -> dict[str, Any]:
    """The task, once its events are over."""
    assert service.get(task["links"]["events"]).status_code == 200
    return dict(service.get(task["links"]["self"]).json())


def text_of(service: TestClient, workspace: str, path: str) -> str | None:
    response = service.get(f"/workspaces/{workspace}/files/{path}")
    return response.text if response.status_code == 200 else None


def test_files_are_put_listed_downloaded_and_deleted(client: Client) -> None:
    service = client()
    made = make_workspace(service, a="one", b="two")
    files = service.get(f"/workspaces/{made}").json()["files"]
    assert files == [{"path": "a.txt", "size": 3}, {"path": "b.txt", "size": 3}]
    assert text_of(service, made, "a.txt") == "one"
    assert service.delete(f"/workspaces/{made}/files/a.txt").status_code == 204
    assert text_of(service, made, "a.txt") is None


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
def test_a_file_is_put_as_it_is_whatever_it_is_said_to_be(client: Client, kind: str) -> None:
    service = client()
    made = make_workspace(service)
    content = b'{"a": [1, 2'
    headers = {"Content-Type": kind}
    put = service.put(f"/workspaces/{made}/files/c.json", content=content, headers=headers)
    assert put.status_code == 204
    assert text_of(service, made, "c.json") == content.decode()


def test_workspaces_are_listed_with_their_first_files(client: Client) -> None:
    service = client()
    made = {make_workspace(service, a="one"): ["a.txt"], make_workspace(service, b=""): ["b.txt"]}
    items = service.get("/workspaces").json()["items"]
    assert {item["workspace"]: item["files"] for item in items} == made


def test_a_task_changes_a_file_tells_of_it_and_is_undone(client: Client) -> None:
    service = client(**WRITING)
    made = make_workspace(service)
    task = act(service, made, "Write the number of apples to b.txt")
    assert (task["status"], task["workspace"], task["undone"]) == ("verified", made, False)
    assert [effect["path"] for effect in task["effects"]] == ["b.txt"]
    assert text_of(service, made, "b.txt") == "12"
    undone = service.post(task["links"]["undo"])
    assert undone.json() == {"restored": ["b.txt"], "left": []}
    assert text_of(service, made, "b.txt") is None
    assert service.get(task["links"]["self"]).json()["undone"] is True


def test_undo_leaves_alone_what_was_changed_since(client: Client) -> None:
    service = client(**WRITING)
    made = make_workspace(service)
    task = act(service, made, "Write the number of apples to b.txt")
    service.put(f"/workspaces/{made}/files/b.txt", content=b"mine")
    assert service.post(task["links"]["undo"]).json() == {"restored": [], "left": ["b.txt"]}
    assert text_of(service, made, "b.txt") == "mine"
    assert service.get(task["links"]["self"]).json()["undone"] is False


def test_of_two_tasks_in_one_workspace_only_the_later_one_can_be_undone(client: Client) -> None:
    twice = {name: [*values, *values] for name, values in WRITING.items()}
    twice["act_params"] = [WRITE, {**WRITE, "content": "13"}]
    twice["act_done"] = [done("I have written it to b.txt.", "r1")] * 2
    service = client(**twice)
    made = make_workspace(service)
    first = act(service, made, "Write the number 12 to b.txt")
    second = act(service, made, "Write the number 13 to b.txt")
    assert service.post(first["links"]["undo"]).json()["left"] == ["b.txt"]
    assert service.post(second["links"]["undo"]).json()["restored"] == ["b.txt"]
    assert text_of(service, made, "b.txt") == "12"
    assert service.post(first["links"]["undo"]).json()["restored"] == ["b.txt"]
    assert text_of(service, made, "b.txt") is None


def test_a_task_without_a_workspace_has_nothing_to_undo(client: Client) -> None:
    service = client()
    body = {"question": "12 pens at 3 dollars?", "workflow": "solve_math"}
    task = service.post("/tasks", json=body, headers=WAIT).json()
    assert (task["workspace"], task["undone"]) == (None, False)
    assert service.post(task["links"]["undo"]).status_code == 422


def test_an_approval_is_given_for_what_was_seen(client: Client) -> None:
    service = client(**DELETING)
    made = make_workspace(service)
    task = act(service, made, "Delete a.txt")
    assert task["status"] == "needs_approval"
    [waiting] = task["approvals"]
    assert "-12 apples" in waiting["diff"]
    other = answer(service, task, "approve", digests=["0" * 64])
    assert other.status_code == 409
    assert text_of(service, made, "a.txt") == "12 apples\n", "nothing was approved"
    assert answer(service, task, "approve", digests=[waiting["digest"]]).status_code == 202
    assert read_end(service, task)["status"] == "verified"
    assert text_of(service, made, "a.txt") is None
    again = answer(service, task, "approve", digests=[waiting["digest"]])
    assert again.status_code == 409, "it was answered already"


def test_a_workspace_is_kept_while_a_task_waits_in_it(client: Client) -> None:
    service = client(**DELETING)
    made = make_workspace(service)
    task = act(service, made, "Delete a.txt")
    assert service.delete(f"/workspaces/{made}").status_code == 409
    assert service.post(task["links"]["cancel"]).status_code == 200
    assert service.delete(f"/workspaces/{made}").status_code == 204
    assert service.get(f"/workspaces/{made}").status_code == 404


def test_undo_in_a_workspace_that_is_gone_tells_no_path_of_the_machine(
    client: Client, home: Path
) -> None:
    service = client(**WRITING)
    made = make_workspace(service)
    task = act(service, made, "Write the number of apples to b.txt")
    assert service.delete(f"/workspaces/{made}").status_code == 204
    refused = service.post(task["links"]["undo"])
    assert refused.status_code == 409
    assert "deleted" in refused.json()["detail"]
    assert str(home) not in refused.text
    assert service.get(task["links"]["self"]).json()["workspace"] is None


def test_a_denial_keeps_the_file(client: Client) -> None:
    denied = {**DELETING, "act_done": [done("It was not deleted.", "r1", outcome="impossible")]}
    service = client(**denied)
    made = make_workspace(service)
    task = act(service, made, "Delete a.txt")
    digests = [approval["digest"] for approval in task["approvals"]]
    assert answer(service, task, "deny: I need it", digests=digests).status_code == 202
    [call] = read_end(service, task)["call_results"]
    assert (call["status"], call["preview"]) == ("denied", "I need it")
    assert text_of(service, made, "a.txt") == "12 apples\n"


@pytest.mark.parametrize("path", ["%2e%2e/x.txt", "a/../../x", "/etc/passwd", "x%00y", "n" * 400])
def test_a_name_that_leads_out_or_cannot_be_is_refused(client: Client, path: str) -> None:
    service = client()
    made = make_workspace(service)
    response = service.put(f"/workspaces/{made}/files/{path}", content=b"x")
    assert response.status_code in (404, 405, 422)
    assert [file["path"] for file in service.get(f"/workspaces/{made}").json()["files"]] == [
        "a.txt"
    ]


def test_a_file_that_is_too_large_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_KB_MAX_FILE_MB="1")
    service = client()
    made = make_workspace(service)
    response = service.put(f"/workspaces/{made}/files/large.bin", content=bytes((1 << 20) + 1))
    assert response.status_code == 413
    assert "1024 kB" in response.json()["detail"]
    assert text_of(service, made, "large.bin") is None


def test_what_is_anothers_is_not_there(client: Client) -> None:
    mine, other = create("mia"), create("tom")
    service = client(**WRITING)
    service.headers.update(mine)
    made = make_workspace(service)
    task = act(service, made, "Write the number of apples to b.txt")
    service.headers.update(other)
    for method, path in (
        ("GET", f"/workspaces/{made}"),
        ("GET", f"/workspaces/{made}/files/a.txt"),
        ("PUT", f"/workspaces/{made}/files/a.txt"),
        ("DELETE", f"/workspaces/{made}/files/a.txt"),
        ("DELETE", f"/workspaces/{made}"),
        ("POST", task["links"]["undo"]),
    ):
        assert service.request(method, path).status_code == 404, (method, path)
    asked = {"question": "Delete all", "workflow": "act", "workspace": made}
    assert service.post("/tasks", json=asked).status_code == 404
    assert service.get("/workspaces").json() == {"items": []}
    service.headers.update(mine)
    assert text_of(service, made, "b.txt") == "12"


def test_the_schema_says_that_a_file_is_bytes(client: Client) -> None:
    paths = client().get("/openapi.json").json()["paths"]
    file = paths["/workspaces/{workspace}/files/{path}"]
    assert list(file["get"]["responses"]["200"]["content"]) == ["application/octet-stream"]
    assert list(file["put"]["requestBody"]["content"]) == ["application/octet-stream"]


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
