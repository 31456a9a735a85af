"""Pulls through a proxy that misbehaves: what passes is tried again, what does not is told, nothing is half there."""

from pathlib import Path

import pytest

from modelsync.errors import (
    ArchiveError,
    IntegrityError,
    ModelsyncError,
    PermissionDeniedError,
    RegistryUnavailableError,
    RemoteChangedError,
    RemoteModelNotFoundError,
    UnreachableError,
)
from modelsync.results import Outcome
from modelsync.sync import pull
from modelsync.transfer.progress import Progress
from modelsync.transfer.retry import RetryPolicy
from support.bad_proxy import ALWAYS, Fault, Request
from support.fault_bench import TAG, TRIES, Bench, MiB
from support.harm import (
    after,
    cut_answer,
    cut_head,
    flip_answer,
    hang_up,
    other_etag,
    other_range,
    promise,
    reset,
    says,
    stall_answer,
    stall_before_answer,
    stalls,
    whole_object,
)
from support.local_store import read_tree, write_model
from support.odd_stores import other_total, without_etag

PASSING: dict[str, Fault] = {
    "connection reset": reset,
    "closed without an answer": hang_up,
    "cut inside the head of the answer": cut_head(60),
    "cut before the first byte": cut_answer(0),
    "closed in the middle": cut_answer(3 * MiB + 1),
    "reset in the middle": cut_answer(3 * MiB + 1, politely=False),
    "stalled in the middle": stall_answer(MiB),
    "stalled before the first byte": stall_answer(0),
    "no answer": stall_before_answer,
    "less than it said": cut_answer(5 * MiB),
    "a shorter length than the range": promise(-MiB),
    "another range": other_range(512),
    "the range ignored": whole_object,
    "no word of the version": without_etag,
    "408": says(408),
    "429": says(429),
    "500": says(500, "InternalError"),
    "502": says(502),
    "503": says(503),
    "503 SlowDown": says(503, "SlowDown"),
    "504": says(504),
}


RANGE_BYTES = 8 * MiB
PLACES = (0, 1, 511, 512, 4095, 64 << 10, MiB - 1, MiB, MiB + 1, 5 * MiB, RANGE_BYTES - 1, RANGE_BYTES)
"""Where a part of a push is cut as well."""


def head(request: Request) -> bool:
    """The first request of an object."""
    return request.range is not None and request.range[0] == 0


def beyond_head(request: Request) -> bool:
    """A range that is not the first."""
    return request.range is not None and request.range[0] > 0


def first_range(request: Request) -> bool:
    """The range right behind the head, as long as it was not cut: 8 MiB of a version of the usual size."""
    return request.range is not None and request.range[0] == MiB


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_trouble_that_passes_is_tried_again_counted_and_the_version_is_whole(fault: Fault, bench: Bench) -> None:
    model = bench.publish()
    rule = bench.proxy.misbehave(fault, method="GET", where=first_range)
    result = pull(TAG, bench.sides("reader", impatient=stalls(fault)))
    assert rule.done == 1
    assert (result.outcome, result.retries) == (Outcome.PULLED, 1)
    bench.assert_pulled(model)


@pytest.mark.parametrize(
    "fault",
    [
        reset,
        cut_head(60),
        cut_answer(1000),
        stall_answer(1000),
        says(503, "SlowDown"),
        says(500),
        promise(-5),
        other_range(512),
    ],
    ids=["reset", "cut head", "cut", "stalled", "503", "500", "shorter", "another range"],
)
def test_trouble_with_the_very_first_bytes_is_tried_again(fault: Fault, bench: Bench) -> None:
    model = bench.publish()
    rule = bench.proxy.misbehave(fault, method="GET", where=head)
    result = pull(TAG, bench.sides("reader", impatient=stalls(fault)))
    assert (rule.done, result.outcome, result.retries) == (1, Outcome.PULLED, 1)
    bench.assert_pulled(model)


def test_a_range_that_was_cut_goes_on_where_it_stopped(bench: Bench) -> None:
    model = bench.publish()
    bench.proxy.misbehave(cut_answer(5 * MiB + 7), method="GET", where=first_range)
    result = pull(TAG, bench.sides("reader"))
    assert result.bytes_total <= result.bytes_moved < result.bytes_total + MiB + 64
    bench.assert_pulled(model)


