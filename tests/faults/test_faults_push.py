"""Pushes through a proxy that misbehaves: what passes is tried again, what does not is told, nothing is lost."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from modelsync.errors import (
    IntegrityError,
    ModelsyncError,
    NoSpaceError,
    PartError,
    PermissionDeniedError,
    RegistryUnavailableError,
    UnreachableError,
    UploadGoneError,
)
from modelsync.registry.schemas import CompletedPart, ETag
from modelsync.results import Outcome
from modelsync.sync import push
from modelsync.transfer.progress import Progress
from modelsync.transfer.retry import RetryPolicy
from modelsync.transfer.upload import object_etag
from modelsync_registry.config import TransmissionStrategy
from support.bad_proxy import ALWAYS, Fault, Request
from support.fault_bench import QUICK, TAG, TRIES, Bench, BenchFactory, MiB
from support.harm import (
    after,
    cut_answer,
    cut_head,
    cut_request,
    flip_request,
    hang_up,
    lose_answer,
    reset,
    says,
    stall_before_answer,
    stall_request,
    stalls,
    takes_all_and_gives_no_etag,
)

PASSING: dict[str, Fault] = {
    "connection reset": reset,
    "closed without an answer": hang_up,
    "cut before the first byte": cut_request(0),
    "cut in the middle": cut_request(3 * MiB + 1),
    "answer lost": lose_answer,
    "answer cut inside its headers": cut_head(60),
    "answer cut before its last header": cut_head(-3),
    "answer cut inside its status": cut_head(10),
    "a page in the store's place": takes_all_and_gives_no_etag,
    "stalled in the middle": stall_request(MiB),
    "no answer": stall_before_answer,
    "a byte altered": flip_request(5 * MiB + 17),
    "408": says(408),
    "408 unread": says(408, "RequestTimeout", unread=True),
    "429": says(429),
    "500": says(500, "InternalError"),
    "502": says(502),
    "503": says(503),
    "503 SlowDown": says(503, "SlowDown"),
    "503 SlowDown unread": says(503, "SlowDown", unread=True),
    "504": says(504),
    "400 RequestTimeout": says(400, "RequestTimeout"),
    "400 BadDigest": says(400, "BadDigest"),
    "400 IncompleteBody": says(400, "IncompleteBody"),
}


def part(number: int) -> Callable[[Request], bool]:
    return lambda request: request.part == number


def call(name: str) -> Callable[[Request], bool]:
    """Requests of one of the registry's calls."""
    return lambda request: request.target.endswith(name)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_trouble_that_passes_is_tried_again_counted_and_leaves_the_object_whole(fault: Fault, bench: Bench) -> None:
    model = bench.write()
    rule = bench.proxy.misbehave(fault, method="PUT", where=part(1))
    result = push(TAG, bench.sides(impatient=stalls(fault)))
    assert rule.done == 1
    assert (result.outcome, result.retries) == (Outcome.PUSHED, 1)
    assert bench.proxy.count("PUT", part(1)) == 2
    assert bench.proxy.count("PUT", part(2)) == 1
    bench.assert_pushed(model)


@pytest.mark.parametrize("fault", [*PASSING.values()][:14], ids=[*PASSING.keys()][:14])
def test_a_single_put_is_tried_again_as_a_part_is(fault: Fault, make_bench: BenchFactory) -> None:
    bench = make_bench(strategy=None)
    model = bench.write()
    rule = bench.proxy.misbehave(fault, method="PUT")
    result = push(TAG, bench.sides(impatient=stalls(fault)))
    assert (rule.done, result.outcome, result.retries) == (1, Outcome.PUSHED, 1)
    bench.assert_pushed(model)


@pytest.mark.parametrize(
    "fault",
    [reset, cut_request(3 * MiB), says(500), says(502), says(429)],
    ids=["reset", "cut", "500", "502", "429"],
)
def test_an_upload_through_the_registry_itself_is_tried_again(fault: Fault, make_bench: BenchFactory) -> None:
    bench = make_bench(strategy=TransmissionStrategy.PROXY)
    model = bench.write()
    rule = bench.proxy.misbehave(fault, method="PUT")
    result = push(TAG, bench.sides(all_through_proxy=True, impatient=stalls(fault)))
    assert (rule.done, result.outcome, result.retries) == (1, Outcome.PUSHED, 1)
    bench.assert_pushed(model)


