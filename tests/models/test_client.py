"""The language model's client, against a scripted HTTP server."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from concertino.errors import ModelError, StructuredOutputError
from concertino.models.client import LanguageModel, Reply, close_language_models, get_language_model
from concertino.settings import Settings
from langchain_core.messages import HumanMessage
from langgraph.graph import START, StateGraph
from pydantic import BaseModel

from tests.scripted_server import Reply as Answer
from tests.scripted_server import ScriptedServer, completion

ASK = [HumanMessage("Which fruit?")]


class Fruit(BaseModel):
    name: str
    count: int


class Server(ScriptedServer):
    """Answers with the next reply of its script, the last one again and again."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        super().__init__(lambda body: self.script.pop(0) if self.script[1:] else self.script[0])


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def settings(server: Server) -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        given = {"base_url": server.url, "api_key": "sk-secret-1", "max_retries": 0, **changes}
        return Settings(**given)

    return make


@pytest.fixture(autouse=True)
async def _closed() -> Any:
    yield
    await close_language_models()


async def test_callers_at_once_share_one_model(server: Server, settings: Any) -> None:
    first, second = await asyncio.gather(*(get_language_model(settings()) for _ in range(2)))
    assert first is second


async def test_text_comes_back_with_what_it_cost(server: Server, settings: Any) -> None:
    server.script = [(200, "an apple")]
    reply = await (await get_language_model(settings())).generate_text(ASK, max_tokens=10)

    assert reply.value == "an apple"
    assert (reply.usage.calls, reply.usage.prompt_tokens, reply.usage.cached_tokens) == (1, 20, 8)
    assert reply.usage.output_tokens == 5
    assert reply.usage.seconds > 0


async def test_a_text_says_whether_it_was_stopped_at_its_limit(
    server: Server, settings: Any
) -> None:
    server.script = [(200, completion("an apple and a", finish_reason="length")), (200, "an apple")]
    model = await get_language_model(settings())
    assert (await model.generate_text(ASK, max_tokens=10)).cut_off
    assert not (await model.generate_text(ASK, max_tokens=10)).cut_off


async def test_the_first_model_listed_is_used_where_none_is_named(
    server: Server, settings: Any
) -> None:
    model = await get_language_model(settings())
    assert model.name == "compatible/first-model"
    assert server.keys == ["Bearer sk-secret-1"]


async def test_a_server_on_this_machine_is_not_asked_through_the_environments_proxy(
    server: Server, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.script = [(200, "an apple")]
    model = await get_language_model(settings(model=None))
    assert (await model.generate_text(ASK, max_tokens=10)).value == "an apple"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("<think>Apples?\nPears?</think>\n\nan apple", "an apple"),
        ("Apples? Pears?\n</think>\nan apple", "an apple"),
        ("<think>Apples? Pears", ""),
        (" an apple\n", " an apple\n"),
    ],
)
async def test_the_thoughts_that_a_reply_begins_with_are_no_part_of_it(
    server: Server, settings: Any, said: str, text: str
) -> None:
    server.script = [(200, said)]
    model = await get_language_model(settings())
    assert (await model.generate_text(ASK, max_tokens=10)).value == text


@pytest.mark.parametrize(("name", "effort"), [(None, "none"), ("gemini-2.5-pro", None)])
async def test_gemini_is_told_not_to_think_where_the_model_is_the_usual_one(
    server: Server, settings: Any, name: str | None, effort: str | None
) -> None:
    server.script = [(200, "an apple")]
    model = await get_language_model(settings(provider="gemini", model=name))
    await model.generate_text(ASK, max_tokens=10)
    assert server.requests[0].get("reasoning_effort") == effort


async def test_structured_output_asks_for_a_strict_schema(server: Server, settings: Any) -> None:
    server.script = [(200, '{"name": "apple", "count": 3}')]
    reply = await (await get_language_model(settings())).generate_structured(
        ASK, Fruit, max_tokens=50
    )

    assert reply.value == Fruit(name="apple", count=3)
    asked = server.requests[0]["response_format"]["json_schema"]
    assert asked["strict"] is True
    assert asked["schema"]["required"] == ["name", "count"]
    assert asked["schema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "content",
    [
        '<think>{"name": "pear"}</think>\n{"name": "apple", "count": 3}',
        'Here it is:\n```json\n{"name": "apple", "count": 3}\n```\nEnjoy!',
        '{"name": "apple", "count": 3} and that is all',
    ],
)
async def test_thoughts_fences_and_chatter_around_the_json_are_ignored(
    server: Server, settings: Any, content: str
) -> None:
    server.script = [(200, content)]
    reply = await (await get_language_model(settings())).generate_structured(
        ASK, Fruit, max_tokens=50
    )
    assert reply.value == Fruit(name="apple", count=3)


async def test_an_invalid_reply_is_shown_its_error_and_repaired(
    server: Server, settings: Any
) -> None:
    server.script = [(200, '{"name": "apple"}'), (200, '{"name": "apple", "count": 3}')]
    reply = await (await get_language_model(settings())).generate_structured(
        ASK, Fruit, max_tokens=50
    )

    assert reply.value.count == 3
    assert reply.usage.calls == 2
    assert "count: Field required" in server.requests[1]["messages"][-1]["content"]


async def test_a_reply_that_was_cut_off_is_repaired_like_any_other_that_is_not_valid(
    server: Server, settings: Any
) -> None:
    endless = completion('{"name": "apple apple apple', finish_reason="length")
    server.script = [(200, endless), (200, '{"name": "apple", "count": 3}')]
    reply = await (await get_language_model(settings())).generate_structured(
        ASK, Fruit, max_tokens=50
    )

    assert reply.value.count == 3
    assert (reply.usage.calls, reply.usage.cached_tokens) == (2, 16)


