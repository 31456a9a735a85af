"""One limit and one pool of threads for everything: shared fairly, changed while they are used, by many transfers."""

import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelsync.errors import Cancelled, RegistryUnavailableError
from modelsync.model import Direction
from modelsync.queue import TransferRequest, TransferStatus
from modelsync.results import Outcome
from modelsync.sync import Sides, pull, push
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.progress import PartSnapshot, Progress
from modelsync.transfers import Transfers
from support.bad_proxy import ALWAYS, Exchange, Request, no_harm
from support.fault_bench import TAG, Bench, MiB
from support.fault_patience import Moving
from support.harm import after, says, stall_request
from support.local_store import read_tree, write_model
from support.registry_server import RegistryServer
from support.two_sides import SidesFactory
from support.waiting import wait_for


@pytest.mark.parametrize("limit", [None, 1 << 40], ids=["lifted", "raised"])
@pytest.mark.parametrize("direction", ["push", "pull"])
def test_who_waits_for_a_low_limit_goes_on_when_it_changes(direction: str, limit: int | None, bench: Bench) -> None:
    model = bench.write() if direction == "push" else bench.publish()
    sides = bench.sides("author" if direction == "push" else "reader")
    sides.workers.bandwidth.limit = 16  # bytes per second: a piece then waits for a quarter of an hour
    moving = Moving(direction, sides, bench)
    wait_for(lambda: moving.ended or any(part.attempts for part in moving.progress.snapshot().parts), within_s=60)
    assert not moving.ended
    sides.workers.bandwidth.limit = limit
    moving.result()
    if direction == "push":
        bench.assert_pushed(model)
    else:
        bench.assert_pulled(model)


def moved_when_the_first_ended(
    moves: "list[tuple[Callable[..., object], Tag, Sides]]",
) -> list[float]:
    """Which part of its archive each had moved when the first one was done."""
    progresses = [Progress() for _ in moves]
    with ThreadPoolExecutor(len(moves)) as threads:
        running = [
            threads.submit(move, tag, sides, progress=progress)
            for (move, tag, sides), progress in zip(moves, progresses, strict=True)
        ]
        wait_for(lambda: any(one.done() for one in running), within_s=120)
        shares = [progress.bytes_moved / (progress.bytes_total or 1) for progress in progresses]
        for one in running:
            one.result(120)
    return shares


