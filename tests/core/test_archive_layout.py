"""A directory as an archive that is never written to disk."""

import io
import os
import random
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelsync.archive.layout import ArchiveLayout
from modelsync.errors import SourceChangedError, StoreError
from modelsync.http.extents import FileExtent
from support.archives import RECORD, files_of, pieces, sample_model, tree, unpack_in_order, whole


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return sample_model(tmp_path / "model")


@pytest.mark.parametrize("index", [True, False])
def test_python_reads_the_archive_back_byte_for_byte(model: Path, tmp_path: Path, index: bool) -> None:
    data = whole(ArchiveLayout.of(model, index=index))

    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(tmp_path / "out", filter="tar")

    assert files_of(tmp_path / "out") == files_of(model)
    assert (tmp_path / "out" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out" / "link").readlink() == Path("sub/deep/x.txt")
    assert abs((tmp_path / "out" / "weights.bin").stat().st_mtime - (model / "weights.bin").stat().st_mtime) < 1e-5


@pytest.mark.parametrize("index", [True, False])
def test_gnu_tar_reads_the_archive_back_byte_for_byte(model: Path, tmp_path: Path, index: bool) -> None:
    (tmp_path / "a.tar").write_bytes(whole(ArchiveLayout.of(model, index=index)))
    (tmp_path / "out").mkdir()

    listed = subprocess.run(["tar", "tf", tmp_path / "a.tar"], check=True, capture_output=True)
    subprocess.run(["tar", "xf", tmp_path / "a.tar", "-C", tmp_path / "out"], check=True, capture_output=True)

    assert listed.stdout.splitlines()[0] == b"./"
    assert tree(tmp_path / "out") == tree(model)


@pytest.mark.parametrize("index", [True, False])
def test_the_real_client_reads_the_archive_back(model: Path, tmp_path: Path, index: bool) -> None:
    (model / os.fsdecode(b"not-utf8-\xff")).write_bytes(b"bytes")
    (tmp_path / "a.tar").write_bytes(whole(ArchiveLayout.of(model, index=index)))
    script = (
        "import sys, tarfile; from bentoml._internal.utils.filesystem import safe_extract_tarfile as extract\n"
        "with tarfile.open(sys.argv[1], mode='r') as tar: extract(tar, sys.argv[2])"
    )

    subprocess.run([sys.executable, "-c", script, tmp_path / "a.tar", tmp_path / "out"], check=True)

    assert files_of(tmp_path / "out") == files_of(model)
    assert (tmp_path / "out" / "emptydir").is_dir()


def test_the_archive_has_the_shape_of_the_real_clients(model: Path) -> None:
    real = io.BytesIO()
    with tarfile.open(fileobj=real, mode="w:") as tar:
        tar.add(model, arcname="./")
    real.seek(0)

    with tarfile.open(fileobj=real) as theirs, tarfile.open(fileobj=io.BytesIO(whole(ArchiveLayout.of(model)))) as ours:
        told = [(m.name, m.type, m.size, m.linkname) for m in theirs]
        assert [(m.name, m.type, m.size, m.linkname) for m in ours] == told


def test_the_archive_does_not_tell_who_made_it(model: Path) -> None:
    (model / "weights.bin").chmod(0o600)

    with tarfile.open(fileobj=io.BytesIO(whole(ArchiveLayout.of(model)))) as tar:
        members = tar.getmembers()

    assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}
    assert {m.mode for m in members if m.isreg()} == {0o644, 0o755}


def test_the_same_directory_gives_the_same_bytes_and_a_whole_number_of_records(model: Path) -> None:
    first, second = ArchiveLayout.of(model), ArchiveLayout.of(model)

    assert whole(first) == whole(second)
    assert first.fingerprint() == second.fingerprint()
    assert first.size_bytes % RECORD == 0
    assert first.files == len(files_of(model))
    assert first.content_bytes == sum(map(len, files_of(model).values()))


def test_any_piece_reads_the_same_as_the_whole(model: Path) -> None:
    layout = ArchiveLayout.of(model)
    data = whole(layout)
    rng = random.Random(3)

    with layout.open() as reader:
        for start, end in rng.sample(cuts := pieces(rng, len(data), 300), len(cuts)):
            piece = bytearray(end - start)
            assert reader.read_into(start, memoryview(piece)) == end - start
            assert piece == data[start:end]


