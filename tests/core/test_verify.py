"""Verify: a local version compared with a real registry's; nothing is written."""

import gzip
import io
import os
import shutil
import tarfile
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from modelsync.archive.differences import DifferenceKind as Kind
from modelsync.archive.differences import FileDifference
from modelsync.errors import (
    ArchiveError,
    LocalModelNotFoundError,
    RemoteChangedError,
    RemoteModelNotFoundError,
    SourceChangedError,
    TransferError,
)
from modelsync.http.transport import Transport
from modelsync.results import Verification
from modelsync.sync import Sides, push, verify
from modelsync.tag import Tag
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.data import DataClient
from modelsync.transfer.progress import Progress
from modelsync_registry.config import TransmissionStrategy
from support.local_store import read_tree, write_model
from support.pausing import PausedAtBlock
from support.registry_server import RegistryFactory, RegistryServer, model_path, put_object, register_model
from support.two_sides import SidesFactory
from support.waiting import when

TAG = Tag("iris", "v1")
MiB = 1 << 20
SIZE = 12 * MiB
WAYS = ["ours", "bentoml", "gzip", "proxy"]
"""How the version came into the registry, and how it is read from there."""

Shape = Callable[[str], tuple[Sides, Path]]


@pytest.fixture
def shape(make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path) -> Shape:
    """Puts iris:v1 into the store and, the same, into a registry in one of WAYS; gives the sides and the directory."""

    def make(way: str) -> tuple[Sides, Path]:
        server = make_registry(strategy=TransmissionStrategy.PROXY) if way == "proxy" else make_registry()
        sides = make_sides(server)
        model = model_in_store(tmp_path)
        if way in ("bentoml", "gzip"):
            register(server, bentoml_tar(model, "w:gz" if way == "gzip" else "w"))
        else:
            push(TAG, sides)
        return sides, model

    return make


def model_in_store(tmp_path: Path, size: int = SIZE) -> Path:
    model = write_model(
        tmp_path / "home",
        "iris:v1",
        files={"weights.bin": os.urandom(size), "sub/deep/config.json": b"{}", "empty": b"", "z.bin": os.urandom(999)},
    )
    (model / "run.sh").write_text("#!/bin/sh\n")
    (model / "run.sh").chmod(0o755)
    (model / "emptydir").mkdir()
    (model / "link").symlink_to("sub/deep/config.json")
    return model


