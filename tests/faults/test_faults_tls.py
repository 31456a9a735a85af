"""Pushes and pulls through TLS whose connections are lost: tried again, and whole in the end."""

import pytest

from modelsync.results import Outcome
from modelsync.sync import pull, push
from support.bad_proxy import Fault
from support.fault_bench import TAG, Bench, BenchFactory, MiB
from support.harm import cut_answer, cut_request, reset, stall_answer, stall_request, stalls


@pytest.fixture
def bench(make_bench: BenchFactory) -> Bench:
    return make_bench(tls=True)


@pytest.mark.parametrize(
    "fault", [reset, cut_request(3 * MiB + 1), stall_request(MiB)], ids=["reset", "cut in the middle", "stalled"]
)
def test_a_part_whose_sealed_connection_was_lost_is_sent_again(fault: Fault, bench: Bench) -> None:
    model = bench.write()
    rule = bench.proxy.misbehave(fault, method="PUT", where=lambda request: request.part == 1)
    result = push(TAG, bench.sides(impatient=stalls(fault)))
    assert (rule.done, result.outcome, result.retries) == (1, Outcome.PUSHED, 1)
    bench.assert_pushed(model)


@pytest.mark.parametrize(
    "fault",
    [reset, cut_answer(3 * MiB + 1), cut_answer(3 * MiB + 1, politely=False), stall_answer(MiB)],
    ids=["reset", "closed in the middle", "reset in the middle", "stalled"],
)
def test_a_range_whose_sealed_connection_was_lost_is_asked_for_again(fault: Fault, bench: Bench) -> None:
    model = bench.publish()
    rule = bench.proxy.misbehave(fault, where=lambda request: request.range is not None and request.range[0] == MiB)
    result = pull(TAG, bench.sides("reader", impatient=stalls(fault)))
    assert (rule.done, result.outcome, result.retries) == (1, Outcome.PULLED, 1)
    bench.assert_pulled(model)