async def test_rubbish_again_and_again_is_a_typed_error_with_its_cost(
    server: Server, settings: Any
) -> None:
    server.script = [(200, "I would rather not.")]
    model = await get_language_model(settings())
    with pytest.raises(StructuredOutputError) as caught:
        await model.generate_structured(ASK, Fruit, max_tokens=50)

    assert caught.value.usage.calls == 3
    assert server.requests[2]["response_format"] == {"type": "json_object"}


async def test_a_server_without_schemas_is_asked_in_json_mode_from_then_on(
    server: Server, settings: Any
) -> None:
    refused = (400, {"error": {"message": "response_format json_schema is not supported"}})
    server.script = [refused, (200, '{"name": "apple", "count": 3}')]
    model = await get_language_model(settings())

    assert (await model.generate_structured(ASK, Fruit, max_tokens=50)).value.count == 3
    await model.generate_structured(ASK, Fruit, max_tokens=50)
    formats = [request["response_format"]["type"] for request in server.requests]
    assert formats == ["json_schema", "json_object", "json_object"]
    assert '"count"' in server.requests[1]["messages"][-1]["content"]


async def test_a_refused_key_says_so_and_is_not_in_the_message(
    server: Server, settings: Any
) -> None:
    server.script = [(401, {"error": {"message": "Incorrect API key provided: sk-secret-1"}})]
    model = await get_language_model(settings())
    with pytest.raises(ModelError, match="refused the key") as caught:
        await model.generate_text(ASK, max_tokens=5)
    assert "sk-secret" not in str(caught.value)
    assert len(server.requests) == 1


async def test_an_overloaded_server_is_tried_again(server: Server, settings: Any) -> None:
    server.script = [(503, {"error": {"message": "busy"}}), (200, "an apple")]
    model = await get_language_model(settings(max_retries=1))
    assert (await model.generate_text(ASK, max_tokens=5)).value == "an apple"


async def test_a_server_that_stays_broken_is_an_error(server: Server, settings: Any) -> None:
    server.script = [(500, {"error": {"message": "boom"}})]
    model = await get_language_model(settings())
    with pytest.raises(ModelError, match="boom"):
        await model.generate_text(ASK, max_tokens=5)


async def test_a_dead_server_is_an_error_that_asks_whether_it_runs() -> None:
    dead = Settings(base_url="http://127.0.0.1:9/v1", model="m", max_retries=0)
    model = await get_language_model(dead)
    with pytest.raises(ModelError, match="Is it running"):
        await model.generate_text(ASK, max_tokens=5)


async def test_a_dead_server_without_a_model_name_says_what_to_set() -> None:
    with pytest.raises(ModelError, match="CONCERTINO_MODEL"):
        await get_language_model(Settings(base_url="http://127.0.0.1:9/v1"))


async def test_a_password_in_a_servers_address_is_not_told(server: Server) -> None:
    server.models = (401, {})
    address = server.url.replace("//", "//ann:sesame@")
    with pytest.raises(ModelError, match="lists no models") as caught:
        await get_language_model(Settings(base_url=address))
    assert "sesame" not in str(caught.value)


async def read_along(model: LanguageModel) -> tuple[Reply[str], list[str]]:
    """A text that a node writes aloud, and the tokens that came of it."""
    replies = []

    async def write(state: dict[str, Any]) -> None:
        replies.append(await model.generate_text(ASK, max_tokens=10, aloud=True))

    graph = StateGraph(dict).add_node(write).add_edge(START, "write").compile()
    stream = graph.astream({}, stream_mode="messages")
    tokens = [str(message.text) async for message, _ in stream]
    return replies[0], [token for token in tokens if token]


def streamed(server: Server) -> list[bool]:
    """Of each request whether it asked for a stream."""
    return [bool(request["stream"]) for request in server.requests]


async def test_a_text_that_is_read_along_comes_in_pieces_and_costs_the_same(
    server: Server, settings: Any
) -> None:
    server.script = [(200, "an apple and a pear")]
    model = await get_language_model(settings())
    whole = await model.generate_text(ASK, max_tokens=10)
    reply, tokens = await read_along(model)

    assert reply.value == whole.value == "".join(tokens)
    assert len(tokens) == 5
    assert reply.usage.model_copy(update={"seconds": whole.usage.seconds}) == whole.usage
    assert streamed(server) == [False, True]


async def test_a_provider_that_does_not_stream_is_asked_without_from_then_on(
    server: Server, settings: Any
) -> None:
    server.script = [(400, {"error": {"message": "unknown: stream_options"}}), (200, "a fig")]
    model = await get_language_model(settings())
    replies = [await read_along(model) for _ in range(2)]

    assert [(reply.value, tokens) for reply, tokens in replies] == [("a fig", ["a fig"])] * 2
    assert streamed(server) == [True, False, False]


async def test_a_text_that_breaks_off_is_asked_for_again_as_a_whole(
    server: Server, settings: Any
) -> None:
    def half() -> Iterator[str]:
        yield "an apple"
        raise ConnectionResetError

    server.script = [(200, half()), (200, "an apple and a pear")]
    model = await get_language_model(settings())
    reply, _ = await read_along(model)
    assert reply.value == "an apple and a pear"

    await read_along(model)
    assert streamed(server) == [True, False, True]
