"""An answer that is as long as what was asked for, but of another stretch of the object, is asked for again."""

import pytest

from modelsync.results import Outcome
from modelsync.sync import pull
from support.bad_proxy import Exchange
from support.fault_bench import TAG, Bench


def as_much_from_elsewhere(exchange: Exchange) -> None:
    """The same number of bytes, 512 further on; the answer says so."""
    asked = exchange.request.range
    assert asked is not None
    first, last = asked
    assert last is not None
    exchange.request.headers = dict(exchange.request.headers) | {"range": f"bytes={first + 512}-{last + 512}"}
    with exchange.ask() as answer:
        exchange.keep = exchange.pass_on(answer)


@pytest.mark.parametrize("first", [True, False], ids=["the first bytes", "a range behind them"])
def test_bytes_from_elsewhere_are_not_taken_for_those_that_were_asked_for(first: bool, bench: Bench) -> None:
    model = bench.publish()
    end = bench.record().size_bytes or 0
    rule = bench.proxy.misbehave(
        as_much_from_elsewhere,
        method="GET",
        where=lambda request: (
            request.range is not None
            and (request.range[0] == 0) is first
            and request.range[1] is not None
            and request.range[1] + 512 < end
        ),
    )
    result = pull(TAG, bench.sides("reader"))
    assert (rule.done, result.outcome, result.retries) == (1, Outcome.PULLED, 1)
    bench.assert_pulled(model)
