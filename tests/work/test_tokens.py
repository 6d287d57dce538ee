"""What models are writing, as its readers get it over HTTP."""

import itertools
import threading
from collections.abc import Callable, Iterator

import httpx
from concertino.work.live_text import LiveText

from tests.model_server import PATIENCE, PENS, ModelServer
from tests.service.conftest import LiveService
from tests.service.streams import Event, events_in

Live = Callable[[], LiveService]
Serve = Callable[..., ModelServer]
TASK = {"question": PENS, "workflow": "solve_math"}
REPORT = "12 pens at 3 dollars cost 36 dollars."


def start(service: LiveService) -> str:
    """The address of a new task."""
    return service.url + httpx.post(f"{service.url}/tasks", json=TASK).json()["links"]["self"]


def token(text: str, offset: int = 0, message: str = "m") -> dict[str, object]:
    return {"type": "token", "node": "n", "message": message, "offset": offset, "text": text}


def text_of(events: list[Event]) -> str:
    return "".join(event.data["text"] for event in events if event.type == "token")


def halves(gate: threading.Event) -> Iterator[str]:
    """The report in words, the second half when the gate is open."""
    words = [f"{word} " for word in REPORT.split()]
    yield from words[:4]
    gate.wait(PATIENCE)
    yield from words[4:]


def test_tokens_arrive_while_the_model_writes_and_late_readers_get_the_beginning_too(
    live: Live, serve: Serve
) -> None:
    gate = threading.Event()
    serve().says("report", halves(gate))
    task = start(live())

    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as first:
        events, seen = events_in(first.iter_lines()), []
        while "12 pens" not in text_of(seen):
            seen.append(next(events))
        with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as late:
            gate.set()
            assert text_of(list(events_in(late.iter_lines()))).strip() == REPORT
        seen += list(events)
    assert text_of(seen).strip() == REPORT
    tokens = [event for event in seen if event.type == "token"]
    offsets = itertools.accumulate((len(each.data["text"]) for each in tokens), initial=0)
    assert [each.data["offset"] for each in tokens] == list(offsets)[:-1]


def test_tokens_come_between_the_start_and_the_end_of_their_node_and_bear_no_number(
    live: Live, serve: Serve
) -> None:
    gate = threading.Event()
    serve().says("report", halves(gate))
    task = start(live())
    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        gate.set()
        events = list(events_in(stream.iter_lines()))

    about_report = [event for event in events if event.data.get("node") == "report"]
    assert [about_report[0].type, about_report[-1].type] == ["node_start", "node_end"]
    assert {event.type for event in about_report[1:-1]} == {"token"}
    assert all((event.id is None) == (event.type == "token") for event in events)
    numbers = [event.id for event in events if event.id is not None]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_replay_has_the_finished_text_and_no_tokens(live: Live, serve: Serve) -> None:
    serve()
    service = live()
    task = start(service)
    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        seen = [event for event in events_in(stream.iter_lines()) if event.id]
    service.stop()
    again = task.replace(service.url, live().url)

    replayed = list(events_in(httpx.get(f"{again}/events").text.splitlines()))
    assert replayed == seen
    assert "36 dollars" in replayed[-1].data["result"]["report"]


def test_a_reader_who_comes_back_goes_on_after_the_last_numbered_event(
    live: Live, serve: Serve
) -> None:
    gate = threading.Event()
    serve().says("report", halves(gate))
    task = start(live())
    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        events, before = events_in(stream.iter_lines()), []
        while not text_of(before):
            before.append(next(events))
    last = max(event.id for event in before if event.id)
    gate.set()
    with httpx.stream(
        "GET", f"{task}/events", timeout=PATIENCE, headers={"Last-Event-ID": str(last)}
    ) as stream:
        after = list(events_in(stream.iter_lines()))
    numbers = [event.id for event in after if event.id]
    assert numbers == list(range(last + 1, last + 1 + len(numbers)))
    assert after[-1].type == "done"


def test_cancelling_breaks_off_a_text_that_is_being_written(live: Live, serve: Serve) -> None:
    model, end = serve(), threading.Event()
    model.says("report", ("on and " for _ in iter(lambda: end.wait(0.01), True)))
    task = start(live())
    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        assert any(event.type == "token" for event in events_in(stream.iter_lines()))
        assert not model.dropped.is_set()

        assert httpx.post(f"{task}/cancel").json()["status"] == "cancelled"
    assert model.dropped.wait(PATIENCE)
    end.set()


def test_what_a_reader_missed_comes_as_one_piece() -> None:
    live_text, place = LiveText(), dict[str, int]()
    live_text.write("t", 1, token("a"))
    assert [piece.event["text"] for piece in live_text.read("t", place)] == ["a"]
    live_text.write("t", 1, token("b", 1))
    live_text.write("t", 1, token("c", 2))

    [missed] = live_text.read("t", place)
    assert (missed.event["offset"], missed.event["text"]) == (1, "bc")
    assert live_text.read("t", place) == []


def test_texts_that_alternate_are_each_read_once() -> None:
    live_text, place = LiveText(), dict[str, int]()
    for offset in range(3):
        for message in "xy":
            live_text.write("t", 1, token(message, offset, message))
    pieces = live_text.read("t", place)

    assert [piece.event["message"] for piece in pieces] == list("xyxyxy")
    assert place == {"x": 3, "y": 3}
    live_text.drop("t")
    assert live_text.read("t", place) == []
