"""Agents of other libraries on the same scenarios: with the same model, the same actions as tools,
the same policy, and the same checks of answers and files.

An agent runs in a process of its own, with the interpreter of its own environment
(`bench/peers/run_*.py`). It reaches the actions over HTTP, so they are carried out here, in the
scenario's workspace; and the model through a proxy that counts its calls and tokens. What it asks
the user, or what needs approval, is answered by the scenario's next turn.
"""

import argparse
import asyncio
import json
import shutil
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from concertino.actions.artifacts import Artifacts
from concertino.actions.catalogue import ACTIONS
from concertino.actions.perform import Performer
from concertino.actions.spec import ActionContext
from concertino.actions.versions import Versions
from concertino.actions.workspace import Workspace
from concertino.agents.act.approve import format_approval, read_verdict
from concertino.models.embedded import start_embedded
from concertino.settings import get_settings
from concertino.state import Approval, Call
from concertino.store.effects import EffectLog
from concertino.store.open import open_store
from concertino.tasks.scenarios import (
    Scenario,
    ScenarioOutcome,
    check_turn,
    lay_workspace,
    verify_files,
)

from .counting_proxy import CountingProxy

SCRIPTS = Path(__file__).parent / "peers"
PEERS = ("langgraph", "deepagents", "smolagents")
STEPS = 12
"""Calls of the model for one thing that the user says."""
TOOLS = (
    "file_list",
    "file_read",
    "file_search",
    "file_write",
    "file_edit",
    "file_move",
    "file_delete",
    "value_get",
    "value_set",
    "table_query",
    "table_save",
    "python_run",
    "shell_run",
)
"""Actions offered to a peer, unless others are named: all at once, it has no shortlist."""


class PeerBench:
    """Runs scenarios with one peer."""

    def __init__(self, options: argparse.Namespace, proxy: CountingProxy) -> None:
        self._options = options
        self._proxy = proxy

    @classmethod
    @contextmanager
    def open(cls, options: argparse.Namespace) -> Iterator["PeerBench"]:
        """Start the proxy, before the server that is named or the embedded one."""
        server = None
        if not options.url:
            server = asyncio.run(start_embedded(get_settings()))
            options.url, options.key, options.model = server.base_url, server.api_key, server.model
        proxy = CountingProxy(options.url, options.key)
        try:
            yield cls(options, proxy)
        finally:
            proxy.close()
            if server:
                server.close()

    def run_scenario(self, scenario: Scenario) -> ScenarioOutcome:
        """Play a scenario in a temporary folder, and check it."""
        return asyncio.run(self._play(scenario))

    async def _play(self, scenario: Scenario) -> ScenarioOutcome:
        started = time.perf_counter()
        proxy = self._proxy
        before = (proxy.calls, proxy.prompt_tokens, proxy.output_tokens)
        folder = Path(tempfile.mkdtemp(prefix="concertino-peer-"))
        try:
            async with open_session(scenario, folder, proxy) as session:
                try:
                    async with asyncio.timeout(self._options.seconds):
                        await self._converse(session)
                except TimeoutError:
                    session.faults.append(f"not done in {self._options.seconds:.0f} s")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return ScenarioOutcome(
            name=scenario.name,
            passed=not session.faults and session.turn == len(scenario.turns),
            rounds=proxy.calls - before[0],
            calls=session.calls_made,
            prompt_tokens=proxy.prompt_tokens - before[1],
            output_tokens=proxy.output_tokens - before[2],
            seconds=round(time.perf_counter() - started, 1),
            faults=session.faults,
            task_ids=[],
        )

    async def _converse(self, session: "Session") -> None:
        """Let the peer answer one turn after the other, until the scenario is over."""
        script = SCRIPTS / f"run_{self._options.peer}.py"
        process = await asyncio.create_subprocess_exec(
            str(self._options.python),
            str(script),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=(session.folder / "stderr").open("wb"),
            limit=1 << 24,
        )
        assert process.stdin
        assert process.stdout
        over = asyncio.ensure_future(session.over.wait())
        text: str | None = session.scenario.turns[0].input
        send(process.stdin, self._build_order(session))
        try:
            while text is not None:
                send(process.stdin, {"input": text})
                line = asyncio.ensure_future(process.stdout.readline())
                await asyncio.wait([line, over], return_when=asyncio.FIRST_COMPLETED)
                if not line.done():
                    line.cancel()
                    return  # ended by a question that nothing answers
                said = read_answer(line.result(), session.folder / "stderr")
                text = session.end_turn("failed" if said["error"] else "unverified", said)
        finally:
            over.cancel()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _build_order(self, session: "Session") -> dict[str, Any]:
        names = [name for name in self._options.tools.split(",") if name] or list(TOOLS)
        tools = [
            {
                "name": name,
                "description": ACTIONS[name].description["en"],
                "schema": ACTIONS[name].params.model_json_schema(),
            }
            for name in names
        ]
        return {
            "tools": tools,
            "address": session.address,
            "workspace": str(session.root),
            "url": self._proxy.url,
            "key": "none",
            "model": self._options.model,
            "steps": STEPS,
        }


