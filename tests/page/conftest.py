"""The page in a real browser, in front of the stand-in service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.page.stand_in import StandIn

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30_000
"""Milliseconds after which something that should show has not."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless; closed after these tests, since Playwright keeps an event loop
    running in the thread, and commands that start their own would fail in it."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def service() -> Iterator[StandIn]:
    stand_in = StandIn()
    stand_in.start()
    yield stand_in
    stand_in.stop()


class Visitor:
    """Opens the page, and keeps what the browser says of it."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address
        self.expected: list[str] = []
        """Words of errors that a test brings about itself."""
        self.faults: list[str] = []
        self.strays: list[str] = []
        """Requests to other hosts."""
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def __call__(self, path: str = "", *, language: str = "en-GB", **options: Any) -> Page:
        context = self._browser.new_context(locale=language, **options)
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._sent)
        page.goto(self.address + path)
        return page

    def leave(self) -> None:
        """Close what was opened. There was no error in a console but those that were expected,
        and no request to another host."""
        for context in self._contexts:
            context.close()
        unexpected = [f for f in self.faults if not any(words in f for words in self.expected)]
        assert (unexpected, self.strays) == ([], [])

    def _heard(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.faults.append(said.text)

    def _sent(self, request: Request) -> None:
        sent, own = urlsplit(request.url), urlsplit(self.address)
        if sent.scheme not in ("data", "blob") and sent.netloc != own.netloc:
            self.strays.append(request.url)


@pytest.fixture
def visit(browser: Browser, service: StandIn) -> Iterator[Visitor]:
    visitor = Visitor(browser, service.address)
    yield visitor
    visitor.leave()
