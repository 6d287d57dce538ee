"""`/tasks` over HTTP, with a scripted model."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from concertino import run_task, workflows

from tests.model_server import PENS, ModelServer, use
from tests.scripted_model import ScriptedModel, comprehension, decision
from tests.service.conftest import Client
from tests.service.streams import events_in

TASK = {"question": PENS, "workflow": "solve_math"}
WAIT = {"Prefer": "wait=60"}


def test_a_task_is_accepted_with_links_and_worked_on(client: Client) -> None:
    service = client()
    accepted = service.post("/tasks", json=TASK)

    assert accepted.status_code == 202
    links = accepted.json()["links"]
    assert accepted.headers["location"] == links["self"]
    [*_, last] = events_in(service.get(links["events"]).text.splitlines())
    assert last.type == "done"
    task = service.get(links["self"]).json()
    assert task["status"] == "verified"
    assert task["final_answer"] == "36"
    assert last.data["result"].items() <= task.items()


def test_who_prefers_to_wait_gets_the_result(client: Client) -> None:
    response = client().post("/tasks", json=TASK, headers=WAIT)

    assert response.status_code == 200
    assert response.headers["preference-applied"] == "wait=60"
    assert response.json()["final_answer"] == "36"


def test_the_result_is_that_of_the_python_api(
    client: Client, scripted: Callable[..., ScriptedModel]
) -> None:
    served = client().post("/tasks", json=TASK, headers=WAIT).json()
    direct = run_task(PENS, workflow="solve_math", model=scripted())

    assert direct.keys() <= served.keys()
    assert served["report"] == direct["report"]


def test_waiting_has_an_end(
    client: Client, serve: Callable[..., ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_WAIT_SECONDS="1")
    hold = serve().hold("coordinator")
    service = client(model=None)
    response = service.post("/tasks", json=TASK, headers={"Prefer": "respond-async, wait=500"})

    assert response.status_code == 202
    assert response.headers["preference-applied"] == "wait=1"
    assert response.json()["status"] == "running", "as it is now, not as it was accepted"
    hold.released.set()


def test_the_same_idempotency_key_makes_one_task(client: Client) -> None:
    service, key = client(), {"Idempotency-Key": "k1"}
    first = service.post("/tasks", json=TASK, headers={**key, **WAIT}).json()
    again = service.post("/tasks", json=TASK, headers={**key, **WAIT}).json()
    other = service.post("/tasks", json={"question": "another"}, headers=key)

    assert again["task_id"] == first["task_id"]
    assert other.status_code == 422
    assert "Idempotency-Key" in other.json()["detail"]
    assert len(service.get("/tasks").json()["items"]) == 1


def test_tasks_are_listed_in_pages_newest_first(client: Client) -> None:
    service = client()
    made = [service.post("/tasks", json=TASK, headers=WAIT).json()["task_id"] for _ in range(3)]
    first = service.get("/tasks", params={"limit": 2}).json()
    second = service.get("/tasks", params={"limit": 2, "cursor": first["next"]}).json()

    assert [task["task_id"] for task in first["items"] + second["items"]] == made[::-1]
    assert second["next"] is None
    assert service.get("/tasks", params={"status": "failed"}).json()["items"] == []
    assert len(service.get("/tasks", params={"status": "verified"}).json()["items"]) == 3


def test_events_have_growing_numbers_and_are_replayed_after_any_of_them(client: Client) -> None:
    service = client()
    task_id = service.post("/tasks", json=TASK, headers=WAIT).json()["task_id"]
    where = f"/tasks/{task_id}/events"
    events = list(events_in(service.get(where).text.splitlines()))

    assert [event.id for event in events] == list(range(1, len(events) + 1))
    kinds = {"started", "node_start", "node_end", "decision", "turn", "done"}
    assert {event.type for event in events} == kinds
    assert all(event.data["type"] == event.type for event in events)
    rest = service.get(where, headers={"Last-Event-ID": "4"}).text.splitlines()
    assert list(events_in(rest)) == events[4:]
    unknown = service.get(where, headers={"Last-Event-ID": "none of ours"}).text.splitlines()
    reset, *again = events_in(unknown)
    assert (reset.type, again) == ("reset", events), "what was read is to be forgotten"
    all_read = service.get(where, headers={"Last-Event-ID": str(len(events))})
    assert all_read.status_code == 204


def test_events_are_replayed_after_a_restart(client: Client) -> None:
    first = client()
    task_id = first.post("/tasks", json=TASK, headers=WAIT).json()["task_id"]
    before = first.get(f"/tasks/{task_id}/events").text
    first.__exit__(None, None, None)

    assert client().get(f"/tasks/{task_id}/events").text == before


def _asking() -> dict[str, list[Any]]:
    return {
        "comprehension": [comprehension(missing=["the price"]), comprehension()],
        "coordinator": [decision("comprehension"), decision("need_input", "What is the price?")],
    }


def test_a_question_to_the_person_is_an_event_and_the_answer_goes_on(client: Client) -> None:
    service = client(**_asking())
    asked = {"question": "A shop sells 12 pens. What do they cost?", "workflow": "solve_math"}
    paused = service.post("/tasks", json=asked, headers=WAIT)

    assert paused.status_code == 200
    assert paused.json()["input_request"] == "What is the price?"
    links = paused.json()["links"]
    assert service.post(links["resume"], json={"answer": " "}).status_code == 422
    assert service.post(links["resume"], json={}).status_code == 422
    resumed = service.post(links["resume"], json={"answer": "3 dollars"})
    assert resumed.status_code == 202
    events = list(events_in(service.get(links["events"]).text.splitlines()))
    ends = [event for event in events if event.type in ("needs_input", "done")]
    assert [event.type for event in ends] == ["needs_input", "done", "done"]
    assert ends[0].data["question"] == "What is the price?"
    assert ends[-1].data["result"]["status"] == "verified"
    stored = [event.id for event in events if event.type != "token"]
    assert stored == list(range(1, len(stored) + 1))


def test_what_has_ended_is_not_resumed_and_not_cancelled(client: Client) -> None:
    service = client()
    links = service.post("/tasks", json=TASK, headers=WAIT).json()["links"]

    for link in ("resume", "cancel"):
        refused = service.post(links[link], json={})
        assert refused.status_code == 409
        assert "verified" in refused.json()["detail"]


def test_a_failed_task_tells_why_and_can_be_taken_up(client: Client) -> None:
    service = client(planning=[RuntimeError("the server is gone"), {"steps": []}])
    failed = service.post("/tasks", json=TASK, headers=WAIT).json()

    assert failed["status"] == "failed"
    assert "the server is gone" in failed["error"]
    events = list(events_in(service.get(failed["links"]["events"]).text.splitlines()))
    assert [event.type for event in events[-2:]] == ["error", "done"]
    assert events[-2].data["error"] == failed["error"]
    assert service.post(failed["links"]["resume"], json={}).status_code == 202


def test_a_task_that_waits_for_its_person_can_be_cancelled(client: Client) -> None:
    service = client(**_asking())
    asked = {"question": "A shop sells 12 pens. What do they cost?", "workflow": "solve_math"}
    links = service.post("/tasks", json=asked, headers=WAIT).json()["links"]

    assert service.post(links["cancel"]).json()["status"] == "cancelled"
    assert service.post(links["cancel"]).json()["status"] == "cancelled"
    assert service.get("/tasks", params={"status": "cancelled"}).json()["items"]


def test_a_queued_task_can_be_cancelled_and_is_never_run(
    client: Client, serve: Callable[..., ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_WORKERS="1")
    model = serve()
    hold = model.hold("coordinator")
    service = client(model=None)
    running = service.post("/tasks", json=TASK).json()["links"]
    hold.wait()
    queued = service.post("/tasks", json={"question": "never asked"}).json()["links"]

    assert service.post(queued["cancel"]).json()["status"] == "cancelled"
    hold.released.set()
    service.get(running["events"])
    assert "never asked" not in json.dumps(model.requests)


def test_a_full_queue_refuses_with_when_to_try_again(
    client: Client, serve: Callable[..., ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_WORKERS="1", CONCERTINO_SERVE_QUEUE="1")
    hold = serve().hold("coordinator")
    service = client(model=None)
    service.post("/tasks", json=TASK)
    hold.wait()

    assert service.post("/tasks", json=TASK).status_code == 202
    refused = service.post("/tasks", json=TASK)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert "full" in service.get("/health/ready").json()["checks"]["queue"]
    hold.released.set()


def test_a_rating_is_kept_with_the_task(client: Client) -> None:
    service = client()
    links = service.post("/tasks", json=TASK, headers=WAIT).json()["links"]

    assert service.post(links["feedback"], json={"rating": 4}).json()["rating"] == 4
    assert service.post(links["feedback"], json={"rating": 1, "comment": "no"}).is_success
    assert service.get(links["self"]).json()["rating"] == 1
    assert service.post(links["feedback"], json={"rating": 6}).status_code == 422


def test_a_task_can_follow_up_another(client: Client) -> None:
    service = client(restate=[{"task": "What do 12 pens at 5 dollars cost?"}])
    first = service.post("/tasks", json=TASK, headers=WAIT).json()
    follow_up = {**TASK, "question": "and at 5?", "thread_id": first["thread_id"]}
    second = service.post("/tasks", json=follow_up, headers=WAIT).json()

    assert second["thread_id"] == first["task_id"]
    assert second["iteration_history"][0]["actor"] == "restate"
    nowhere = service.post("/tasks", json={**TASK, "thread_id": "nowhere"})
    assert nowhere.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/tasks/nothing", 404),
        ("GET", "/tasks/nothing/events", 404),
        ("POST", "/tasks/nothing/cancel", 404),
        ("DELETE", "/tasks", 405),
        ("POST", "/tasks", 422),
        ("GET", "/tasks?limit=0", 422),
        ("GET", "/tasks?cursor=x", 422),
        ("GET", "/tasks?status=odd", 422),
    ],
)
def test_refusals_are_problem_documents(
    client: Client, method: str, path: str, status: int
) -> None:
    response = client().request(method, path)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"question": ""},
        {"question": " \n"},
        {"question": "x" * 200_000},
        {"question": 12},
        {"question": PENS, "workflow": "odd"},
        {"question": PENS, "inputs": {"odd": 1}},
        {"question": PENS, "max_iterations": 0},
        {"question": PENS, "surprise": True},
        {"question": PENS, "model": "openai"},
    ],
)
def test_a_task_that_cannot_be_worked_on_is_refused(client: Client, body: dict[str, Any]) -> None:
    service = client()
    assert service.post("/tasks", json=body).status_code == 422
    assert service.get("/tasks").json()["items"] == []


def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    service = client()
    for content in (b"x" * (2 << 20), iter([b"x" * (1 << 20)] * 2)):
        refused = service.post("/tasks", content=content)
        assert refused.status_code == 413
        assert refused.headers["content-type"] == "application/problem+json"
        assert "at most 1024 kB" in refused.json()["detail"]


def test_data_nested_too_deep_are_refused(client: Client) -> None:
    service = client(raises=False)
    deep = f'{{"question": "{PENS}", "inputs": {{"style": {"[" * 500}{"]" * 500}}}}}'
    headers = {"Content-Type": "application/json"}
    refused = service.post("/tasks", content=deep, headers=headers)
    assert refused.status_code == 422
    assert "nested too deep" in refused.json()["detail"]


def test_an_empty_idempotency_key_is_refused(client: Client) -> None:
    refused = client().post("/tasks", json=TASK, headers={"Idempotency-Key": ""})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/header/idempotency-key"


def test_an_error_of_our_own_is_told_without_its_details(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr("concertino.service.routes.workflows.workflows", broken)
    response = client(raises=False).get("/workflows")

    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret" not in response.text


def test_the_catalogue_is_that_of_the_python_api(client: Client) -> None:
    assert client().get("/workflows").json() == workflows()


def test_tasks_of_the_command_line_are_shown_too(
    client: Client, scripted: Callable[..., ScriptedModel]
) -> None:
    task_id = run_task(PENS, workflow="solve_math", model=scripted())["task_id"]
    service = client()

    assert service.get(f"/tasks/{task_id}").json()["final_answer"] == "36"
    [event] = events_in(service.get(f"/tasks/{task_id}/events").text.splitlines())
    assert event.data["result"]["final_answer"] == "36"


def test_the_schema_has_an_example_for_each_body(client: Client) -> None:
    schema = client().get("/openapi.json").json()

    for name in ("NewTask", "PersonAnswer", "Feedback", "Completion"):
        assert schema["components"]["schemas"][name]["examples"]
