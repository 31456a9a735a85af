"""An object store whose answer to a part never ends holds up no push."""

import threading

import pytest

from modelsync.errors import PartError
from modelsync.registry.targets import DataTarget
from modelsync.transfer.control import Control
from modelsync.transfer.data import DataClient
from support.raw_server import Connection, raw_server

HANGS_AFTER_S = 20.0


def test_an_answer_to_a_part_that_does_not_end_is_left() -> None:
    def endless(connection: Connection) -> None:
        connection.read_request()
        connection.send(b'HTTP/1.1 200 OK\r\nETag: "e"\r\n\r\n')
        while True:  # until the client hangs up
            connection.send(b"and so on " * 1000)

    data, control = DataClient(), Control()
    watch = threading.Timer(HANGS_AFTER_S, control.cancel)
    watch.start()
    with raw_server(endless) as server:
        target = DataTarget(f"{server.url}/bucket/m?sig=1")
        stored = data.put(target, 3, lambda: iter([memoryview(b"abc")]), control=control, on_sent=lambda _count: None)
    watch.cancel()
    data.close()
    assert stored.etag == '"e"'


def test_a_refusal_that_drips_on_is_taken_as_it_is() -> None:
    hung_up = threading.Event()

    def dripping(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 418 Odd\r\nContent-Length: 9999\r\n\r\n")
        while not hung_up.wait(0.2):  # each well before the connection would be taken for stalled
            connection.send(b".")

    data, control = DataClient(), Control()
    watch = threading.Timer(HANGS_AFTER_S, control.cancel)
    watch.start()
    with raw_server(dripping) as server:
        target = DataTarget(f"{server.url}/bucket/m?sig=1")
        with pytest.raises(PartError, match="418"):
            data.put(target, 3, lambda: iter([memoryview(b"abc")]), control=control, on_sent=lambda _count: None)
    watch.cancel()
    hung_up.set()
    data.close()
