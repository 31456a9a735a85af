"""Requests through a proxy of the environment, plainly or in a tunnel: carried whole, and ended by a wish at once."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from modelsync.errors import Cancelled
from modelsync.http.transport import Transport
from modelsync.transfer.control import Control
from support.certificates import OTHER_NAME_PEM
from support.data_requests import get, put, read_all
from support.fault_patience import EVER_S, black_hole, connections_to
from support.raw_server import Connection, RawServer, raw_server
from support.tls_ends import client_end, server_end
from support.waiting import wait_for

MiB = 1 << 20
STORE = "elsewhere.example"
"""The name in OTHER_NAME_PEM; only the proxy finds it."""
FREED_WITHIN_S = 5.0
"""Generous: a wish takes some milliseconds, and whatever else could end these waits takes ten minutes."""


@pytest.fixture
def transport() -> Iterator[Transport]:
    made = Transport(tls=client_end(OTHER_NAME_PEM), connect_within_s=EVER_S, stall_after_s=EVER_S)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def inside(connection: Connection, scheme: str) -> Connection:
    """What the proxy passes on: the connection itself, or the store's end of the tunnel that it asks for."""
    if scheme == "http":
        return connection
    assert connection.read_head().startswith("CONNECT elsewhere.example:443 ")
    connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
    return Connection(server_end(OTHER_NAME_PEM).wrap_socket(connection.sock, server_side=True))


def through(server: RawServer, scheme: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address behind this proxy."""
    monkeypatch.setenv(f"{scheme}_proxy", server.url)
    return f"{scheme}://{STORE}/part"


def exchange(transport: Transport, request: httpx.Request) -> tuple[httpx.Response, bytes]:
    """The answer and its body, read to the end."""
    response = transport.handle_request(request)
    try:
        return response, read_all(response, 5)
    finally:
        response.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_of_the_environment_carries_requests(
    scheme: str, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bytes]] = []

    def proxy(connection: Connection) -> None:
        store = inside(connection, scheme)
        for _ in range(2):
            seen.append(store.read_request())
            store.answer("200 OK", b"by proxy", ETag='"e"')

    sent: list[int] = []
    pieces = [b"abc" * 100_000, b"de"]
    with raw_server(proxy) as server:
        url = through(server, scheme, monkeypatch)
        for _ in range(2):
            response, body = exchange(transport, put(url, *pieces, on_sent=sent.append))
            assert (response.headers["etag"], body) == ('"e"', b"by proxy")
        assert server.connections == 1
    for head, body in seen:
        assert head.startswith("PUT /part " if scheme == "https" else f"PUT http://{STORE}/part ")
        assert body == b"".join(pieces)
    assert sum(sent) == 2 * 300_002


@dataclass
class Held:
    """The proxy of a test of wishes: where it stands still, and what it sees then."""

    scheme: str
    still: threading.Event = field(default_factory=threading.Event)
    told: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)

    def stand_still(self, connection: Connection) -> None:
        """Until the wish was told; then reads on until the client has hung up."""
        self.still.set()
        assert self.told.wait(60)
        try:
            while connection.sock.recv(MiB):
                pass
        except OSError:
            pass  # a reset hangs up as well
        self.gone.set()

    def receiving(self, connection: Connection) -> None:
        store = inside(connection, self.scheme)
        store.read_head()
        store.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\nabc")
        self.stand_still(store)

    def receiving_no_length(self, connection: Connection) -> None:
        store = inside(connection, self.scheme)
        store.read_head()
        store.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc")
        self.stand_still(store)

    def sending(self, connection: Connection) -> None:
        store = inside(connection, self.scheme)
        store.read_head()
        self.stand_still(store)

    def answering(self, connection: Connection) -> None:
        store = inside(connection, self.scheme)
        store.read_request()
        self.stand_still(store)

    def answering_the_second(self, connection: Connection) -> None:
        store = inside(connection, self.scheme)
        store.read_request()
        store.answer("200 OK")
        store.read_request()
        self.stand_still(store)

    def connecting_on(self, connection: Connection) -> None:
        connection.read_head()
        self.stand_still(connection)

    def shaking_hands(self, connection: Connection) -> None:
        connection.read_head()
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.stand_still(connection)


SMALL = [bytes(MiB)]
LARGE = [bytes(MiB)] * 64
"""More than the system takes before the other end has read a byte."""


@pytest.mark.parametrize(
    ("scheme", "where", "pieces"),
    [
        *((scheme, Held.receiving, None) for scheme in ("http", "https")),
        *((scheme, Held.receiving_no_length, None) for scheme in ("http", "https")),
        *((scheme, Held.sending, LARGE) for scheme in ("http", "https")),
        *((scheme, Held.answering, SMALL) for scheme in ("http", "https")),
        *((scheme, Held.answering_the_second, SMALL) for scheme in ("http", "https")),
        ("https", Held.connecting_on, SMALL),
        ("https", Held.shaking_hands, SMALL),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value, "__name__", ""),
)
def test_a_wish_is_obeyed_behind_a_proxy_of_the_environment(
    scheme: str,
    where: Callable[[Held, Connection], None],
    pieces: list[bytes] | None,
    transport: Transport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held, control, freed_at = Held(scheme), Control(), 0.0

    def wish() -> None:
        nonlocal freed_at
        assert held.still.wait(60)
        freed_at = time.monotonic()
        control.cancel()

    with raw_server(lambda connection: where(held, connection)) as server:
        url = through(server, scheme, monkeypatch)
        if where is Held.answering_the_second:
            exchange(transport, put(url, *SMALL))
        threading.Thread(target=wish, daemon=True).start()
        request = get(url, control) if pieces is None else put(url, *pieces, control=control)
        with pytest.raises((httpx.TransportError, Cancelled)):
            exchange(transport, request)
        assert time.monotonic() - freed_at < FREED_WITHIN_S
        held.told.set()
        assert held.gone.wait(FREED_WITHIN_S), "the connection is still there"


def test_a_wish_is_obeyed_while_the_proxy_cannot_be_connected_to(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = Control()
    with black_hole() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        filled = connections_to(port, state="02")

        def wish() -> None:
            wait_for(lambda: connections_to(port, state="02") > filled)
            control.cancel()

        threading.Thread(target=wish, daemon=True).start()
        with pytest.raises(Cancelled):
            transport.handle_request(get(f"http://{STORE}/part", control))


def test_a_slow_upload_through_a_tunnel_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Transport(tls=client_end(OTHER_NAME_PEM), stall_after_s=1.0)

    def proxy(connection: Connection) -> None:
        store = inside(connection, "https")
        store.read_head()
        taken, tick = len(store.rest), threading.Event()
        while taken < 2 * MiB:
            tick.wait(0.03)
            taken += len(store.sock.recv(16 << 10))
        store.answer("200 OK")

    with raw_server(proxy, narrow=True) as server:
        url = through(server, "https", monkeypatch)
        assert transport.handle_request(put(url, *[bytes(MiB)] * 2)).status_code == 200
    transport.close()
