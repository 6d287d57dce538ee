"""The history over HTTP: search, rename and delete tasks and threads."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.model_server import PATIENCE, PENS, ModelServer, use
from tests.scale import schema
from tests.service.conftest import Client, LiveService
from tests.service.streams import events_in

TASK = {"question": PENS, "workflow": "solve_math"}
WAIT = {"Prefer": "wait=60"}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the service store its tasks in this kind of database."""
    if request.param == "sqlite":
        yield
        return
    with schema() as address:
        use(monkeypatch, CONCERTINO_DATABASE_URL=address)
        yield


def run(service: Any, **changes: Any) -> dict[str, Any]:
    return dict(service.post("/tasks", json={**TASK, **changes}, headers=WAIT).json())


def find(service: Any, words: str) -> list[str]:
    return [each["task_id"] for each in service.get("/tasks", params={"q": words}).json()["items"]]


@pytest.mark.usefixtures("database")
def test_tasks_are_found_renamed_and_deleted(client: Client, home: Path) -> None:
    service = client()
    first, second = run(service), run(service, question=f"{PENS} 文具")
    here = f"/tasks/{second['task_id']}"

    assert find(service, "文具 PENS") == [second["task_id"]]
    renamed = service.patch(here, json={"name": " Homework,\n page 12\0 "}).json()
    assert renamed["name"] == service.get(here).json()["name"] == "Homework, page 12"
    assert find(service, "homework") == [second["task_id"]]
    assert service.patch(here, json={"name": None}).json()["name"] is None
    assert service.patch(here, json={"name": "x" * 201}).status_code == 422
    assert service.patch(here, json={}).status_code == 422

    assert service.delete(here).status_code == 204
    for method, part in (("GET", ""), ("GET", "/events"), ("DELETE", ""), ("POST", "/cancel")):
        assert service.request(method, here + part).status_code == 404
    assert find(service, "") == [first["task_id"]]
    assert service.get(f"/tasks/{first['task_id']}").json()["final_answer"] == "36"
    texts = [path.read_text() for path in (home / "traces").glob("*.jsonl")]
    assert not any(second["task_id"] in text for text in texts)
    assert any(first["task_id"] in text for text in texts)


@pytest.mark.usefixtures("database")
def test_a_thread_is_named_and_deleted_as_a_whole(client: Client) -> None:
    service = client(restate=[{"task": PENS}])
    first = run(service)
    follow_up = run(service, thread_id=first["thread_id"])
    other = run(service)
    here = f"/threads/{first['thread_id']}"

    assert service.patch(here, json={"name": "Shopping"}).json()["name"] == "Shopping"
    shown = service.get(here).json()
    ids = [first["task_id"], follow_up["task_id"]]
    assert [each["task_id"] for each in shown["items"]] == ids
    assert {each["thread_name"] for each in shown["items"]} == {"Shopping"}
    assert sorted(find(service, "shopping")) == sorted(ids)

    assert service.delete(here).status_code == 204
    assert service.get(here).status_code == service.delete(here).status_code == 404
    assert find(service, "") == [other["task_id"]]


def test_a_deleted_task_s_idempotency_key_makes_a_new_one(client: Client) -> None:
    service, key = client(), {"Idempotency-Key": "k", **WAIT}
    first = service.post("/tasks", json=TASK, headers=key).json()
    service.delete(f"/tasks/{first['task_id']}")
    again = service.post("/tasks", json=TASK, headers=key).json()
    assert again["task_id"] != first["task_id"]
    assert again["status"] == "verified"


