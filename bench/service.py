"""The service under load, with a stand-in model of fixed latency over real HTTP.

    python -m bench.service throughput|reader|lookup|memory|streams|studio|workers

Every part starts the processes it needs, with an empty home, and stops them. Run it on an otherwise
idle machine. `workers` needs the Postgres and Redis of TEST_DATABASE_URL and TEST_REDIS_URL, by
default those of this machine.
"""

import argparse
import asyncio
import getpass
import os
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import httpx

TASK = {"question": "A shop sells 12 pens at 3 dollars each. What do they cost?"}
SOLVE = {**TASK, "workflow": "solve_math"}
COMMAND = "import sys; from concertino.cli.main import main; sys.argv[0] = 'concertino'; main()"
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MEGABYTE = 2**20
DATABASE = os.environ.get("TEST_DATABASE_URL", f"postgresql://{getpass.getuser()}@127.0.0.1/test")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
PATIENCE = 3600

_TIME = re.compile(r"at (\d+\.\d+)")


class Process:
    """A process that is stopped together with the part that started it."""

    def __init__(self, command: list[str], environment: dict[str, str], says: str) -> None:
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.pid, self.said = self._process.pid, self._wait_for(says)

    def _wait_for(self, words: str) -> str:
        """Read the output up to a line with these words, and return that line; later output is
        discarded."""
        assert self._process.stdout
        log = []
        for line in self._process.stdout:
            log.append(line)
            if words in line:
                threading.Thread(target=self._process.stdout.read, daemon=True).start()
                return line
        raise SystemExit("it did not start:\n" + "".join(log[-30:]))

    @property
    def url(self) -> str:
        found = re.search(r"http://[\w.:]+", self.said)
        assert found
        return found[0]

    @property
    def processor_seconds(self) -> float:
        """Processor seconds of the process and of the children it has waited for."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / TICKS

    @property
    def megabytes(self) -> float:
        """Resident memory in megabytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE / MEGABYTE

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()


class Bench:
    """Starts the processes that a part needs."""

    def __init__(self, stack: ExitStack, latency: float) -> None:
        self._stack = stack
        self.home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        module = [sys.executable, "-m", "bench.stand_in_model", "--latency", str(latency)]
        self.model = self._started(Process(module, {}, "http://"))
        self.environment = {
            "CONCERTINO_HOME": str(self.home),
            "CONCERTINO_SERVE_QUEUE": "100000",
            "CONCERTINO_SERVE_STREAMS": "1000",
            "CONCERTINO_LOG_LEVEL": "warning",
            "OPENAI_BASE_URL": f"{self.model.url}/v1",
            "OPENAI_API_KEY": "none",
        }

    def _started(self, process: Process) -> Process:
        self._stack.callback(process.stop)
        return process

    def service(self, workers: int) -> Process:
        options = ["--port", "0", "--workers-in-process", str(workers)]
        return self._started(self._concertino("serve", *options, says="http://"))

    def worker(self, tasks: int) -> Process:
        return self._started(self._concertino("worker", "--tasks", str(tasks), says=str(tasks)))

    def studio(self, jobs: int) -> Process:
        with socket_of_no_use() as port:
            pass
        config = Path(__file__).parents[1] / "langgraph.json"
        command = [str(Path(sys.executable).with_name("langgraph")), "dev", "--no-browser"]
        options = ["--no-reload", "--port", str(port), "--config", str(config)]
        quiet = {"LANGSMITH_TRACING": "false", "LANGGRAPH_CLI_NO_ANALYTICS": "1"}
        process = Process(
            [*command, *options, "--n-jobs-per-worker", str(jobs)],
            {**self.environment, **quiet},
            "Application started up",
        )
        process.said = f"http://127.0.0.1:{port}"
        return self._started(process)

    def calls(self) -> int:
        """Return the number of calls that the model has received."""
        return int(httpx.get(f"{self.model.url}/calls").json())

    def _concertino(self, *arguments: str, says: str) -> Process:
        return Process([sys.executable, "-c", COMMAND, *arguments], self.environment, says)


