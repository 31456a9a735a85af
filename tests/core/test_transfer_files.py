"""Which files of a transfer have moved, and what its parts give back when it stops."""

import gzip
import os
import tarfile
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from modelsync.archive.table import BLOCK_BYTES, Kind, MemberTable, padded
from modelsync.errors import Cancelled
from modelsync.sync import Sides, pull, push
from modelsync.tag import Tag
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.files import FilesNow, FileState, TransferFiles
from modelsync.transfer.progress import PartProgress, PartSnapshot, PartState, Progress, ProgressSnapshot
from modelsync_registry.config import TransmissionStrategy
from support.local_store import fill_model, write_model
from support.registry_server import RegistryFactory, RegistryServer, model_path, put_object, register_model
from support.two_sides import SidesFactory
from support.waiting import wait_for

TAG = Tag("iris", "v1")
MiB = 1 << 20
STATES = {FileState.WAITING: "w", FileState.PARTLY: "p", FileState.MOVING: "m", FileState.DONE: "d"}


def table(*members: tuple[str, int]) -> MemberTable:
    """One header block before each member; a name that ends with a slash is a directory."""
    made = MemberTable()
    for name, size in (("", 0), *members):
        kind = Kind.DIRECTORY if name.endswith("/") or not name else Kind.FILE
        made.append(name.strip("/").encode(), kind, size, 0, b"", made.members_end + BLOCK_BYTES)
    return made


def part(start: int, size: int, done: int, state: PartState = PartState.WAITING, speed: float = 0.0) -> PartSnapshot:
    return PartSnapshot(1, start, size, done, state, 1, speed, 0.0, "")


def states(files: FilesNow) -> str:
    return "".join(STATES[files[index].state] for index in range(len(files)))


class TestFromParts:
    """a: header 1 KiB in, data [1024, 2024); sub/b: header at 2560, data [3072, 4072); c is empty; d [5120, 105120)."""

    members = table(("a", 1000), ("sub/", 0), ("sub/b", 1000), ("c", 0), ("d", 100_000))

    def now(self, *parts: PartSnapshot) -> FilesNow:
        return TransferFiles(self.members).now(parts)

    def test_directories_are_no_files_and_the_order_is_the_archives(self) -> None:
        files = self.now(part(0, 200_000, 0))
        assert [files[index].name for index in range(len(files))] == ["a", "sub/b", "c", "d"]
        assert [files[index].size for index in range(len(files))] == [1000, 1000, 0, 100_000]
        assert states(files) == "wwww"
        assert (files.done, list(files.moving)) == (0, [])

    def test_a_file_is_moving_while_a_part_has_come_to_it(self) -> None:
        files = self.now(part(0, 4096, 1500, PartState.ACTIVE, 7.0), part(4096, 200_000, 0))
        assert states(files) == "mwww"
        assert (files[0].done, files[0].speed) == (1500 - 1024, 7.0)
        assert list(files.moving) == [0]

    def test_two_parts_of_one_file_add_up(self) -> None:
        files = self.now(
            part(0, 50_000, 20_000, PartState.ACTIVE, 1.0), part(50_000, 100_000, 10_000, PartState.RETRY, 2.0)
        )
        assert states(files) == "dddm"
        assert (files[3].done, files[3].speed) == (20_000 - self.members.data_at[5] + 10_000, 3.0)
        assert files.done == 3

    def test_a_file_of_a_finished_part_is_partly_there_while_nobody_moves_the_rest(self) -> None:
        files = self.now(part(0, 50_000, 50_000, PartState.DONE), part(50_000, 100_000, 0))
        assert states(files) == "dddp"

    def test_what_no_part_stands_for_came_in_an_earlier_run(self) -> None:
        files = self.now(part(0, 1024, 1024, PartState.DONE), part(3072, 1500, 0))
        assert states(files) == "dwwd"
        assert files.done == 2

    def test_an_empty_file_is_done_with_its_header(self) -> None:
        header_at = self.members.header_at(4)
        assert states(self.now(part(0, 200_000, header_at + 511, PartState.ACTIVE))) == "ddmw"
        assert states(self.now(part(0, 200_000, header_at + 512, PartState.ACTIVE))) == "dddm"

    def test_a_part_that_has_come_to_the_archives_end_moves_no_file(self) -> None:
        end = self.members.members_end
        files = self.now(part(0, end + 1024, end + 10, PartState.ACTIVE))
        assert states(files) == "dddd"
        assert list(files.moving) == []

    def test_members_that_become_known_are_seen_at_the_next_look(self) -> None:
        members = table(("a", 10))
        files = TransferFiles(members, all_known=lambda: len(members) > 2)
        before = files.now([part(0, 10_000, 0)])
        members.append(b"b", Kind.FILE, 5, 0, b"", members.members_end + BLOCK_BYTES)
        after = files.now([part(0, 10_000, 0)])
        assert (len(before), before.all_known) == (1, False)
        assert (len(after), after.all_known) == (2, True)
        with pytest.raises(IndexError):
            before[1]

    def test_the_number_of_whole_files_is_that_of_the_files_that_are_done(self) -> None:
        for done in range(0, self.members.members_end, 97):
            for cut in (1, 2000, 4000, 60_000):
                first = part(0, cut, min(done, cut), PartState.ACTIVE)
                rest = part(cut, 200_000, max(0, done - cut), PartState.ACTIVE)
                files = self.now(first, rest)
                assert files.done == states(files).count("d"), (done, cut)


