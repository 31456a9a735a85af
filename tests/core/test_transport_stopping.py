"""A person's wish and the transport: who is blocked is freed, and nothing that comes after it is taken for content."""

import ssl
import threading
from collections.abc import Iterator

import httpx
import pytest

from modelsync.errors import Cancelled
from modelsync.http.bodies import ReadInto
from modelsync.http.transport import Transport
from modelsync.transfer.control import Control
from support.data_requests import get, ok_with, read_all
from support.raw_server import Connection, raw_server
from support.tls_ends import client_end, server_end

MiB = 1 << 20
EVER_S = 600.0
"""No test lives so long: who is freed was not freed by a time-out."""

TLS = pytest.mark.parametrize("tls", [None, server_end()], ids=["plain", "TLS"])


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(tls=client_end(), stall_after_s=EVER_S, answer_within_s=EVER_S)
    yield made
    made.close()


def receive_all(readinto: ReadInto, content: bytearray) -> None:
    """Appends what comes, also when the line then fails."""
    buffer = memoryview(bytearray(MiB))
    while count := readinto(buffer):
        content += buffer[:count]


@TLS
def test_cancel_frees_a_blocked_receive(tls: ssl.SSLContext | None, transport: Transport) -> None:
    control, ended, hold = Control(), threading.Event(), threading.Event()
    reading = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        hold.wait(10)

    def receive(url: str) -> None:
        response = transport.handle_request(get(url, control))
        reading.set()
        with pytest.raises(httpx.TransportError):
            read_all(response)
        response.close()
        ended.set()

    with raw_server(script, tls=tls) as server:
        thread = threading.Thread(target=receive, args=(server.url,))
        thread.start()
        assert reading.wait(5)
        control.cancel()
        assert ended.wait(2), "the receive went on after the cancel"
        hold.set()
        thread.join()


@TLS
def test_a_cancel_before_the_request_stops_it(tls: ssl.SSLContext | None, transport: Transport) -> None:
    control = Control()
    control.cancel()
    with (
        raw_server(ok_with(b"x" * 100_000), tls=tls) as server,
        pytest.raises((httpx.TransportError, Cancelled)),
    ):
        read_all(transport.handle_request(get(server.url, control)))


@pytest.mark.parametrize("before", [1, 100_000, 3 * MiB])
def test_after_a_wish_no_sealed_byte_is_taken_for_content(before: int, transport: Transport) -> None:
    """What lay in the kernel when the wish came is still read; it must have been opened."""
    sent = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + bytes(before))
        connection.send(bytes(MiB))  # as much as waits for the reader
        sent.set()
        connection.send(bytes(50 * MiB))

    control, came, buffer = Control(), 0, memoryview(bytearray(MiB))
    with raw_server(script, tls=server_end()) as server:
        readinto = transport.handle_request(get(server.url, control)).extensions["readinto"]
        while came < before:
            came += readinto(buffer)
        assert sent.wait(10)
        control.pause()
        content = bytearray()
        with pytest.raises(httpx.TransportError):
            receive_all(readinto, content)
        assert content.count(0) == len(content)


def test_a_body_without_a_length_is_not_taken_for_whole_when_a_wish_ended_it(transport: Transport) -> None:
    control, hold = Control(), threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf")
        hold.wait(10)

    with raw_server(script) as server:
        response = transport.handle_request(get(server.url, control))
        readinto, buffer = response.extensions["readinto"], memoryview(bytearray(100))
        assert readinto(buffer) == 4
        control.cancel()
        with pytest.raises(httpx.ReadError):
            readinto(buffer)
        response.close()
        hold.set()


class CancelledAtTheEnd(Control):
    """The wish comes in the moment in which the transport looks whether there is one."""

    @property
    def cancelled(self) -> bool:
        seen = super().cancelled
        self.cancel()
        return seen


@TLS
def test_a_wish_does_not_shut_a_connection_that_was_handed_back(
    tls: ssl.SSLContext | None, transport: Transport
) -> None:
    with raw_server(ok_with(b"hello"), tls=tls) as server:
        assert read_all(transport.handle_request(get(server.url, CancelledAtTheEnd()))) == b"hello"
        assert read_all(transport.handle_request(get(server.url))) == b"hello"
        assert server.connections == 1


@TLS
def test_a_connection_whose_transfer_was_stopped_is_not_used_again(
    tls: ssl.SSLContext | None, transport: Transport
) -> None:
    control = Control()
    with raw_server(ok_with(b"hello"), tls=tls) as server:
        response = transport.handle_request(get(server.url, control))
        control.cancel()
        assert read_all(response) == b"hello"  # it had come already
        assert read_all(transport.handle_request(get(server.url))) == b"hello"
        assert server.connections == 2
