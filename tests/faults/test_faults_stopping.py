"""Cancel and pause while a transfer's threads are held up: it ends at once, and its connections are closed.

Wherever a wait can be, these transfers would wait for ten minutes; so whatever ends within the test was freed.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from modelsync.errors import Cancelled
from modelsync.model import UploadStatus
from modelsync.results import Outcome
from modelsync.sync import Sides, pull, push
from modelsync.transfer.control import Paused
from modelsync.transfer.download import HEAD_BYTES
from modelsync.transfer.progress import PartState, Phase
from support.bad_proxy import ALWAYS, Fault, Request
from support.fault_bench import TAG, Bench, BenchFactory, MiB
from support.fault_patience import Moving, SlowDisk, black_hole, connections_to, patient
from support.harm import says, stall_answer, stall_before_answer, stall_request
from support.waiting import wait_for

pytestmark = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="open connections are read from /proc")

WISHES = pytest.mark.parametrize("wish", [Cancelled, Paused])


TOLD_WITHIN_S = 0.2
"""Of a wish, whatever the threads are doing."""


def content(request: Request) -> bool:
    """The bytes of a part, or a range behind the head."""
    return request.part is not None or (request.range is not None and request.range[0] > 0)


def obeys(moving: Moving, wish: type[Cancelled], bench: Bench) -> None:
    """It ends as the person wished, and nothing of it is connected any more."""
    assert not moving.ended
    moving.control.cancel(wish())
    with pytest.raises(Cancelled) as caught:
        moving.result()
    assert type(caught.value) is wish
    wait_for(lambda: connections_to(bench.proxy.port) <= moving.connected_before, within_s=30, what="the hanging up")


def held(bench: Bench, direction: str, fault: Fault) -> tuple[Moving, Sides]:
    """A transfer whose bytes meet this fault, whenever it is tried."""
    if direction == "push":
        bench.write()
    else:
        bench.publish()
    rule = bench.proxy.misbehave(fault, where=content, times=ALWAYS)
    sides = patient(bench.sides("author" if direction == "push" else "reader"), bench)
    moving = Moving(direction, sides, bench)
    wait_for(lambda: rule.done or moving.ended, within_s=60, what="the fault")
    return moving, sides


@WISHES
@pytest.mark.parametrize(
    ("direction", "fault"),
    [
        ("push", stall_request(MiB)),
        ("push", stall_before_answer),
        ("pull", stall_answer(MiB)),
        ("pull", stall_before_answer),
    ],
    ids=["sending", "waiting for the answer to a part", "receiving", "waiting for the answer to a range"],
)
def test_a_wish_is_obeyed_while_the_store_is_silent(
    direction: str, fault: Fault, wish: type[Cancelled], either_bench: Bench
) -> None:
    moving, _ = held(either_bench, direction, fault)
    moving.until_still()
    obeys(moving, wish, either_bench)


@WISHES
@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_wish_is_obeyed_while_a_part_waits_to_be_tried_again(
    direction: str, wish: type[Cancelled], bench: Bench
) -> None:
    moving, _ = held(bench, direction, says(503, "SlowDown", unread=True))
    wait_for(lambda: any(part.state is PartState.RETRY for part in moving.progress.snapshot().parts), within_s=60)
    obeys(moving, wish, bench)


@WISHES
@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_wish_is_obeyed_while_the_limit_holds_the_bytes_back(
    direction: str, wish: type[Cancelled], bench: Bench
) -> None:
    if direction == "push":
        bench.write()
    else:
        bench.publish()
    sides = patient(bench.sides("author" if direction == "push" else "reader"), bench)
    sides.workers.bandwidth.limit = 1
    moving = Moving(direction, sides, bench)

    def waits() -> bool:
        """A part has begun; on a pull, one that goes on with the connection of the head, which is not limited."""
        begun = any(part.attempts for part in moving.progress.snapshot().parts)
        return begun if direction == "push" else moving.progress.bytes_moved > HEAD_BYTES

    wait_for(lambda: moving.ended or waits(), within_s=60)
    obeys(moving, wish, bench)


@WISHES
def test_a_wish_is_obeyed_while_the_store_cannot_be_connected_to(
    wish: type[Cancelled], make_bench: BenchFactory
) -> None:
    with black_hole() as port:
        bench = make_bench(public_url=f"http://127.0.0.1:{port}")
        bench.write()
        filled = connections_to(port, state="02")
        moving = Moving("push", patient(bench.sides(), bench), bench)
        wait_for(lambda: moving.ended or connections_to(port, state="02") > filled, within_s=60)
        obeys(moving, wish, bench)
        wait_for(lambda: connections_to(port, state="02") <= filled, within_s=30, what="the end of its attempts")


@WISHES
@pytest.mark.parametrize("fault", [stall_before_answer, says(502)], ids=["answers nothing", "is in trouble"])
@pytest.mark.parametrize("name", ["/start_upload", "/start_multipart_upload", "/complete_multipart_upload"])
def test_a_wish_is_obeyed_while_the_registry(fault: Fault, name: str, wish: type[Cancelled], bench: Bench) -> None:
    bench.write()
    rule = bench.proxy.misbehave(fault, where=lambda request: request.target.endswith(name))
    moving = Moving("push", patient(bench.sides(), bench, all_through_proxy=True), bench)
    wait_for(lambda: moving.ended or rule.done, within_s=60)
    assert not moving.ended
    moving.control.cancel(wish())
    with pytest.raises(wish):
        moving.result()


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    disk = SlowDisk(monkeypatch)
    yield disk
    disk.work()


@WISHES
@pytest.mark.parametrize("when", ["on its way", "at its end"])
def test_a_wish_is_obeyed_while_the_disk_takes_its_time(
    when: str, wish: type[Cancelled], bench: Bench, slow_disk: SlowDisk
) -> None:
    model = bench.publish()
    sides = patient(bench.sides("reader"), bench, sync_to_disk=True)
    if when == "on its way":
        sides.workers.bandwidth.limit = 2 * MiB
    moving = Moving("pull", sides, bench)
    assert slow_disk.asked.wait(60)
    assert moving.progress.phase is (Phase.RECEIVE if when == "on its way" else Phase.INSTALL)
    moving.control.cancel(wish())
    with pytest.raises(wish):
        moving.result()
    slow_disk.work()
    if wish is Cancelled:
        bench.assert_nothing_pulled()
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.resumed) == (Outcome.PULLED, wish is Paused)
    bench.assert_pulled(model)


@WISHES
def test_what_a_wish_has_interrupted_goes_on_or_is_told_as_failed(wish: type[Cancelled], bench: Bench) -> None:
    moving, _ = held(bench, "push", stall_request(MiB))
    moving.control.cancel(wish())
    with pytest.raises(wish):
        moving.result()
    record = bench.record()
    assert record.status is (UploadStatus.UPLOADING if wish is Paused else UploadStatus.FAILED)
    assert wish is Paused or "Cancelled" in record.status_reason
    bench.proxy.behave()
    assert push(TAG, bench.sides()).outcome is Outcome.PUSHED
    bench.assert_pushed(bench.folder / "author/models/iris/v1")


@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_wish_in_the_middle_of_full_speed_is_told_within_200_ms(direction: str, either_bench: Bench) -> None:
    """The median is: a single one may be late on a busy machine."""
    told_s = []
    for wish in (Cancelled, Paused, Cancelled, Paused, Cancelled):
        moving = at_full_speed(direction, either_bench)
        moved, began = moving.progress.bytes_moved, time.monotonic()
        moving.control.cancel(wish())
        with pytest.raises(Cancelled) as caught:
            moving.result()
        told_s.append(time.monotonic() - began)
        assert type(caught.value) is wish
        assert moving.progress.bytes_moved < moved + 64 * MiB
    assert median(told_s) < TOLD_WITHIN_S


def at_full_speed(direction: str, bench: Bench) -> Moving:
    """A transfer of 128 MiB that has just begun."""
    model = bench.folder / "author/models/iris/v1"
    if direction == "push":
        if not model.exists():
            bench.write(size=128 * MiB)
    elif not model.exists():
        bench.publish(size=128 * MiB)
    moving = Moving(direction, bench.sides("author" if direction == "push" else "reader"), bench)
    moving.until_moved(2 * MiB)
    return moving


def test_a_pull_over_tls_that_was_paused_goes_on_with_the_right_bytes(make_bench: BenchFactory) -> None:
    bench = make_bench(tls=True)
    model = bench.publish(size=128 * MiB)
    for moment in (2 * MiB, 5 * MiB, 9 * MiB, 14 * MiB):
        moving = Moving("pull", bench.sides("reader"), bench)
        moving.until_moved(moment)
        moving.control.pause()
        with pytest.raises(Paused):
            moving.result()
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.resumed) == (Outcome.PULLED, True)
    bench.assert_pulled(model)