@contextmanager
def bench(latency: float) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(stack, latency)


@contextmanager
def socket_of_no_use() -> Iterator[int]:
    """Yield a free port."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        yield int(probe.getsockname()[1])


class Load(NamedTuple):
    """The number of tasks done, and the time they took."""

    tasks: int
    seconds: float
    calls: float
    """Model calls per task."""
    processor: float
    """Processor seconds per task."""

    def row(self, number: int, latency: float) -> str:
        rate, ideal = self.tasks / self.seconds, number / (self.calls * latency)
        return (
            f"| {number} | {self.tasks} | {self.calls:.1f} | {rate:.2f} | {ideal:.2f} | "
            f"{rate / ideal:.0%} | {1000 * self.processor:.0f} |"
        )


HEADING = (
    "| tasks at a time | tasks | calls a task | tasks a second | ideal | share | "
    "processor ms a task |\n| --- | --- | --- | --- | --- | --- | --- |"
)


async def load(where: Bench, service: Process, tasks: int, *others: Process) -> Load:
    """Send this number of tasks at once, and wait until all have ended."""
    calls, processes = where.calls(), [service, *others]
    spent = sum(process.processor_seconds for process in processes)
    async with httpx.AsyncClient(base_url=service.url, timeout=120) as http:
        began = time.perf_counter()
        await asyncio.gather(*(http.post("/tasks", json=SOLVE) for _ in range(tasks)))
        await until_idle(http)
        seconds = time.perf_counter() - began
        page = (await http.get("/tasks", params={"limit": 1})).json()["items"]
        assert page[0]["status"] == "verified", page
    spent = sum(process.processor_seconds for process in processes) - spent
    return Load(tasks, seconds, (where.calls() - calls) / tasks, spent / tasks)


async def until_idle(http: httpx.AsyncClient) -> None:
    """Wait until no task is queued or running."""
    for status in ("queued", "running"):
        params = {"status": status, "limit": 1}
        while (await http.get("/tasks", params=params)).json()["items"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def throughput(options: argparse.Namespace) -> None:
    """Tasks per second in one process, against N / (calls x latency)."""
    print(HEADING)
    for number in options.numbers:
        with bench(options.latency) as where:
            service = where.service(number)
            await load(where, service, min(number, 8))  # what is loaded once
            result = await load(where, service, options.rounds * number)
            print(result.row(number, options.latency), flush=True)


async def reader(options: argparse.Namespace) -> None:
    """Delay between the model's sending of an answer and the reader's receiving the event with
    it."""
    print(
        "| tasks at a time | event | events | median ms | p99 ms |\n| --- | --- | --- | --- | --- |"
    )
    for number in options.numbers[:2]:
        with bench(options.latency) as where:
            service = where.service(number)
            await load(where, service, min(number, 8))
            delays = await followed(service, number * options.rounds, number)
            for kind, found in delays.items():
                print(f"| {number} | {kind} | {len(found)} | {row_of(found)} |", flush=True)


async def followed(service: Process, tasks: int, at_a_time: int) -> dict[str, list[float]]:
    """Return the delays of decisions and tokens in milliseconds, for readers of this number of
    tasks."""
    delays: dict[str, list[float]] = {"decision": [], "token": []}
    slots = asyncio.Semaphore(at_a_time)
    async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as http:

        async def one() -> None:
            async with slots:
                link = (await http.post("/tasks", json=TASK)).json()["links"]["events"]
                async for kind, data, now in events(http, link):
                    if kind in delays and (sent := _TIME.findall(data)):
                        delays[kind].append(1000 * (now - float(sent[-1])))

        await asyncio.gather(*(one() for _ in range(tasks)))
    return delays


async def events(http: httpx.AsyncClient, link: str) -> AsyncIterator[tuple[str, str, float]]:
    """Yield the kind, data and arrival time of a stream's events."""
    kind = ""
    async with http.stream("GET", link) as stream:
        async for line in stream.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, value, time.time()