def bentoml_tar(model: Path, mode: str = "w") -> bytes:
    """An archive as bentoml itself makes it (registry contract 4.2)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        tar.add(model, arcname="./")
    return buffer.getvalue()


def register(server: RegistryServer, archive: bytes, part: int = 8 * MiB) -> None:
    register_model(server.api, "iris", "v1", size_bytes=SIZE)
    put_object(server.api, model_path("iris", "v1"), [archive[at : at + part] for at in range(0, len(archive), part)])


def found(result: Verification) -> dict[str, Kind]:
    assert not result.equal
    assert not result.verified
    return {difference.name: difference.kind for difference in result.differences}


def flip(path: Path, at: int) -> None:
    """Changes one byte and nothing else that a directory listing would tell."""
    facts = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(facts.st_mtime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize("way", WAYS)
def test_the_same_version_is_verified_byte_for_byte(way: str, shape: Shape) -> None:
    sides, model = shape(way)
    result = verify(TAG, sides)
    assert (result.equal, result.verified, result.quick, result.differences) == (True, True, False, ())
    assert result.files == 6
    assert result.bytes_compared == sum(len(data) for data in read_tree(model).values()) - len(b"{}")  # the link's


@pytest.mark.parametrize("way", WAYS)
def test_one_other_byte_in_the_middle_of_a_big_file_is_found(way: str, shape: Shape) -> None:
    sides, model = shape(way)
    flip(model / "weights.bin", SIZE // 2 + 3)
    assert found(verify(TAG, sides)) == {"weights.bin": Kind.BYTES}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("quick", [False, True], ids=["full", "quick"])
def test_every_difference_is_named_with_its_kind(way: str, quick: bool, shape: Shape) -> None:
    sides, model = shape(way)
    with (model / "weights.bin").open("ab") as file:
        file.write(b"more")
    (model / "sub/deep/config.json").unlink()
    (model / "extra.txt").write_text("mine")
    (model / "run.sh").chmod(0o644)
    (model / "emptydir").rmdir()
    (model / "newdir").mkdir()
    (model / "link").unlink()
    (model / "link").symlink_to("elsewhere")
    (model / "empty").unlink()
    (model / "empty").mkdir()
    assert found(verify(TAG, sides, quick=quick)) == {
        "weights.bin": Kind.SIZE,
        "sub/deep/config.json": Kind.ONLY_REMOTE,
        "extra.txt": Kind.ONLY_LOCAL,
        "run.sh": Kind.EXECUTABLE,
        "emptydir/": Kind.ONLY_REMOTE,
        "newdir/": Kind.ONLY_LOCAL,
        "link": Kind.LINK,
        "empty": Kind.TYPE,
    }


def test_the_model_file_counts_like_any_other(shape: Shape) -> None:
    sides, model = shape("ours")
    text = (model / "model.yaml").read_text()
    (model / "model.yaml").write_text(text.replace("labels: {}", "labels: {a: b}"))
    assert found(verify(TAG, sides)) == {"model.yaml": Kind.SIZE}


@pytest.mark.parametrize("way", WAYS)
def test_a_quick_comparison_is_never_called_verified(way: str, shape: Shape) -> None:
    sides, model = shape(way)
    flip(model / "weights.bin", 5)
    result = verify(TAG, sides, quick=True)
    assert (result.equal, result.verified, result.quick) == (True, False, True)
    assert (result.files, result.bytes_compared) == (6, 0)


@pytest.mark.parametrize(("way", "at_most"), [("ours", MiB), ("bentoml", MiB + 256 * 1024)])
def test_a_quick_comparison_fetches_little(way: str, at_most: int, shape: Shape) -> None:
    sides, _ = shape(way)
    progress = Progress()
    verify(TAG, sides, quick=True, progress=progress)
    assert progress.bytes_moved <= at_most


@pytest.mark.parametrize("way", ["ours", "bentoml"])
@pytest.mark.parametrize("quick", [False, True], ids=["full", "quick"])
def test_two_thousand_small_files_are_compared(
    way: str, quick: bool, registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    files = {f"d{number % 7}/f{number:04}.bin": os.urandom(3000 + number) for number in range(2000)}
    model = write_model(tmp_path / "home", "iris:v1", files=files)
    sides = make_sides(registry_server, threads=8)
    if way == "bentoml":
        register(registry_server, bentoml_tar(model))
    else:
        push(TAG, sides)
    result = verify(TAG, sides, quick=quick)
    assert (result.equal, result.verified, result.files) == (True, not quick, 2001)
    flip(model / "d3/f1004.bin", 2000)
    (model / "d4/f0004.bin").write_bytes(b"short")
    (model / "d1/f1996.bin").unlink()
    differs = {"d4/f0004.bin": Kind.SIZE, "d1/f1996.bin": Kind.ONLY_REMOTE}
    expected = differs if quick else {**differs, "d3/f1004.bin": Kind.BYTES}
    assert found(verify(TAG, sides, quick=quick)) == expected


class Counted(httpx.BaseTransport):
    """Passes requests on, and knows which ranges were asked for."""

    def __init__(self) -> None:
        self._inner = Transport()
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.headers["Range"])
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def test_small_files_of_an_archive_of_bentoml_are_asked_for_together(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    files = {f"f{number:04}.bin": os.urandom(3000) for number in range(3000)}
    register(registry_server, bentoml_tar(write_model(tmp_path / "home", "iris:v1", files=files)))
    counted = Counted()
    with closing(DataClient(transport=counted)) as data:
        assert verify(TAG, replace(make_sides(registry_server, threads=1), data=data)).verified
    first, *others = counted.asked
    assert first == f"bytes=0-{MiB - 1}"
    assert len(others) == 1  # all that one thread may ask for while no member beyond the first MiB is known


@pytest.mark.parametrize("quick", [False, True], ids=["full", "quick"])
def test_an_archive_of_bentoml_is_compared_through_the_registry_itself(
    quick: bool, make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = make_registry(strategy=TransmissionStrategy.PROXY)
    model = model_in_store(tmp_path)
    sides = make_sides(server)
    register(server, bentoml_tar(model))
    assert verify(TAG, sides, quick=quick).equal
    (model / "z.bin").unlink()
    assert found(verify(TAG, sides, quick=quick)) == {"z.bin": Kind.ONLY_REMOTE}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_written_to_disk(way: str, shape: Shape, tmp_path: Path) -> None:
    sides, _ = shape(way)
    before = everything_below(tmp_path)
    verify(TAG, sides)
    verify(TAG, sides, quick=True)
    assert everything_below(tmp_path) == before


def everything_below(directory: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in directory.rglob("*")}


@pytest.mark.parametrize("way", WAYS)
def test_memory_does_not_grow_with_the_model(
    way: str, make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    size = 96 * MiB
    server = make_registry(strategy=TransmissionStrategy.PROXY) if way == "proxy" else make_registry()
    sides = make_sides(server, threads=4)
    model = model_in_store(tmp_path, size)
    if way in ("bentoml", "gzip"):
        archive = bentoml_tar(model)
        register(server, gzip.compress(archive, 1) if way == "gzip" else archive)
        del archive
    else:
        push(TAG, sides)
    tracemalloc.start()
    try:
        assert verify(TAG, sides).verified
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size / 2  # the registry's own buffers, in this process, included


def test_no_local_file_stays_open(shape: Shape) -> None:
    sides, model = shape("ours")
    verify(TAG, sides)
    assert not open_below(model)


def open_below(directory: Path) -> list[str]:
    open_files = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return [name for name in open_files if name.startswith(str(directory))]


def test_a_hard_link_of_the_archive_is_compared_with_what_it_links_to(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "home", "iris:v1", files={"a.bin": os.urandom(MiB)})
    (model / "b.bin").hardlink_to(model / "a.bin")
    register(registry_server, bentoml_tar(model))
    sides = make_sides(registry_server)
    assert verify(TAG, sides).verified
    (model / "b.bin").unlink()
    shutil.copy2(model / "a.bin", model / "b.bin")
    assert verify(TAG, sides).verified
    flip(model / "b.bin", 1000)
    assert found(verify(TAG, sides)) == {"b.bin": Kind.BYTES}
    flip(model / "a.bin", 1000)
    assert found(verify(TAG, sides)) == {"a.bin": Kind.BYTES, "b.bin": Kind.BYTES}


def test_a_version_that_one_side_lacks_is_not_found(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    sides = make_sides(registry_server)
    with pytest.raises(LocalModelNotFoundError, match="iris:v1"):
        verify(TAG, sides)
    write_model(tmp_path / "home", "iris:v1")
    with pytest.raises(RemoteModelNotFoundError, match="iris:v1"):
        verify(TAG, sides)


def test_a_version_whose_upload_never_ended_cannot_be_compared(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    write_model(tmp_path / "home", "iris:v1")
    register_model(registry_server.api, "iris", "v1")
    with pytest.raises(TransferError, match="its upload has not begun"):
        verify(TAG, make_sides(registry_server))


@pytest.mark.parametrize("quick", [False, True], ids=["full", "quick"])
@pytest.mark.parametrize("cut", [0.5, 0.9999])
def test_a_cut_archive_is_damage_and_no_difference(
    cut: float, quick: bool, registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    archive = bentoml_tar(model_in_store(tmp_path)).rstrip(b"\0")
    register(registry_server, archive[: int(len(archive) * cut) // 512 * 512])
    with pytest.raises(ArchiveError):
        verify(TAG, make_sides(registry_server), quick=quick)


def test_an_object_that_is_replaced_while_it_is_compared_is_told(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = model_in_store(tmp_path, 40 * MiB)
    sides = make_sides(registry_server, threads=1)
    push(TAG, sides)
    sides.workers.bandwidth.limit = 8 * MiB
    progress = Progress()

    def replace() -> None:
        put_object(registry_server.api, model_path("iris", "v1"), [bentoml_tar(model)])
        sides.workers.bandwidth.limit = None

    when(lambda: progress.bytes_moved > 2 * MiB, replace)
    with pytest.raises(RemoteChangedError):
        verify(TAG, sides, progress=progress)


@pytest.mark.parametrize("how", ["written", "removed"])
def test_a_local_file_that_changes_meanwhile_is_told_by_name(
    how: str, registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = model_in_store(tmp_path, 40 * MiB)
    sides = make_sides(registry_server, threads=1)
    push(TAG, sides)
    sides.workers.bandwidth.limit = 8 * MiB
    progress = Progress()

    def change() -> None:
        if how == "written":
            with (model / "weights.bin").open("r+b") as file:
                file.write(b"now")
        else:
            (model / "z.bin").unlink()
        sides.workers.bandwidth.limit = None

    when(lambda: progress.bytes_moved > 2 * MiB, change)
    with pytest.raises(SourceChangedError, match="weights.bin" if how == "written" else "z.bin"):
        verify(TAG, sides, progress=progress)


def test_a_comparison_can_be_cancelled(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model_in_store(tmp_path, 40 * MiB)
    sides = make_sides(registry_server)
    push(TAG, sides)
    sides.workers.bandwidth.limit = 4 * MiB
    control, progress = Control(), Progress()
    when(lambda: progress.bytes_moved > 2 * MiB, control.pause)
    with pytest.raises(Paused):
        verify(TAG, sides, control=control, progress=progress)


def test_a_pause_does_not_wait_until_hard_links_are_compared(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "home", "iris:v1", files={"a.bin": os.urandom(2 * MiB)})
    (model / "b.bin").hardlink_to(model / "a.bin")
    register(registry_server, bentoml_tar(model))
    (model / "b.bin").unlink()
    shutil.copy2(model / "a.bin", model / "b.bin")
    progress = Progress()
    with pytest.raises(Paused):
        verify(TAG, make_sides(registry_server), control=PausedAtBlock(progress, 2), progress=progress)
    assert not open_below(model)


def test_a_name_that_is_not_utf8_is_compared_and_shown(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "home", "iris:v1", files={"a": b"a"})
    odd = os.fsencode(model) + b"/odd\xff.bin"
    with open(odd, "wb") as file:  # noqa: PTH123 - pathlib takes no bytes
        file.write(b"odd")
    sides = make_sides(registry_server)
    push(TAG, sides)
    assert verify(TAG, sides).verified
    os.unlink(odd)  # noqa: PTH108
    assert verify(TAG, sides).differences == (FileDifference("odd\\xff.bin", Kind.ONLY_REMOTE),)
