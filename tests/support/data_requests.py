"""Requests as the data path makes them, and reading their answers, for tests of the transport alone."""

from collections.abc import Callable, Iterator
from typing import cast

import httpx

from modelsync.http.extents import FileExtent
from modelsync.transfer.control import Control
from support.raw_server import Connection


class Pieces(httpx.SyncByteStream):
    """A body in these pieces; the transport takes stretches of files as well, which httpx's types do not know."""

    def __init__(self, *pieces: bytes | FileExtent) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from cast("tuple[bytes, ...]", self._pieces)


def put(
    url: str,
    *pieces: bytes | FileExtent,
    control: Control | None = None,
    on_sent: Callable[[int], object] | None = None,
) -> httpx.Request:
    return httpx.Request(
        "PUT",
        url,
        headers={"Host": "store", "Content-Length": str(sum(map(len, pieces)))},
        stream=Pieces(*pieces),
        extensions={"stop": control, "on_sent": on_sent},
    )


def get(url: str, control: Control | None = None) -> httpx.Request:
    return httpx.Request("GET", url, extensions={"stop": control})


def read_all(response: httpx.Response, size: int = 65536) -> bytes:
    """The whole body, received into a buffer of this size."""
    readinto = response.extensions["readinto"]
    buffer = bytearray(size)
    collected = b""
    while count := readinto(memoryview(buffer)):
        collected += buffer[:count]
    return collected


def ok_with(body: bytes) -> Callable[[Connection], None]:
    """A script for `raw_server` that answers every request by this body."""

    def script(connection: Connection) -> None:
        while connection.read_head():
            connection.answer("200 OK", body)

    return script