def send(pipe: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    """Write a message as a line of JSON."""
    pipe.write(json.dumps(message).encode() + b"\n")


def read_answer(line: bytes, errors: Path) -> dict[str, Any]:
    """Return what a peer said: `answer` and `error`."""
    if not line:
        last = errors.read_text(errors="replace").strip().splitlines()[-1:] or ["it ended"]
        return {"answer": "", "error": last[0]}
    return {"error": None, **json.loads(line)}


@dataclass
class Session:
    """A scenario with a peer: performs its calls, and checks each turn when it ends."""

    scenario: Scenario
    folder: Path
    root: Path
    performer: Performer
    proxy: CountingProxy
    address: str = ""
    """Where tools are called."""
    turn: int = 0
    """Turns that have ended."""
    calls_made: int = 0
    faults: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _calls: list[dict[str, Any]] = field(default_factory=list)
    _approvals: int = 0
    _asked_before: int = 0

    def end_turn(self, status: str, said: dict[str, Any]) -> str | None:
        """Check a turn. Returns what the user says next; None ends the scenario."""
        turn = self.scenario.turns[self.turn]
        rounds = self.proxy.calls - self._asked_before
        waits = status in ("needs_input", "needs_approval")
        result = {
            "status": status,
            "final_answer": None if waits else said["answer"],
            "input_request": said["answer"] if waits else None,
            "error": said.get("error"),
            "call_results": self._calls,
            "iteration_history": [{"actor": "planner"}] * rounds
            + [{"actor": "approve"}] * self._approvals,
        }
        found = [*check_turn(turn.expect, result), *verify_files(turn, self.root)]
        self.turn += 1
        self.faults += [f"{self.turn}: {fault}" for fault in found]
        if not waits:  # the next one is a new task
            self._calls, self._approvals, self._asked_before = [], 0, self.proxy.calls
        if found or self.turn == len(self.scenario.turns):
            self.over.set()
            return None
        return self.scenario.turns[self.turn].input

    async def call_tool(self, name: str, params: dict[str, Any]) -> str:
        """Perform a call; returns what the model reads."""
        if name == "ask_user":
            said = {"answer": str(params.get("question", ""))}
            return self.end_turn("needs_input", said) or "The user does not answer."
        self.calls_made += 1
        call = Call(id=f"r{self.calls_made}", action=name, params=params)
        outcome = await self.performer.perform(call)
        if isinstance(outcome, Approval):
            answer = self._answer_approval(outcome)
            if answer is None:
                return "The user does not answer."
            verdicts = [*self.performer.verdicts, read_verdict(answer, outcome)]
            self.performer = replace(self.performer, verdicts=verdicts)
            outcome = await self.performer.perform(call)
        assert not isinstance(outcome, Approval)
        self._calls.append({"action": name, "status": outcome.status})
        return outcome.preview if outcome.status == "done" else f"error: {outcome.preview}"

    def _answer_approval(self, asked: Approval) -> str | None:
        if self.scenario.approve_all:
            self._approvals += 1
            return "approve"
        said = {"answer": format_approval(asked, self.scenario.language)}
        answer = self.end_turn("needs_approval", said)
        self._approvals += 1
        return answer


@asynccontextmanager
async def open_session(
    scenario: Scenario, folder: Path, proxy: CountingProxy
) -> AsyncIterator[Session]:
    """Lay a scenario's workspace and answer calls of tools in it."""
    root = lay_workspace(scenario, folder)
    async with open_store(None) as store:
        performer = Performer(
            context=ActionContext(Workspace(root), scenario.language),
            log=EffectLog(store, "peer"),
            versions=Versions(folder / "versions"),
            artifacts=Artifacts(folder / "artifacts"),
            mode=scenario.mode,
            verdicts=[],
            question=" ".join(turn.input for turn in scenario.turns),
        )
        session = Session(scenario, folder, root, performer, proxy, _asked_before=proxy.calls)
        handler = _build_handler(session, asyncio.get_running_loop())
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        session.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield session
        finally:
            server.shutdown()
            server.server_close()


def _build_handler(
    session: Session, loop: asyncio.AbstractEventLoop
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            work = session.call_tool(body["name"], body["params"])
            text = asyncio.run_coroutine_threadsafe(work, loop).result()
            data = json.dumps({"text": text}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(data)

        def log_message(self, *given: Any) -> None:
            pass

    return Handler
