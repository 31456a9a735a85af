"""The queue: what a person does to it while it works, over a real registry."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from modelsync.errors import StillUploadingError, UnreachableError
from modelsync.jobs import ENDED_KEPT, PARTS_KEPT_OF
from modelsync.model import Direction, UploadStatus
from modelsync.queue_file import QueueFile, saved_queues
from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff
from modelsync.results import Outcome
from modelsync.sync import Sides, pull
from modelsync.tag import Tag
from modelsync.transfer.retry import RetryPolicy
from modelsync.transfers import (
    QueueSnapshot,
    TransferRequest,
    TransferRow,
    Transfers,
    TransferStatus,
)
from support.local_store import read_tree, write_model
from support.registry_server import TOM_TOKEN, RegistryFactory, RegistryServer, client, json_of, model_path
from support.two_sides import SidesFactory, account_of
from support.waiting import wait_for

MiB = 1 << 20
SLOW = MiB
"""Bytes per second at which a model of the tests takes seconds."""
ENDS_WITHIN_S = 60.0


def write(home: Path, tag: str, size: int = 4 * MiB) -> TransferRequest:
    write_model(home, tag, files={"w.bin": os.urandom(size)})
    return TransferRequest(Direction.PUSH, Tag.parse(tag), size_bytes=size)


def statuses(transfers: Transfers) -> list[TransferStatus]:
    return [row.status for row in transfers.snapshot().rows]


def row_of(transfers: Transfers, transfer: int) -> TransferRow:
    return next(row for row in transfers.snapshot().rows if row.id == transfer)


def wait_until(transfers: Transfers, transfer: int, status: TransferStatus) -> None:
    wait_for(lambda: row_of(transfers, transfer).status is status, within_s=ENDS_WITHIN_S, what=f"status {status}")


def wait_for_bytes(transfers: Transfers, transfer: int, moved: int = 1) -> None:
    wait_for(lambda: row_of(transfers, transfer).progress.bytes_moved >= moved, within_s=ENDS_WITHIN_S)


def status_of(sides: Sides, tag: str) -> UploadStatus | None:
    found = sides.registry.model(Tag.parse(tag))
    return None if found is None else found.status


@pytest.fixture
def sides(registry_server: RegistryServer, make_sides: SidesFactory) -> Sides:
    return make_sides(registry_server)


@contextmanager
def queue(sides: Sides, **options: object) -> Iterator[Transfers]:
    """A queue that is empty again when the test ends."""
    transfers = Transfers(sides, **options)  # type: ignore[arg-type]
    try:
        yield transfers
    finally:
        transfers.set_limit(None)
        transfers.cancel_all()
        assert transfers.wait(ENDS_WITHIN_S)


def test_two_run_and_the_others_wait_in_their_order(sides: Sides, tmp_path: Path) -> None:
    requests = [write(tmp_path / "home", f"m:v{number}") for number in range(4)]
    with queue(sides) as transfers:
        transfers.set_limit(SLOW)
        transfers.add(requests)
        assert statuses(transfers) == [
            TransferStatus.RUNNING,
            TransferStatus.RUNNING,
            TransferStatus.WAITING,
            TransferStatus.WAITING,
        ]
        snapshot = transfers.snapshot()
        assert (snapshot.running, snapshot.waiting, snapshot.busy) == (2, 2, True)
        assert [row.request.tag.version for row in snapshot.rows] == ["v0", "v1", "v2", "v3"]
        transfers.set_limit(None)
        assert transfers.wait(ENDS_WITHIN_S)
        assert statuses(transfers) == [TransferStatus.DONE] * 4


def test_what_is_moved_up_starts_first(sides: Sides, tmp_path: Path) -> None:
    requests = [write(tmp_path / "home", f"m:v{number}") for number in range(3)]
    ended: list[int] = []
    with queue(sides, running=1, finished=lambda row: ended.append(row.id)) as transfers:
        transfers.set_limit(4 * SLOW)
        first, second, third = transfers.add(requests)
        transfers.move(third, -1)
        assert [row.id for row in transfers.snapshot().rows] == [first, third, second]
        transfers.set_limit(None)
        wait_for(lambda: len(ended) == 3, within_s=ENDS_WITHIN_S)
    assert ended == [first, third, second]


def test_the_same_request_twice_is_one_row_until_it_has_ended(sides: Sides, tmp_path: Path) -> None:
    request = write(tmp_path / "home", "m:v1")
    with queue(sides) as transfers:
        transfers.set_limit(SLOW)
        assert transfers.add([request, request]) == (1, 1)
        assert transfers.add([replace(request, force=True)]) == (1,)
        transfers.pause(1)
        wait_until(transfers, 1, TransferStatus.PAUSED)
        assert transfers.add([request]) == (1,)
        transfers.set_limit(None)
        transfers.resume(1)
        assert transfers.wait(ENDS_WITHIN_S)
        assert transfers.add([request]) == (2,)
        assert transfers.wait(ENDS_WITHIN_S)
        assert statuses(transfers) == [TransferStatus.DONE, TransferStatus.SKIPPED]


def test_a_paused_push_frees_its_slot_and_goes_on_from_its_parts(sides: Sides, tmp_path: Path) -> None:
    first = write(tmp_path / "home", "m:v1", 64 * MiB)
    second = write(tmp_path / "home", "m:v2")
    with queue(sides, running=1) as transfers:
        transfers.set_limit(24 * MiB)
        transfers.add([first, second])
        wait_for_bytes(transfers, 1, 40 * MiB)
        transfers.pause(1)
        wait_until(transfers, 1, TransferStatus.PAUSED)
        transfers.set_limit(None)
        wait_until(transfers, 2, TransferStatus.DONE)
        assert status_of(sides, "m:v1") is UploadStatus.UPLOADING
        transfers.resume(1)
        wait_until(transfers, 1, TransferStatus.DONE)
        result = row_of(transfers, 1).result
    assert result is not None
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, True)


def test_what_is_resumed_while_it_is_being_paused_waits_for_another_turn(sides: Sides, tmp_path: Path) -> None:
    request = write(tmp_path / "home", "m:v1")
    ended: list[TransferStatus] = []
    with queue(sides, finished=lambda row: ended.append(row.status)) as transfers:
        transfers.set_limit(SLOW)
        transfers.add([request])
        wait_for_bytes(transfers, 1)
        transfers.pause(1)
        transfers.resume(1)
        transfers.set_limit(None)
        wait_until(transfers, 1, TransferStatus.DONE)
        wait_for(lambda: ended == [TransferStatus.DONE], what="one notice")


def test_a_cancel_is_told_at_once_and_frees_the_slot_for_the_next(sides: Sides, tmp_path: Path) -> None:
    requests = [write(tmp_path / "home", f"m:v{number}") for number in range(3)]
    with queue(sides, running=1) as transfers:
        transfers.set_limit(SLOW)
        transfers.add(requests)
        wait_for_bytes(transfers, 1)
        transfers.cancel(2)
        assert row_of(transfers, 2).status is TransferStatus.CANCELLED
        transfers.cancel(1)
        told = row_of(transfers, 1)
        assert told.stopping or told.status is TransferStatus.CANCELLED
        wait_until(transfers, 1, TransferStatus.CANCELLED)
        assert not row_of(transfers, 1).stopping
        wait_until(transfers, 3, TransferStatus.RUNNING)
        assert status_of(sides, "m:v0") is UploadStatus.FAILED
        assert status_of(sides, "m:v1") is None


def test_what_runs_beside_one_that_is_cancelled_goes_on_and_arrives_whole(sides: Sides, tmp_path: Path) -> None:
    requests = [write(tmp_path / "home", f"m:v{number}", 12 * MiB) for number in range(2)]
    with queue(sides, running=2) as transfers:
        transfers.set_limit(4 * MiB)
        transfers.add(requests)
        for transfer in (1, 2):
            wait_for_bytes(transfers, transfer)
        transfers.cancel(1)
        wait_until(transfers, 1, TransferStatus.CANCELLED)
        assert row_of(transfers, 2).status is TransferStatus.RUNNING
        transfers.set_limit(None)
        wait_until(transfers, 2, TransferStatus.DONE)
        result = row_of(transfers, 2).result
        assert result is not None
        assert result.retries == 0, "the other one's end was no trouble for it"
        assert status_of(sides, "m:v1") is UploadStatus.SUCCESS
        assert status_of(sides, "m:v0") is UploadStatus.FAILED


def test_a_paused_push_that_is_cancelled_is_told_to_the_registry(sides: Sides, tmp_path: Path) -> None:
    request = write(tmp_path / "home", "m:v1")
    with queue(sides) as transfers:
        transfers.set_limit(SLOW)
        transfers.add([request])
        wait_for_bytes(transfers, 1)
        transfers.pause(1)
        wait_until(transfers, 1, TransferStatus.PAUSED)
        transfers.cancel(1)
        assert transfers.wait(ENDS_WITHIN_S)
        assert statuses(transfers) == [TransferStatus.CANCELLED]
    assert status_of(sides, "m:v1") is UploadStatus.FAILED


def test_a_paused_push_that_a_colleague_has_begun_since_is_cancelled_without_ending_theirs(
    registry_server: RegistryServer, sides: Sides, tmp_path: Path
) -> None:
    request = write(tmp_path / "home", "m:v1")
    with queue(sides) as transfers:
        transfers.set_limit(SLOW)
        transfers.add([request])
        wait_for_bytes(transfers, 1)
        transfers.pause(1)
        wait_until(transfers, 1, TransferStatus.PAUSED)
        with client(registry_server.url, TOM_TOKEN) as tom:
            json_of(tom.patch(model_path("m", "v1") + "/start_upload"))
        transfers.cancel(1)
        assert transfers.wait(ENDS_WITHIN_S)
        assert statuses(transfers) == [TransferStatus.CANCELLED]
    assert status_of(sides, "m:v1") is UploadStatus.UPLOADING


@pytest.mark.parametrize("paused", [True, False])
def test_a_cancel_that_the_registry_could_not_be_told_of_says_so_and_can_be_told_again(
    registry_server: RegistryServer, sides: Sides, tmp_path: Path, paused: bool
) -> None:
    sides = replace(sides, registry=Registry(account_of(registry_server), backoff=Backoff(tries=2, first_s=0.01)))
    request = write(tmp_path / "home", "m:v1")
    with closing(sides.registry), queue(sides) as transfers:
        transfers.set_limit(SLOW)
        transfers.add([request])
        wait_for_bytes(transfers, 1)
        if paused:
            transfers.pause(1)
            wait_until(transfers, 1, TransferStatus.PAUSED)
        registry_server.stop()
        transfers.cancel(1)
        wait_until(transfers, 1, TransferStatus.FAILED)
        error = row_of(transfers, 1).error
        assert isinstance(error, StillUploadingError)
        assert error.message.startswith("m:v1 is cancelled, but the registry could not be told: ")
        assert "cancel it again" in error.hint
        registry_server.start()
        transfers.cancel(1)
        wait_until(transfers, 1, TransferStatus.CANCELLED)
        assert row_of(transfers, 1).error is None
        assert status_of(sides, "m:v1") is UploadStatus.FAILED


def test_a_push_that_is_cancelled_while_it_is_being_paused_is_cancelled(sides: Sides, tmp_path: Path) -> None:
    request = write(tmp_path / "home", "m:v1")
    with queue(sides) as transfers:
        transfers.set_limit(SLOW)
        transfers.add([request])
        wait_for_bytes(transfers, 1)
        transfers.pause(1)
        transfers.cancel(1)
        assert transfers.unfinished() == ()
        assert transfers.wait(ENDS_WITHIN_S)
        assert statuses(transfers) == [TransferStatus.CANCELLED]
    assert status_of(sides, "m:v1") is UploadStatus.FAILED


def test_a_paused_pull_that_is_cancelled_leaves_nothing(
    registry_server: RegistryServer, make_sides: SidesFactory, sides: Sides, tmp_path: Path
) -> None:
    write(tmp_path / "home", "m:v1", 32 * MiB)
    with queue(sides) as transfers:
        transfers.add([TransferRequest(Direction.PUSH, Tag("m", "v1"))])
        assert transfers.wait(ENDS_WITHIN_S)
    other = make_sides(registry_server, "other", state="other-state")
    with queue(other) as transfers:
        transfers.set_limit(12 * MiB)
        transfers.add([TransferRequest(Direction.PULL, Tag("m", "v1"))])
        wait_for_bytes(transfers, 1, 16 * MiB)
        transfers.pause(1)
        wait_until(transfers, 1, TransferStatus.PAUSED)
        assert list((tmp_path / "other-state").glob("*.journal"))
        transfers.cancel(1)
        assert transfers.wait(ENDS_WITHIN_S)
    assert not list((tmp_path / "other-state").glob("*.journal"))
    assert other.store.clean_stages() == 0
    assert other.store.scan().models == ()


def test_a_failed_push_that_is_retried_goes_on_from_its_journal(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server, retry=RetryPolicy(tries=2, base_s=0.01))
    request = write(tmp_path / "home", "m:v1", 64 * MiB)
    with queue(sides) as transfers:
        transfers.set_limit(24 * MiB)
        transfers.add([request])
        wait_for_bytes(transfers, 1, 40 * MiB)
        registry_server.stop()
        wait_until(transfers, 1, TransferStatus.FAILED)
        assert isinstance(row_of(transfers, 1).error, UnreachableError)
        assert transfers.unfinished() == ()
        registry_server.start()
        transfers.set_limit(None)
        transfers.retry(1)
        wait_until(transfers, 1, TransferStatus.DONE)
        row = row_of(transfers, 1)
    assert row.error is None
    assert row.result is not None
    assert row.result.resumed
    pulled = pull(Tag("m", "v1"), make_sides(registry_server, "other"))
    assert read_tree(pulled.path) == read_tree(tmp_path / "home/models/m/v1")


def test_what_failed_twice_is_retried_once(sides: Sides, tmp_path: Path) -> None:
    request = TransferRequest(Direction.PUSH, Tag("m", "v1"))
    with queue(sides, running=2) as transfers:
        for transfer in (1, 2):
            transfers.add([request])
            wait_until(transfers, transfer, TransferStatus.FAILED)  # the store has none
        write(tmp_path / "home", "m:v1")
        transfers.set_limit(SLOW)
        transfers.retry(1)
        transfers.retry(2)
        assert statuses(transfers) == [TransferStatus.RUNNING, TransferStatus.FAILED]
        assert len(transfers.unfinished()) == 1
        transfers.set_limit(None)
        assert transfers.wait(ENDS_WITHIN_S)
        assert statuses(transfers) == [TransferStatus.DONE, TransferStatus.FAILED]
        transfers.retry(2)
        wait_until(transfers, 2, TransferStatus.SKIPPED)


def test_the_limit_and_the_threads_change_while_it_runs(sides: Sides, tmp_path: Path) -> None:
    request = write(tmp_path / "home", "m:v1", 24 * MiB)
    with queue(sides) as transfers:
        transfers.set_limit(64 * 1024)  # minutes for this model
        transfers.add([request])
        wait_for_bytes(transfers, 1)
        transfers.set_threads(2)
        assert (transfers.snapshot().limit, transfers.snapshot().threads) == (64 * 1024, 2)
        transfers.set_threads(8)
        transfers.set_limit(None)
        assert transfers.wait(ENDS_WITHIN_S)
        snapshot = transfers.snapshot()
    assert (snapshot.limit, snapshot.threads, snapshot.done) == (None, 8, 1)


def test_the_sums_are_of_what_was_asked_for_since_the_queue_was_idle(sides: Sides, tmp_path: Path) -> None:
    first, second = (write(tmp_path / "home", f"m:v{number}", 8 * MiB) for number in range(2))
    with queue(sides, running=1) as transfers:
        transfers.add([first])
        assert transfers.wait(ENDS_WITHIN_S)
        assert transfers.snapshot().fraction == 1.0
        transfers.set_limit(2 * MiB)
        third = TransferRequest(Direction.PUSH, Tag("m", "missing"), size_bytes=8 * MiB)
        transfers.add([second, third])
        wait_for(lambda: transfers.snapshot().eta_s is not None, within_s=ENDS_WITHIN_S, what="an eta")
        snapshot = transfers.snapshot()
        assert 16 * MiB <= snapshot.bytes_total < 17 * MiB  # the archive's own headers count
        assert snapshot.bytes_done < 8 * MiB
        assert snapshot.upload_speed > 0
        assert snapshot.eta_s is not None
        left = snapshot.bytes_total - snapshot.bytes_done
        assert snapshot.eta_s == pytest.approx(left / snapshot.upload_speed)


def test_time_in_the_queue_is_no_time_of_the_transfer(sides: Sides, tmp_path: Path) -> None:
    first, second = (write(tmp_path / "home", f"m:v{number}", 4 * MiB) for number in range(2))
    with queue(sides, running=1) as transfers:
        transfers.set_limit(2 * MiB)
        transfers.add([first, second])
        wait_until(transfers, 2, TransferStatus.RUNNING)
        transfers.set_limit(None)
        assert transfers.wait(ENDS_WITHIN_S)
        waited, quick = (row_of(transfers, number).result for number in (1, 2))
    assert waited is not None
    assert quick is not None
    assert quick.seconds < waited.seconds


def test_a_callback_that_raises_does_no_harm(sides: Sides, tmp_path: Path) -> None:
    requests = [write(tmp_path / "home", f"m:v{number}", 1024) for number in range(3)]

    def finished(_row: TransferRow) -> None:
        raise ZeroDivisionError

    with queue(sides, running=1, finished=finished) as transfers:
        transfers.add(requests)
        assert transfers.wait(ENDS_WITHIN_S)
        assert statuses(transfers) == [TransferStatus.DONE] * 3


def test_what_is_done_is_cleared_while_others_run_and_failures_stay_until_they_are_dismissed(
    sides: Sides, tmp_path: Path
) -> None:
    small, large = write(tmp_path / "home", "m:v1", 1024), write(tmp_path / "home", "m:v2")
    missing = TransferRequest(Direction.PULL, Tag("m", "missing"))
    with queue(sides) as transfers:
        transfers.add([small, missing])
        assert transfers.wait(ENDS_WITHIN_S)
        transfers.set_limit(SLOW)
        transfers.add([large])
        transfers.clear_done()
        assert statuses(transfers) == [TransferStatus.FAILED, TransferStatus.RUNNING]
        transfers.cancel(2)
        transfers.clear_done()
        assert [row.id for row in transfers.snapshot().rows] == [3]


def test_five_hundred_transfers_end_and_what_has_ended_is_not_looked_at_again(sides: Sides, tmp_path: Path) -> None:
    requests = [write(tmp_path / "home", f"m{number % 5}:v{number}", 64) for number in range(100)]
    requests += [TransferRequest(Direction.PULL, Tag("missing", f"v{number}")) for number in range(400)]
    with queue(sides) as transfers:
        assert len(transfers.add(requests)) == 500
        assert transfers.wait(240)
        first, second = transfers.snapshot(), transfers.snapshot()
    assert (first.done, first.failed) == (100, 400)
    assert all(one is other for one, other in zip(first.rows, second.rows, strict=True))
    assert sum(bool(row.progress.parts) for row in first.rows) <= PARTS_KEPT_OF
    assert first.bytes_done == first.bytes_total > 0


def test_the_parts_of_the_last_transfers_can_still_be_looked_at(sides: Sides, tmp_path: Path) -> None:
    requests = [write(tmp_path / "home", f"m:v{number}", 64) for number in range(PARTS_KEPT_OF + 3)]
    with queue(sides, running=1) as transfers:
        transfers.add(requests)
        assert transfers.wait(ENDS_WITHIN_S)
        rows = transfers.snapshot().rows
    assert [bool(row.progress.parts) for row in rows] == [*[False] * 3, *[True] * PARTS_KEPT_OF]
    assert all(row.progress.bytes_moved > 0 for row in rows)


def test_rows_that_wait_are_not_looked_at_again_either(sides: Sides, tmp_path: Path) -> None:
    requests = [write(tmp_path / "home", "m:v0")]
    requests += [TransferRequest(Direction.PULL, Tag("m", f"x{number}")) for number in range(100)]
    with queue(sides, running=1) as transfers:
        transfers.set_limit(SLOW)
        transfers.add(requests)
        wait_for_bytes(transfers, 1)
        first, second = transfers.snapshot(), transfers.snapshot()
        same = [one is other for one, other in zip(first.rows, second.rows, strict=True)]
    assert same == [False, *[True] * 100]


def test_rows_of_what_was_done_long_ago_are_forgotten(sides: Sides, tmp_path: Path) -> None:
    started: list[Callable[[], None]] = []
    with queue(sides, running=1, start=lambda work, _name: started.append(work)) as transfers:
        requests = [TransferRequest(Direction.PULL, Tag("m", f"v{number}")) for number in range(ENDED_KEPT + 50)]
        transfers.add(requests)
        for transfer in range(2, ENDED_KEPT + 51):
            transfers.cancel(transfer)
        rows = transfers.snapshot().rows
        assert len(rows) == ENDED_KEPT + 1
        assert (rows[0].id, rows[-1].id) == (1, ENDED_KEPT + 50)
        threading.Thread(target=started[0], daemon=True).start()


def saved_by(sides: Sides, folder: Path) -> QueueFile:
    return QueueFile(folder / "queues", sides.registry.context, sides.store.home)


def test_what_was_not_finished_comes_back_paused_at_the_next_start(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    requests = [write(tmp_path / "home", "m:v1", 64 * MiB)]
    requests += [replace(write(tmp_path / "home", f"m:v{number}"), force=True) for number in (2, 3)]
    done = write(tmp_path / "home", "m:v0", 64)
    with queue(sides, running=1) as transfers:
        transfers.add([done])
        assert transfers.wait(ENDS_WITHIN_S)
        transfers.set_limit(24 * MiB)
        transfers.add(requests)
        wait_for_bytes(transfers, 2, 40 * MiB)
        transfers.pause_all()
        assert transfers.wait(ENDS_WITHIN_S)
        left = transfers.unfinished()
        saved_by(sides, tmp_path).save(left)
        assert left == (replace(requests[0], begun=True), *requests[1:])
        sides.workers.bandwidth.limit = None

    sides = make_sides(registry_server)
    with queue(sides) as transfers:
        loaded = saved_by(sides, tmp_path).load()
        assert loaded == left
        ids = transfers.restore(loaded)
        rows = transfers.snapshot().rows
        assert [(row.status, row.restored, row.request.tag.version) for row in rows] == [
            (TransferStatus.PAUSED, True, "v1"),
            (TransferStatus.PAUSED, True, "v2"),
            (TransferStatus.PAUSED, True, "v3"),
        ]
        # Of the 40 MiB that had gone, each of the four threads can have held one part of 8 that nobody confirmed.
        assert 8 * MiB <= rows[0].bytes_done < rows[0].bytes_total
        assert rows[1].bytes_done == 0
        assert not transfers.snapshot().busy
        assert transfers.unfinished() == left
        transfers.resume(ids[0])
        wait_until(transfers, ids[0], TransferStatus.DONE)
        row = row_of(transfers, ids[0])
        assert not row.restored
        assert row.result is not None
        assert row.result.resumed
        assert transfers.unfinished() == left[1:]


def test_a_push_in_one_piece_that_was_begun_before_the_last_quit_is_known_as_ones_own(
    make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = make_registry(strategy=None)
    sides = make_sides(server)
    request = write(tmp_path / "home", "m:v1", 8 * MiB)
    with queue(sides) as transfers:
        transfers.set_limit(SLOW)
        transfers.add([request])
        wait_for_bytes(transfers, 1)
        transfers.pause_all()
        assert transfers.wait(ENDS_WITHIN_S)
        left = transfers.unfinished()
        sides.workers.bandwidth.limit = None
    sides = make_sides(server, state="other-state")  # no journal: only the request knows
    with queue(sides) as transfers:
        (transfer,) = transfers.restore(left)
        transfers.resume(transfer)
        wait_until(transfers, transfer, TransferStatus.DONE)


def test_what_is_cancelled_at_the_end_does_not_come_back(sides: Sides, tmp_path: Path) -> None:
    requests = [write(tmp_path / "home", f"m:v{number}") for number in range(2)]
    with queue(sides, running=1) as transfers:
        transfers.set_limit(SLOW)
        transfers.add(requests)
        transfers.cancel_all()
        assert transfers.unfinished() == ()


REQUESTS = (
    TransferRequest(Direction.PUSH, Tag("m", "v1"), size_bytes=7),
    TransferRequest(Direction.PULL, Tag("m", "v2"), force=True, begun=True),
)


def test_a_saved_queue_belongs_to_one_registry_and_one_store(sides: Sides, tmp_path: Path) -> None:
    context = sides.registry.context
    QueueFile(tmp_path / "queues", context, tmp_path / "home").save(REQUESTS)
    same = QueueFile(tmp_path / "queues", replace(context, name="renamed"), tmp_path / "home")
    assert same.load() == REQUESTS
    for other in (
        QueueFile(tmp_path / "queues", replace(context, endpoint="https://else"), tmp_path / "home"),
        QueueFile(tmp_path / "queues", replace(context, organization="acme"), tmp_path / "home"),
        QueueFile(tmp_path / "queues", context, tmp_path / "else"),
    ):
        assert other.load() == ()
    (saved,) = saved_queues(tmp_path / "queues")
    assert (saved.endpoint, saved.store, saved.requests) == (context.endpoint, tmp_path / "home", REQUESTS)
    assert same.path.stat().st_mode & 0o777 == 0o600


def test_a_saved_queue_of_another_format_is_set_aside(sides: Sides, tmp_path: Path) -> None:
    for text in ("rubbish", "[]", '{"format": 99}', '{"format": 1}'):
        file = QueueFile(tmp_path / "queues", sides.registry.context, tmp_path / "home")
        file.save(REQUESTS)
        file.path.write_text(text)
        assert saved_queues(tmp_path / "queues") == ()
        assert file.load() == ()
        assert not file.path.exists()
        assert file.path.with_suffix(".set-aside").read_text() == text
        file.save(REQUESTS)
        assert file.load() == REQUESTS


def test_two_programs_that_end_one_after_the_other_do_not_forget_each_others_work(sides: Sides, tmp_path: Path) -> None:
    first, second = (QueueFile(tmp_path / "queues", sides.registry.context, tmp_path / "home") for _ in range(2))
    assert first.load() == second.load() == ()
    first.save(REQUESTS[:1])
    second.save(REQUESTS[1:])
    assert second.load() == REQUESTS
    second.save(())  # both were done
    assert not second.path.exists()


def test_programs_that_end_together_do_not_forget_each_others_work(sides: Sides, tmp_path: Path) -> None:
    """As those of one terminal that is closed."""
    together = threading.Barrier(8)

    def end(number: int) -> None:
        file = saved_by(sides, tmp_path)
        file.load()
        together.wait(10)
        file.save([TransferRequest(Direction.PULL, Tag("m", f"v{number}"))])

    programs = [threading.Thread(target=end, args=(number,)) for number in range(8)]
    for program in programs:
        program.start()
    for program in programs:
        program.join()
    assert {request.tag.version for request in saved_by(sides, tmp_path).load()} == {f"v{n}" for n in range(8)}
    assert [path.suffix for path in (tmp_path / "queues").iterdir()] == [".json"]


def test_a_queue_that_cannot_be_saved_harms_nobody(sides: Sides, tmp_path: Path) -> None:
    (tmp_path / "queues").write_text("")
    QueueFile(tmp_path / "queues", sides.registry.context, tmp_path / "home").save(REQUESTS)


def test_an_empty_queue_is_idle() -> None:
    snapshot = QueueSnapshot.of(())
    assert (snapshot.busy, snapshot.fraction, snapshot.eta_s) == (False, 0.0, None)
