"""What the transport takes for a stall: silence for the time that was given, not more of it and not less."""

import os
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from modelsync.http.extents import FileExtent
from modelsync.http.transport import Transport
from support.data_requests import get, put, read_all
from support.raw_server import Connection, header, raw_server
from support.tls_ends import client_end, server_end

MiB = 1 << 20
LIMIT_S = 2.0
"""Long beside what a busy machine takes to run a thread."""
IMPATIENT_S = 1.0
"""For the tests in which nothing is silent for so long."""

TLS = pytest.mark.parametrize("tls", [None, server_end()], ids=["plain", "TLS"])


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(tls=client_end(), stall_after_s=LIMIT_S)
    yield made
    made.close()


@pytest.fixture
def impatient() -> Iterator[Transport]:
    made = Transport(tls=client_end(), stall_after_s=IMPATIENT_S)
    yield made
    made.close()


@pytest.fixture
def extent(tmp_path: Path) -> Iterator[FileExtent]:
    """More of a file than a connection takes before its other end has read a byte."""
    path = tmp_path / "weights.bin"
    with path.open("wb") as file:
        file.truncate(64 * MiB)
    handle = os.open(path, os.O_RDONLY)
    yield FileExtent(handle, 0, 64 * MiB)
    os.close(handle)


class Clock:
    """When the last byte moved."""

    def __init__(self) -> None:
        self.at = time.monotonic()

    def moved(self) -> None:
        self.at = time.monotonic()

    def silent_s(self) -> float:
        return time.monotonic() - self.at


@TLS
def test_a_stall_in_the_middle_of_a_body_is_told_before_twice_its_time(
    tls: ssl.SSLContext | None, transport: Transport
) -> None:
    over, clock = threading.Event(), Clock()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + bytes(3 * MiB))
        for _ in range(3):
            assert not over.wait(LIMIT_S / 10)
            connection.send(bytes(48 << 10))
            clock.moved()
        over.wait(60)

    with raw_server(script, tls=tls) as server:
        response = transport.handle_request(get(server.url))
        with pytest.raises(httpx.ReadTimeout):
            read_all(response, MiB)
        assert LIMIT_S * 0.9 < clock.silent_s() < LIMIT_S * 1.95
        over.set()
        response.close()


@pytest.mark.parametrize("body", ["buffers", "a file"])
def test_a_stall_in_the_middle_of_sending_is_told_before_twice_its_time(
    body: str, transport: Transport, extent: FileExtent
) -> None:
    over, clock = threading.Event(), Clock()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.read_body(5 * MiB)
        clock.moved()
        over.wait(60)

    pieces = [extent] if body == "a file" else [bytes(MiB)] * 64
    with raw_server(script) as server:
        with pytest.raises(httpx.WriteTimeout):
            transport.handle_request(put(server.url, *pieces))
        assert LIMIT_S * 0.9 < clock.silent_s() < LIMIT_S * 1.95
        over.set()


@TLS
def test_bytes_that_trickle_in_are_no_stall(tls: ssl.SSLContext | None, impatient: Transport) -> None:
    over = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + bytes(MiB - 4000))
        for _ in range(4):
            assert not over.wait(IMPATIENT_S * 0.35)
            connection.send(bytes(1000))

    with raw_server(script, tls=tls) as server:
        assert len(read_all(impatient.handle_request(get(server.url)), MiB)) == MiB


@pytest.mark.parametrize("body", ["buffers", "a file"])
def test_bytes_that_trickle_out_are_no_stall(body: str, impatient: Transport, extent: FileExtent) -> None:
    pieces = [FileExtent(extent.fd, 0, MiB)] if body == "a file" else [bytes(MiB)]
    with raw_server(takes_slowly, narrow=True) as server:
        assert impatient.handle_request(put(server.url, *pieces)).status_code == 200


def test_a_slow_upload_through_tls_is_no_stall(impatient: Transport) -> None:
    with raw_server(takes_slowly, tls=server_end(), narrow=True) as server:
        assert impatient.handle_request(put(server.url, bytes(MiB), bytes(MiB))).status_code == 200


def takes_slowly(connection: Connection) -> None:
    """Takes a body bit by bit, a MiB in two of the impatient one's limits."""
    size = int(header(connection.read_head(), "content-length") or 0)
    taken, tick = len(connection.rest), threading.Event()
    while taken < size:
        tick.wait(2 * IMPATIENT_S / 64)
        taken += len(connection.sock.recv(16 << 10))
    connection.answer("200 OK")