def test_a_running_task_is_stopped_and_a_waiting_one_leaves_the_queue(
    live: Callable[[], LiveService],
    serve: Callable[..., ModelServer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_WORKERS="1")
    hold = serve().hold("planning")
    service = live()
    running, waiting = (httpx.post(f"{service.url}/tasks", json=TASK).json() for _ in range(2))
    hold.wait()
    here = f"{service.url}/tasks/{running['task_id']}"
    with httpx.stream("GET", f"{here}/events", timeout=PATIENCE) as stream:
        events = events_in(stream.iter_lines())
        assert next(events).type == "started"
        for task in (waiting, running):
            assert httpx.delete(f"{service.url}/tasks/{task['task_id']}").status_code == 204
        list(events)  # the stream ends
    hold.released.set()
    assert httpx.get(f"{service.url}/tasks").json()["items"] == []

    last = httpx.post(f"{service.url}/tasks", json=TASK, headers=WAIT, timeout=PATIENCE).json()
    assert last["status"] == "verified", "the worker goes on"
    service.stop()
    assert not [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_of_requests_to_delete_or_cancel_a_task_at_once_none_is_refused(
    live: Callable[[], LiveService],
    serve: Callable[..., ModelServer],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_WORKERS="1")
    hold = serve().hold("planning")
    service = live()
    running, waiting = (httpx.post(f"{service.url}/tasks", json=TASK).json() for _ in range(2))
    hold.wait()

    for task in (waiting, running):
        address = task["links"]["cancel"] if method == "POST" else task["links"]["self"]

        def ask(_: int, address: str = service.url + address) -> int:
            return httpx.request(method, address, timeout=PATIENCE).status_code

        with ThreadPoolExecutor(4) as pool:
            # Whoever comes after the deletion finds no task.
            assert set(pool.map(ask, range(4))) <= {200, 204, 404}
    statuses = [each["status"] for each in httpx.get(f"{service.url}/tasks").json()["items"]]
    assert statuses == ([] if method == "DELETE" else ["cancelled"] * 2)


def test_a_task_that_another_process_holds_is_not_deleted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("concertino.service.waiting.PATIENCE", 0.0)
    service = client()
    task = run(service)
    store = service.app.state.service.ledger.tasks  # type: ignore[attr-defined]

    async def delete_while_held() -> int:
        async with store.claim(task["task_id"]):
            return (await asyncio.to_thread(service.delete, task["links"]["self"])).status_code

    assert service.portal
    assert service.portal.call(delete_while_held) == 409
    assert service.get(task["links"]["self"]).status_code == 200


def test_a_queued_task_can_be_rated_and_the_rating_counts_at_its_end(
    client: Client, serve: Callable[..., ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_WORKERS="1")
    hold = serve().hold("coordinator")
    service = client(model=None)
    service.post("/tasks", json=TASK)
    hold.wait()
    queued = service.post("/tasks", json=TASK).json()
    rated = service.post(queued["links"]["feedback"], json={"rating": 1, "comment": "a\0b"})
    assert (rated.status_code, rated.json()["status"]) == (200, "queued")
    assert rated.json()["rating"] == 1
    hold.released.set()

    [*_, done] = events_in(service.get(queued["links"]["events"]).text.splitlines())
    terms = {each["name"] for each in done.data["result"]["reward"]["quality_terms"]}
    assert "rating" in terms


@pytest.mark.usefixtures("database")
def test_null_characters_are_left_out_and_broken_characters_refused_alike(client: Client) -> None:
    service = client()
    task = run(service, question=PENS.replace(" ", "\0 "), inputs={})
    assert (task["status"], task["question"]) == ("verified", PENS)
    assert service.get("/tasks/%00").status_code == 404
    rated = service.post(task["links"]["feedback"], json={"rating": 5, "comment": "\0"})
    assert rated.status_code == 200
    assert find(service, "pens\0") == [task["task_id"]]

    sent = {"headers": {"Content-Type": "application/json"}}
    here = f"/tasks/{task['task_id']}"
    for method, path, body in (
        ("POST", "/tasks", '{"question": "a \\ud83d"}'),
        ("POST", "/tasks", '{"question": "a", "inputs": {"audience": "\\ud83d"}}'),
        ("POST", f"{here}/feedback", '{"rating": 1, "comment": "\\ud83d"}'),
        ("POST", f"{here}/resume", '{"answer": "\\ud83d"}'),
        ("PATCH", here, '{"name": "\\ud83d"}'),
        ("PATCH", f"/threads/{task['thread_id']}", '{"name": "\\ud83d"}'),
    ):
        refused = service.request(method, path, content=body, **sent)
        assert refused.status_code == 422
        assert "half an emoji" in refused.text


def test_an_answer_that_is_no_text_says_what_it_has_to_be(client: Client) -> None:
    service = client()
    task = run(service)
    wrong = service.post(task["links"]["resume"], json={"answer": {"text": "3"}})
    assert wrong.status_code == 422
    assert "plain text" in wrong.json()["errors"][0]["detail"]
