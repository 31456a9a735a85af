"""Bytes between a connection and the object store, where no real connection can show what happens."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from starlette.types import Message

from modelsync_registry.objects import ETag
from modelsync_registry.streaming import BLOCK_SIZE, ClientGoneError, send_object

ENDLESS = 1 << 50  # bytes


class EndlessReader:
    """An object that no test could send to its end."""

    size = ENDLESS
    etag = ETag("0" * 32)
    modified = datetime(2026, 1, 1, tzinfo=UTC)

    def __init__(self) -> None:
        self.reads = 0

    def read(self, offset: int, size: int) -> bytes:
        self.reads += 1
        return bytes(size)

    def close(self) -> None:
        pass


async def test_nothing_more_is_read_for_a_client_that_is_gone() -> None:
    reader = EndlessReader()
    hung_up = asyncio.Event()
    sent: list[int] = []

    async def receive() -> Message:
        await hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(len(message["body"]))
        if len(sent) == 3:
            hung_up.set()
        await asyncio.sleep(0)

    with ThreadPoolExecutor(1) as threads, pytest.raises(ClientGoneError):
        await asyncio.wait_for(send_object(receive, send, reader, threads, 0, ENDLESS), timeout=10)
    assert sent[:3] == [BLOCK_SIZE] * 3
    assert reader.reads <= 6
