"""The service on a real port: streams, broken-off calls, shutdown."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from concertino.service.server import _listen

from tests.model_server import PATIENCE, PENS, ModelServer, use
from tests.service.conftest import LiveService
from tests.service.streams import events_in

Live = Callable[[], LiveService]
Serve = Callable[..., ModelServer]
TASK = {"question": PENS, "workflow": "solve_math"}


def start(service: LiveService) -> str:
    """The address of a new task."""
    return service.url + httpx.post(f"{service.url}/tasks", json=TASK).json()["links"]["self"]


def test_events_arrive_while_the_task_is_running(live: Live, serve: Serve) -> None:
    hold = serve().hold("planning")
    service = live()
    task = start(service)

    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        events = events_in(stream.iter_lines())
        gist = (event for event in events if not event.type.startswith("node_"))
        seen = [next(gist) for _ in range(4)]
        assert [event.type for event in seen] == ["started", "decision", "turn", "decision"]
        assert httpx.get(task).json()["status"] == "running"
        hold.released.set()
        assert [event.type for event in events][-1] == "done"


def test_a_silent_stream_has_a_heartbeat(
    live: Live, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi.routing._PING_INTERVAL", 0.01)
    hold = serve().hold("coordinator")
    task = start(live())

    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        assert any(line.startswith(":") for line in stream.iter_lines())
        hold.released.set()


def test_readers_that_are_slow_or_vanish_hold_nothing_up(live: Live, serve: Serve) -> None:
    hold = serve().hold("planning")
    task = start(live())
    slow = httpx.Client()
    unread = slow.send(slow.build_request("GET", f"{task}/events"), stream=True)
    with httpx.stream("GET", f"{task}/events"):
        pass  # vanishes
    hold.released.set()

    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        assert [event.type for event in events_in(stream.iter_lines())][-1] == "done"
    assert [event.type for event in events_in(unread.iter_lines())][-1] == "done"
    slow.close()


def leave_after_the_first_piece(task: str) -> None:
    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        next(stream.iter_raw())


def test_a_reader_that_leaves_is_no_error(
    live: Live, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    hold = serve().hold("planning")
    service = live()
    task = start(service)
    for _ in range(5):
        leave_after_the_first_piece(task)  # while the task is running
    hold.released.set()
    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        assert [event.type for event in events_in(stream.iter_lines())][-1] == "done"
    for _ in range(20):
        leave_after_the_first_piece(task)  # once it has ended, with all events still to be sent
    service.stop()

    assert not [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


def test_more_streams_than_allowed_are_refused(
    live: Live, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_STREAMS="1")
    hold = serve().hold("planning")
    task = start(live())

    with httpx.stream("GET", f"{task}/events"):
        refused = httpx.get(f"{task}/events")
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
    hold.released.set()
    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        assert stream.status_code == 200


class DeafModel:
    """A model server that takes a request and never answers; tells when the client hangs up."""

    def __init__(self) -> None:
        self.asked, self.dropped = threading.Event(), threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with connection:
            connection.recv(1 << 16)
            self.asked.set()
            while connection.recv(1 << 16):
                pass
        self.dropped.set()

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeafModel]:
    model = DeafModel()
    use(monkeypatch, OPENAI_BASE_URL=model.url, CONCERTINO_MODEL="m")
    yield model
    model.close()


def test_cancelling_breaks_off_the_call_of_the_model(live: Live, deaf: DeafModel) -> None:
    task = start(live())
    assert deaf.asked.wait(PATIENCE)
    assert not deaf.dropped.is_set()

    cancelled = httpx.post(f"{task}/cancel").json()
    assert cancelled["status"] == "cancelled"
    assert deaf.dropped.wait(PATIENCE)
    last = list(events_in(httpx.get(f"{task}/events").text.splitlines()))[-1]
    assert last.data["result"]["status"] == "cancelled"


def test_a_cancelled_task_goes_on_where_it_was_when_it_is_taken_up(
    live: Live, serve: Serve
) -> None:
    model = serve()
    hold = model.hold("planning")
    task = start(live())
    hold.wait()
    assert httpx.post(f"{task}/cancel").json()["status"] == "cancelled"
    hold.released.set()

    assert httpx.post(f"{task}/resume", json={}).status_code == 202
    with httpx.stream("GET", f"{task}/events", timeout=PATIENCE) as stream:
        [*_, last] = events_in(stream.iter_lines())
    assert last.data["result"]["status"] == "verified"
    assert model.asked["comprehension"] == 1
    assert model.asked["planning"] == 2


def test_a_service_that_stops_lets_the_step_at_hand_finish_and_the_next_one_goes_on(
    live: Live, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_WORKERS="1")
    model = serve()
    hold = model.hold("planning")
    service = live()
    running, queued = start(service), start(service)
    hold.wait()
    with httpx.stream("GET", f"{running}/events", timeout=PATIENCE) as stream:
        service.ask_to_stop()
        while httpx.get(f"{service.url}/health/ready").status_code != 503:
            pass
        assert httpx.post(f"{service.url}/tasks", json=TASK).status_code == 503
        hold.released.set()
        types = [event.type for event in events_in(stream.iter_lines())]
    service.stop()
    assert "done" not in types
    assert "error" not in types
    assert model.asked["execution"] == 0

    again = live()
    for task in (running, queued):
        address = task.replace(service.url, again.url)
        with httpx.stream("GET", f"{address}/events", timeout=PATIENCE) as stream:
            [*_, last] = events_in(stream.iter_lines())
        assert last.data["result"]["status"] == "verified"
    assert model.asked["comprehension"] == model.asked["planning"] == 1


def test_a_step_that_takes_too_long_to_wait_for_is_done_again_after_the_stop(
    live: Live, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_SHUTDOWN_SECONDS="0")
    model = serve()
    hold = model.hold("planning")
    service = live()
    task = start(service)
    hold.wait()
    service.stop()
    hold.released.set()

    again = live()
    address = task.replace(service.url, again.url)
    with httpx.stream("GET", f"{address}/events", timeout=PATIENCE) as stream:
        [*_, last] = events_in(stream.iter_lines())
    assert last.data["result"]["status"] == "verified"
    assert model.asked["comprehension"] == 1
    assert model.asked["planning"] == 2


def test_small_answers_are_sent_at_once() -> None:
    with _listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