def test_a_part_that_is_cut_at_many_places_arrives_whole(bench: Bench) -> None:
    model = bench.write()
    places = (0, 1, 511, 512, 4095, 64 << 10, MiB - 1, MiB, MiB + 1, 5 * MiB, 8 * MiB - 1, 8 * MiB)
    for place in places:
        bench.proxy.misbehave(cut_request(place), method="PUT", where=part(1))
    result = push(TAG, bench.sides(retry=RetryPolicy(tries=len(places) + 1, base_s=0.001, max_s=0.001)))
    assert (result.outcome, result.retries) == (Outcome.PUSHED, len(places))
    bench.assert_pushed(model)


def test_refused_connections_are_tried_again(bench: Bench) -> None:
    model = bench.write()
    progress = Progress()

    def come_back() -> float:
        if progress.retries >= 3:
            bench.proxy.listen()
        return 0.0

    bench.proxy.refuse()
    patient = RetryPolicy(tries=1000, base_s=0.01, max_s=0.01, jitter=once(come_back, lambda: progress.retries >= 3))
    result = push(TAG, bench.sides(retry=patient, threads=1), progress=progress)
    assert result.outcome is Outcome.PUSHED
    assert result.retries >= 3
    bench.assert_pushed(model)


def once(act: Callable[[], float], when: Callable[[], bool]) -> Callable[[], float]:
    """A jitter that is always 0 and does something the first time that a condition holds."""
    done = False

    def jitter() -> float:
        nonlocal done
        if when() and not done:
            done = True
            act()
        return 0.0

    return jitter


def test_the_store_is_given_the_time_it_asks_for(bench: Bench) -> None:
    model = bench.write()
    bench.proxy.misbehave(says(503, "SlowDown", retry_after="1"), method="PUT", where=part(2))
    result = push(TAG, bench.sides())
    assert (result.outcome, result.retries) == (Outcome.PUSHED, 1)
    assert result.seconds >= 1.0
    bench.assert_pushed(model)


LASTING: dict[str, tuple[Fault, type[ModelsyncError], str]] = {
    "reset": (reset, UnreachableError, "dropped the connection"),
    "500": (says(500, "InternalError"), RegistryUnavailableError, "500 InternalError"),
    "503": (says(503, "SlowDown"), RegistryUnavailableError, "503 SlowDown"),
    "a byte altered": (flip_request(17), IntegrityError, "arrived damaged"),
    "stalled": (stall_request(MiB), UnreachableError, "stopped receiving"),
    "no answer": (stall_before_answer, UnreachableError, "stopped sending"),
}


@pytest.mark.parametrize(("fault", "error", "says_so"), LASTING.values(), ids=LASTING.keys())
def test_trouble_that_stays_is_given_up_after_its_tries_and_told(
    fault: Fault, error: type[ModelsyncError], says_so: str, bench: Bench
) -> None:
    bench.write()
    bench.proxy.misbehave(fault, method="PUT", times=ALWAYS, where=part(1))
    with pytest.raises(error, match=says_so) as caught:
        push(TAG, bench.sides(impatient=stalls(fault)))
    assert caught.value.hint
    assert ".." not in caught.value.sentence
    assert bench.proxy.count("PUT", part(1)) == TRIES
    bench.assert_push_failed(says_so)


PERMANENT: dict[str, tuple[Fault, type[ModelsyncError], str, int]] = {
    "400": (says(400, "InvalidArgument"), PartError, "InvalidArgument", 1),
    "400 EntityTooSmall": (says(400, "EntityTooSmall"), PartError, "EntityTooSmall", 1),
    "404 NoSuchUpload": (says(404, "NoSuchUpload"), UploadGoneError, "no longer knows", 1),
    "405": (says(405, "MethodNotAllowed"), PartError, "405", 1),
    "413": (says(413), PartError, "413", 1),
    "507": (says(507), NoSpaceError, "full", 1),
    "403 twice": (says(403, "AccessDenied"), PermissionDeniedError, "refused two signed URLs", 2),
}


