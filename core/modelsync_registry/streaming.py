"""Bytes between an ASGI connection and the blocking object store, without stopping the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from starlette.types import Receive, Send

from modelsync_registry.objects import ObjectReader, ObjectWriter

BLOCK_SIZE = 1024 * 1024  # bytes handed to a thread at once


class ClientGoneError(Exception):
    """The connection ended before the request's body did."""


async def receive_into(receive: Receive, writer: ObjectWriter, threads: Executor) -> int:
    """Writes a request's body to `writer`; its size in bytes. Raises ClientGoneError, and what the writer raises."""
    loop = asyncio.get_running_loop()
    total = gathered = 0
    chunks: list[bytes] = []
    writing: asyncio.Future[None] | None = None
    try:
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGoneError
            chunk: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            chunks.append(chunk)
            gathered += len(chunk)
            if gathered >= BLOCK_SIZE or (not more and gathered):
                if writing is not None:
                    await writing
                writing = loop.run_in_executor(threads, writer.write, chunks)
                total += gathered
                chunks, gathered = [], 0
    finally:
        # Also on the way out of an error: the writer must not be closed under a thread that writes.
        if writing is not None:
            await asyncio.wait([writing])
    if writing is not None:
        writing.result()
    return total


async def send_object(
    receive: Receive,
    send: Send,
    reader: ObjectReader,
    threads: Executor,
    start: int,
    stop: int,
    *,
    last: bool = True,
) -> None:
    """Sends the bytes from `start` to `stop` as body messages; `last` ends the body with them.

    Raises ClientGoneError: a server swallows what is sent to a closed connection, and would have us read it all.
    """
    loop = asyncio.get_running_loop()

    def read(offset: int) -> asyncio.Future[bytes]:
        return loop.run_in_executor(threads, reader.read, offset, min(BLOCK_SIZE, stop - offset))

    gone = asyncio.ensure_future(_disconnected(receive))
    offset = start
    reading = read(offset) if offset < stop else None
    try:
        while reading is not None:
            block = await reading
            offset += len(block)
            reading = read(offset) if offset < stop else None
            more = reading is not None or not last
            await send({"type": "http.response.body", "body": block, "more_body": more})
            if gone.done() and more:
                raise ClientGoneError
    finally:
        gone.cancel()
        # Also on the way out of an error: the reader must not be closed under a thread that reads.
        if reading is not None:
            await asyncio.wait([reading])


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
