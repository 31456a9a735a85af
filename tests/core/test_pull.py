"""Pull: one version of a real registry into a local store."""

import gzip
import io
import os
import stat
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from modelsync.errors import (
    ArchiveError,
    Cancelled,
    IntegrityError,
    NoSpaceError,
    RemoteChangedError,
    RemoteModelNotFoundError,
    StoreError,
    StoreLockedError,
    TransferError,
    UnsafeArchiveError,
)
from modelsync.results import Outcome
from modelsync.sync import Sides, pull, push, resolve_remote
from modelsync.tag import Tag, TagReference
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.progress import Phase, Progress
from modelsync_registry.config import TransmissionStrategy
from support.local_store import fill_model, model_yaml, read_tree, write_model
from support.pausing import PausedAtBlock
from support.registry_server import (
    RegistryFactory,
    RegistryServer,
    json_of,
    model_path,
    put_object,
    register_model,
)
from support.two_sides import SidesFactory
from support.waiting import wait_for

TAG = Tag("iris", "v1")
MiB = 1 << 20


def pushed(make_sides: SidesFactory, server: RegistryServer, tmp_path: Path, size: int = 20 * MiB) -> Path:
    """Pushes iris:v1 from another store and returns its directory there."""
    model = write_model(
        tmp_path / "author",
        "iris:v1",
        files={"weights.bin": os.urandom(size), "sub/deep/config.json": b"{}", "empty": b""},
    )
    (model / "run.sh").write_text("#!/bin/sh\n")
    (model / "run.sh").chmod(0o755)
    (model / "emptydir").mkdir()
    push(TAG, make_sides(server, "author"))
    return model


def registered(server: RegistryServer, archive: bytes, part: int = 64 * 1024, size_bytes: int = 0) -> None:
    """Puts these very bytes into the registry as iris:v1."""
    register_model(server.api, "iris", "v1", size_bytes=size_bytes)
    put_object(server.api, model_path("iris", "v1"), [archive[at : at + part] for at in range(0, len(archive), part)])


def bentoml_tar(tmp_path: Path, mode: str = "w", tag: str = "iris:v1", files: dict[str, bytes] | None = None) -> bytes:
    """An archive as bentoml itself makes it (registry contract 4.2)."""
    directory = tmp_path / "made"
    fill_model(directory, tag, files=files or {"weights.bin": os.urandom(3 * MiB), "a.txt": b"a"})
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
        tar.add(directory, arcname="./")
    return buffer.getvalue()


def hostile_tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        content = model_yaml("iris:v1").encode()
        info = tarfile.TarInfo("model.yaml")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


def nothing_is_left(sides: Sides) -> bool:
    """No version, no name, no stage."""
    models = sides.store.models_dir
    staged = [path for path in sides.store.stage_root.rglob("*") if path.is_file() and "lock" not in str(path)]
    return not (models.is_dir() and any(models.iterdir())) and not staged


