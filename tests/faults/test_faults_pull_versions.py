"""Pulls of an object that is replaced while it is read, through stores that tell of it well, badly or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from modelsync.errors import RemoteChangedError, UnreachableError
from modelsync.results import Outcome
from modelsync.sync import pull
from modelsync_registry.config import TransmissionStrategy
from support.bad_proxy import ALWAYS, Fault, Request, no_harm
from support.fault_bench import TAG, TRIES, Bench, BenchFactory, MiB
from support.harm import after, cut_answer, other_range, whole_object
from support.local_store import write_model
from support.odd_stores import (
    cut_without_etag,
    plain_tar,
    replace_object,
    stream_through,
    weak_etag,
    without_etag,
)
from support.registry_server import register_model


def beyond_head(request: Request) -> bool:
    return request.range is not None and request.range[0] > 0


def first_range(request: Request) -> bool:
    return request.range is not None and request.range[0] == MiB


def download(request: Request) -> bool:
    return request.target.endswith("/download")


def pushed_again(bench: Bench, more: int = 0) -> Callable[[], object]:
    """Publishes iris:v1; what puts another version of it in its place, of the same names, sizes and length.

    `more`: so much longer.
    """
    model = bench.publish()
    size = (model / "weights.bin").stat().st_size
    (model / "weights.bin").write_bytes(os.urandom(size + more))
    return replace_object(bench, bench.archive(model))


def assert_not_mixed_and_the_next_pull_brings_the_new_version(bench: Bench) -> None:
    bench.assert_nothing_pulled()
    bench.proxy.behave()
    assert pull(TAG, bench.sides("reader")).outcome is Outcome.PULLED
    bench.assert_pulled(bench.folder / "author/models/iris/v1")


@pytest.mark.parametrize("ranges", [True, False], ids=["in ranges", "in one stream"])
def test_an_object_that_is_replaced_while_the_line_is_down_is_not_mixed(ranges: bool, bench: Bench) -> None:
    """Both versions have files of the same names and sizes, so that only the pin tells them apart."""
    replaced = cut_answer(4 * MiB, meanwhile=pushed_again(bench))
    if ranges:
        bench.proxy.misbehave(replaced, method="GET", where=first_range)
    else:
        bench.proxy.misbehave(stream_through(whole_object, replaced), method="GET", times=ALWAYS)
    with pytest.raises(RemoteChangedError):
        pull(TAG, bench.sides("reader", threads=1))
    assert_not_mixed_and_the_next_pull_brings_the_new_version(bench)


def test_an_object_that_is_replaced_while_the_registry_hands_it_through_is_not_mixed(make_bench: BenchFactory) -> None:
    bench = make_bench(strategy=TransmissionStrategy.PROXY)
    replaced = cut_answer(4 * MiB, meanwhile=pushed_again(bench))
    bench.proxy.misbehave(replaced, method="GET", where=download)
    try:
        pull(TAG, bench.sides("reader", all_through_proxy=True))
    except RemoteChangedError:
        bench.assert_nothing_pulled()
    else:
        bench.assert_pulled(bench.folder / "author/models/iris/v1")


def test_an_answer_that_does_not_say_its_version_is_not_mixed_in(bench: Bench) -> None:
    replace = pushed_again(bench)
    replaced_at_first = iter((after(replace, without_etag),))
    bench.proxy.misbehave(
        lambda exchange: next(replaced_at_first, without_etag)(exchange),
        method="GET",
        where=beyond_head,
        times=ALWAYS,
    )
    with pytest.raises(UnreachableError, match="does not say which version") as caught:
        pull(TAG, bench.sides("reader", threads=1))
    assert caught.value.hint
    assert bench.proxy.count("GET", beyond_head) == TRIES
    assert_not_mixed_and_the_next_pull_brings_the_new_version(bench)


@pytest.mark.parametrize("fault", [without_etag, weak_etag], ids=["none", "weak ones"])
@pytest.mark.parametrize("ranges", [True, False], ids=["in ranges", "in one stream"])
def test_a_store_without_etags_to_rely_on_gives_the_version_still(fault: Fault, ranges: bool, bench: Bench) -> None:
    model = bench.publish()
    bench.proxy.misbehave(fault if ranges else stream_through(*[fault] * 9), method="GET", times=ALWAYS)
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.retries) == (Outcome.PULLED, 0)
    bench.assert_pulled(model)


def test_without_etags_a_longer_version_in_its_place_is_told_by_its_length(bench: Bench) -> None:
    replace = pushed_again(bench, more=MiB)
    bench.proxy.misbehave(after(replace, without_etag), method="GET", where=first_range)
    bench.proxy.misbehave(without_etag, method="GET", times=ALWAYS)
    with pytest.raises(RemoteChangedError):
        pull(TAG, bench.sides("reader", threads=1))
    assert_not_mixed_and_the_next_pull_brings_the_new_version(bench)


@pytest.mark.parametrize("again", [no_harm, without_etag], ids=["names its ETag", "names none"])
def test_a_stream_that_began_without_an_etag_is_told_apart_by_its_bytes(again: Fault, bench: Bench) -> None:
    """The ETag of the second answer says nothing of the bytes that the first one brought."""
    begun = cut_without_etag(4 * MiB, meanwhile=pushed_again(bench))
    bench.proxy.misbehave(stream_through(without_etag, begun, *[again] * 9), method="GET", times=ALWAYS)
    with pytest.raises(RemoteChangedError):
        pull(TAG, bench.sides("reader"))
    assert_not_mixed_and_the_next_pull_brings_the_new_version(bench)


def endless(after: int) -> Fault:
    """No ETag and no length: where the line is cut after so many bytes, that looks like the end."""
    return cut_without_etag(after, without=("ETag", "Content-Length"))


def test_a_stream_of_no_known_length_that_ends_before_what_came_already_is_asked_for_again(bench: Bench) -> None:
    model = bench.publish()
    faults = (without_etag, cut_without_etag(4 * MiB), endless(2 * MiB), without_etag)
    bench.proxy.misbehave(stream_through(*faults), method="GET", times=ALWAYS)
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.retries) == (Outcome.PULLED, 2)
    bench.assert_pulled(model)


def test_a_stream_of_no_known_length_that_ends_where_it_was_cut_is_told_apart_by_its_bytes(bench: Bench) -> None:
    begun = cut_without_etag(4 * MiB, meanwhile=pushed_again(bench))
    bench.proxy.misbehave(stream_through(without_etag, begun, endless(4 * MiB)), method="GET", times=ALWAYS)
    with pytest.raises(RemoteChangedError):
        pull(TAG, bench.sides("reader"))
    assert_not_mixed_and_the_next_pull_brings_the_new_version(bench)


def compressed_object(bench: Bench) -> Path:
    """An object that can only be read as a stream; returns the model that is in it."""
    model = write_model(bench.folder / "author", str(TAG), files={"weights.bin": os.urandom(2 * MiB)})
    register_model(bench.server.api, TAG.name, TAG.version)
    replace_object(bench, plain_tar(model, "w:gz"))()
    return model


def test_a_compressed_archive_that_is_replaced_behind_its_head_is_told(bench: Bench) -> None:
    model = compressed_object(bench)
    (model / "weights.bin").write_bytes(os.urandom(2 * MiB))
    replaced = after(replace_object(bench, plain_tar(model, "w:gz")), no_harm)
    bench.proxy.misbehave(replaced, method="GET", where=whole)
    with pytest.raises(RemoteChangedError):
        pull(TAG, bench.sides("reader"))
    assert_not_mixed_and_the_next_pull_brings_the_new_version(bench)


def test_a_stream_that_begins_elsewhere_than_asked_is_asked_for_again(bench: Bench) -> None:
    model = compressed_object(bench)
    bench.proxy.misbehave(other_range(512), method="GET", where=whole)
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.retries) == (Outcome.PULLED, 1)
    bench.assert_pulled(model)


def whole(request: Request) -> bool:
    """A request for the object to its end."""
    return request.range is not None and request.range[1] is None
