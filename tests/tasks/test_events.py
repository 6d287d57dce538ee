"""What a run's stream is retold as."""

from collections.abc import Callable
from typing import Any

from concertino import astream_task
from concertino.tasks.events import Event, EventTranslator
from langchain_core.messages import AIMessage, AIMessageChunk

from tests.model_server import PENS, ModelServer
from tests.scripted_model import ScriptedModel

Scripted = Callable[..., ScriptedModel]


def chunk(text: str, message: str = "m", last: bool = False) -> AIMessageChunk:
    return AIMessageChunk(text, id=message, chunk_position="last" if last else None)


def translate(
    retelling: EventTranslator, *messages: AIMessage, node: str = "report"
) -> list[Event]:
    about = {"langgraph_node": node, "langgraph_checkpoint_ns": f"{node}:1"}
    return [
        event for each in messages for event in retelling.translate((), "messages", (each, about))
    ]


async def stream(**options: Any) -> list[Event]:
    return [e async for e in astream_task(PENS, workflow="solve_math", storage="memory", **options)]


def text_of(tokens: list[Event]) -> str:
    return "".join(token["text"] for token in tokens)


def test_each_piece_says_where_in_its_text_it_stands() -> None:
    pieces = translate(EventTranslator(), chunk("ab"), chunk(""), chunk("c"), chunk("d", last=True))

    assert [(piece["offset"], piece["text"]) for piece in pieces] == [(0, "ab"), (2, "c"), (3, "d")]
    assert len({piece["message"] for piece in pieces}) == 1


def test_texts_that_are_written_side_by_side_are_told_apart() -> None:
    retelling = EventTranslator()
    pieces = translate(retelling, chunk("a"), node="left")
    pieces += translate(retelling, chunk("x"), node="right")
    pieces += translate(retelling, chunk("b", last=True), node="left")
    pieces += translate(retelling, chunk("y", last=True), node="right")

    left, right = (
        [piece for piece in pieces if piece["node"] == node] for node in ("left", "right")
    )
    assert (text_of(left), text_of(right)) == ("ab", "xy")
    assert {piece["message"] for piece in left}.isdisjoint(piece["message"] for piece in right)


def test_two_texts_are_two_messages_even_where_the_server_gives_them_one_id() -> None:
    first, second = translate(EventTranslator(), AIMessage("one", id="1"), AIMessage("two", id="1"))
    assert first["message"] != second["message"]


def test_the_thoughts_that_a_text_begins_with_are_not_told() -> None:
    words = ("<th", "ink>2 and 2", "</thi", "nk>", "\n\n", "a < b", "<think>")
    pieces = translate(EventTranslator(), *map(chunk, words))
    assert [(piece["offset"], piece["text"]) for piece in pieces] == [(0, "a < b"), (5, "<think>")]


def test_a_text_that_begins_like_a_thought_is_told_as_soon_as_it_is_none() -> None:
    assert text_of(translate(EventTranslator(), chunk("<"), chunk("3 apples"))) == "<3 apples"


async def test_every_node_that_starts_ends_and_inner_ones_name_those_around_them(
    scripted: Scripted,
) -> None:
    events = await stream(model=scripted())
    starts = {event["run"]: event for event in events if event["type"] == "node_start"}
    ends = {event["run"]: event for event in events if event["type"] == "node_end"}

    assert starts.keys() == ends.keys()
    paths = {(event["node"], *event["path"]) for event in starts.values()}
    assert {("receive",), ("coordinator",), ("run_chain", "execution"), ("report",)} <= paths
    assert all(end["seconds"] >= 0 and not end["failed"] for end in ends.values())


async def test_a_node_that_fails_ends_as_failed(scripted: Scripted) -> None:
    events = await stream(model=scripted(comprehension=[ValueError("nonsense")]))

    [failed] = [event for event in events if event.get("failed")]
    assert (failed["type"], failed["node"]) == ("node_end", "comprehension")


async def test_the_report_is_told_word_by_word_and_nothing_else_is(
    serve: Callable[..., ModelServer],
) -> None:
    model = serve()
    events = await stream()
    tokens = [event for event in events if event["type"] == "token"]

    assert {token["node"] for token in tokens} == {"report"}
    assert text_of(tokens) == "1. 12 pens at 3 dollars cost 36 dollars."
    streamed = [request for request in model.requests if request.get("stream")]
    assert len(streamed) == 1
    assert streamed[0]["stream_options"] == {"include_usage": True}


async def test_a_model_that_cannot_stream_tells_its_text_at_once(scripted: Scripted) -> None:
    tokens = [event for event in await stream(model=scripted()) if event["type"] == "token"]
    assert [token["text"] for token in tokens] == ["1. 12 pens at 3 dollars cost 36 dollars."]


async def test_what_a_task_cost_is_the_same_with_tokens(serve: Callable[..., ModelServer]) -> None:
    model = serve()
    [*_, last] = await stream()

    usage = last["result"]["usage"]
    assert usage["calls"] == len(model.requests)
    assert usage["prompt_tokens"] == 20 * len(model.requests)
    assert usage["cached_tokens"] == 8 * len(model.requests)
    assert usage["output_tokens"] == 5 * len(model.requests)