def test_a_range_that_is_cut_at_many_places_arrives_whole(bench: Bench) -> None:
    model = bench.publish()
    for place in PLACES:
        rule = bench.proxy.misbehave(cut_answer(place), method="GET", where=first_range)
        home = f"reader-{place}"
        result = pull(TAG, bench.sides(home))
        whole = place == RANGE_BYTES  # nothing is left to be tried again
        assert (rule.done, result.outcome, result.retries) == (1, Outcome.PULLED, 0 if whole else 1), place
        bench.assert_pulled(model, home)


def test_a_line_that_drops_every_connection_after_a_little_still_brings_it_all(bench: Bench) -> None:
    model = bench.publish()
    bench.proxy.misbehave(cut_answer(700_001), method="GET", times=ALWAYS, where=beyond_head)
    result = pull(TAG, bench.sides("reader"))
    assert result.outcome is Outcome.PULLED
    assert result.retries >= 10
    assert result.bytes_moved == result.bytes_total
    bench.assert_pulled(model)


def test_an_answer_that_promises_more_than_it_has_does_no_harm(bench: Bench) -> None:
    model = bench.publish()
    bench.proxy.misbehave(promise(+1000), method="GET", times=ALWAYS)
    assert pull(TAG, bench.sides("reader")).outcome is Outcome.PULLED
    bench.assert_pulled(model)


LASTING: dict[str, tuple[Fault, type[ModelsyncError], str]] = {
    "reset": (reset, UnreachableError, "dropped the connection"),
    "500": (says(500, "InternalError"), RegistryUnavailableError, "500 InternalError"),
    "503": (says(503, "SlowDown"), RegistryUnavailableError, "503 SlowDown"),
    "stalled": (stall_answer(0), UnreachableError, "stopped sending"),
    "no answer": (stall_before_answer, UnreachableError, "stopped sending"),
    "nothing of what it said": (cut_answer(0), UnreachableError, "dropped the connection"),
    "another range": (other_range(512), RegistryUnavailableError, "another range"),
    "no word of the version": (without_etag, UnreachableError, "does not say which version"),
}


@pytest.mark.parametrize(("fault", "error", "says_so"), LASTING.values(), ids=LASTING.keys())
def test_trouble_that_stays_is_given_up_after_its_tries_and_told(
    fault: Fault, error: type[ModelsyncError], says_so: str, bench: Bench
) -> None:
    model = bench.publish(size=8 * MiB)  # one range beyond the head
    bench.proxy.misbehave(fault, method="GET", times=ALWAYS, where=beyond_head)
    with pytest.raises(error, match=says_so) as caught:
        pull(TAG, bench.sides("reader", impatient=stalls(fault)))
    assert caught.value.hint
    assert bench.proxy.count("GET", beyond_head) == TRIES
    bench.assert_nothing_pulled()
    bench.proxy.behave()
    result = pull(TAG, bench.sides("reader", impatient=stalls(fault)))
    assert (result.outcome, result.resumed) == (Outcome.PULLED, True)
    bench.assert_pulled(model)


PERMANENT: dict[str, tuple[Fault, type[ModelsyncError], str, int]] = {
    "400": (says(400, "InvalidArgument"), ModelsyncError, "InvalidArgument", 1),
    "404": (says(404, "NoSuchKey"), RemoteModelNotFoundError, "no content", 1),
    "410": (says(410), RemoteModelNotFoundError, "no content", 1),
    "412": (says(412, "PreconditionFailed"), RemoteChangedError, "replaced", 1),
    "416": (says(416, "InvalidRange"), IntegrityError, "shorter", 1),
    "another ETag": (other_etag, RemoteChangedError, "replaced", 1),
    "another total": (other_total, RemoteChangedError, "replaced", 1),
    "403 twice": (says(403, "AccessDenied"), PermissionDeniedError, "refused two signed URLs", 2),
}


@pytest.mark.parametrize(("fault", "error", "says_so", "requests"), PERMANENT.values(), ids=PERMANENT.keys())
def test_what_trying_again_would_not_mend_is_not_tried_again(
    fault: Fault, error: type[ModelsyncError], says_so: str, requests: int, bench: Bench
) -> None:
    bench.publish(size=8 * MiB)
    bench.proxy.misbehave(fault, method="GET", times=ALWAYS, where=beyond_head)
    with pytest.raises(error, match=says_so) as caught:
        pull(TAG, bench.sides("reader", impatient=stalls(fault)))
    assert caught.value.hint
    assert bench.proxy.count("GET", beyond_head) == requests
    bench.assert_nothing_pulled()


