"""Chat clients that others wrote, against the service on a real port."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest
from httpx_sse import connect_sse
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr

from tests.model_server import PATIENCE, PENS, Hold, ModelServer, use
from tests.service.conftest import LiveService

Live = Callable[[], LiveService]
Serve = Callable[..., ModelServer]

ASKED: Any = {"model": "concertino/solve_math", "messages": [{"role": "user", "content": PENS}]}


def connect(service: LiveService, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(
        **{"base_url": f"{service.url}/v1", "api_key": "none", "max_retries": 0, **options}
    )


def list_tasks(service: LiveService) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = httpx.get(f"{service.url}/tasks").json()["items"]
    return tasks


def wait_for_status(service: LiveService, status: str) -> None:
    """Wait until the only task has this status."""
    (task,) = list_tasks(service)
    with httpx.stream("GET", f"{service.url}{task['links']['events']}", timeout=PATIENCE) as events:
        for _ in events.iter_lines():
            pass
    assert [each["status"] for each in list_tasks(service)] == [status]


def leave_stream(service: LiveService, hold: Hold, **headers: str) -> None:
    """Ask for a stream, and close it in the middle."""
    with connect(service).chat.completions.create(
        **ASKED, stream=True, extra_headers=headers
    ) as chunks:
        next(iter(chunks))
        hold.wait()


def leave_reply(service: LiveService, hold: Hold, **headers: str) -> None:
    """Ask for a reply, and give up waiting for it."""

    async def give_up() -> None:
        async with openai.AsyncOpenAI(base_url=f"{service.url}/v1", api_key="none") as client:
            asking = asyncio.create_task(
                client.chat.completions.create(**ASKED, extra_headers=headers)
            )
            await asyncio.to_thread(hold.wait)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(give_up())


Leave = Callable[..., None]
LEAVING = pytest.mark.parametrize("leave", [leave_stream, leave_reply])


def test_the_openai_client_gets_an_answer(live: Live, serve: Serve) -> None:
    serve()
    client = connect(live())

    reply = client.chat.completions.create(**ASKED)
    assert "36" in (reply.choices[0].message.content or "")
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage
    assert reply.usage.completion_tokens > 0
    assert "concertino/rag_qa" in [model.id for model in client.models.list()]
    assert client.models.retrieve("concertino/rag_qa").id == "concertino/rag_qa"


def test_the_openai_client_can_stream_and_sees_the_work_as_reasoning(
    live: Live, serve: Serve
) -> None:
    serve()
    asked = {**ASKED, "model": "concertino", "stream_options": {"include_usage": True}}

    chunks = list(connect(live()).chat.completions.create(**asked, stream=True))
    deltas = [choice.delta.model_dump() for chunk in chunks for choice in chunk.choices]
    assert "36" in "".join(delta.get("content") or "" for delta in deltas)
    assert "comprehension" in "".join(delta.get("reasoning_content") or "" for delta in deltas)
    assert chunks[-1].usage
    assert chunks[-1].usage.total_tokens > 0


def test_langchain_gets_an_answer_at_once_streamed_and_in_a_schema(
    live: Live, serve: Serve
) -> None:
    class Cost(BaseModel):
        dollars: int

    serve(json_form=[{"dollars": 36}])
    chat = ChatOpenAI(
        base_url=f"{live().url}/v1", api_key=SecretStr("none"), model="concertino/solve_math"
    )

    assert "36" in chat.invoke(PENS).text
    assert "36" in "".join(chunk.text for chunk in chat.stream(PENS))
    assert chat.with_structured_output(Cost, method="json_schema").invoke(PENS) == Cost(dollars=36)


def test_httpx_sse_reads_every_chunk_and_the_end(live: Live, serve: Serve) -> None:
    serve()
    address = f"{live().url}/v1/chat/completions"

    with (
        httpx.Client(timeout=PATIENCE) as client,
        connect_sse(client, "POST", address, json={**ASKED, "stream": True}) as source,
    ):
        *chunks, last = [event.data for event in source.iter_sse()]
    assert last == "[DONE]"
    assert all(json.loads(chunk)["object"] == "chat.completion.chunk" for chunk in chunks)


@pytest.mark.parametrize("stream", [False, True])
def test_a_failed_task_is_an_error_that_the_client_does_not_repeat(
    live: Live, serve: Serve, stream: bool
) -> None:
    serve().close()  # the model cannot be reached
    service = live()

    with pytest.raises(openai.APIError, match="Is the server running") as raised:
        list(connect(service, max_retries=2).chat.completions.create(**ASKED, stream=stream))
    assert raised.value.code == "task_failed"
    assert raised.value.type == "server_error"
    assert len(list_tasks(service)) == 1


def test_a_cancelled_task_is_an_error(live: Live, serve: Serve) -> None:
    serve().hold("coordinator")
    service = live()

    chunks = iter(connect(service).chat.completions.create(**ASKED, stream=True))
    next(chunks)
    (task,) = list_tasks(service)
    httpx.post(f"{service.url}{task['links']['cancel']}", timeout=PATIENCE)
    with pytest.raises(openai.APIError) as raised:
        list(chunks)
    assert raised.value.code == "task_cancelled"


@LEAVING
def test_a_reader_that_leaves_cancels_its_task(live: Live, serve: Serve, leave: Leave) -> None:
    hold = serve().hold("comprehension")
    service = live()

    leave(service, hold)
    wait_for_status(service, "cancelled")


@LEAVING
@pytest.mark.parametrize(
    "headers", [{"Prefer": "continue"}, {"Idempotency-Key": "once"}], ids=["prefer", "key"]
)
def test_the_task_of_a_reader_that_will_be_back_goes_on(
    live: Live, serve: Serve, headers: dict[str, str], leave: Leave
) -> None:
    hold = serve().hold("comprehension")
    service = live()

    leave(service, hold, **headers)
    hold.released.set()
    wait_for_status(service, "verified")


def test_a_retry_with_the_same_key_gets_the_reply_of_the_same_task(
    live: Live, serve: Serve
) -> None:
    once = {"Idempotency-Key": "once"}
    hold = serve().hold("comprehension")
    service = live()
    leave_reply(service, hold, **once)
    hold.released.set()

    client = connect(service)
    replies = [client.chat.completions.create(**ASKED, extra_headers=once) for _ in range(2)]
    (task,) = list_tasks(service)
    assert {reply.id for reply in replies} == {f"chatcmpl-{task['task_id']}"}
    other = {**ASKED, "messages": [{"role": "user", "content": "1 + 1?"}]}
    with pytest.raises(openai.UnprocessableEntityError) as raised:
        client.chat.completions.create(**other, extra_headers=once)
    assert raised.value.code == "idempotency_key_reused"


def test_a_stopping_service_tells_its_readers_so(
    live: Live, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_SHUTDOWN_SECONDS="0.1")
    hold = serve().hold("coordinator")
    service = live()

    chunks = iter(connect(service).chat.completions.create(**ASKED, stream=True))
    next(chunks)
    hold.wait()
    service.ask_to_stop()
    with pytest.raises(openai.APIError, match="no answer yet"):
        list(chunks)


def test_a_draft_is_announced_and_read_while_it_is_written(live: Live, serve: Serve) -> None:
    gate = threading.Event()

    def words() -> Iterator[str]:
        yield "12 pens cost "
        gate.wait(PATIENCE)
        yield "36 dollars."

    serve().says("report", words())
    chunks = iter(connect(live()).chat.completions.create(**ASKED, stream=True))
    thought = ""
    while "12 pens cost" not in thought:
        delta = next(chunks).choices[0].delta
        assert not delta.content
        thought += delta.model_dump().get("reasoning_content") or ""
    assert "A draft" in thought
    gate.set()
    rest = [chunk.choices[0].delta for chunk in chunks]
    assert "36 dollars" in "".join(delta.content or "" for delta in rest)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"n": 2}, "n", "unsupported_value"),
    ({"tools": [{"type": "function"}]}, "tools", "unsupported_parameter"),
    ({"logprobs": True}, "logprobs", "unsupported_value"),
    ({"logit_bias": {"1": 5}}, "logit_bias", "unsupported_value"),
    ({"reasoning_effort": "low"}, "reasoning_effort", "unsupported_parameter"),
    ({"max_tokens": 0}, "max_tokens", "invalid_value"),
    ({"temperature": 3}, "temperature", "invalid_value"),
    ({"stop": ["a", ""]}, "stop", "invalid_value"),
    ({"extra_body": {"top_k": 3}}, "top_k", "unknown_parameter"),
    ({"messages": []}, "messages", "invalid_value"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role", "invalid_value"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
        "messages[0].content[0].type",
        "invalid_value",
    ),
    ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "invalid_value"),
]


def test_what_is_not_supported_is_refused_by_name(live: Live, serve: Serve) -> None:
    serve()
    client = connect(live())
    for changes, param, code in REFUSED:
        with pytest.raises(openai.BadRequestError) as raised:
            client.chat.completions.create(**{**ASKED, **changes})
        error = raised.value
        assert (error.param, error.code) == (param, code)
        assert error.type == "invalid_request_error"
        assert error.message


def test_unknown_models_and_other_speakers_are_refused(live: Live, serve: Serve) -> None:
    serve()
    client = connect(live())
    with pytest.raises(openai.NotFoundError, match="concertino/solve_math") as raised:
        client.chat.completions.create(**{**ASKED, "model": "gpt-4"})
    assert (raised.value.param, raised.value.code) == ("model", "model_not_found")
    with pytest.raises(openai.NotFoundError, match="concertino/solve_math"):
        client.models.retrieve("gpt-4")
    with pytest.raises(openai.BadRequestError, match="the user's"):
        client.chat.completions.create(
            model="concertino", messages=[{"role": "assistant", "content": PENS}]
        )
