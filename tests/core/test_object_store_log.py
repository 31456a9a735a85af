"""What the log keeps of an object store that refuses: enough for whoever runs it, and nothing secret."""

import logging

import pytest

from modelsync.registry.targets import DataTarget
from modelsync.transfer.control import Control
from modelsync.transfer.data import DataClient
from modelsync.transfer.retry import Retryable
from support.raw_server import Connection, raw_server

SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


@pytest.mark.parametrize(
    ("headers", "ending"),
    [
        ({"x_amz_request_id": "4442587FB7D0A2F9"}, "said 503 SlowDown, request id 4442587FB7D0A2F9"),
        ({}, "said 503 SlowDown"),
    ],
)
def test_a_refused_part_leaves_its_request_id(
    caplog: pytest.LogCaptureFixture, headers: dict[str, str], ending: str
) -> None:
    def refuse(connection: Connection) -> None:
        connection.read_request()
        connection.answer("503 Slow Down", SLOW_DOWN, **headers)

    caplog.set_level(logging.INFO, "modelsync.transfer")
    data = DataClient()
    with raw_server(refuse) as server:
        target = DataTarget(f"{server.url}/bucket/m?X-Amz-Signature=tok-secret")
        with pytest.raises(Retryable):
            data.put(target, 3, lambda: iter([memoryview(b"abc")]), control=Control(), on_sent=lambda _count: None)
        data.close()
    (line,) = [record.getMessage() for record in caplog.records if "object store" in record.getMessage()]
    assert line.endswith(ending)
    assert f"127.0.0.1:{server.port}" in line
    assert "secret" not in caplog.text