@pytest.mark.parametrize("strategy", [*TransmissionStrategy, None])
def test_a_version_arrives_byte_for_byte_by_every_strategy(
    strategy: TransmissionStrategy | None, make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = make_registry(strategy=strategy)
    model = pushed(make_sides, server, tmp_path)
    sides = make_sides(server)
    result = pull(TAG, sides)
    assert (result.outcome, result.retries) == (Outcome.PULLED, 0)
    assert result.bytes_moved >= result.bytes_total > 20 * MiB
    assert read_tree(result.path) == read_tree(model)
    assert (result.path / "emptydir").is_dir()
    assert sides.store.resolve(TagReference("iris", None)).tag == TAG


def test_modes_follow_the_umask_and_keep_what_is_executable(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = pushed(make_sides, registry_server, tmp_path, MiB)
    (model / "weights.bin").chmod(0o666)
    before = os.umask(0o027)
    try:
        path = pull(TAG, make_sides(registry_server)).path
    finally:
        os.umask(before)
    assert stat.S_IMODE((path / "run.sh").stat().st_mode) == 0o750
    assert stat.S_IMODE((path / "weights.bin").stat().st_mode) == 0o640
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert (path / "weights.bin").stat().st_mtime_ns == (model / "weights.bin").stat().st_mtime_ns


def test_a_second_pull_fetches_nothing_and_says_so(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    pushed(make_sides, registry_server, tmp_path, MiB)
    sides = make_sides(registry_server)
    pull(TAG, sides)
    result = pull(TAG, sides)
    assert result.outcome is Outcome.SKIPPED
    assert result.reason == "already there (same size and build time)"
    assert result.bytes_moved == 0


def test_a_local_version_that_differs_is_left_alone_without_force_and_replaced_with_it(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = pushed(make_sides, registry_server, tmp_path, MiB)
    sides = make_sides(registry_server)
    mine = write_model(tmp_path / "home", "iris:v1", files={"mine.txt": b"mine"})
    result = pull(TAG, sides)
    assert (result.outcome, result.reason, result.differs) == (Outcome.SKIPPED, "differs", True)
    assert (mine / "mine.txt").read_bytes() == b"mine"
    assert pull(TAG, sides, force=True).outcome is Outcome.PULLED
    assert read_tree(mine) == read_tree(model)


def test_a_failed_force_pull_leaves_the_old_version(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    archive = bentoml_tar(tmp_path)
    registered(registry_server, archive[: len(archive) // 2])
    sides = make_sides(registry_server)
    mine = write_model(tmp_path / "home", "iris:v1", files={"mine.txt": b"mine"})
    before = read_tree(mine)
    with pytest.raises(ArchiveError):
        pull(TAG, sides, force=True)
    assert read_tree(mine) == before
    assert not list(sides.store.stage_root.rglob("*.bin"))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_an_archive_of_bentoml_is_read_compressed_or_not(
    mode: str, registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    registered(registry_server, bentoml_tar(tmp_path, mode))
    path = pull(TAG, make_sides(registry_server)).path
    assert read_tree(path) == read_tree(tmp_path / "made")


def test_many_small_files_without_an_index_arrive_in_parallel_ranges(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    files = {f"f{number:03}.bin": os.urandom(100_000 + number) for number in range(250)}
    registered(registry_server, bentoml_tar(tmp_path, files=files), part=8 * MiB)
    progress = Progress()
    path = pull(TAG, make_sides(registry_server, threads=8), progress=progress).path
    assert len(progress.snapshot().parts) > 3
    assert read_tree(path) == read_tree(tmp_path / "made")


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.999])
def test_a_truncated_archive_is_refused_and_nothing_is_installed(
    cut: float, registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    archive = bentoml_tar(tmp_path)
    registered(registry_server, archive[: int(len(archive) * cut)])
    sides = make_sides(registry_server)
    with pytest.raises(ArchiveError):
        pull(TAG, sides)
    assert nothing_is_left(sides)


def test_a_proxy_download_that_ends_in_an_error_is_refused_and_nothing_is_installed(
    make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = make_registry(strategy=TransmissionStrategy.PROXY)
    pushed(make_sides, server, tmp_path, 2 * MiB)
    server.faults.cut_download_after = MiB
    sides = make_sides(server)
    with pytest.raises(IntegrityError):
        pull(TAG, sides)
    assert nothing_is_left(sides)


def test_an_archive_of_another_model_is_refused(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    registered(registry_server, bentoml_tar(tmp_path, tag="other:v7"))
    sides = make_sides(registry_server)
    with pytest.raises(ArchiveError, match="other:v7"):
        pull(TAG, sides)
    assert nothing_is_left(sides)


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (member("/etc/passwd"), "/etc/passwd"),
        (member("../escape"), "escape"),
        (member("link", tarfile.SYMTYPE, "/etc/passwd"), "link"),
        (member("link", tarfile.SYMTYPE, "../../x"), "link"),
        (member("disk", tarfile.BLKTYPE), "disk"),
        (member("pipe", tarfile.FIFOTYPE), "pipe"),
        (member("model.yaml"), "model.yaml"),
    ],
    ids=["absolute", "dot-dot", "link out", "relative link out", "device", "pipe", "twice"],
)
def test_an_unsafe_member_is_refused_by_name(
    bad: tarfile.TarInfo, named: str, registry_server: RegistryServer, make_sides: SidesFactory
) -> None:
    registered(registry_server, hostile_tar((bad, b"")))
    sides = make_sides(registry_server)
    with pytest.raises(UnsafeArchiveError, match=named):
        pull(TAG, sides)
    assert nothing_is_left(sides)


def test_an_unknown_version_is_not_found(registry_server: RegistryServer, make_sides: SidesFactory) -> None:
    with pytest.raises(RemoteModelNotFoundError, match="iris:v1"):
        pull(TAG, make_sides(registry_server))


def test_a_version_whose_upload_failed_is_not_pulled(registry_server: RegistryServer, make_sides: SidesFactory) -> None:
    path = register_model(registry_server.api, "iris", "v1")
    json_of(registry_server.api.patch(f"{path}/finish_upload", json={"status": "failed", "reason": "out of coffee"}))
    with pytest.raises(TransferError, match="failed: out of coffee"):
        pull(TAG, make_sides(registry_server))


def test_a_version_without_content_is_told_apart(registry_server: RegistryServer, make_sides: SidesFactory) -> None:
    path = register_model(registry_server.api, "iris", "v1")
    json_of(registry_server.api.patch(f"{path}/finish_upload", json={"status": "success", "reason": ""}))
    with pytest.raises(RemoteModelNotFoundError, match="no content"):
        pull(TAG, make_sides(registry_server))


def test_a_model_that_does_not_fit_is_refused_before_a_byte_is_fetched(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    registered(registry_server, bentoml_tar(tmp_path), size_bytes=1 << 60)
    progress = Progress()
    with pytest.raises(NoSpaceError, match=r"with 64 MiB to spare, and the store's disk has .+ free"):
        pull(TAG, make_sides(registry_server), progress=progress)
    assert progress.bytes_moved == 0


def test_latest_is_the_newest_build_that_was_uploaded_whole(
    registry_server: RegistryServer, make_sides: SidesFactory
) -> None:
    for version, built, status in (
        ("old", "2026-01-01 00:00:00.000000", "success"),
        ("good", "2026-03-01 00:00:00.000000", "success"),
        ("broken", "2026-05-01 00:00:00.000000", "failed"),
    ):
        path = register_model(registry_server.api, "iris", version, build_at=built)
        json_of(registry_server.api.patch(f"{path}/finish_upload", json={"status": status, "reason": ""}))
    sides = make_sides(registry_server)
    assert resolve_remote(TagReference("iris", None), sides.registry) == Tag("iris", "good")
    with pytest.raises(RemoteModelNotFoundError):
        resolve_remote(TagReference("nothing", None), sides.registry)


def test_a_cancelled_pull_leaves_nothing(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    pushed(make_sides, registry_server, tmp_path)
    sides = make_sides(registry_server)
    sides.workers.bandwidth.limit = 4 * MiB
    control, progress = Control(), Progress()
    when(lambda: progress.bytes_moved > 2 * MiB, control.cancel)
    with pytest.raises(Cancelled):
        pull(TAG, sides, control=control, progress=progress)
    assert nothing_is_left(sides)


def test_an_object_that_is_replaced_while_it_is_read_is_not_mixed(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    pushed(make_sides, registry_server, tmp_path, 40 * MiB)
    sides = make_sides(registry_server, threads=1)
    sides.workers.bandwidth.limit = 8 * MiB
    progress = Progress()

    def replace() -> None:
        put_object(registry_server.api, model_path("iris", "v1"), [bentoml_tar(tmp_path)])
        sides.workers.bandwidth.limit = None

    when(lambda: progress.bytes_moved > 2 * MiB, replace)
    with pytest.raises(RemoteChangedError):
        pull(TAG, sides, progress=progress)
    assert nothing_is_left(sides)


def test_a_version_that_someone_else_makes_meanwhile_is_not_replaced_without_force(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    pushed(make_sides, registry_server, tmp_path)
    sides = make_sides(registry_server)
    progress = Progress()
    sides.workers.bandwidth.limit = 8 * MiB
    mine = tmp_path / "home/models/iris/v1"

    def make() -> None:
        write_model(tmp_path / "home", "iris:v1", files={"mine.txt": b"mine"})
        sides.workers.bandwidth.limit = None

    when(lambda: progress.bytes_moved > 2 * MiB, make)
    with pytest.raises(StoreError, match="meanwhile"):
        pull(TAG, sides, progress=progress)
    assert (mine / "mine.txt").read_bytes() == b"mine"


def test_two_processes_do_not_work_on_one_version_and_the_second_is_told_who_does(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    pushed(make_sides, registry_server, tmp_path, MiB)
    sides = make_sides(registry_server)
    with sides.store.new_stage(TAG), pytest.raises(StoreLockedError, match=str(os.getpid())):
        pull(TAG, sides)
    assert pull(TAG, sides).outcome is Outcome.PULLED


def test_a_record_older_than_its_content_is_a_warning(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    registered(registry_server, bentoml_tar(tmp_path), size_bytes=7)
    result = pull(TAG, make_sides(registry_server))
    assert result.outcome is Outcome.PULLED
    assert "record" in result.warnings[0]


def test_the_token_never_reaches_the_object_store(
    registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path
) -> None:
    """Our registry's object store answers 400 to a request that carries a token, as AWS does."""
    pushed(make_sides, registry_server, tmp_path, MiB)
    assert pull(TAG, make_sides(registry_server)).outcome is Outcome.PULLED
    url = json_of(registry_server.api.patch(model_path("iris", "v1") + "/presign_download_url"))
    leaky = httpx.get(str(url["presigned_download_url"]), headers={"X-YATAI-API-TOKEN": "t"}, trust_env=False)
    assert leaky.status_code == 400


def test_progress_ends_at_the_whole(registry_server: RegistryServer, make_sides: SidesFactory, tmp_path: Path) -> None:
    pushed(make_sides, registry_server, tmp_path)
    progress = Progress()
    result = pull(TAG, make_sides(registry_server), progress=progress)
    snapshot = progress.snapshot()
    assert snapshot.phase is Phase.DONE
    assert snapshot.bytes_done == snapshot.bytes_total == result.bytes_total == result.bytes_moved


def when(condition: Callable[[], object], act: Callable[[], object]) -> None:
    def watch() -> None:
        wait_for(condition)
        act()

    threading.Thread(target=watch, daemon=True).start()


def test_a_gzip_bomb_is_refused(registry_server: RegistryServer, make_sides: SidesFactory) -> None:
    registered(registry_server, gzip.compress(hostile_tar((member("zeros"), bytes(200 * MiB)))), size_bytes=1000)
    sides = make_sides(registry_server)
    with pytest.raises(IntegrityError, match="expands"):
        pull(TAG, sides)
    assert nothing_is_left(sides)


@pytest.mark.parametrize("strategy", [TransmissionStrategy.PRESIGNED_URL, TransmissionStrategy.PROXY])
def test_a_pause_does_not_wait_until_hard_links_are_copied(
    strategy: TransmissionStrategy, make_registry: RegistryFactory, make_sides: SidesFactory, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "author", "iris:v1", files={"a.bin": os.urandom(5 * MiB)})
    (model / "b.bin").hardlink_to(model / "a.bin")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(model, arcname="./")
    server = make_registry(strategy=strategy)
    registered(server, buffer.getvalue(), part=8 * MiB)
    sides = make_sides(server)
    progress = Progress()
    with pytest.raises(Paused):
        pull(TAG, sides, control=PausedAtBlock(progress, 3), progress=progress)
    half = [path.stat().st_size for path in (tmp_path / "home").rglob("[ab].bin")]
    assert sorted(half) == ([2 * MiB, 5 * MiB] if strategy is TransmissionStrategy.PRESIGNED_URL else [])
    pulled = pull(TAG, sides)
    assert read_tree(pulled.path) == read_tree(model)
