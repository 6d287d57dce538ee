"""Workers in processes of their own, over a real Postgres and a real Redis: whatever becomes of
them, each task comes to one end."""

import asyncio
import os
import queue
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import psycopg
import pytest
import redis
from click.testing import CliRunner
from concertino.cli.service import keys
from concertino.learning.bandit import Bandit
from concertino.store.open import open_store
from pydantic import SecretStr

from tests.model_server import PATIENCE, PENS, ModelServer, use
from tests.scale import LEASE_SECONDS, REDIS, prefix, schema
from tests.scripted_model import comprehension, decision
from tests.service.conftest import LiveService
from tests.service.streams import Event, events_in

COMMAND = [sys.executable, "-c", "from concertino.cli.service import worker; worker()"]
TASK = {"question": PENS, "workflow": "solve_math"}
BLOWS = int(os.environ.get("KILLS", "3"))
"""How often a worker is killed, paused or stopped; CI asks for 30."""
TASKS = 4
"""Sent before the first blow; one more follows each."""
FENCED = "another process"
WRITTEN = ("checkpoints", "checkpoint_blobs", "checkpoint_writes")

Live = Callable[[], LiveService]
Serve = Callable[..., ModelServer]


class Worker:
    """`concertino worker` in a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [*COMMAND, "--tasks", "2"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.wait_for("at a time")

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line)

    def wait_for(self, words: str) -> None:
        """Wait until it tells these words."""
        lines = [""]
        while words not in lines[-1]:
            try:
                lines.append(self._lines.get(timeout=PATIENCE))
            except queue.Empty:
                raise AssertionError("".join(lines)) from None

    def send(self, name: signal.Signals) -> None:
        self._process.send_signal(name)

    def ended(self) -> int:
        """Its exit code."""
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.ended()


class Machines:
    """An empty database, an empty corner of Redis, and whatever works with them."""

    def __init__(self, stack: ExitStack, database: str, name: str) -> None:
        self.database, self.name, self._stack = database, name, stack

    def worker(self) -> Worker:
        worker = Worker()
        self._stack.callback(worker.kill)
        return worker

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode()).fetchall()

    def stored(self) -> list[tuple[Any, ...]]:
        """How much is written of checkpoints."""
        counts = (f"(select count(*) from {table})" for table in WRITTEN)  # noqa: S608
        return self.rows(f"select {', '.join(counts)}")


@pytest.fixture
def machines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    with ExitStack() as stack:
        database, name = stack.enter_context(schema()), stack.enter_context(prefix())
        use(
            monkeypatch,
            CONCERTINO_DATABASE_URL=database,
            CONCERTINO_REDIS_URL=REDIS,
            CONCERTINO_REDIS_PREFIX=name,
            CONCERTINO_LEASE_SECONDS=str(LEASE_SECONDS),
        )
        yield Machines(stack, database, name)


@pytest.fixture
def api(machines: Machines, live: Live) -> LiveService:
    """An application without workers."""
    return live()


def start(service: LiveService, **task: Any) -> str:
    """The path of a new task."""
    made = httpx.post(f"{service.url}/tasks", json={**TASK, **task}, timeout=PATIENCE)
    assert made.status_code == 202, made.text
    return str(made.json()["links"]["self"])


def followed(service: LiveService, task: str) -> list[Event]:
    """A task's stored events, to its end."""
    with httpx.stream("GET", f"{service.url}{task}/events", timeout=PATIENCE) as stream:
        return [event for event in events_in(stream.iter_lines()) if event.id]


def check_one_end(events: list[Event]) -> None:
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert [event.type for event in events].count("done") == 1
    result = events[-1].data["result"]
    assert (result["status"], result["final_answer"]) == ("verified", "36")
    played = [event.data["actor"] for event in events if event.type == "turn"]
    assert played == [r["actor"] for r in result["iteration_history"] if not r["decision"]]