def test_reading_stops_where_the_archive_ends(model: Path) -> None:
    layout = ArchiveLayout.of(model)
    buffer = memoryview(bytearray(1000))

    with layout.open() as reader:
        assert reader.read_into(layout.size_bytes - 10, buffer) == 10
        assert reader.read_into(layout.size_bytes, buffer) == 0


@pytest.mark.parametrize("file_from_bytes", [1, 2000, 1 << 30])
def test_pieces_are_the_same_bytes_and_only_long_files_go_by_themselves(model: Path, file_from_bytes: int) -> None:
    layout = ArchiveLayout.of(model)
    expected, data = whole(layout), b""
    buffer = memoryview(bytearray(700))

    with layout.open() as reader:
        for start in range(0, layout.size_bytes, 3000):
            length = min(3000, layout.size_bytes - start)
            for piece in reader.pieces(start, length, buffer, file_from_bytes):
                match piece:
                    case FileExtent(fd, offset, length):
                        assert length >= file_from_bytes
                        data += os.pread(fd, length, offset)
                    case memoryview():
                        data += piece

    assert data == expected


def test_small_files_become_few_pieces(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number}.bin").write_bytes(os.urandom(100))
    layout = ArchiveLayout.of(tmp_path)
    with layout.open() as reader:
        buffer = memoryview(bytearray(layout.size_bytes))
        assert len(list(reader.pieces(0, layout.size_bytes, buffer, 1000))) == 1


def test_a_hard_link_travels_as_a_file_of_its_own(model: Path) -> None:
    (model / "twin.bin").hardlink_to(model / "weights.bin")

    with tarfile.open(fileobj=io.BytesIO(whole(ArchiveLayout.of(model)))) as tar:
        assert tar.getmember("./twin.bin").isreg()
        assert tar.getmember("./twin.bin").size == tar.getmember("./weights.bin").size


def test_a_file_that_grows_or_shrinks_or_goes_is_named(model: Path) -> None:
    layout = ArchiveLayout.of(model)
    path = model / "weights.bin"
    original = path.read_bytes()

    for content in (original + b"more", original[:-1], None):
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(SourceChangedError, match=r"weights\.bin"):
            whole(layout)
        assert layout.changed() == path


@pytest.mark.parametrize("name", ["weights.bin", "sub/deep/x.txt"])
@pytest.mark.parametrize("becomes", [os.mkfifo, lambda path: Path(path).symlink_to("model.yaml"), os.mkdir])
def test_a_file_that_becomes_something_else_is_named_and_not_waited_for(
    model: Path, name: str, becomes: Callable[[Path], object]
) -> None:
    layout = ArchiveLayout.of(model)
    (model / name).unlink()
    becomes(model / name)

    with pytest.raises(SourceChangedError, match=name.rpartition("/")[2]):
        whole(layout)
    with layout.open() as reader, pytest.raises(SourceChangedError):
        list(reader.pieces(0, layout.size_bytes, memoryview(bytearray(1 << 20)), 1 << 30))


def test_a_file_that_shrinks_while_it_is_open_is_named(model: Path) -> None:
    layout = ArchiveLayout.of(model)
    buffer = memoryview(bytearray(1000))
    with tarfile.open(fileobj=io.BytesIO(whole(layout))) as tar:
        start = tar.getmember("./weights.bin").offset_data

    with layout.open() as reader:
        reader.read_into(start, buffer)
        os.truncate(model / "weights.bin", 500)
        with pytest.raises(SourceChangedError, match=r"weights\.bin"):
            reader.read_into(start + 1000, buffer)


@pytest.mark.parametrize("content", [b"y" * 1000, b"y" * 999, b"y" * 1001, b"", None])
def test_of_a_small_file_that_changed_no_byte_is_handed_out(model: Path, content: bytes | None) -> None:
    layout = ArchiveLayout.of(model)
    path = model / "sub" / "deep" / "x.txt"
    path.unlink()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    with layout.open() as reader:
        handed = reader.pieces(0, layout.size_bytes, memoryview(bytearray(2000)), 1 << 30)
        with pytest.raises(SourceChangedError, match=r"x\.txt"):
            assert not any(b"yyy" in bytes(piece) for piece in handed if isinstance(piece, memoryview))


