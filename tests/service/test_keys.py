"""API keys: each sees what is its own, and may do so much."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from concertino import run_task
from concertino.cli.service import keys
from concertino.service.limits import RateLimit
from fastapi.testclient import TestClient

from tests.model_server import PENS
from tests.scripted_model import ScriptedModel
from tests.service.conftest import Client

TASK = {"question": PENS, "workflow": "solve_math"}
WAIT = {"Prefer": "wait=60"}


def create(*arguments: str) -> dict[str, str]:
    """A new key, as the header that bears it."""
    made = CliRunner().invoke(keys, ["create", *arguments])
    assert made.exit_code == 0, made.output
    return {"Authorization": f"Bearer {made.stdout.strip()}"}


def listed() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(CliRunner().invoke(keys, ["list", "--json"]).stdout)
    return rows


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer concertino_00000000_secret"},
        {"Authorization": "Basic eDp5"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/tasks", "/workflows", "/kb/documents", "/metrics", "/v1/models", "/tasks/x/events"]
)
def test_where_there_are_keys_one_is_needed(
    client: Client, headers: dict[str, str], path: str
) -> None:
    create("a")
    refused = client().get(path, headers=headers)

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    kind = "json" if path.startswith("/v1") else "problem+json"
    assert refused.headers["content-type"] == f"application/{kind}"


def test_health_needs_no_key(client: Client) -> None:
    create("a")
    assert client().get("/health/live").is_success


def test_a_key_is_a_bearer_of_any_host_and_address(client: Client) -> None:
    header = create("a")
    service = client(peer=("203.0.113.7", 5000))

    assert service.get("http://concertino.example/tasks", headers=header).is_success


def test_a_revoked_key_is_refused(client: Client) -> None:
    header, other = create("a"), create("b")
    service = client()
    assert service.get("/tasks", headers=header).is_success
    revoked = CliRunner().invoke(keys, ["revoke", listed()[0]["key_id"]])

    assert revoked.exit_code == 0
    assert service.get("/tasks", headers=header).status_code == 401
    assert service.get("/tasks", headers=other).is_success
    assert CliRunner().invoke(keys, ["revoke", "nobody"]).exit_code != 0


def test_a_service_without_keys_wants_one_as_soon_as_there_is_one(client: Client) -> None:
    service = client()
    assert service.get("/tasks").is_success
    header = create("a")

    assert service.get("/tasks").status_code == 401
    CliRunner().invoke(keys, ["revoke", listed()[0]["key_id"]])
    assert service.get("/tasks", headers=header).status_code == 401
    assert service.get("/tasks").status_code == 401


def test_a_key_is_kept_as_its_digest_alone(home: Path) -> None:
    text = create("a")["Authorization"].removeprefix("Bearer ")
    secret = text.split("_", 2)[2].encode()

    assert len(secret) >= 43
    assert not [path for path in home.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert listed()[0]["name"] == "a"


def test_each_key_sees_its_own_tasks_only(
    client: Client, scripted: Callable[..., ScriptedModel]
) -> None:
    machine = run_task(PENS, workflow="solve_math", model=scripted())["task_id"]
    mine, other = create("mine"), create("other")
    service = client()
    task = service.post("/tasks", json=TASK, headers={**mine, **WAIT}).json()

    assert [each["task_id"] for each in _tasks(service, mine)] == [task["task_id"]]
    assert _tasks(service, other) == []
    for task_id in (task["task_id"], machine, "nothing"):
        for method, part, body in (
            ("GET", "", None),
            ("GET", "/events", None),
            ("POST", "/cancel", None),
            ("POST", "/resume", {}),
            ("POST", "/feedback", {"rating": 1}),
            ("PATCH", "", {"name": "theirs"}),
            ("DELETE", "", None),
        ):
            refused = service.request(method, f"/tasks/{task_id}{part}", json=body, headers=other)
            assert refused.status_code == 404
            assert task_id in refused.json()["detail"]
        for method, body in (("GET", None), ("PATCH", {"name": "theirs"}), ("DELETE", None)):
            refused = service.request(method, f"/threads/{task_id}", json=body, headers=other)
            assert refused.status_code == 404
            assert task_id in refused.json()["detail"]
    assert _tasks(service, other, q="pens") == []
    [kept] = _tasks(service, mine, q="pens")
    assert (kept["task_id"], kept["name"], kept["thread_name"]) == (task["task_id"], None, None)


def test_each_key_follows_up_its_own_threads_only(client: Client) -> None:
    mine, other = create("mine"), create("other")
    service = client(restate=[{"task": PENS}])
    first = service.post("/tasks", json=TASK, headers={**mine, **WAIT}).json()
    follow_up = {**TASK, "thread_id": first["thread_id"]}

    assert service.post("/tasks", json=follow_up, headers=other).status_code == 422
    assert service.post("/tasks", json=follow_up, headers=mine).status_code == 202


def test_an_idempotency_key_is_its_owner_s(client: Client) -> None:
    mine, other = create("mine"), create("other")
    service, same = client(), {"Idempotency-Key": "k"}
    first = service.post("/tasks", json=TASK, headers={**mine, **same}).json()
    second = service.post("/tasks", json=TASK, headers={**other, **same}).json()

    assert first["task_id"] != second["task_id"]


def test_a_key_that_asks_too_often_has_to_wait(client: Client) -> None:
    header, other = create("a", "--requests-per-minute", "2"), create("b")
    service = client()

    assert [service.get("/tasks", headers=header).status_code for _ in range(3)] == [200, 200, 429]
    assert int(service.get("/tasks", headers=header).headers["retry-after"]) >= 1
    assert service.get("/tasks", headers=other).is_success


async def test_a_rate_comes_back_with_time() -> None:
    now = [0.0]
    rates = RateLimit(lambda: now[0])

    assert [await rates.take("a", 60) for _ in range(61)] == [*[0.0] * 60, 1.0]
    now[0] = 2.0
    assert [await rates.take("a", 60) for _ in range(3)] == [0.0, 0.0, 1.0]


def test_a_key_whose_tokens_are_spent_starts_nothing_more_today(client: Client) -> None:
    header = create("a", "--tokens-per-day", "100")
    service = client()
    assert service.post("/tasks", json=TASK, headers={**header, **WAIT}).status_code == 200
    refused = service.post("/tasks", json=TASK, headers=header)

    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 24 * 3600
    assert service.get("/tasks", headers=header).is_success


def _tasks(service: TestClient, header: dict[str, str], q: str = "") -> list[dict[str, str]]:
    found = service.get("/tasks", headers=header, params={"q": q}).json()
    items: list[dict[str, str]] = found["items"]
    return items