async def rewards(machines: Machines) -> int:
    """How often `solve_math` was rewarded."""
    async with open_store(SecretStr(machines.database)) as store:
        return (await Bandit.read(store.checkpointer)).get_baseline("solve_math").count


def test_a_task_whose_worker_is_killed_is_finished_by_another_from_its_checkpoint(
    machines: Machines, serve: Serve, api: LiveService
) -> None:
    model = serve()
    hold = model.hold("planning")
    first = machines.worker()
    task = start(api)
    hold.wait()
    second = machines.worker()
    first.kill()
    assert httpx.get(f"{api.url}{task}").json()["status"] in ("running", "queued")

    check_one_end(followed(api, task))
    hold.released.set()
    assert model.asked["comprehension"] == 1
    assert model.asked["planning"] == 2
    assert model.asked["report"] == 1
    second.send(signal.SIGTERM)
    assert second.ended() == 0
    assert machines.rows("select * from leases") == []


def test_a_paused_worker_that_wakes_up_late_is_fenced_and_works_on(
    machines: Machines, serve: Serve, api: LiveService
) -> None:
    model = serve()
    planning = model.hold("planning")
    paused = machines.worker()
    task = start(api)
    planning.wait()
    paused.send(signal.SIGSTOP)
    execution = model.hold("execution")
    other = machines.worker()
    execution.wait()  # the other has taken the task over, and is in the midst of it
    stored = machines.stored()

    planning.released.set()
    paused.send(signal.SIGCONT)
    paused.wait_for(FENCED)
    assert machines.stored() == stored
    execution.released.set()
    check_one_end(followed(api, task))
    assert model.asked["planning"] == 2
    assert model.asked["execution"] == model.asked["report"] == 1
    other.kill()
    check_one_end(followed(api, start(api)))


def test_whatever_becomes_of_workers_each_task_is_done_once(
    machines: Machines, serve: Serve, api: LiveService
) -> None:
    chance = random.Random(4)  # noqa: S311
    serve()
    working = [machines.worker(), machines.worker()]
    tasks = [start(api) for _ in range(TASKS)]
    for _ in range(BLOWS):
        threading.Event().wait(chance.uniform(0, 2))  # not for something: at any moment
        worker = working.pop(0)
        worker.send(chance.choice([signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM]))
        working.append(machines.worker())
        worker.send(signal.SIGCONT)
        tasks.append(start(api))

    for task in tasks:
        check_one_end(followed(api, task))
    assert asyncio.run(rewards(machines)) == len(tasks)
    assert machines.rows("select * from jobs where place is not null") == []


def test_any_application_streams_cancels_and_takes_up_any_task(
    machines: Machines, serve: Serve, live: Live
) -> None:
    model = serve()
    hold = model.hold("planning")
    here, there = live(), live()
    machines.worker()
    task = start(here)
    with httpx.stream("GET", f"{there.url}{task}/events", timeout=PATIENCE) as stream:
        events = events_in(stream.iter_lines())
        seen = next(event for event in events if event.type == "turn")
        assert seen.data["actor"] == "comprehension"
        hold.wait()
        cancelled = httpx.post(f"{here.url}{task}/cancel", timeout=PATIENCE)
        assert cancelled.json()["status"] == "cancelled"
        last = list(events)[-1]
    assert last.data["result"]["status"] == "cancelled"
    assert model.asked["execution"] == 0

    assert httpx.post(f"{there.url}{task}/resume", json={}).status_code == 202
    assert followed(here, task)[-1].data["result"]["status"] == "verified"
    assert model.asked["comprehension"] == 1
    hold.released.set()