@pytest.mark.parametrize(("fault", "error", "says_so", "requests"), PERMANENT.values(), ids=PERMANENT.keys())
def test_what_trying_again_would_not_mend_is_not_tried_again(
    fault: Fault, error: type[ModelsyncError], says_so: str, requests: int, bench: Bench
) -> None:
    bench.write()
    bench.proxy.misbehave(fault, method="PUT", times=ALWAYS, where=part(1))
    with pytest.raises(error, match=says_so) as caught:
        push(TAG, bench.sides(impatient=stalls(fault)))
    assert caught.value.hint
    assert bench.proxy.count("PUT", part(1)) == requests
    bench.assert_push_failed(says_so)


@pytest.mark.parametrize(
    "fault",
    [reset, says(500), says(400, "InvalidArgument"), says(404, "NoSuchUpload"), flip_request(3), says(403)],
    ids=["reset", "500", "400", "NoSuchUpload", "altered", "403"],
)
def test_a_forced_push_that_fails_leaves_the_object_that_was_there(fault: Fault, bench: Bench) -> None:
    bench.publish()
    before = bench.stored()
    model = bench.write()
    bench.proxy.misbehave(fault, method="PUT", times=ALWAYS, where=part(2))
    with pytest.raises(ModelsyncError):
        push(TAG, bench.sides(impatient=stalls(fault)), force=True)
    bench.assert_push_failed("", before)
    bench.proxy.behave()
    assert push(TAG, bench.sides(impatient=stalls(fault)), force=True).outcome is Outcome.PUSHED
    bench.assert_pushed(model)


def test_one_refused_url_is_asked_for_again_and_is_a_retry(bench: Bench) -> None:
    model = bench.write()
    bench.proxy.misbehave(says(403, "AccessDenied"), method="PUT", where=part(1))
    bench.proxy.misbehave(says(403, "AccessDenied", unread=True), method="PUT", where=part(2))
    result = push(TAG, bench.sides())
    assert (result.outcome, result.retries) == (Outcome.PUSHED, 2)
    bench.assert_pushed(model)


def test_urls_that_expire_while_their_parts_are_sent_are_asked_for_again(bench: Bench) -> None:
    model = bench.write()
    hour_passes = after(lambda: bench.server.clock.advance(3700), cut_request(MiB))
    bench.proxy.misbehave(hour_passes, method="PUT", where=part(1))
    result = push(TAG, bench.sides())
    assert (result.outcome, result.retries) == (Outcome.PUSHED, bench.proxy.count("PUT") - 2)
    bench.assert_pushed(model)


def test_a_200_without_an_etag_is_no_upload(bench: Bench) -> None:
    """What stands in between may answer for the store: a captive portal, a proxy with a page of its own."""
    bench.write()
    bench.proxy.misbehave(takes_all_and_gives_no_etag, method="PUT", times=ALWAYS, where=part(1))
    with pytest.raises(UnreachableError, match="in the place of the object store") as caught:
        push(TAG, bench.sides())
    assert caught.value.hint
    assert bench.proxy.count("PUT", part(1)) == TRIES
    bench.assert_push_failed("in the place of the object store")


def test_a_failed_part_stops_the_others(bench: Bench) -> None:
    bench.write(size=100 * MiB)
    bench.proxy.misbehave(says(400, "InvalidArgument"), method="PUT", where=part(1))
    bench.proxy.misbehave(stall_request(MiB), method="PUT", times=ALWAYS)
    progress = Progress()
    with pytest.raises(PartError):
        push(TAG, bench.sides(), progress=progress)
    assert bench.proxy.count("PUT") <= 4
    assert progress.bytes_moved < 60 * MiB


