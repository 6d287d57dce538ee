"""The scripted model behind real HTTP, for tests that run the command in processes of its own."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from concertino.settings import get_settings
from langchain_core.messages import HumanMessage

from tests.scripted_model import TELLTALE, ScriptedModel
from tests.scripted_server import Reply, ScriptedServer

COMMAND = str(Path(sys.executable).with_name("concertino"))
PENS = "A shop sells 12 pens at 3 dollars each. What do they cost?"
PATIENCE = 120
"""Seconds after which a test that waits for an event has failed."""
SECRET = "sk-secret-0123456789"


@dataclass
class Hold:
    """A request that is not answered before it is released."""

    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        """Wait until the request has come."""
        assert self.reached.wait(PATIENCE), "the agent was never asked"


class ModelServer(ScriptedServer):
    """Answers as the scripted model does; counts who asks, and can keep an agent waiting."""

    def __init__(self, model: ScriptedModel) -> None:
        self.asked: Counter[str] = Counter()
        self._model = model
        self._holds: dict[str, Hold] = {}
        self._texts: dict[str, Iterable[str]] = {}
        self._released: list[Hold] = []
        super().__init__(self._answer)

    def hold(self, agent: str) -> Hold:
        """Keep the agent's next request waiting."""
        self._holds[agent] = Hold()
        return self._holds[agent]

    def says(self, agent: str, words: Iterable[str]) -> None:
        """Let the agent's next answer be these words, each sent when the iterable gives it."""
        self._texts[agent] = words

    def close(self) -> None:
        for hold in [*self._holds.values(), *self._released]:
            hold.released.set()
        super().close()

    def _answer(self, body: dict[str, Any]) -> Reply:
        text = "\n".join(message["content"] for message in body["messages"])
        agent = next(name for name, words in TELLTALE.items() if any(w in text for w in words))
        self.asked[agent] += 1
        if hold := self._holds.pop(agent, None):
            self._released.append(hold)
            hold.reached.set()
            hold.released.wait(PATIENCE)
        if agent in self._texts:
            return 200, self._texts.pop(agent)
        return 200, str(self._model.invoke([HumanMessage(text)]).content)


def use(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """Set these variables, here and for subprocesses."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()


def start_command(*arguments: str) -> subprocess.Popen[str]:
    """`concertino` with these arguments, in a process of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen([COMMAND, *arguments], stdout=pipe, stderr=pipe, text=True)
