"""Fixtures for the web tools: an Internet of the test's own."""

import asyncio
import socket
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Iterator
from typing import Any

import pytest

from tests.tools.internet import Internet, Site


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """All names and addresses there are; nothing else can be reached."""
    net = Internet()
    connect = BaseSelectorEventLoop.sock_connect

    async def getaddrinfo(loop: Any, host: str, port: int, **options: Any) -> list[Any]:
        return net.resolve(host, port, **options)

    async def sock_connect(loop: Any, sock: socket.socket, address: tuple[Any, ...]) -> None:
        await connect(loop, sock, net.route(address))

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", sock_connect)
    return net


@pytest.fixture
def site() -> Iterator[Site]:
    """A site without pages."""
    site = Site({})
    yield site
    site.close()