def row_of(milliseconds: Iterable[float]) -> str:
    ordered = sorted(milliseconds)
    return f"{statistics.median(ordered):.1f} | {ordered[int(0.99 * (len(ordered) - 1))]:.1f}"


async def lookup(options: argparse.Namespace) -> None:
    """GET /tasks/{id} with many tasks stored, each a copy of one real task."""
    with bench(0) as where:
        first = where.service(1)
        await load(where, first, 1)
        first.stop()
        ids = copied(where.home / "tasks.sqlite", options.tasks)
        size = (where.home / "tasks.sqlite").stat().st_size / MEGABYTE
        service = where.service(1)
        print(f"{options.tasks} tasks stored, {size:.0f} MB\n")
        print("| request | readers | median ms | p99 ms |\n| --- | --- | --- | --- |")
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as http:
            for readers in (1, 8):
                paths = [f"/tasks/{random.choice(ids)}" for _ in range(2000)]  # noqa: S311
                print(
                    f"| GET /tasks/ID | {readers} | {row_of(await asked(http, paths, readers))} |"
                )
            pages = ["/tasks?limit=20", "/tasks?status=verified&limit=100"] * 100
            print(f"| GET /tasks | 1 | {row_of(await asked(http, pages, 1))} |")


def copied(database: Path, number: int) -> list[str]:
    """Store `number` copies of the only task (its row, its events, its last checkpoint), and return
    their ids."""
    ids = [uuid.uuid4().hex[:12] for _ in range(number)]
    with sqlite3.connect(database) as db:
        [(original,)] = db.execute("select task_id from tasks").fetchall()
        for table, key in (
            ("tasks", "task_id"),
            ("events", "task_id"),
            ("checkpoints", "thread_id"),
        ):
            columns = [row[1] for row in db.execute(f"pragma table_info({table})") if row[1] != key]
            last = "order by checkpoint_id desc limit 1" if table == "checkpoints" else ""
            names = ", ".join(columns)
            query = f"select {names} from {table} where {key} = ? {last}"  # noqa: S608
            rows = db.execute(query, (original,)).fetchall()
            marks = ", ".join("?" * (len(columns) + 1))
            db.executemany(
                f"insert into {table} ({key}, {names}) values ({marks})",  # noqa: S608
                ((task_id, *row) for task_id in ids for row in rows),
            )
    db.close()
    return ids


async def asked(http: httpx.AsyncClient, paths: list[str], readers: int) -> list[float]:
    """Return the milliseconds of each request, with `readers` requests at a time."""
    waiting, times = iter(paths), []

    async def one() -> None:
        for path in waiting:
            began = time.perf_counter()
            (await http.get(path)).raise_for_status()
            times.append(1000 * (time.perf_counter() - began))

    await asyncio.gather(*(one() for _ in range(readers)))
    return times


