"""A registry that repeats the token in its refusal of the content itself: no error, record or log repeats it."""

import json
import logging
import re

import pytest

from modelsync.errors import ModelsyncError
from modelsync.sync import pull, push
from modelsync_registry.config import TransmissionStrategy
from support.bad_proxy import ALWAYS, Exchange, Fault
from support.fault_bench import TAG, Bench, BenchFactory
from support.registry_server import TOKEN


def refuses_and_repeats_the_token(status: int) -> Fault:
    """What a proxy before the registry does that is set up to explain itself."""

    def fault(exchange: Exchange) -> None:
        exchange.skip()
        sent = [value for value in exchange.request.headers.values() if TOKEN in value]
        assert sent
        body = json.dumps({"error": f"bad header with {sent[0]}"}).encode()
        exchange.answer(status, body, {"Content-Type": "application/json"})
        exchange.keep = True

    return fault


def said(error: BaseException | None) -> str:
    """Everything that an error and its causes say."""
    words = ""
    while error is not None:
        words += f"{error!r} {error} {vars(error)}"
        error = error.__cause__ or error.__context__
    return words


@pytest.mark.parametrize("status", [400, 403, 418, 500])
@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_token_that_the_registry_repeats_is_in_no_error_record_or_log(
    direction: str, status: int, make_bench: BenchFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench = make_bench(strategy=TransmissionStrategy.PROXY)
    move(bench, direction, status)
    assert TOKEN not in caplog.text


def move(bench: Bench, direction: str, status: int) -> None:
    bench.write()
    if direction == "pull":
        push(TAG, bench.sides(all_through_proxy=True))
    bench.proxy.misbehave(
        refuses_and_repeats_the_token(status),
        times=ALWAYS,
        where=lambda request: re.search("/(up|down)load$", request.target) is not None,
    )
    home = "author" if direction == "push" else "reader"
    with pytest.raises(ModelsyncError) as caught:
        (push if direction == "push" else pull)(TAG, bench.sides(home, all_through_proxy=True))
    assert TOKEN not in said(caught.value)
    assert TOKEN not in bench.record().status_reason
