"""What journals may and may not say: after a loss of power, after a reboot, on a full disk, and under a wrong name."""

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from modelsync.archive.ranges import Ranges
from modelsync.errors import Cancelled, UploadGoneError
from modelsync.model import Json
from modelsync.results import Outcome
from modelsync.sync import Sides, pull, push
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.progress import Progress
from support.bad_proxy import ALWAYS
from support.fault_bench import TAG, Bench, MiB
from support.fault_patience import Moving
from support.harm import other_etag, stall_answer, stall_request
from support.waiting import wait_for, when


def journal_of(bench: Bench, home: str) -> Path:
    (found,) = (bench.folder / "state" / home).glob("*.journal")
    return found


def pause_at(move: Callable[..., object], sides: Sides, moved: int) -> None:
    """Runs until so many bytes have moved, then pauses."""
    control, progress = Control(), Progress()
    sides.workers.bandwidth.limit = 32 * MiB
    when(lambda: progress.bytes_moved >= moved, control.pause)
    with pytest.raises(Paused):
        move(TAG, sides, control=control, progress=progress)


def pause_with_one_part(bench: Bench) -> Path:
    """Pushes until one of two parts is there, then pauses; its journal."""
    bench.proxy.misbehave(stall_request(MiB), times=ALWAYS, where=lambda request: request.part == 2)
    control = Control()
    folder = bench.folder / "state/author"
    when(lambda: any(b'"part": 1' in path.read_bytes() for path in folder.glob("*.journal")), control.pause)
    with pytest.raises(Paused):
        push(TAG, bench.sides(), control=control)
    bench.proxy.behave()
    return journal_of(bench, "author")


def edit_header(journal: Path, **facts: Json) -> None:
    first, *lines = journal.read_bytes().split(b"\n")
    header = json.dumps({**json.loads(first), **facts}).encode()
    journal.write_bytes(b"\n".join([header, *lines]))


@pytest.mark.parametrize(
    "facts",
    [
        {"format": 1},
        {"format": 99},
        {"direction": "pull"},
        {"tag": "iris:v2"},
        {"endpoint": "https://elsewhere.example"},
        {"organization": "others"},
        {"store": b"/another/store".hex()},
    ],
    ids=lambda facts: str(*facts),
)
def test_a_journal_that_is_not_of_this_transfer_is_set_aside_and_not_guessed_at(
    facts: dict[str, Json], bench: Bench
) -> None:
    model = bench.write()
    journal = pause_with_one_part(bench)
    edit_header(journal, **facts)
    strange = journal.read_bytes()
    result = push(TAG, bench.sides(), force=True)
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, False)
    assert journal.with_suffix(".set-aside").read_bytes() == strange
    bench.assert_pushed(model)


def test_an_upload_whose_parts_the_store_has_lost_begins_again(bench: Bench) -> None:
    model = bench.write()
    pause_with_one_part(bench)
    (part,) = (bench.server.data / "uploads").glob("*/1.json")
    part.unlink()  # as a loss of power may
    result = push(TAG, bench.sides())
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, False)
    assert "started again" in result.warnings[0]
    bench.assert_pushed(model)


def test_a_push_whose_parts_were_not_accepted_in_the_end_does_not_go_on_from_them(bench: Bench) -> None:
    model = bench.write()
    bench.proxy.misbehave(other_etag, method="PUT", where=lambda request: request.part == 1)
    with pytest.raises(UploadGoneError, match=r"has not all parts of the upload of iris:v1: .*InvalidPart"):
        push(TAG, bench.sides())
    assert push(TAG, bench.sides()).outcome is Outcome.PUSHED
    bench.assert_pushed(model)


def test_a_torn_line_costs_one_part_each_time_that_it_happens(bench: Bench) -> None:
    model = bench.write(size=90 * MiB)  # parts of the same size for any number of threads
    for moved in (40 * MiB, 38 * MiB):  # more than its threads have under way
        pause_at(push, bench.sides(threads=2), moved)
        journal = journal_of(bench, "author")
        journal.write_bytes(journal.read_bytes()[:-20])
    result = push(TAG, bench.sides())
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, True)
    assert result.bytes_moved < 0.8 * result.bytes_total
    bench.assert_pushed(model)


def reboot(journal: Path) -> None:
    """Makes every note one of an earlier boot."""
    first, *lines = journal.read_bytes().split(b"\n")
    notes = [json.loads(line) for line in lines if line]
    assert notes
    assert len({note["boot_id"] for note in notes}) == 1
    lines = [json.dumps({**note, "boot_id": "an earlier boot"}).encode() for note in notes]
    journal.write_bytes(b"\n".join([first, *lines, b""]))


def test_after_a_reboot_only_what_was_synced_counts(bench: Bench) -> None:
    model = bench.publish(size=40 * MiB)
    pause_at(pull, bench.sides("reader"), 20 * MiB)
    reboot(journal_of(bench, "reader"))
    result = pull(TAG, bench.sides("reader"))  # these sides sync nothing
    assert (result.outcome, result.resumed) == (Outcome.PULLED, False)
    bench.assert_pulled(model)


