"""A client that stops in the middle of a request keeps nothing of the registry for long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest

from support.registry_server import (
    RegistryFactory,
    RegistryServer,
    presign_get,
    presign_part,
    put_object,
    register_model,
    start_multipart,
)
from support.waiting import wait_for

PATIENCE_S = 1.0
LARGE = 16 * 1024 * 1024  # bytes; more than the sockets of a reader that does not read hold


@pytest.fixture
def registry(make_registry: RegistryFactory) -> RegistryServer:
    return make_registry(patience_s=PATIENCE_S)


@contextmanager
def connection(registry: RegistryServer) -> Iterator[socket.socket]:
    url = httpx.URL(registry.url)
    with closing(socket.create_connection((url.host, url.port or 0), timeout=20)) as sock:
        yield sock


def is_cut(sock: socket.socket) -> bool:
    """Whether the registry ends the connection by itself, before the socket's own time is over."""
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("head", [b"", b"GET /api/v1/version HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_that_asks_for_nothing_is_cut(registry: RegistryServer, head: bytes) -> None:
    with connection(registry) as sock:
        sock.sendall(head)
        assert is_cut(sock)


def test_a_head_that_comes_byte_by_byte_gains_no_time(registry: RegistryServer) -> None:
    ended = threading.Event()
    with connection(registry) as sock:
        sock.sendall(b"GET /api/v1/version HTTP/1.1\r\nX: ")

        def drip() -> None:
            while not ended.wait(PATIENCE_S / 10):
                try:
                    sock.sendall(b"x")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert is_cut(sock)
        finally:
            ended.set()
            dripping.join()


def test_a_part_whose_client_falls_silent_leaves_nothing(registry: RegistryServer) -> None:
    model = register_model(registry.api, "bert", "v1")
    url = httpx.URL(presign_part(registry.api, model, start_multipart(registry.api, model), 1))
    with connection(registry) as sock:
        sock.sendall(b"PUT %b HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" % url.raw_path)
        sock.sendall(b"x" * 500_000)
        wait_for(lambda: any((registry.data / "blobs").iterdir()), what="the first bytes of the part")
        assert is_cut(sock)
    wait_for(lambda: not any((registry.data / "blobs").iterdir()), what="the end of the part")


def test_a_slow_part_that_goes_on_is_not_cut(registry: RegistryServer) -> None:
    model = register_model(registry.api, "bert", "v1")
    url = presign_part(registry.api, model, start_multipart(registry.api, model), 1)
    steps = 25

    def body() -> Iterator[bytes]:
        for _ in range(steps):
            threading.Event().wait(PATIENCE_S / 10)  # the slowness itself, twice as long in all as the patience
            yield b"x"

    started = time.monotonic()
    assert httpx.put(url, content=body(), headers={"Content-Length": str(steps)}).status_code == 200
    assert time.monotonic() - started > 2 * PATIENCE_S


def test_a_reader_that_takes_its_time_is_not_cut(registry: RegistryServer) -> None:
    model = register_model(registry.api, "bert", "v1")
    put_object(registry.api, model, [b"x" * LARGE])
    with connection(registry) as other, httpx.stream("GET", presign_get(registry.api, model)) as slow:
        blocks = slow.iter_bytes(1000)
        got = len(next(blocks))
        assert is_cut(other)  # the patience is over
        assert got + sum(map(len, blocks)) == LARGE