def test_a_file_rewritten_with_the_same_size_is_named_at_the_end(model: Path) -> None:
    layout = ArchiveLayout.of(model)
    assert layout.changed() is None

    (model / "sub" / "deep" / "x.txt").write_bytes(b"y" * 1000)

    assert layout.changed() == model / "sub" / "deep" / "x.txt"
    assert ArchiveLayout.of(model).fingerprint() != layout.fingerprint()


def test_what_cannot_travel_is_refused_by_name(model: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    for name, target in {
        "pipe": None,
        "absolute": "/etc/passwd",
        "climbing": "../outside",
        "inside-but-absolute": str(model / "model.yaml"),
    }.items():
        if target is None:
            os.mkfifo(model / name)
        else:
            (model / name).symlink_to(target)
        with pytest.raises(StoreError, match=name):
            ArchiveLayout.of(model)
        (model / name).unlink()


def test_a_socket_is_refused_by_name(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("sock")
        with pytest.raises(StoreError, match="sock"):
            ArchiveLayout.of(model)


def test_a_link_that_leaves_by_way_of_another_is_refused(model: Path) -> None:
    (model / "sub" / "self").symlink_to("..")
    (model / "out").symlink_to("sub/self/../..")

    with pytest.raises(StoreError, match="out"):
        ArchiveLayout.of(model)


def test_a_missing_directory_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere"):
        ArchiveLayout.of(tmp_path / "nowhere")


@pytest.mark.parametrize("mtime_ns", [0, -1, -1_500_000_000, 10**9, 10**18 + 1, 8**11 * 10**9])
def test_any_time_survives(tmp_path: Path, mtime_ns: int) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "f").write_bytes(b"1")
    os.utime(tmp_path / "m" / "f", ns=(mtime_ns, mtime_ns))
    kept = (tmp_path / "m" / "f").stat().st_mtime_ns  # a file system may know fewer times than we

    with tarfile.open(fileobj=io.BytesIO(whole(ArchiveLayout.of(tmp_path / "m")))) as tar:
        assert tar.getmember("./f").mtime == pytest.approx(kept / 1e9, abs=1e-6)


def test_a_hundred_gibibytes_are_laid_out_at_once_and_read_anywhere(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    size = 100 << 30
    with (tmp_path / "m" / "huge.bin").open("wb") as file:
        file.truncate(size)
        file.seek(size - 4)
        file.write(b"tail")
    (tmp_path / "m" / "zlast").write_bytes(b"end")

    began = time.monotonic()
    layout = ArchiveLayout.of(tmp_path / "m")
    assert time.monotonic() - began < 5
    head = memoryview(bytearray(10_240))
    with layout.open() as reader:
        reader.read_into(0, head)
        with tarfile.open(fileobj=io.BytesIO(bytes(head))) as tar:
            root, huge = tar.next(), tar.next()
            assert root is not None
            assert huge is not None
            assert huge.size == size
            at = huge.offset_data + size - 4
        last = memoryview(bytearray(4))
        reader.read_into(at, last)
    assert bytes(last) == b"tail"


def test_a_hundred_thousand_files_are_laid_out_in_little_memory(tmp_path: Path) -> None:
    # One file under 100,000 names costs the disk little; each is laid out as a file of its own.
    model = tmp_path / "m"
    for group in range(100):
        directory = model / f"group-{group:03d}"
        directory.mkdir(parents=True)
        (directory / "weights-00000-of-01000.bin").write_bytes(b"w")
        for number in range(1, 1000):
            os.link(directory / "weights-00000-of-01000.bin", directory / f"weights-{number:05d}-of-01000.bin")
    script = (
        "import resource, sys; from pathlib import Path; from modelsync.archive.layout import ArchiveLayout\n"
        "peak = lambda: int(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])\n"
        "before = peak(); layout = ArchiveLayout.of(Path(sys.argv[1])); print(layout.files, peak() - before)"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")

    told = subprocess.run([sys.executable, "-c", script, model], check=True, capture_output=True, text=True).stdout

    files, kib = map(int, told.split())
    assert files == 100_000
    assert kib < 24 * 1024


def test_more_levels_than_are_unpacked_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    deepest = tmp_path
    for _ in range(500):
        deepest /= "a"
        deepest.mkdir()
    (deepest / "model.yaml").touch()
    unpack_in_order(tmp_path / "b", whole(ArchiveLayout.of(tmp_path)))
    (deepest / "a").mkdir()

    with pytest.raises(StoreError, match="500 directories") as caught:
        ArchiveLayout.of(tmp_path)
    assert caught.value.hint