async def memory(options: argparse.Namespace) -> None:
    """Memory of the service over many tasks; it is flat if later tasks add nothing."""
    steps = 10
    print("| tasks done | service's MB |\n| --- | --- |")
    with bench(0) as where:
        service = where.service(8)
        for step in range(steps + 1):
            if step:
                await load(where, service, max(1, options.tasks // steps))
            print(f"| {step * options.tasks // steps} | {service.megabytes:.0f} |", flush=True)


async def streams(options: argparse.Namespace) -> None:
    """Many readers of the same running tasks at once."""
    number, tasks = options.streams, 8
    with bench(options.latency) as where:
        service = where.service(tasks)
        await load(where, service, tasks)
        delays: list[float] = []
        complete = 0
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE, limits=limits) as http:
            links = [
                (await http.post("/tasks", json=TASK)).json()["links"]["events"]
                for _ in range(tasks)
            ]
            spent = service.processor_seconds

            async def read(link: str) -> None:
                nonlocal complete
                async for kind, data, now in events(http, link):
                    if kind == "decision" and (sent := _TIME.findall(data)):
                        delays.append(1000 * (now - float(sent[-1])))
                    complete += kind == "done"

            await asyncio.gather(*(read(links[each % tasks]) for each in range(number)))
            spent = service.processor_seconds - spent
        print("| streams | read to the end | decision, median ms | p99 ms | processor s |")
        print("| --- | --- | --- | --- | --- |")
        print(f"| {number} | {complete} | {row_of(delays)} | {spent:.1f} |")


async def studio(options: argparse.Namespace) -> None:
    """The same graph under `langgraph dev`, which keeps everything in memory."""
    print(f"langgraph dev\n\n{HEADING}")
    for number in options.numbers[:2]:
        with bench(options.latency) as where:
            server = where.studio(number)
            await under_studio(where, server, min(number, 8), number)
            result = await under_studio(where, server, options.rounds * number, number)
            print(result.row(number, options.latency), flush=True)
    print("\nconcertino serve\n")
    await throughput(argparse.Namespace(**{**vars(options), "numbers": options.numbers[:2]}))


async def under_studio(where: Bench, server: Process, tasks: int, at_a_time: int) -> Load:
    calls, spent = where.calls(), server.processor_seconds
    slots = asyncio.Semaphore(at_a_time)
    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE) as http:

        async def one() -> None:
            async with slots:
                thread = (await http.post("/threads", json={})).json()["thread_id"]
                run = {"assistant_id": "concertino", "input": SOLVE}
                done = (await http.post(f"/threads/{thread}/runs/wait", json=run)).json()
                assert done["status"] == "verified", done

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(tasks)))
        seconds = time.perf_counter() - began
    spent = server.processor_seconds - spent
    return Load(tasks, seconds, (where.calls() - calls) / tasks, spent / tasks)


async def workers(options: argparse.Namespace) -> None:
    """Tasks per second with worker processes, over Postgres and Redis."""
    each = 8
    print(f"{each} tasks at a time in each worker\n\n{HEADING.replace('at a time', 'in all')}")
    for number in (1, 2, 4):
        with corner() as places, bench(options.latency) as where:
            where.environment |= places
            service = where.service(1)
            crew = [where.worker(each) for _ in range(number)]
            await load(where, service, number * each, *crew)
            result = await load(where, service, options.rounds * number * each, *crew)
            print(result.row(number * each, options.latency), flush=True)


@contextmanager
def corner() -> Iterator[dict[str, str]]:
    """Yield the environment for a schema in Postgres and a prefix in Redis, deleted afterwards."""
    import psycopg
    import redis

    name = f"bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(DATABASE, autocommit=True) as connection:
        connection.execute(f"create schema {name}".encode())
    try:
        yield {
            "CONCERTINO_DATABASE_URL": f"{DATABASE}?options={quote(f'-csearch_path={name}')}",
            "CONCERTINO_REDIS_URL": REDIS,
            "CONCERTINO_REDIS_PREFIX": name,
        }
    finally:
        with psycopg.connect(DATABASE, autocommit=True) as connection:
            connection.execute(f"drop schema {name} cascade".encode())
        with redis.Redis.from_url(REDIS) as client:
            for key in client.scan_iter(f"*{name}*"):
                client.delete(key)


PARTS: dict[str, Callable[[argparse.Namespace], Awaitable[None]]] = {
    part.__name__: part  # type: ignore[attr-defined]
    for part in (throughput, reader, lookup, memory, streams, studio, workers)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--latency", type=float, default=1.0, help="seconds of a model call")
    parser.add_argument("--numbers", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--rounds", type=int, default=6, help="tasks for each one at a time")
    parser.add_argument("--tasks", type=int, help="stored (10000) or done (5000)")
    parser.add_argument("--streams", type=int, default=200)
    options = parser.parse_args()
    options.tasks = options.tasks or (10_000 if options.part == "lookup" else 5_000)
    asyncio.run(PARTS[options.part](options))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
