"""Archives that arrive in pieces, in any order, from several threads, and again after a kill."""

import io
import os
import random
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from modelsync.archive.index import ArchiveIndex, read_index
from modelsync.archive.layout import ArchiveLayout
from modelsync.archive.table import BLOCK_BYTES, Kind, MemberTable
from modelsync.archive.target_files import TargetFiles, write_error
from modelsync.archive.unpack import Unpacker
from modelsync.errors import ArchiveError, ModelsyncError, NoSpaceError, StoreError
from support.archives import Entry, files_of, pieces, python_tar, sample_model, tree, unpack_in_order, whole
from support.waiting import wait_for

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return sample_model(tmp_path / "model")


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    path = tmp_path / "stage"
    path.mkdir()
    return path


def _index(data: bytes) -> ArchiveIndex:
    index = read_index(data, len(data))
    assert index is not None
    return index


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_pieces_in_any_order_become_the_model(model: Path, stage: Path, indexed: bool, seed: int) -> None:
    rng = random.Random(seed)
    data = whole(ArchiveLayout.of(model))
    cuts = pieces(rng, len(data), rng.choice([0, 3, 40, 400]))
    rng.shuffle(cuts)

    with Unpacker(stage, total_bytes=len(data), index=_index(data) if indexed else None) as unpacker:
        for start, end in cuts:
            assert unpacker.write(start, memoryview(data)[start:end]) == end - start
        assert unpacker.done_bytes == len(data)
        unpacked = unpacker.finish()

    assert tree(stage) == tree(model)
    assert unpacked.files == len(files_of(model))
    assert unpacked.content_bytes == sum(map(len, files_of(model).values()))
    assert unpacked.archive_bytes == len(data)


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_several_threads_fill_one_directory(model: Path, stage: Path, indexed: bool, seed: int) -> None:
    rng = random.Random(seed)
    data = whole(ArchiveLayout.of(model))
    parts = iter(pieces(rng, len(data), 60))
    lock = threading.Lock()
    errors: list[ModelsyncError] = []

    with Unpacker(
        stage, total_bytes=len(data), index=_index(data) if indexed else None, window_bytes=16_384
    ) as unpacker:

        def move() -> None:
            try:
                while True:
                    with lock:
                        start, end = next(parts, (0, 0))
                    if start == end:
                        return
                    for offset in range(start, end, 700):
                        unpacker.write_all(offset, data[offset : min(end, offset + 700)], lambda: None)
            except ModelsyncError as exc:
                errors.append(exc)

        threads = [threading.Thread(target=move) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not errors
        unpacker.finish()

    assert tree(stage) == tree(model)


@pytest.mark.parametrize("indexed", [True, False])
def test_bytes_that_come_twice_are_harmless(model: Path, stage: Path, indexed: bool) -> None:
    rng = random.Random(2)
    data = whole(ArchiveLayout.of(model))
    spans = [(start, min(len(data), start + rng.randrange(1, 5000))) for start in range(0, len(data), 900)]
    spans += pieces(rng, len(data), 20) + pieces(rng, len(data), 20)
    rng.shuffle(spans)

    with Unpacker(stage, total_bytes=len(data), index=_index(data) if indexed else None) as unpacker:
        for start, end in spans:
            assert unpacker.write(start, data[start:end]) == end - start
        unpacker.finish()

    assert tree(stage) == tree(model)


def test_a_header_may_come_byte_by_byte(model: Path, stage: Path) -> None:
    data = whole(ArchiveLayout.of(model))

    with Unpacker(stage, total_bytes=len(data), index=_index(data)) as unpacker:
        for offset in reversed(range(6000)):
            unpacker.write(offset, data[offset : offset + 1])
        unpacker.write(6000, data[6000:])
        unpacker.finish()

    assert tree(stage) == tree(model)


def test_an_archive_of_unknown_length_comes_in_order(model: Path, stage: Path) -> None:
    data = whole(ArchiveLayout.of(model))

    with Unpacker(stage, total_bytes=None) as unpacker:
        for offset in range(0, len(data), 1000):
            assert unpacker.write(offset, data[offset : offset + 1000])
        unpacker.finish(len(data))

    assert tree(stage) == tree(model)


@pytest.mark.parametrize("tar_format", FORMATS.values(), ids=FORMATS.keys())
def test_every_format_of_pythons_tarfile_is_read(model: Path, stage: Path, tar_format: int) -> None:
    if tar_format == tarfile.USTAR_FORMAT:
        for path in model.rglob("*long*"):
            path.unlink()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format, encoding="utf-8") as tar:
        tar.add(model, arcname="./")

    unpack_in_order(stage, buffer.getvalue(), piece=997)

    assert files_of(stage) == files_of(model)
    assert {path.name for path in stage.rglob("*") if path.is_symlink()} == {"link", "up", "dangling"}
    assert os.access(stage / "run.sh", os.X_OK)
    assert not os.access(stage / "weights.bin", os.X_OK)
    # tarfile itself knows times as floats only, and the old formats whole seconds
    within_s = 1e-5 if tar_format == tarfile.PAX_FORMAT else 1.0
    assert abs((stage / "weights.bin").stat().st_mtime - (model / "weights.bin").stat().st_mtime) <= within_s


