"""What a key's tasks have cost: every call that was answered, once."""

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import openai
import pytest
from concertino.settings import get_settings
from concertino.store.open import open_store
from concertino.work.ledger import Job, Ledger
from concertino.work.spending import Spending
from fastapi.testclient import TestClient
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from openai.types.chat import ChatCompletion

from tests.model_server import PENS, ModelServer, use
from tests.service.conftest import Client
from tests.service.streams import events_in
from tests.service.test_keys import create

TASK = {"question": PENS, "workflow": "solve_math"}
STORY = {"question": "A story about a fox.", "workflow": "write_story"}
WAIT = {"Prefer": "wait=60"}
CALL = 25
"""Tokens of one call of the model server: 20 read, 5 written."""
Serve = Callable[..., ModelServer]
Header = dict[str, str]


@pytest.fixture
def key() -> Header:
    return create("a")


def charged(service: TestClient, key: Header) -> int:
    """The tokens that a key has been charged for today."""
    ledger: Ledger = service.app.state.service.ledger  # type: ignore[attr-defined]
    key_id = key["Authorization"].split("_")[1]
    assert service.portal
    return service.portal.call(ledger.get_tokens_today, key_id)


def start(service: TestClient, key: Header) -> str:
    """The path of a new task."""
    return str(service.post("/tasks", json=TASK, headers=key).json()["links"]["self"])


def followed(service: TestClient, task: str, key: Header) -> str:
    """How a task ends."""
    stream = service.get(f"{task}/events", headers=key)
    [*_, last] = events_in(stream.text.splitlines())
    return str(last.data["result"]["status"])


def test_every_call_of_a_task_is_charged_that_of_its_report_too(
    client: Client, serve: Serve, key: Header
) -> None:
    model = serve()
    service = client(model=None)
    result = service.post("/tasks", json=TASK, headers={**key, **WAIT}).json()

    assert result["status"] == "verified"
    assert model.asked["report"] == 1
    assert charged(service, key) == CALL * len(model.requests)


def test_the_calls_of_an_answer_that_never_became_valid_are_charged(
    client: Client, serve: Serve, key: Header
) -> None:
    model = serve(story_request=["I would rather not."])
    service = client(model=None)
    result = service.post("/tasks", json=STORY, headers={**key, **WAIT}).json()

    assert result["status"] == "failed"
    assert model.asked["story_request"] == 3
    assert charged(service, key) == CALL * len(model.requests)


def test_a_decision_that_could_not_be_used_is_charged_once(
    client: Client, serve: Serve, key: Header
) -> None:
    model = serve(coordinator=["Let us see."])
    service = client(model=None)
    result = service.post("/tasks", json=TASK, headers={**key, **WAIT}).json()

    sources = [record["source"] for record in result["iteration_history"] if record["decision"]]
    assert "fallback" in sources
    assert charged(service, key) == CALL * len(model.requests)


def test_a_key_whose_tokens_went_into_a_failed_task_starts_nothing_more_today(
    client: Client,
) -> None:
    key = create("a", "--tokens-per-day", "100")
    service = client(story_request=["I would rather not."])
    failed = service.post("/tasks", json=STORY, headers={**key, **WAIT}).json()

    assert failed["status"] == "failed"
    assert service.post("/tasks", json=TASK, headers=key).status_code == 429


def test_each_key_is_charged_for_its_own_tasks(client: Client, serve: Serve, key: Header) -> None:
    other = create("other")
    model = serve()
    service = client(model=None)
    service.post("/tasks", json=TASK, headers={**key, **WAIT})
    calls = len(model.requests)
    service.post("/tasks", json=TASK, headers={**other, **WAIT})

    assert charged(service, key) == CALL * calls
    assert charged(service, other) == CALL * (len(model.requests) - calls)


def test_a_cancelled_task_has_cost_what_was_answered(
    client: Client, serve: Serve, key: Header
) -> None:
    model = serve()
    hold = model.hold("planning")
    service = client(model=None)
    task = start(service, key)
    hold.wait()
    cancelled = service.post(f"{task}/cancel", headers=key).json()

    assert cancelled["status"] == "cancelled"
    assert charged(service, key) == CALL * (len(model.requests) - 1)


def test_a_task_that_goes_on_after_a_stop_is_charged_for_no_call_twice(
    client: Client, serve: Serve, key: Header
) -> None:
    model = serve()
    hold = model.hold("planning")
    first = client(model=None)
    task = start(first, key)
    hold.wait()
    hold.released.set()
    first.__exit__(None, None, None)
    second = client(model=None)

    assert followed(second, task, key) == "verified"
    assert model.asked["planning"] == 1
    assert charged(second, key) == CALL * len(model.requests)


def test_after_a_kill_a_call_that_is_made_again_costs_again_and_the_others_do_not(
    client: Client, serve: Serve, key: Header, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_SHUTDOWN_SECONDS="0")
    model = serve()
    hold = model.hold("planning")
    first = client(model=None)
    task = start(first, key)
    hold.wait()
    kept = home.with_name("kept")
    shutil.copytree(home, kept, ignore=shutil.ignore_patterns("*.lock", "lock"))
    first.__exit__(None, None, None)
    hold.released.set()
    shutil.rmtree(home)
    kept.rename(home)
    second = client(model=None)

    assert followed(second, task, key) == "verified"
    assert model.asked["comprehension"] == 1
    assert model.asked["planning"] == 2
    unanswered = 1
    assert charged(second, key) == CALL * (len(model.requests) - unanswered)


def answer() -> LLMResult:
    usage = {"input_tokens": 20, "output_tokens": 5, "total_tokens": 25}
    message = AIMessage("x", usage_metadata=usage)
    return LLMResult(generations=[[ChatGeneration(message=message)]])


async def test_what_could_not_be_stored_is_still_owed_and_then_charged_once() -> None:
    spending = Spending()
    spending.on_llm_end(answer(), run_id=uuid4())
    async with open_store(get_settings().place) as store:
        ledger, job = Ledger(store), Job("task", "me")
        await ledger.setup()
        with pytest.raises(TypeError):
            await ledger.record(job, {"type": "started", "task_id": object()}, spending)  # type: ignore[typeddict-item]
        assert await ledger.get_tokens_today("me") == 0
        await ledger.record(job, {"type": "started", "task_id": "task"}, spending)
        await ledger.charge("me", spending)

        assert await ledger.get_tokens_today("me") == CALL


def test_a_reply_that_was_cut_off_has_cost_its_tokens_and_a_refused_call_nothing() -> None:
    message = {"role": "assistant", "content": "{"}
    cut_off = ChatCompletion.model_validate(
        {
            "id": "1",
            "created": 0,
            "model": "m",
            "object": "chat.completion",
            "choices": [{"index": 0, "finish_reason": "length", "message": message}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25},
        }
    )
    spending = Spending()
    spending.on_llm_error(openai.LengthFinishReasonError(completion=cut_off), run_id=uuid4())
    spending.on_llm_error(httpx.ConnectError("no"), run_id=uuid4())

    assert spending.owed == CALL
