"""The service for tests: in this process without a network, on a real port, or as a process."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from concertino.service.app import create_app
from concertino.service.server import Server, _listen
from concertino.settings import get_settings
from fastapi.testclient import TestClient

from tests.model_server import PATIENCE
from tests.scripted_model import ScriptedModel

HERE = "http://127.0.0.1:8000"
LOOPBACK = ("127.0.0.1", 50_000)

Client = Callable[..., TestClient]


@pytest.fixture
def client(scripted: Callable[..., ScriptedModel]) -> Iterator[Client]:
    """Starts the service; with `model=None` it uses the settings', else a script's changes."""
    with ExitStack() as running:

        def start(
            peer: tuple[str, int] = LOOPBACK, raises: bool = True, **script: Any
        ) -> TestClient:
            model = None if "model" in script else scripted(**script)
            app = create_app(get_settings(), model=model)
            service = TestClient(app, base_url=HERE, client=peer, raise_server_exceptions=raises)
            return running.enter_context(service)

        yield start


class LiveService:
    """The service on a real port, in a thread with a loop of its own."""

    def __init__(self) -> None:
        self._socket = _listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        settings = get_settings()
        self._server = Server(create_app(settings), settings)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the service did not start"

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def ask_to_stop(self) -> None:
        """As a signal would."""
        self._server.should_exit = True

    def stop(self) -> None:
        """Stop, and wait until it has."""
        self.ask_to_stop()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        self._socket.close()


@pytest.fixture
def live() -> Iterator[Callable[[], LiveService]]:
    """Starts the service on a real port; the model is the settings'."""
    running: list[LiveService] = []

    def start() -> LiveService:
        running.append(LiveService())
        return running[-1]

    yield start
    for service in running:
        service.stop()