def test_what_was_synced_survives_a_reboot(bench: Bench) -> None:
    model = bench.publish(size=40 * MiB)
    bench.proxy.misbehave(
        stall_answer(MiB), times=ALWAYS, where=lambda request: request.range is not None and request.range[0] > 16 * MiB
    )
    sides = bench.sides("reader", sync_to_disk=True)
    control = Control()
    journal = bench.folder / "state/reader"

    def synced() -> bool:
        return any(json.loads(path.read_bytes().split(b"\n")[0])["done"] for path in journal.glob("*.journal"))

    when(synced, control.pause)
    with pytest.raises(Paused):
        pull(TAG, sides, control=control)
    reboot(journal_of(bench, "reader"))
    bench.proxy.behave()
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.resumed) == (Outcome.PULLED, True)
    assert result.bytes_moved < result.bytes_total
    bench.assert_pulled(model)


def test_a_push_whose_file_was_replaced_by_one_of_the_same_size_and_time_says_which(bench: Bench) -> None:
    model = bench.write()
    pause_with_one_part(bench)
    weights, copy = model / "weights.bin", model.parent / "copy"
    shutil.copy2(weights, copy)
    copy.replace(weights)
    result = push(TAG, bench.sides())
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, False)
    assert "'weights.bin' changed" in result.warnings[0]
    bench.assert_pushed(model)


class PowerLoss:
    """Knows at each moment what of one file a loss of power would leave, and compares what journals say with it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, data_at: int, size: int) -> None:
        self.checked = 0
        self.lies: list[tuple[int, int]] = []
        self._name, self._at, self._size = name, data_at, size
        self._lock = threading.Lock()
        self._written = Ranges()
        self._durable = Ranges()
        self._pwrite, self._fsync = os.pwrite, os.fsync
        monkeypatch.setattr(os, "pwrite", self.pwrite)
        monkeypatch.setattr(os, "fsync", self.fsync)

    def pwrite(self, handle: int, data: memoryview, position: int) -> int:
        count = self._pwrite(handle, data, position)
        if path_of(handle).name == self._name:
            with self._lock:
                self._written.add(position, position + count)
        return count

    def fsync(self, handle: int) -> None:
        with self._lock:
            covered = tuple(self._written)
        self._fsync(handle)
        path = path_of(handle)
        with self._lock:
            if path.name == self._name:
                for start, end in covered:
                    self._durable.add(start, end)
            elif path.suffix == ".new":
                self._compare(json.loads(path.read_bytes().split(b"\n")[0])["done"])

    def _compare(self, done: list[tuple[int, int]]) -> None:
        self.checked += 1
        for start, end in done:
            inside = (max(0, start - self._at), min(self._size, end - self._at))
            if not self._durable.covers(*inside):
                self.lies.append(inside)


def path_of(handle: int) -> Path:
    return Path(f"/proc/self/fd/{handle}").readlink()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the names of open files are read from /proc")
def test_a_loss_of_power_at_any_moment_finds_no_journal_that_lies(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 24 * MiB
    model = bench.publish(size=size)
    content = (model / "weights.bin").read_bytes()
    power = PowerLoss(monkeypatch, "weights.bin", bench.archive(model).index(content[:64]), size)
    sides = bench.sides("reader", sync_to_disk=True)
    sides.workers.bandwidth.limit = 8 * MiB
    assert pull(TAG, sides).outcome is Outcome.PULLED
    assert power.checked >= 2
    assert power.lies == []
    bench.assert_pulled(model)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the names of open files are read from /proc")
@pytest.mark.parametrize("kept", [0, 7], ids=["takes nothing", "takes half a line"])
@pytest.mark.parametrize("direction", ["push", "pull"])
def test_a_disk_without_room_for_notes_costs_the_notes_only(
    direction: str, kept: int, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = bench.write() if direction == "push" else bench.publish()
    write = os.write

    def full(handle: int, data: bytes) -> int:
        if path_of(handle).suffix != ".journal":
            return write(handle, data)
        if kept:
            return write(handle, data[:kept])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    if direction == "push":
        assert push(TAG, bench.sides()).outcome is Outcome.PUSHED
        bench.assert_pushed(model)
    else:
        assert pull(TAG, bench.sides("reader")).outcome is Outcome.PULLED
        bench.assert_pulled(model)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the names of open files are read from /proc")
@pytest.mark.parametrize("before", [False, True], ids=["nothing is there", "a journal of other bytes is there"])
def test_a_full_state_disk_costs_a_push_its_resume_only(
    before: bool, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if before:
        bench.write()
        pause_with_one_part(bench)
    model = bench.write()
    fsync = os.fsync

    def full(handle: int) -> None:
        if path_of(handle).suffix == ".new":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    bench.proxy.misbehave(stall_request(MiB), times=ALWAYS, where=lambda request: request.part == 2)
    moving = Moving("push", bench.sides(), bench)
    wait_for(lambda: moving.ended or moving.progress.bytes_moved > 8 * MiB, within_s=60)
    moving.control.cancel()
    with pytest.raises(Cancelled):
        moving.result()
    assert list((bench.folder / "state/author").glob("*")) == []

    bench.proxy.behave()
    result = push(TAG, bench.sides())
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, False)
    assert os.strerror(errno.ENOSPC) in result.warnings[-1]
    assert list((bench.folder / "state/author").glob("*")) == []
    bench.assert_pushed(model)
