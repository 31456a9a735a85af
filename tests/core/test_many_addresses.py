"""A name with several addresses of which not all answer, as where IPv6 leads nowhere."""

import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from modelsync.errors import Cancelled
from modelsync.http.transport import Transport
from modelsync.transfer.control import Control
from support.data_requests import get, read_all
from support.fault_patience import EVER_S, black_hole, connections_to
from support.raw_server import Connection, raw_server
from support.strange_registry import free_port
from support.waiting import wait_for

URL = "http://several.example/x"
NOWHERE = ("2001:db8::1", 9, 0, 0)
"""For documentation (RFC 3849): there is no way to it, or no answer."""

Name = Callable[..., None]


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(connect_within_s=EVER_S)
    yield made
    made.close()


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch) -> Name:
    """Says what the name in URL means: ports on loopback, and whole addresses."""
    for variable in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)

    def means(*addresses: int | tuple[str, int, int, int]) -> None:
        kind = socket.SOCK_STREAM
        found = [
            (socket.AF_INET, kind, 6, "", ("127.0.0.1", address))
            if isinstance(address, int)
            else (socket.AF_INET6, kind, 6, "", address)
            for address in addresses
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: found)

    return means


def answers(connection: Connection) -> None:
    connection.read_head()
    connection.answer("200 OK", b"here")


def test_an_address_that_does_not_answer_holds_no_connection_up(transport: Transport, name: Name) -> None:
    with black_hole() as hole, raw_server(answers) as server:
        name(NOWHERE, hole, hole, server.port)
        response = transport.handle_request(get(URL))
        assert (response.status_code, read_all(response)) == (200, b"here")


def test_an_address_that_refuses_is_followed_by_the_next(transport: Transport, name: Name) -> None:
    with raw_server(answers) as server:
        name(free_port(), free_port(), server.port)
        response = transport.handle_request(get(URL))
        assert response.status_code == 200
        response.close()


def test_addresses_that_all_refuse_are_a_refusal(transport: Transport, name: Name) -> None:
    name(NOWHERE, free_port(), free_port())
    with pytest.raises(httpx.ConnectError) as refused:
        transport.handle_request(get(URL))
    assert isinstance(refused.value.__cause__, ConnectionRefusedError)


def test_addresses_that_are_all_silent_are_a_time_out(name: Name) -> None:
    transport = Transport(connect_within_s=0.6)
    with black_hole() as hole:
        name(hole, hole)
        with pytest.raises(httpx.ConnectTimeout):
            transport.handle_request(get(URL))


def test_a_wish_is_obeyed_while_no_address_answers(transport: Transport, name: Name) -> None:
    control, ended = Control(), threading.Event()
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            transport.handle_request(get(URL, control))
        except Cancelled as exc:
            raised.append(exc)
        ended.set()

    with black_hole() as hole:
        name(hole, hole)
        before = connections_to(hole, state="02")
        threading.Thread(target=ask, daemon=True).start()
        wait_for(lambda: connections_to(hole, state="02") == before + 2, within_s=30, what="both being tried")
        control.cancel()
        assert ended.wait(10)
    assert len(raised) == 1