def test_transfers_that_run_side_by_side_share_the_limit_fairly(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    size = 96 * MiB
    tags = [Tag("iris", f"v{number}") for number in range(3)]
    for tag in tags:
        write_model(tmp_path / "home", str(tag), files={"weights.bin": bytes(size)})
    sides = make_sides(registry_server)
    push(tags[2], sides)
    reader = make_sides(registry_server, "reader", state="reader-state")
    pulls = Sides(
        reader.store, reader.registry, sides.workers, reader.data, reader.journals, sync_to_disk=False
    )  # the same threads and the same limit as the pushes
    sides.workers.bandwidth.limit = 48 * MiB
    shares = moved_when_the_first_ended([(push, tags[0], sides), (push, tags[1], sides), (pull, tags[2], pulls)])
    assert min(shares) > 0.5, shares


def test_a_queue_of_five_hundred_moves_what_is_to_be_moved_and_skips_the_rest(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    author = make_sides(registry_server, "author", state="author-state")
    sides = make_sides(registry_server)
    there = [Tag("there", f"v{number}") for number in range(50)]
    for tag in there:
        write_model(tmp_path / "author", str(tag), files={"weights.bin": str(tag).encode()})
    for tag in there:
        push(tag, author)
    mine = [Tag("mine", f"v{number}") for number in range(50)]
    for tag in mine:
        write_model(tmp_path / "home", str(tag), files={"weights.bin": str(tag).encode()})
    requests = [TransferRequest(Direction.PUSH, tag) for tag in mine]
    requests += [TransferRequest(Direction.PULL, tag) for tag in there]
    transfers = Transfers(sides, running=4)
    transfers.add(requests)
    assert transfers.wait(240)
    for times in range(4):  # the same hundred again, when they are there: they are looked at, and nothing is moved
        transfers.add(requests)
        if times % 2:
            transfers.set_threads(1 + times)
        assert transfers.wait(240)
    rows = transfers.snapshot().rows
    assert len(rows) == 500
    assert {row.status for row in rows[:100]} == {TransferStatus.DONE}
    assert {row.status for row in rows[100:]} == {TransferStatus.SKIPPED}
    for tag in there:
        assert read_tree(sides.store.get(tag).path) == read_tree(author.store.get(tag).path)
    assert list((tmp_path / "state").glob("*")) == []


def test_a_small_transfer_that_begins_later_does_not_wait_for_the_parts_of_a_big_one(bench: Bench) -> None:
    big, small = Tag("big", "v1"), Tag("small", "v1")
    write_model(bench.folder / "author", str(big), files={"weights.bin": os.urandom(80 * MiB)})
    write_model(bench.folder / "author", str(small), files={"weights.bin": os.urandom(MiB)})
    sides = bench.sides(threads=10)
    held = bench.proxy.misbehave(
        stall_request(MiB), method="PUT", times=ALWAYS, where=lambda request: "/big/" in request.target
    )
    control = Control()
    with ThreadPoolExecutor(1) as thread:
        pushing = thread.submit(push, big, sides, control=control)
        try:
            wait_for(lambda: held.done >= sides.workers.active)
            assert push(small, sides).outcome is Outcome.PUSHED
            assert not pushing.done()
        finally:
            control.cancel()
        with pytest.raises(Cancelled):
            pushing.result(30)


class Counted:
    """Passes requests on, and knows how many of them were on their way at one moment."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        with exchange.ask() as answer:
            with self._lock:
                self._now -= 1  # before its answer, with which the client may begin another one
            exchange.keep = exchange.pass_on(answer)


def first_parts(request: Request) -> bool:
    """Those that four threads begin with."""
    return request.part is not None and request.part <= 4


def test_a_store_that_asks_to_slow_down_meets_fewer_connections(bench: Bench) -> None:
    model = bench.write(size=80 * MiB)
    progress, later = Progress(), Counted()
    bench.proxy.misbehave(says(503, "SlowDown"), method="PUT", where=lambda request: request.part == 1)
    until_refused = after(lambda: wait_for(lambda: progress.retries, within_s=60), no_harm)
    bench.proxy.misbehave(until_refused, method="PUT", times=ALWAYS, where=first_parts)
    bench.proxy.misbehave(later, method="PUT", times=ALWAYS)
    result = push(TAG, bench.sides(threads=4), progress=progress)
    assert (result.outcome, result.retries) == (Outcome.PUSHED, 1)
    assert 1 <= later.most <= 2
    bench.assert_pushed(model)


def test_fewer_threads_hold_fewer_connections_while_it_runs(bench: Bench) -> None:
    model = bench.write(size=80 * MiB)
    let_go, later = threading.Event(), Counted()
    held = bench.proxy.misbehave(after(lambda: let_go.wait(60), no_harm), method="PUT", times=ALWAYS, where=first_parts)
    bench.proxy.misbehave(later, method="PUT", times=ALWAYS)
    sides = bench.sides(threads=4)
    moving = Moving("push", sides, bench)
    wait_for(lambda: moving.ended or held.done == 4)
    sides.workers.threads = 1
    let_go.set()
    assert moving.result().retries == 0
    assert later.most == 1
    bench.assert_pushed(model)


def test_signing_a_part_does_not_hold_up_the_others(bench: Bench) -> None:
    model = bench.write(size=20 * MiB)
    asked, let_go = threading.Event(), threading.Event()

    def hold_part_two(_at: int, piece: bytes) -> bytes:
        if re.search(rb'"part_number":\s*2\b', piece):
            asked.set()
            assert let_go.wait(60)
        return piece

    def held(exchange: Exchange) -> None:
        with exchange.ask(edit=hold_part_two) as answer:
            exchange.keep = exchange.pass_on(answer)

    bench.proxy.misbehave(
        held, times=ALWAYS, where=lambda request: request.target.endswith("/presign_multipart_upload_url")
    )
    moving = Moving("push", bench.sides(all_through_proxy=True), bench)
    try:
        wait_for(lambda: moving.ended or [part.state.is_done for part in parts_of(moving)] == [True, False, True])
        assert asked.is_set()
    finally:
        let_go.set()
    assert moving.result().retries == 0
    bench.assert_pushed(model)


def parts_of(moving: Moving) -> tuple[PartSnapshot, ...]:
    return moving.progress.snapshot().parts


def test_a_store_that_asks_for_a_long_wait_is_left_alone_and_the_wait_is_told(bench: Bench) -> None:
    model = bench.write()
    rule = bench.proxy.misbehave(
        says(503, "SlowDown", retry_after="900"), method="PUT", times=ALWAYS, where=lambda request: request.part == 2
    )
    with pytest.raises(RegistryUnavailableError, match=r"asks for a wait of 15 minutes") as told:
        push(TAG, bench.sides())
    assert told.value.hint
    assert rule.done == 1
    bench.assert_push_failed("15 minutes")
    bench.proxy.behave()
    assert push(TAG, bench.sides()).outcome is Outcome.PUSHED
    bench.assert_pushed(model)