def test_random_archives_of_tarfile_are_unpacked_as_tarfile_does(tmp_path: Path) -> None:
    rng = random.Random(11)
    for number in range(25):
        names = {
            rng.choice(["", "./", ".//"])
            + "/".join("abcdé"[rng.randrange(5)] * rng.choice([1, 2, 90]) for _ in range(2))
            for _ in range(12)
        }
        plain = {name.replace(".//", "./").removeprefix("./"): name for name in sorted(names)}
        entries = [Entry("model.yaml", b"m")]
        entries += [Entry(name, rng.randbytes(rng.choice([0, 1, 511, 512, 513, 3000]))) for name in plain.values()]
        rng.shuffle(entries)
        data = python_tar(entries, rng.choice([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))

        unpack_in_order(tmp_path / f"ours{number}", data, piece=rng.randrange(1, 5000))
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(tmp_path / f"theirs{number}", filter="data")

        assert files_of(tmp_path / f"ours{number}") == files_of(tmp_path / f"theirs{number}")


def test_global_records_count_for_every_member(stage: Path) -> None:
    data = python_tar(
        [Entry("a", b"1"), Entry("b", b"2")], pax_headers={"mtime": "1234.5", "comment": "made elsewhere"}
    )

    unpack_in_order(stage, data)

    assert [(stage / name).stat().st_mtime for name in "ab"] == [1234.5, 1234.5]


def test_a_size_in_base_256_is_read(stage: Path) -> None:
    header = bytearray(python_tar([Entry("a", b"12345")])[:512])
    header[124:136] = b"\x80" + (5).to_bytes(11, "big")
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)

    unpack_in_order(stage, bytes(header) + b"12345".ljust(512, b"\0") + bytes(1024))

    assert files_of(stage) == {"a": b"12345"}


def test_hard_links_become_copies(stage: Path) -> None:
    data = python_tar(
        [
            Entry("d/a", b"content", mode=0o755),
            Entry("b", kind=tarfile.LNKTYPE, link="./d/a"),
            Entry("c", kind=tarfile.LNKTYPE, link="b"),
        ]
    )

    with Unpacker(stage, total_bytes=len(data)) as unpacker:
        unpacker.write(0, data)
        unpacked = unpacker.finish()

    assert files_of(stage) == {"d/a": b"content", "b": b"content", "c": b"content"}
    assert len({(stage / name).stat().st_ino for name in ("d/a", "b", "c")}) == 3
    assert (unpacked.files, unpacked.content_bytes) == (3, 21)


def test_modes_follow_the_umask_and_never_more_than_that(stage: Path) -> None:
    data = python_tar(
        [
            Entry("d", kind=tarfile.DIRTYPE, mode=0o4000),
            Entry("d/plain", b"1", mode=0o6600),
            Entry("d/run", b"1", mode=0o4700),
            Entry("d/big", bytes(3000), mode=0o7777),
        ]
    )

    with _umask(0o027):
        unpack_in_order(stage, data, piece=700)

    modes = {str(path.relative_to(stage)): oct(path.stat().st_mode & 0o7777) for path in stage.rglob("*")}
    assert modes == {"d": "0o750", "d/plain": "0o640", "d/run": "0o750", "d/big": "0o750"}


def test_directories_that_no_member_names_are_made(stage: Path) -> None:
    unpack_in_order(stage, python_tar([Entry("a/b/c/file", b"1"), Entry("a/b", kind=tarfile.DIRTYPE)]))

    assert files_of(stage) == {"a/b/c/file": b"1"}


def test_a_file_that_may_not_grow_is_told_by_name(model: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    data = whole(ArchiveLayout.of(model))
    (tmp_path / "small").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        with Unpacker(tmp_path / "small", total_bytes=len(data)) as unpacker:
            with pytest.raises(StoreError, match=r"weights\.bin") as caught:
                unpacker.write(0, data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.hint


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_no_space_is_an_error_of_its_own(tmp_path: Path) -> None:
    # Only the kernel may say ENOSPC; /dev/full says it for any write.
    with pytest.raises(OSError) as caught, Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")

    assert isinstance(write_error(b"weights.bin", caught.value), NoSpaceError)


def test_more_bytes_than_were_promised_are_refused(model: Path, stage: Path) -> None:
    data = whole(ArchiveLayout.of(model))

    with Unpacker(stage, total_bytes=len(data)) as unpacker, pytest.raises(ArchiveError, match="More came"):
        unpacker.write(len(data) - 10, b"x" * 20)


def test_no_descriptor_stays_open(model: Path, stage: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("open descriptors are read from /proc")
    data = whole(ArchiveLayout.of(model))
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count, of names that come and go

    with Unpacker(stage, total_bytes=len(data), index=_index(data)) as unpacker:
        for start, end in pieces(random.Random(1), len(data), 100):
            unpacker.write(start, data[start:end])
        unpacker.finish()

    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_directory_stays_open_for_a_thread_that_still_writes_when_it_is_closed(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("open descriptors are read from /proc")
    table = MemberTable()
    table.append(b"a", Kind.FILE, 3, 0, b"", BLOCK_BYTES)
    os.mkfifo(tmp_path / "a")  # to open it takes until somebody reads it
    files = TargetFiles(os.fsencode(tmp_path), table, resumed=True)

    def write() -> None:
        with suppress(ModelsyncError):  # a pipe has no size
            files.write(0, 0, memoryview(b"abc"))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    wait_for(lambda: files._writers == 1, what="the write")
    files.close()
    assert _open_below(tmp_path)
    reader = os.open(tmp_path / "a", os.O_RDONLY | os.O_NONBLOCK)
    writer.join()
    os.close(reader)
    assert _open_below(tmp_path) == []
    with pytest.raises(StoreError, match="closed already"):
        files.write(0, 0, memoryview(b"abc"))


def _open_below(directory: Path) -> list[str]:
    names = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return [name for name in names if name.startswith(str(directory))]
