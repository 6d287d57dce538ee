"""Listening for tasks in Redis."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from concertino.work import broker
from concertino.work.broker import StoppableBroker
from taskiq import AckableMessage
from taskiq_redis import RedisStreamBroker

from tests.model_server import PATIENCE


async def test_a_listener_stops_though_a_cancellation_gets_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broker, "CANCEL_SECONDS", 0.01)
    reading, lost, closed = asyncio.Event(), [], []

    async def listen(self: RedisStreamBroker) -> AsyncGenerator[AckableMessage, None]:
        try:
            yield AckableMessage(data=b"one", ack=lambda: None)
            while len(lost) < 3:
                try:
                    reading.set()
                    await asyncio.Event().wait()
                except asyncio.CancelledError as error:
                    lost.append(error)
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    monkeypatch.setattr(RedisStreamBroker, "listen", listen)
    messages = StoppableBroker("redis://127.0.0.1:1").listen()
    assert (await anext(messages)).data == b"one"
    waiting = asyncio.ensure_future(anext(messages))
    await reading.wait()
    waiting.cancel()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert (len(lost), closed) == (3, [True])
