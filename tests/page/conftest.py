"""The page in a real browser, in front of the stand-in service."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

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


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    driver = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    driver.expect.set_options(timeout=PATIENCE)
    with driver.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def service() -> Iterator[StandIn]:
    stand_in = StandIn()
    stand_in.start()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def visit(browser: Any, service: StandIn) -> Iterator[Callable[..., Any]]:
    """Opens the page. At the end there must have been no error in its console but those that a
    test expects (`visit.expected`), and no request to another host."""
    contexts, faults, strays = [], [], []

    def open_page(path: str = "", *, language: str = "en-GB", **options: Any) -> Any:
        context = browser.new_context(locale=language, **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda said: said.type in ("error", "warning") and faults.append(said.text)
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda sent: _is_stray(sent.url, service) and strays.append(sent.url))
        page.goto(service.address + path)
        return page

    open_page.expected = []  # type: ignore[attr-defined]
    yield open_page
    for context in contexts:
        context.close()
    expected = open_page.expected  # type: ignore[attr-defined]
    assert not [fault for fault in faults if not any(words in fault for words in expected)]
    assert not strays


def _is_stray(url: str, service: StandIn) -> bool:
    address = urlsplit(url)
    return (
        address.scheme not in ("data", "blob")
        and address.netloc != urlsplit(service.address).netloc
    )