@pytest.mark.parametrize(
    "fault",
    [reset, says(500), says(404, "NoSuchKey"), other_etag, cut_answer(0), says(403), stall_answer(0)],
    ids=["reset", "500", "404", "another ETag", "cut", "403", "stalled"],
)
def test_a_forced_pull_that_fails_leaves_the_old_version(fault: Fault, bench: Bench, tmp_path: Path) -> None:
    bench.publish()
    mine = write_model(tmp_path / "reader", str(TAG), files={"mine.txt": b"mine"})
    before = (mine.stat().st_ino, read_tree(mine))
    bench.proxy.misbehave(fault, method="GET", times=ALWAYS, where=beyond_head)
    with pytest.raises(ModelsyncError):
        pull(TAG, bench.sides("reader", impatient=stalls(fault)), force=True)
    assert (mine.stat().st_ino, read_tree(mine)) == before
    assert (mine.parent / "latest").read_text() == "v1"


def test_an_altered_byte_in_the_archives_structure_is_found(bench: Bench) -> None:
    model = bench.publish()
    name_in_header = bench.archive(model).rindex(b"sub/config.json")
    bench.proxy.misbehave(flip_answer(name_in_header), method="GET")
    with pytest.raises(ArchiveError) as caught:
        pull(TAG, bench.sides("reader"))
    assert caught.value.hint
    bench.assert_nothing_pulled()


def test_an_altered_byte_in_a_files_content_is_found_by_a_pull_that_verifies(bench: Bench) -> None:
    bench.publish()
    rule = bench.proxy.misbehave(flip_answer(2 * MiB), method="GET", where=first_range)
    with pytest.raises(IntegrityError) as caught:
        pull(TAG, bench.sides("reader"), verify=True)
    assert rule.done == 1
    assert caught.value.hint
    bench.assert_nothing_pulled()


def test_storage_trouble_that_the_registry_tells_as_400_is_tried_again(bench: Bench) -> None:
    model = bench.publish()
    bench.server.faults.storage_failures = 2
    assert pull(TAG, bench.sides("reader")).outcome is Outcome.PULLED
    assert bench.server.faults.storage_failures == 0
    bench.assert_pulled(model)


def test_one_refused_url_is_asked_for_again(bench: Bench) -> None:
    model = bench.publish()
    bench.proxy.misbehave(says(403, "AccessDenied"), method="GET", where=head)
    bench.proxy.misbehave(says(403, "AccessDenied"), method="GET", where=beyond_head)
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.retries) == (Outcome.PULLED, 2)
    bench.assert_pulled(model)


def test_a_refused_url_after_other_trouble_is_asked_for_again(bench: Bench) -> None:
    """A laptop may sleep through the life of a second URL too; two refusals in a row alone are an answer."""
    model = bench.publish(size=8 * MiB)
    for fault in (says(403, "AccessDenied"), reset, says(403, "AccessDenied")):
        bench.proxy.misbehave(fault, method="GET", where=beyond_head)
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.retries) == (Outcome.PULLED, 3)
    bench.assert_pulled(model)


def test_a_url_that_expired_while_the_line_was_down_is_asked_for_again(bench: Bench) -> None:
    model = bench.publish()
    hour_passes = after(lambda: bench.server.clock.advance(3700), cut_answer(2 * MiB))
    bench.proxy.misbehave(hour_passes, method="GET", where=first_range)
    result = pull(TAG, bench.sides("reader"))
    assert result.outcome is Outcome.PULLED
    bench.assert_pulled(model)


def test_refused_connections_are_tried_again(bench: Bench) -> None:
    model = bench.publish()
    progress = Progress()
    refused = False

    def jitter() -> float:
        nonlocal refused
        if progress.retries >= 3 and refused:
            refused = False
            bench.proxy.listen()
        return 0.0

    def refuse() -> None:
        nonlocal refused
        refused = True
        bench.proxy.refuse()

    bench.proxy.misbehave(after(refuse, reset), method="GET", where=beyond_head)
    patient = RetryPolicy(tries=1000, base_s=0.01, max_s=0.01, jitter=jitter)
    result = pull(TAG, bench.sides("reader", retry=patient, threads=1), progress=progress)
    assert result.outcome is Outcome.PULLED
    assert result.retries >= 3
    bench.assert_pulled(model)


def test_the_store_is_given_the_time_it_asks_for(bench: Bench) -> None:
    model = bench.publish()
    bench.proxy.misbehave(says(429, retry_after="1"), method="GET", where=beyond_head)
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.retries) == (Outcome.PULLED, 1)
    assert result.seconds >= 1.0
    bench.assert_pulled(model)