def test_a_question_to_the_person_is_answered_through_another_application(
    machines: Machines, serve: Serve, live: Live
) -> None:
    serve(
        comprehension=[comprehension(missing=["the price"]), comprehension()],
        coordinator=[decision("comprehension"), decision("need_input", "What is the price?")],
    )
    here, there = live(), live()
    machines.worker()
    asked = {**TASK, "question": "A shop sells 12 pens. What do they cost?"}
    wait = {"Prefer": "wait=60"}
    paused = httpx.post(f"{here.url}/tasks", json=asked, headers=wait, timeout=PATIENCE).json()
    assert paused["input_request"] == "What is the price?"

    resume = paused["links"]["resume"]
    answered = httpx.post(f"{there.url}{resume}", json={"answer": "3 dollars"}, timeout=PATIENCE)
    assert answered.status_code == 202
    last = followed(here, paused["links"]["self"])[-1]
    assert last.data["result"]["status"] == "verified"


def test_connections_that_postgres_has_ended_are_made_anew(
    machines: Machines, serve: Serve, api: LiveService
) -> None:
    model = serve()
    hold = model.hold("planning")
    machines.worker()
    task = start(api)
    hold.wait()
    ended = machines.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = "
        "current_setting('application_name') and pid <> pg_backend_pid()"
    )
    assert len(ended) >= 2
    hold.released.set()

    check_one_end(followed(api, task))
    assert model.asked["planning"] == 1


def test_a_worker_that_is_told_to_stop_hands_its_task_on(
    machines: Machines, serve: Serve, api: LiveService
) -> None:
    model = serve()
    hold = model.hold("planning")
    first = machines.worker()
    task = start(api)
    hold.wait()
    first.send(signal.SIGTERM)
    second = machines.worker()
    hold.released.set()

    assert first.ended() == 0
    check_one_end(followed(api, task))
    assert model.asked["comprehension"] == model.asked["planning"] == 1
    assert second


def test_the_queue_is_bounded_over_all_applications_and_nothing_in_it_is_lost_with_redis(
    machines: Machines, serve: Serve, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, CONCERTINO_SERVE_QUEUE="2")
    serve()
    here, there = live(), live()
    tasks = [start(here), start(there)]
    full = httpx.post(f"{here.url}/tasks", json=TASK)
    assert full.status_code == 429
    assert full.headers["retry-after"]
    assert "full" in httpx.get(f"{there.url}/health/ready").json()["checks"]["queue"]
    assert "concertino_tasks_waiting 2.0" in httpx.get(f"{here.url}/metrics").text

    with redis.Redis.from_url(REDIS) as client:
        assert client.delete(f"{machines.name}:tasks")
    machines.worker()
    for task in tasks:
        check_one_end(followed(there, task))


def test_a_task_is_accepted_and_done_though_redis_is_gone_for_a_while(
    machines: Machines, serve: Serve, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (program := shutil.which("redis-server")):
        pytest.skip("there is no redis-server to start and stop")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    use(monkeypatch, CONCERTINO_REDIS_URL=f"redis://127.0.0.1:{port}")
    serve()
    service = live()
    worker = machines.worker()
    task = start(service)  # nobody listens there yet

    begun = subprocess.Popen(
        [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
    )
    try:
        check_one_end(followed(service, task))
        begun.kill()
        begun.wait()
        another = start(service)
        begun = subprocess.Popen(begun.args, stdout=subprocess.DEVNULL)
        check_one_end(followed(service, another))
    finally:
        begun.kill()
        begun.wait()
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0


def test_a_key_s_requests_are_counted_over_all_applications(
    machines: Machines, serve: Serve, live: Live
) -> None:
    made = CliRunner().invoke(keys, ["create", "a", "--requests-per-minute", "3"])
    header = {"Authorization": f"Bearer {made.stdout.splitlines()[-1]}"}
    here, there = live(), live()
    answers = [
        httpx.get(f"{service.url}/tasks", headers=header) for service in (here, there, here, there)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_what_redis_needs_is_said(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, CONCERTINO_REDIS_URL=REDIS)
    completed = subprocess.run(
        [*COMMAND[:2], "from concertino.cli.main import main; main(['worker'])"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=dict(os.environ),
    )
    assert completed.returncode == 1
    assert "CONCERTINO_DATABASE_URL" in completed.stderr
    assert not re.search("Traceback", completed.stderr)
