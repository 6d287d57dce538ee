"""What the service logs, and what it keeps to itself."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any

import httpx
import pytest
from concertino.settings import get_settings
from concertino.work.logs import LineFormatter, add_log_fields, configure_logging, log_context

from tests.model_server import PATIENCE, PENS, SECRET, ModelServer, use
from tests.service.conftest import Client
from tests.service.test_keys import create

TASK = {"question": PENS, "workflow": "solve_math"}
WAIT = {"Prefer": "wait=60"}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """Reads what was logged, as the setting `json` has it."""
    use(monkeypatch, CONCERTINO_LOG_FORMAT="json", OPENAI_API_KEY=SECRET)
    stream = StringIO()
    configure_logging(get_settings(), stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


Logged = Callable[[], list[dict[str, Any]]]


def test_each_request_is_a_line_with_its_route_its_task_and_its_time(
    client: Client, logged: Logged
) -> None:
    service = client()
    task_id = service.post("/tasks", json=TASK, headers=WAIT).json()["task_id"]
    service.get(f"/tasks/{task_id}")
    service.get("/nowhere")

    lines = [line for line in logged() if "route" in line]
    shown = [(line["method"], line["route"], line["status"], line.get("task_id")) for line in lines]
    assert shown == [
        ("POST", "/tasks", 200, task_id),
        ("GET", "/tasks/{task_id}", 200, task_id),
        ("GET", "-", 404, None),
    ]
    assert all(line["seconds"] >= 0 and line["level"] == "info" for line in lines)


def test_what_is_logged_while_a_task_runs_bears_its_id(client: Client, logged: Logged) -> None:
    task_id = client().post("/tasks", json=TASK, headers=WAIT).json()["task_id"]

    [ended] = [line for line in logged() if line["logger"].endswith("runner")]
    assert ended["task_id"] == task_id
    assert "verified" in ended["message"]


def test_probes_and_the_files_of_the_page_are_not_logged(client: Client, logged: Logged) -> None:
    service = client()
    for path in ("/health/live", "/health/ready", "/metrics", "/page/app.js"):
        assert service.get(path).status_code in (200, 503), "not ready is an answer too"
    assert logged() == []


def test_questions_search_words_and_keys_are_not_logged(client: Client, logged: Logged) -> None:
    header = create("test")
    service = client()
    service.post("/tasks", json=TASK, headers={**WAIT, **header})
    service.get("/kb/search", params={"q": "my salary"}, headers=header)
    service.get("/tasks", headers={"Authorization": "Bearer nonsense-nonsense"})

    lines = logged()
    assert len(lines) >= 4
    text = json.dumps(lines)
    key = header["Authorization"].removeprefix("Bearer ")
    for private in (PENS, "salary", key, "nonsense", SECRET):
        assert private not in text
    assert {line["key"] for line in lines if line.get("status") == 200} == {key.split("_")[1]}


@pytest.mark.parametrize("kind", ["text", "json"])
def test_secrets_are_blotted_out_of_messages_and_tracebacks(
    kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ours = "concertino_0a1b2c3d_" + "x" * 43
    try:
        raise ValueError(f"refused {SECRET} and {ours}")
    except ValueError:
        logging.getLogger("t").exception("with %s", SECRET)

    line = LineFormatter(kind, [SECRET]).format(caplog.records[0])
    assert SECRET not in line
    assert ours not in line
    assert "concertino_0a1b2c3d_***" in line
    assert "Traceback" in line


def test_facts_are_those_of_the_innermost_request_or_task(caplog: pytest.LogCaptureFixture) -> None:
    def line() -> dict[str, Any]:
        logging.getLogger("t").warning("x")
        shown: dict[str, Any] = json.loads(LineFormatter("json", []).format(caplog.records[-1]))
        return shown

    with log_context(task_id="outer"):
        add_log_fields(key="k")
        with log_context(task_id="inner"):
            assert (line()["task_id"], line().get("key")) == ("inner", None)
        assert (line()["task_id"], line()["key"]) == ("outer", "k")
    assert "task_id" not in line()


def test_a_process_that_serves_logs_json_where_that_is_set(
    serve: Callable[..., ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    use(monkeypatch, CONCERTINO_LOG_FORMAT="json")
    command = [sys.executable, "-c", "from concertino.cli.service import serve; serve()"]
    process = subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    url = process.stdout.readline().split()[-1]
    httpx.post(f"{url}/tasks", json=TASK, headers=WAIT, timeout=PATIENCE)
    process.terminate()
    _, errors = process.communicate(timeout=PATIENCE)

    lines = [json.loads(line) for line in errors.splitlines()]
    assert {"concertino.work.logs", "concertino.work.runner", "uvicorn.error"} <= {
        line["logger"] for line in lines
    }
