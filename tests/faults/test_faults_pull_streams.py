"""Pulls in one stream through a proxy that misbehaves: from a store without ranges, from the registry, compressed."""

import gzip
import os

import pytest

from modelsync.errors import ArchiveError
from modelsync.results import Outcome
from modelsync.sync import pull
from modelsync_registry.config import TransmissionStrategy
from support.bad_proxy import ALWAYS, Fault, Request
from support.fault_bench import TAG, Bench, BenchFactory, MiB
from support.harm import cut_answer, reset, says, stall_answer, stalls, whole_object
from support.local_store import write_model
from support.odd_stores import plain_tar, stream_through
from support.registry_server import model_path, put_object, register_model


def download(request: Request) -> bool:
    return request.target.endswith("/download")


def test_a_store_that_knows_no_ranges_gives_the_version_in_one_stream(bench: Bench) -> None:
    model = bench.publish()
    bench.proxy.misbehave(whole_object, method="GET", times=ALWAYS)
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.retries) == (Outcome.PULLED, 0)
    assert bench.proxy.count("GET") == 2
    bench.assert_pulled(model)


@pytest.mark.parametrize(
    "fault",
    [cut_answer(6 * MiB), cut_answer(6 * MiB, politely=False), stall_answer(6 * MiB), reset, says(503)],
    ids=["closed", "reset", "stalled", "reset at once", "503"],
)
def test_a_stream_that_was_cut_is_asked_for_again_and_what_came_is_passed_over(fault: Fault, bench: Bench) -> None:
    model = bench.publish()
    bench.proxy.misbehave(stream_through(whole_object, fault), method="GET", times=ALWAYS)
    result = pull(TAG, bench.sides("reader", impatient=stalls(fault)))
    assert (result.outcome, result.retries) == (Outcome.PULLED, 1)
    bench.assert_pulled(model)


@pytest.mark.parametrize(
    "fault",
    [cut_answer(6 * MiB), stall_answer(6 * MiB), reset, says(502), says(429)],
    ids=["cut", "stalled", "reset", "502", "429"],
)
def test_a_download_through_the_registry_itself_is_tried_again(fault: Fault, make_bench: BenchFactory) -> None:
    bench = make_bench(strategy=TransmissionStrategy.PROXY)
    model = bench.publish()
    rule = bench.proxy.misbehave(fault, method="GET", where=download)
    result = pull(TAG, bench.sides("reader", all_through_proxy=True, impatient=stalls(fault)))
    assert (rule.done, result.outcome, result.retries) == (1, Outcome.PULLED, 1)
    bench.assert_pulled(model)


@pytest.mark.parametrize("mode", ["w:gz", "w:xz"])
def test_a_compressed_archive_survives_a_cut(mode: str, bench: Bench) -> None:
    model = write_model(bench.folder / "author", str(TAG), files={"weights.bin": os.urandom(2 * MiB)})
    register_model(bench.server.api, TAG.name, TAG.version)
    put_object(bench.server.api, model_path(TAG.name, TAG.version), [plain_tar(model, mode)])
    rule = bench.proxy.misbehave(
        cut_answer(MiB + 5), method="GET", where=lambda request: request.range is not None and request.range[1] is None
    )
    result = pull(TAG, bench.sides("reader"))
    assert (rule.done, result.outcome, result.retries) == (1, Outcome.PULLED, 1)
    bench.assert_pulled(model)


@pytest.mark.parametrize("keep", [0.3, 0.9999])
def test_an_object_that_is_really_shorter_is_refused_compressed_too(keep: float, bench: Bench) -> None:
    model = write_model(bench.folder / "author", str(TAG), files={"weights.bin": os.urandom(2 * MiB)})
    register_model(bench.server.api, TAG.name, TAG.version)
    data = gzip.compress(plain_tar(model), 1)
    put_object(bench.server.api, model_path(TAG.name, TAG.version), [data[: int(len(data) * keep)]])
    with pytest.raises(ArchiveError):
        pull(TAG, bench.sides("reader"))
    bench.assert_nothing_pulled()