@pytest.mark.parametrize("fault", [lose_answer, cut_answer(10), reset], ids=["lost", "cut", "never arrived"])
def test_an_object_whose_completion_was_not_confirmed_is_looked_at_before_it_is_completed_again(
    fault: Fault, bench: Bench
) -> None:
    model = bench.write()
    rule = bench.proxy.misbehave(fault, method="PATCH", where=call("/complete_multipart_upload"))
    result = push(TAG, bench.sides(all_through_proxy=True, impatient=stalls(fault)))
    assert (rule.done, result.outcome) == (1, Outcome.PUSHED)
    bench.assert_pushed(model)


def test_nothing_is_said_of_an_object_whose_parts_have_no_md5s_for_etags() -> None:
    md5 = CompletedPart(1, ETag(f'"{"a0" * 16}"'))
    assert object_etag([md5, md5]) == ETag(f'"{hashlib.md5(bytes.fromhex("a0" * 32)).hexdigest()}-2"')
    assert object_etag([md5, CompletedPart(2, ETag('"0x8DB-1"'))]) == ""


def test_a_part_that_is_refused_now_and_then_is_not_refused_twice_in_a_row(bench: Bench) -> None:
    model = bench.write()
    for fault in (says(403), says(500), says(403)):
        bench.proxy.misbehave(fault, method="PUT", where=part(1))
    result = push(TAG, bench.sides())
    assert (result.outcome, result.retries) == (Outcome.PUSHED, 3)
    bench.assert_pushed(model)


def test_a_completion_that_the_registry_did_is_not_asked_for_twice(bench: Bench) -> None:
    model = bench.write()
    bench.proxy.misbehave(lose_answer, method="PATCH", where=call("/complete_multipart_upload"))
    push(TAG, bench.sides(all_through_proxy=True))
    assert bench.proxy.count("PATCH", call("/complete_multipart_upload")) == 1
    bench.assert_pushed(model)


@pytest.mark.parametrize(
    "name",
    ["/models", "/start_upload", "/start_multipart_upload", "/presign_multipart_upload_url", "/finish_upload"],
)
@pytest.mark.parametrize("fault", [lose_answer, reset, says(502), says(429)], ids=["lost", "reset", "502", "429"])
def test_calls_of_the_registry_whose_answer_is_lost_are_made_again(fault: Fault, name: str, bench: Bench) -> None:
    model = bench.write()
    rule = bench.proxy.misbehave(fault, where=call(name))
    result = push(TAG, bench.sides(all_through_proxy=True, impatient=stalls(fault)))
    assert (rule.done, result.outcome) == (1, Outcome.PUSHED)
    bench.assert_pushed(model)


def test_storage_trouble_that_the_registry_tells_as_400_is_tried_again(bench: Bench) -> None:
    model = bench.write()
    bench.server.faults.storage_failures = 2
    assert push(TAG, bench.sides()).outcome is Outcome.PUSHED
    bench.assert_pushed(model)


def test_storage_trouble_that_stays_is_told_and_the_registry_knows_why(bench: Bench) -> None:
    bench.write()
    bench.server.faults.storage_failures = ALWAYS
    with pytest.raises(RegistryUnavailableError, match="storage"):
        push(TAG, bench.sides())
    bench.server.faults.storage_failures = 0
    bench.assert_push_failed("storage")


def test_a_push_that_failed_goes_on_from_the_parts_that_were_taken(bench: Bench) -> None:
    model = bench.write()
    bench.proxy.misbehave(says(500), method="PUT", times=ALWAYS, where=part(2))
    with pytest.raises(RegistryUnavailableError):
        push(TAG, bench.sides(threads=1))
    bench.proxy.behave()
    bench.proxy.requests.clear()
    result = push(TAG, bench.sides(threads=1))
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, True)
    assert bench.proxy.count("PUT", part(1)) == 0
    assert bench.stored() == bench.archive(model, threads=1)


def test_local_files_stay_as_they_are_whatever_happens(bench: Bench, tmp_path: Path) -> None:
    bench.write()
    before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "author").rglob("*"))
    bench.proxy.misbehave(reset, method="PUT", times=ALWAYS)
    with pytest.raises(UnreachableError):
        push(TAG, bench.sides(retry=QUICK))
    assert sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "author").rglob("*")) == before
