"""A stand-in for the service: speaks its HTTP contract, with events that tests lay out."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from concertino.graphs import coordinator  # noqa: F401  (registers the workflows)
from concertino.graphs.registry import describe_workflows
from concertino.service.guard import HEADERS
from concertino.state import FINAL, WAITING
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = Path(__file__).parents[2] / "src" / "service" / "page"
Json = dict[str, Any]


class Served:
    """An application behind real HTTP on loopback, in a thread of its own."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> str:
        """Begin to answer; gives the address."""
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the application did not start"
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/"

    def stop(self) -> None:
        """Stop answering, also those who are still being told something."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()


@dataclass
class Hold:
    """A place in a script where the task waits until the test lets it go on."""

    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


@dataclass
class StoredTask:
    """A task with the events that have happened so far."""

    record: Json
    script: list[Json | Hold]
    events: list[Json] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    running: asyncio.Task[None] | None = None


class StandIn:
    """The service as the page sees it.

    `script` is what the next tasks do: events, and holds that the test releases. The last event is
    the result of the task, as `done`.
    """

    def __init__(self) -> None:
        self.script: list[Json | Hold] = []
        self.asked: list[Json] = []
        self.ratings: list[Json] = []
        self.reward_when_rated: Json | None = None
        self.resumed: list[Json] = []
        self.last_event_ids: list[str | None] = []
        self.documents: list[Json] = []
        self.arms: list[Json] = []
        self.uploads: dict[str, Json] = {}
        self.workspaces: dict[str, dict[str, bytes]] = {}
        self.undone: Json = {"restored": [], "left": []}
        """What the next undo says."""
        self.undos = 0
        self.answered_elsewhere = False
        """Refuses the next answer with 409."""
        self.key: str | None = None
        self.full = False
        self.cut: Hold | None = None
        """Breaks the next stream off when it is released."""
        self.address = ""
        self.tasks: dict[str, StoredTask] = {}
        self._served = Served(self._app())

    def start(self) -> None:
        """Begin to answer at `address`."""
        self.address = self._served.start()

    def stop(self) -> None:
        """Stop answering, also those who are still being told something."""
        self._served.stop()

    def _app(self) -> Starlette:
        routes = [
            Route("/", lambda request: FileResponse(PAGE / "index.html")),
            Mount("/page", StaticFiles(directory=PAGE)),
            Route("/workflows", self._workflows),
            Route("/tasks", self._create, methods=["POST"]),
            Route("/tasks", self._list),
            Route("/tasks/{task_id}", self._get),
            Route("/tasks/{task_id}", self._rename, methods=["PATCH"]),
            Route("/tasks/{task_id}", self._delete_task, methods=["DELETE"]),
            Route("/tasks/{task_id}/events", self._events),
            Route("/tasks/{task_id}/resume", self._resume, methods=["POST"]),
            Route("/tasks/{task_id}/undo", self._undo, methods=["POST"]),
            Route("/tasks/{task_id}/cancel", self._cancel, methods=["POST"]),
            Route("/tasks/{task_id}/feedback", self._feedback, methods=["POST"]),
            Route("/kb/documents", self._documents),
            Route("/kb/documents", self._upload, methods=["POST"]),
            Route("/kb/documents/{doc_id:path}", self._delete, methods=["DELETE"]),
            Route("/kb/uploads/{upload_id}/events", self._upload_events),
            Route("/kb/search", self._search),
            Route("/learning/bandit", self._bandit),
            Route("/workspaces", self._list_workspaces),
            Route("/workspaces", self._make_workspace, methods=["POST"]),
            Route("/workspaces/{workspace}", self._get_workspace),
            Route("/workspaces/{workspace}", self._delete_workspace, methods=["DELETE"]),
            Route("/workspaces/{workspace}/files/{path:path}", self._put, methods=["PUT"]),
            Route("/workspaces/{workspace}/files/{path:path}", self._remove, methods=["DELETE"]),
            Route("/workspaces/{workspace}/files/{path:path}", self._download),
        ]
        return Starlette(routes=routes, middleware=[Middleware(_Guard, stand_in=self)])

    async def _workflows(self, request: Request) -> Response:
        return JSONResponse(describe_workflows())

    async def _create(self, request: Request) -> Response:
        if self.full:
            return problem(429, "The queue is full.", {"Retry-After": "7"})
        body = await request.json()
        self.asked.append(body)
        task_id = f"task{len(self.tasks)}"
        record = {
            "task_id": task_id,
            "name": None,
            "thread_id": body.get("thread_id") or task_id,
            "question": body["question"],
            "workflow": body.get("workflow"),
            "status": "queued",
            "final_answer": None,
            "created": datetime.now(UTC).isoformat(),
            "updated": datetime.now(UTC).isoformat(),
            "rating": None,
            "workspace": body.get("workspace"),
            "undone": False,
        }
        stored = self.tasks[task_id] = StoredTask(record, list(self.script))
        stored.running = asyncio.create_task(self._play(stored))
        return JSONResponse({"task_id": task_id, "links": {}}, 202)

    async def _play(self, stored: StoredTask) -> None:
        stored.record["status"] = "running"
        for step in stored.script:
            if isinstance(step, Hold):
                step.reached.set()
                await asyncio.to_thread(step.released.wait, 60)
                continue
            self._tell(stored, step)
            if stored.record["status"] in WAITING:
                stored.answered.clear()
                await stored.answered.wait()
                stored.record["status"] = "running"

    def _tell(self, stored: StoredTask, event: Json) -> None:
        stored.record["updated"] = datetime.now(UTC).isoformat()
        if event["type"] == "done":
            history = [line for line in stored.events if line["type"] in ("decision", "turn")]
            event = {
                **event,
                "result": {**stored.record, "iteration_history": history, **event["result"]},
            }
            stored.record.update(event["result"])
        if event["type"] in WAITING:
            stored.record["status"] = event["type"]
            stored.record["approvals"] = event.get("approvals", [])
        stored.events.append(event)
        stored.changed.set()

    async def _list(self, request: Request) -> Response:
        words = request.query_params.get("q", "")
        records = (stored.record for stored in reversed(self.tasks.values()))
        newest = [each for each in records if words in f"{each['name']} {each['question']}"]
        limit = int(request.query_params["limit"])
        start = int(request.query_params.get("cursor", 0))
        more = str(start + limit) if start + limit < len(newest) else None
        return JSONResponse({"items": newest[start : start + limit], "next": more})

    async def _get(self, request: Request) -> Response:
        stored = self.tasks.get(request.path_params["task_id"])
        return JSONResponse(stored.record) if stored else problem(404, "There is no such task.")

    async def _rename(self, request: Request) -> Response:
        record = self.tasks[request.path_params["task_id"]].record
        record["name"] = (await request.json())["name"] or None
        return JSONResponse(record)

    async def _delete_task(self, request: Request) -> Response:
        if self.full:
            return problem(409, "Another process is working on it.")
        del self.tasks[request.path_params["task_id"]]
        return Response(status_code=204)

    async def _events(self, request: Request) -> Response:
        stored = self.tasks[request.path_params["task_id"]]
        last = request.headers.get("Last-Event-ID")
        self.last_event_ids.append(last)
        events = _stream(stored, int(last or 0), self.cut)
        self.cut = None
        return StreamingResponse(events, media_type="text/event-stream")

    async def _resume(self, request: Request) -> Response:
        body = await request.json()
        self.resumed.append(body)
        stored = self.tasks[request.path_params["task_id"]]
        if self.answered_elsewhere:
            return problem(409, "This was answered already.")
        if stored.record["status"] in FINAL:
            stored.record["status"], stored.script = "queued", list(self.script)
            stored.running = asyncio.create_task(self._play(stored))
        stored.answered.set()
        return JSONResponse({}, 202)

    async def _cancel(self, request: Request) -> Response:
        stored = self.tasks[request.path_params["task_id"]]
        if stored.running:
            stored.running.cancel()
        self._tell(stored, {"type": "done", "result": {"status": "cancelled"}})
        return JSONResponse({}, 202)

    async def _feedback(self, request: Request) -> Response:
        stored, body = self.tasks[request.path_params["task_id"]], await request.json()
        self.ratings.append(body)
        stored.record["rating"] = body["rating"]
        if self.reward_when_rated:
            stored.record["reward"] = self.reward_when_rated
        return JSONResponse(stored.record)

    async def _undo(self, request: Request) -> Response:
        self.undos += 1
        self.tasks[request.path_params["task_id"]].record["undone"] = not self.undone["left"]
        return JSONResponse(self.undone)

    async def _list_workspaces(self, request: Request) -> Response:
        changed = datetime.now(UTC).isoformat()
        items = [
            {"workspace": name, "changed": changed, "files": sorted(files)[:4]}
            for name, files in self.workspaces.items()
        ]
        return JSONResponse({"items": items})

    async def _make_workspace(self, request: Request) -> Response:
        name = f"{len(self.workspaces):x}"
        self.workspaces[name] = {}
        return JSONResponse({"workspace": name, "files": []}, 201)

    async def _get_workspace(self, request: Request) -> Response:
        name = request.path_params["workspace"]
        files = self.workspaces[name]
        listed = [{"path": path, "size": len(files[path])} for path in sorted(files)]
        return JSONResponse({"workspace": name, "files": listed})

    async def _delete_workspace(self, request: Request) -> Response:
        if self.full:
            return problem(409, "A task is working on it.")
        del self.workspaces[request.path_params["workspace"]]
        return Response(status_code=204)

    async def _put(self, request: Request) -> Response:
        path = request.path_params["path"]
        if path.startswith("refused"):
            return problem(422, "That name leads out of the folder.")
        content = await request.body()
        self.workspaces[request.path_params["workspace"]][path] = content
        return Response(status_code=204)

    async def _download(self, request: Request) -> Response:
        files = self.workspaces[request.path_params["workspace"]]
        return Response(files[request.path_params["path"]], media_type="application/octet-stream")

    async def _remove(self, request: Request) -> Response:
        del self.workspaces[request.path_params["workspace"]][request.path_params["path"]]
        return Response(status_code=204)

    async def _documents(self, request: Request) -> Response:
        return JSONResponse({"items": self.documents, "next": None})

    async def _upload(self, request: Request) -> Response:
        async with request.form() as form:
            file = form["file"]
            assert not isinstance(file, str)
            name, size = str(file.filename), len(await file.read())
        if name.endswith(".bin"):
            upload = {"status": "skipped", "message": "Files of this kind cannot be read."}
        else:
            upload = {"status": "added", "message": None}
            self.documents.append({"doc_id": name, "title": name, "name": name, "chunks": size})
        upload_id = f"upload{len(self.uploads)}"
        self.uploads[upload_id] = {"upload_id": upload_id, "name": name, **upload, "progress": 1.0}
        return JSONResponse({**self.uploads[upload_id], "status": "queued"}, 202)

    async def _upload_events(self, request: Request) -> Response:
        upload = self.uploads[request.path_params["upload_id"]]
        half = {"type": "progress", "upload": {**upload, "status": "running", "progress": 0.5}}
        lines = [_message(half), _message({"type": "done", "upload": upload})]
        return Response("".join(lines), media_type="text/event-stream")

    async def _delete(self, request: Request) -> Response:
        gone = request.path_params["doc_id"]
        self.documents = [document for document in self.documents if document["doc_id"] != gone]
        return Response(status_code=204)

    async def _search(self, request: Request) -> Response:
        found = [
            {
                "title": document["title"],
                "source": document["name"],
                "heading": "",
                "text": "A passage.",
            }
            for document in self.documents
        ]
        return JSONResponse({"items": found})

    async def _bandit(self, request: Request) -> Response:
        return JSONResponse({"arms": self.arms})


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """A problem document."""
    body = {"title": "Refused", "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


class BrokenOff(Exception):
    """What the stand-in raises to drop a connection."""


async def _stream(stored: StoredTask, after: int, cut: Hold | None) -> AsyncIterator[str]:
    """All events after that number; tokens have none, and only those to come are told."""
    number, sent, live = 0, 0, len(stored.events)
    yield ": hello\n\n"
    while True:
        stored.changed.clear()
        for place, event in enumerate(stored.events[sent:], sent):
            if event["type"] != "token":
                number += 1
                if number > after:
                    yield f"id: {number}\n{_message(event)}"
            elif place >= live:
                yield _message(event)
        sent = len(stored.events)
        if stored.record["status"] in FINAL:
            return
        if cut:
            await asyncio.to_thread(cut.released.wait, 60)
            raise BrokenOff
        await stored.changed.wait()


def _message(event: Json) -> str:
    data = json.dumps(event, ensure_ascii=False)
    return f"event: {event['type']}\ndata: {data}\n\n"


class _Guard:
    """Adds the service's own security headers, and asks for the key where there is one."""

    def __init__(self, app: ASGIApp, stand_in: StandIn) -> None:
        self.app = app
        self.stand_in = stand_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        key = dict(scope["headers"]).get(b"authorization", b"").decode()
        page = scope["path"] == "/" or scope["path"].startswith("/page/")
        if self.stand_in.key and not page and key != f"Bearer {self.stand_in.key}":
            await problem(401, "A valid API key is needed.")(scope, receive, sending)
        else:
            await self.app(scope, receive, sending)
