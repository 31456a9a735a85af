"""The data path's transport, against a server that answers byte for byte what a test says."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from modelsync.http.transport import Transport
from support.certificates import GOOD_PEM
from support.data_requests import get, ok_with, put, read_all
from support.raw_server import Connection, header, raw_server
from support.strange_registry import https_file
from support.ways import Door, tls_front


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(stall_after_s=5.0)
    yield made
    made.close()


def test_a_body_goes_out_whole_with_its_length_and_is_counted(transport: Transport) -> None:
    received: list[tuple[str, bytes]] = []

    def script(connection: Connection) -> None:
        received.append(connection.read_request())
        connection.answer("200 OK", ETag='"abc"')

    sent: list[int] = []
    with raw_server(script) as server:
        response = transport.handle_request(
            put(server.url + "/part?x=1", b"a" * 700_000, b"b" * 5, on_sent=sent.append)
        )
        assert response.status_code == 200
        assert response.headers["etag"] == '"abc"'
    head, body = received[0]
    assert head.startswith("PUT /part?x=1 HTTP/1.1")
    assert header(head, "transfer-encoding") is None
    assert header(head, "content-length") == "700005"
    assert body == b"a" * 700_000 + b"b" * 5
    assert sum(sent) == 700_005


def test_a_small_body_comes_in_one_piece_with_its_head(transport: Transport) -> None:
    """Each piece would wake the server, which reads what there is."""
    received: list[bytes] = []

    def script(connection: Connection) -> None:
        received.append(connection.sock.recv(65536))
        connection.answer("200 OK", Connection="close")

    with raw_server(script) as server:
        for _ in range(20):
            transport.handle_request(httpx.Request("POST", server.url, json={"a": 1})).read()
    assert [piece.endswith(b'\r\n\r\n{"a":1}') for piece in received] == [True] * 20


def test_an_answer_is_received_into_the_callers_buffer(transport: Transport) -> None:
    body = bytes(range(256)) * 2000
    with raw_server(ok_with(body)) as server:
        response = transport.handle_request(get(server.url))
        assert read_all(response, 1 << 20) == body


@pytest.fixture
def through_tls(tmp_path: Path) -> Iterator[tuple[Door, Transport]]:
    """A door that speaks TLS, and a transport that trusts it."""
    authority = tmp_path / "authority.pem"
    authority.write_text(GOOD_PEM)
    with tls_front(https_file(tmp_path, GOOD_PEM)) as door:
        transport = Transport(ca_file=authority, stall_after_s=5.0)
        yield door, transport
        transport.close()


@pytest.mark.parametrize("buffer_bytes", [1 << 20, 100_000, 5_000])
def test_a_long_answer_comes_whole_through_tls_and_its_connection_is_used_again(
    through_tls: tuple[Door, Transport], buffer_bytes: int
) -> None:
    door, transport = through_tls
    body = bytes(range(256)) * 20_001
    with raw_server(ok_with(body)) as server:
        door.to = server.port
        for _ in range(2):
            assert read_all(transport.handle_request(get(f"https://127.0.0.1:{door.port}")), buffer_bytes) == body
        assert server.connections == 1


def test_what_came_through_tls_before_the_line_was_cut_is_handed_on(through_tls: tuple[Door, Transport]) -> None:
    door, transport = through_tls
    sent = b"x" * 300_000

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + sent)

    with raw_server(script) as server:
        door.to = server.port
        response = transport.handle_request(get(f"https://127.0.0.1:{door.port}"))
        buffer = memoryview(bytearray(1 << 20))
        came: list[int] = []
        with pytest.raises(httpx.TransportError):
            came.extend(iter(lambda: response.extensions["readinto"](buffer), 0))
        assert sum(came) == len(sent)


def test_a_connection_is_used_again(transport: Transport) -> None:
    with raw_server(ok_with(b"hello")) as server:
        for _ in range(3):
            assert read_all(transport.handle_request(get(server.url))) == b"hello"
        assert server.connections == 1


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again(transport: Transport) -> None:
    closed = threading.Event()

    def once(connection: Connection) -> None:
        connection.read_head()
        connection.answer("200 OK", b"one")
        connection.sock.close()
        closed.set()

    with raw_server(once, ok_with(b"two")) as server:
        assert read_all(transport.handle_request(get(server.url))) == b"one"
        assert closed.wait(5)
        assert read_all(transport.handle_request(get(server.url))) == b"two"
        assert server.connections == 2


def test_a_body_that_was_not_read_to_its_end_costs_its_connection(transport: Transport) -> None:
    with raw_server(ok_with(b"x" * 1_000_000)) as server:
        response = transport.handle_request(get(server.url))
        response.extensions["readinto"](memoryview(bytearray(10)))
        response.close()
        assert len(read_all(transport.handle_request(get(server.url)))) == 1_000_000
        assert server.connections == 2


def test_a_chunked_answer_is_read(transport: Transport) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")

    with raw_server(script) as server:
        assert read_all(transport.handle_request(get(server.url))) == b"hello world"


@pytest.mark.parametrize(
    ("framing", "first", "rest"),
    [
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n", b"6\r\n world\r\n0\r\n\r\n"),
        ("Connection: close", b"hello", b" world"),
    ],
)
def test_a_body_without_a_length_is_handed_on_as_it_comes(
    transport: Transport, framing: str, first: bytes, rest: bytes
) -> None:
    seen = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + first)
        if seen.wait(4):  # less than what the transport calls a stall
            connection.send(rest)
        connection.sock.close()

    with raw_server(script) as server:
        response = transport.handle_request(get(server.url))
        buffer = bytearray(1 << 20)
        assert response.extensions["readinto"](memoryview(buffer)) == 5
        seen.set()
        assert read_all(response) == b" world"


def test_interim_answers_before_the_answer_are_skipped(transport: Transport) -> None:
    """Content networks send early hints (RFC 8297), slow servers a 102."""

    def script(connection: Connection) -> None:
        for _ in range(2):
            connection.read_head()
            connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
            connection.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
            connection.answer("200 OK", b"after all", ETag='"e"')

    with raw_server(script) as server:
        for _ in range(2):
            response = transport.handle_request(get(server.url))
            assert (response.status_code, response.headers["etag"], read_all(response)) == (200, '"e"', b"after all")
        assert server.connections == 1


def test_interim_answers_without_an_end_are_an_error(transport: Transport) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)

    with raw_server(script) as server, pytest.raises(httpx.RemoteProtocolError):
        transport.handle_request(get(server.url))


def test_an_answer_that_is_cut_is_an_error(transport: Transport) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")

    with raw_server(script) as server:
        response = transport.handle_request(get(server.url))
        with pytest.raises(httpx.RemoteProtocolError, match="95 bytes early"):
            read_all(response)


def test_an_answer_that_comes_while_the_body_is_sent_is_seen(transport: Transport) -> None:
    def script(connection: Connection) -> None:
        connection.read_head()
        connection.answer("403 Forbidden", b"<Code>AccessDenied</Code>", Connection="close")
        connection.sock.shutdown(socket.SHUT_WR)
        connection.read_body(3_000_000)  # takes some more, then hangs up with the rest unread

    with raw_server(script) as server:
        response = transport.handle_request(put(server.url, *[b"x" * 1_000_000] * 20))
        assert response.status_code == 403
        assert b"AccessDenied" in read_all(response)


def test_a_silent_server_is_a_time_out() -> None:
    transport = Transport(stall_after_s=0.2)
    hold = threading.Event()

    def script(connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        hold.wait(10)

    with raw_server(script) as server:
        response = transport.handle_request(get(server.url))
        with pytest.raises(httpx.ReadTimeout):
            read_all(response)
        response.close()
        hold.set()


def test_a_refused_connection_is_a_connect_error(transport: Transport) -> None:
    with raw_server(ok_with(b"")) as server:
        url = server.url
    with pytest.raises(httpx.ConnectError):
        transport.handle_request(get(url))


def test_ipv6_is_reached(transport: Transport) -> None:
    with raw_server(ok_with(b"six"), host="::1") as server:
        assert read_all(transport.handle_request(get(server.url))) == b"six"
