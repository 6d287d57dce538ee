"""A real server process is killed at random moments: no task is lost, none is done twice."""

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.model_server import PATIENCE, PENS, ModelServer
from tests.service.streams import Event, events_in

KILLS = int(os.environ.get("KILLS", "4"))
"""How often the server is killed; CI asks for 30."""
TASKS = 3
"""Sent to each process."""
LIFETIME = 2
"""Longest life of a process, in times of what one task takes here: a busy machine needs longer, and
a task that never gets to the end of a step is given up."""
COMMAND = [sys.executable, "-c", "from concertino.cli.service import serve; serve()"]
MARK = re.compile(r"order no\. (\d+)")


class Process:
    """`concertino serve` in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*COMMAND, "--port", "0", "--workers-in-process", "2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        address = re.search(r"http://\S+", self._process.stdout.readline())
        assert address, "the service did not start"
        self.http = httpx.Client(base_url=address[0], timeout=PATIENCE)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)

    def wait(self) -> None:
        self._process.wait(PATIENCE)
        self.http.close()


@pytest.fixture
def start() -> Iterator[Callable[[], Process]]:
    running: list[Process] = []

    def begin() -> Process:
        running.append(Process())
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


class Order:
    """A task of the test, known by a number in its question."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.task_id = ""

    def send(self, process: Process) -> None:
        """As a client does that was cut off: the same request again, with the same key."""
        body = {"question": f"{PENS} (order no. {self.number})", "workflow": "solve_math"}
        key = {"Idempotency-Key": f"order-{self.number}"}
        self.task_id = process.http.post("/tasks", json=body, headers=key).json()["task_id"]


def orders_in(requests: list[dict[str, Any]]) -> Counter[str]:
    """How often the model was asked for each order."""
    return Counter(
        found[1] for request in requests if (found := MARK.search(str(request["messages"])))
    )


def ended(process: Process) -> set[str]:
    items = process.http.get("/tasks", params={"limit": 100, "status": "verified"}).json()["items"]
    return {found[1] for task in items if (found := MARK.search(task["question"]))}


def read_events(process: Process, order: Order) -> list[Event]:
    """The stored events of an order's task, once it has ended."""
    with process.http.stream("GET", f"/tasks/{order.task_id}/events") as stream:
        return [event for event in events_in(stream.iter_lines()) if event.id]


def test_every_accepted_task_is_finished_exactly_once(
    start: Callable[[], Process], serve: Callable[..., ModelServer]
) -> None:
    chance = random.Random(4)  # noqa: S311
    model, orders, unsent = serve(), [Order(0)], []
    process = start()
    began = time.monotonic()
    orders[0].send(process)
    read_events(process, orders[0])
    usual = time.monotonic() - began
    process.kill()
    process.wait()
    for killed in range(KILLS):
        process = start()
        already, asked = ended(process), orders_in(model.requests)
        new = [Order(killed * TASKS + number) for number in range(1, TASKS + 1)]
        orders += new
        timer = threading.Timer(chance.uniform(0, LIFETIME * usual), process.kill)
        timer.start()
        try:
            for order in [*unsent, *new]:
                order.send(process)
        except httpx.HTTPError:
            pass
        unsent = [order for order in orders if not order.task_id]
        timer.join()
        process.wait()
        assert all(orders_in(model.requests)[number] == asked[number] for number in already)

    process = start()
    for order in unsent:
        order.send(process)
    for order in orders:
        events = read_events(process, order)
        assert [event.id for event in events] == list(range(1, len(events) + 1))
        assert [event.type for event in events].count("done") == 1
        result = events[-1].data["result"]
        assert (result["status"], result["final_answer"]) == ("verified", "36")
        played = [event.data["actor"] for event in events if event.type == "turn"]
        assert played == [r["actor"] for r in result["iteration_history"] if not r["decision"]]
    assert ended(process) == {str(order.number) for order in orders}
    assert len({order.task_id for order in orders}) == len(orders)