def test_a_look_at_a_hundred_thousand_files_walks_none_of_them() -> None:
    members = MemberTable()
    for number in range(100_000):
        members.append(b"%06d" % number, Kind.FILE, 3_000, 0, b"", members.members_end + BLOCK_BYTES)
    files = TransferFiles(members)
    size = padded(members.members_end // 64)
    parts = [part(number * size, size, size // 2, PartState.ACTIVE) for number in range(64)]
    files.now(parts)
    began = time.thread_time()
    for _ in range(20):
        now = files.now(parts)
        assert now.done
        assert len(now.moving) == 64
        assert [now[index].name for index in range(50_000, 50_040)]
    assert (time.thread_time() - began) / 20 < 0.01


def test_a_stopped_part_keeps_only_what_a_later_run_finds() -> None:
    progress = Progress()
    push_part, pull_part, finished = (PartProgress(number, number * 100, 100) for number in range(3))
    progress.set_parts([push_part, pull_part, finished])
    for each in (push_part, pull_part, finished):
        each.begin()
        each.add(60)
    pull_part.kept = 40
    finished.finish("etag")
    assert progress.snapshot().bytes_done == 60 + 60 + 100
    progress.end()
    now = progress.snapshot()
    assert now.bytes_done == 0 + 40 + 100
    assert now.bytes_moved == 180
    assert [each.state for each in now.parts] == [PartState.WAITING, PartState.WAITING, PartState.DONE]
    assert now.stalled == ()


# Over a real registry


def author(make_sides: SidesFactory, server: RegistryServer, home: Path) -> Sides:
    write_model(
        home,
        "iris:v1",
        files={"a.bin": os.urandom(20 * MiB), "dir/b.bin": os.urandom(20 * MiB), "empty": b"", "z.txt": b"z"},
    )
    return make_sides(server, home.name, threads=2)


NAMES = ["a.bin", "dir/b.bin", "empty", "model.yaml", "z.txt"]


def caught(progress: Progress, seen: Callable[[ProgressSnapshot], bool]) -> ProgressSnapshot:
    """The first snapshot for which it holds; the transfer runs beside."""
    found: list[ProgressSnapshot] = []

    def look() -> bool:
        now = progress.snapshot()
        if seen(now):
            found.append(now)
        return bool(found)

    wait_for(look, within_s=60, what="such a snapshot")
    return found[0]


def run_until(
    transfer: Callable[[Control, Progress], object], seen: Callable[[ProgressSnapshot], bool]
) -> tuple[ProgressSnapshot, Progress]:
    """Runs a transfer beside until a snapshot is as wanted, then pauses it; that snapshot, and the counters after."""
    control, progress = Control(), Progress()
    ended: list[BaseException] = []

    def run() -> None:
        try:
            transfer(control, progress)
        except Cancelled as exc:
            ended.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        found = caught(progress, seen)
    finally:
        control.pause()
        thread.join(60)
    assert isinstance(ended[0], Paused)
    progress.end()
    return found, progress


def names_of(now: ProgressSnapshot) -> list[str]:
    assert now.files is not None
    return [now.files[index].name for index in range(len(now.files))]


def is_under_way(now: ProgressSnapshot) -> bool:
    """Something of the first file has moved, and the last one waits."""
    files = now.files
    if files is None or len(files) < len(NAMES) or not 0 < files[0].done < files[0].size:
        return False
    return files[len(NAMES) - 1].state is FileState.WAITING and bool(files.moving)


def test_a_push_tells_its_files_while_it_sends_and_gives_back_what_was_in_flight(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = author(make_sides, registry_server, tmp_path / "author")
    sides.workers.bandwidth.limit = 6 * MiB
    now, progress = run_until(lambda control, made: push(TAG, sides, control=control, progress=made), is_under_way)
    assert names_of(now) == NAMES
    assert now.files is not None
    assert now.files.all_known
    assert now.files[0].state is FileState.MOVING
    after = progress.snapshot()
    kept = sum(each.size for each in after.parts if each.state is PartState.DONE)
    assert after.bytes_done == kept
    assert all(each.state in (PartState.DONE, PartState.WAITING) for each in after.parts)
    assert after.files is not None
    assert list(after.files.moving) == []

    sides.workers.bandwidth.limit = None
    last = Progress()
    push(TAG, sides, progress=last)
    files = last.snapshot().files
    assert files is not None
    assert states(files) == "ddddd"
    assert files.done == len(NAMES)


def test_a_pull_tells_its_files_and_keeps_what_has_arrived_of_each(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    push(TAG, author(make_sides, registry_server, tmp_path / "author"))
    sides = make_sides(registry_server, threads=2)
    sides.workers.bandwidth.limit = 6 * MiB
    run = lambda control, made: pull(TAG, sides, control=control, progress=made)  # noqa: E731
    now, progress = run_until(run, lambda now: is_under_way(now) and now.bytes_done > 4 * MiB)
    assert names_of(now) == NAMES
    paused = progress.snapshot()
    assert 0 < paused.bytes_done <= paused.bytes_moved

    again, _ = run_until(run, lambda now: now.files is not None)
    assert again.files is not None
    assert again.bytes_done >= paused.bytes_done - MiB, "what had arrived need not come again"
    assert again.files[0].done > 0

    sides.workers.bandwidth.limit = None
    last = Progress()
    assert pull(TAG, sides, progress=last).resumed
    files = last.snapshot().files
    assert files is not None
    assert states(files) == "ddddd"


def foreign_tar(folder: Path) -> bytes:
    """An archive without an index, as others make it; its first file is long."""
    fill_model(folder / "made", "iris:v1", files={"a.bin": os.urandom(12 * MiB), "b.bin": os.urandom(12 * MiB)})
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder / "made", arcname="./")
    return buffer.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_files_of_an_archive_without_an_index_become_known_one_by_one(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path, compressed: bool
) -> None:
    archive = foreign_tar(tmp_path)
    if compressed:
        archive = gzip.compress(archive, 1)
    register_model(registry_server.api, "iris", "v1", size_bytes=24 * MiB)
    put_object(registry_server.api, model_path("iris", "v1"), [archive])
    sides = make_sides(registry_server, threads=1)
    sides.workers.bandwidth.limit = 6 * MiB
    control, progress = Control(), Progress()
    thread = threading.Thread(target=lambda: pull(TAG, sides, control=control, progress=progress))
    thread.start()
    now = caught(
        progress,
        lambda now: now.files is not None and len(now.files) > 0 and now.files[0].state is FileState.MOVING,
    )
    sides.workers.bandwidth.limit = None
    thread.join(60)
    assert now.files is not None
    assert not now.files.all_known
    assert len(now.files) < 3, "what lies behind the first long file is not known yet"
    assert 0 < now.files[0].done < now.files[0].size
    files = progress.snapshot().files
    assert files is not None
    assert files.all_known
    assert sorted(names_of(progress.snapshot())) == ["a.bin", "b.bin", "model.yaml"]
    assert states(files) == "ddd"


@pytest.mark.parametrize("strategy", [TransmissionStrategy.PROXY, None])
def test_files_are_told_where_the_archive_goes_as_one_stream(
    strategy: TransmissionStrategy | None, make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = make_registry(strategy=strategy)
    sides = author(make_sides, server, tmp_path / "author")
    for run, joined in ((push, sides), (pull, make_sides(server, threads=2))):
        progress = Progress()
        run(TAG, joined, progress=progress)
        files = progress.snapshot().files
        assert files is not None
        assert states(files) == "ddddd"
