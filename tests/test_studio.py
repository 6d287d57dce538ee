"""LangGraph's own server runs the graph of `langgraph.json`, with its blocking-call detector on."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from concertino.learning.bandit import record_rewards
from concertino.learning.contracts import RewardEvent
from concertino.store.open import open_store
from langchain_core.messages import HumanMessage
from langgraph_sdk import get_sync_client

from tests.scripted_server import ScriptedServer

ROOT = Path(__file__).parents[1]


@pytest.fixture
def model_server(scripted: Any) -> Iterator[ScriptedServer]:
    model = scripted()

    def respond(body: dict[str, Any]) -> tuple[int, str]:
        text = "\n".join(message["content"] for message in body["messages"])
        return 200, str(model.invoke([HumanMessage(text)]).content)

    running = ScriptedServer(respond)
    yield running
    running.close()


@pytest.fixture
def studio(model_server: ScriptedServer, tmp_path: Path) -> Iterator[str]:
    """The address of a `langgraph dev` that uses the scripted model."""
    port = _free_port()
    environment = {
        **os.environ,
        "OPENAI_BASE_URL": model_server.url,
        "CONCERTINO_HOME": str(tmp_path / "home"),
        "LANGSMITH_TRACING": "false",
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
    }
    command = [str(Path(sys.executable).with_name("langgraph")), "dev", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--no-reload", "--port", str(port), "--config", str(ROOT / "langgraph.json")],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _wait_until_up(process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_studio_lists_the_graph_with_its_schema_and_runs_a_thread(studio: str) -> None:
    with httpx.Client(base_url=studio, timeout=60) as client:
        found = client.post("/assistants/search", json={}).raise_for_status().json()
        [assistant] = [each for each in found if each["graph_id"] == "concertino"]
        schemas = client.get(f"/assistants/{assistant['assistant_id']}/schemas").json()
        assert "question" in json.dumps(schemas["input_schema"])
        assert "model" in json.dumps(schemas["context_schema"])

        thread = client.post("/threads", json={}).json()["thread_id"]
        run = {
            "assistant_id": "concertino",
            "input": {"question": "A shop sells 12 pens at 3 dollars each. What do they cost?"},
        }
        state = client.post(f"/threads/{thread}/runs/wait", json=run).raise_for_status().json()

    assert state["final_answer"] == "36", state
    assert state["status"] == "verified"
    assert [r["decision"]["next_action"] for r in state["history"] if r["decision"]] == [
        "solve_math",
        "comprehension",
        "planning",
        "execution",
        "verification",
        "complete",
    ]


def test_a_client_of_langgraph_s_server_sends_messages_and_gets_the_reply(studio: str) -> None:
    client = get_sync_client(url=studio)
    thread = client.threads.create()["thread_id"]
    asked = "A shop sells 12 pens at 3 dollars each. What do they cost?"
    given = {"messages": [{"role": "user", "content": asked}]}
    state: Any = client.runs.wait(thread, "concertino", input=given)

    assert (state["question"], state["final_answer"]) == (asked, "36")
    assert [message["type"] for message in state["messages"]] == ["human", "ai"]
    assert state["messages"][-1]["content"] == state["report"]


def test_a_client_of_langgraph_s_server_is_told_why_a_run_failed(
    studio: str, model_server: ScriptedServer
) -> None:
    client = get_sync_client(url=studio)

    def fail(given: dict[str, Any]) -> str:
        thread = client.threads.create()["thread_id"]
        with pytest.raises(Exception) as raised:  # noqa: PT011  (the client's own is a plain one)
            client.runs.wait(thread, "concertino", input=given)
        return str(raised.value)

    assert "inputs" in fail({"question": "1 + 1?", "inputs": [1]})
    assert "last message" in fail({"messages": [{"role": "assistant", "content": "36"}]})
    model_server.close()
    assert "Is the server running" in fail({"question": "What do 12 pens at 3 dollars cost?"})


def test_studio_shows_the_table_of_what_workflows_have_earned(studio: str, tmp_path: Path) -> None:
    async def earn() -> None:
        event = RewardEvent(id="a", task_type="open", workflow="rag_qa", reward=0.5)
        async with open_store(tmp_path / "home") as store:
            await record_rewards(store, event)

    asyncio.run(earn())
    with httpx.Client(base_url=studio, timeout=60) as client:
        run = {"assistant_id": "bandit", "input": {}}
        state = client.post("/runs/wait", json=run).raise_for_status().json()
    assert "arms" in state, state
    [arm] = state["arms"]
    assert (arm["workflow"], arm["count"], arm["value"]) == ("rag_qa", 1, 0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(process: subprocess.Popen[str]) -> None:
    """Read the log until the server says that it listens."""
    assert process.stdout
    log = []
    for line in process.stdout:
        log.append(line)
        if "Application started up" in line:
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return
    raise AssertionError("langgraph dev did not start:\n" + "".join(log[-40:]))
