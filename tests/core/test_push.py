"""Push: one local version to a real registry over HTTP."""

import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from modelsync.archive.layout import ArchiveLayout
from modelsync.errors import (
    Cancelled,
    LocalModelNotFoundError,
    PermissionDeniedError,
    SourceChangedError,
    TokenRefusedError,
    UploadInProgressError,
)
from modelsync.model import RemoteModel, UploadStatus
from modelsync.results import Outcome
from modelsync.sync import Sides, pull, push
from modelsync.tag import Tag
from modelsync.transfer.control import Control
from modelsync.transfer.parts import part_size_for
from modelsync.transfer.progress import PartState, Phase, Progress
from modelsync_registry.config import TransmissionStrategy
from support.local_store import read_tree, write_model
from support.registry_server import (
    EXPIRED_TOKEN,
    READ_TOKEN,
    TOM_TOKEN,
    RegistryFactory,
    RegistryServer,
    client,
    json_of,
    model_path,
    presign_get,
    register_model,
)
from support.two_sides import SidesFactory
from support.waiting import wait_for

TAG = Tag("iris", "v1")
MiB = 1 << 20


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def write_iris(home: Path, size: int = 20 * MiB, tag: str = "iris:v1") -> Path:
    return write_model(
        home, tag, files={"weights.bin": os.urandom(size), "sub/config.json": b"{}"}, labels={"stage": "dev"}
    )


def record(sides: Sides, tag: Tag = TAG) -> RemoteModel:
    found = sides.registry.model(tag)
    assert found is not None
    return found


def stored_object(server: RegistryServer, tag: Tag = TAG) -> bytes:
    return httpx.get(presign_get(server.api, model_path(tag.name, tag.version)), trust_env=False).content


def archive_of(directory: Path, sides: Sides) -> bytes:
    layout = ArchiveLayout.of(directory, part_size=lambda total: part_size_for(total, sides.workers.threads))
    data = bytearray(layout.size_bytes)
    with layout.open() as reader:
        reader.read_into(0, memoryview(data))
    return bytes(data)


def stop_when(condition: Callable[[], object], control: Control) -> None:
    def watch() -> None:
        wait_for(condition)
        control.cancel()

    threading.Thread(target=watch, daemon=True).start()


@pytest.mark.parametrize("strategy", [*TransmissionStrategy, None])
def test_a_version_arrives_whole_by_every_strategy(
    strategy: TransmissionStrategy | None,
    make_registry: RegistryFactory,
    make_sides: SidesFactory,
    home: Path,
    tmp_path: Path,
) -> None:
    server = make_registry(strategy=strategy)
    sides = make_sides(server)
    model = write_iris(home)
    result = push(TAG, sides)
    assert (result.outcome, result.retries, result.resumed) == (Outcome.PUSHED, 0, False)
    assert result.bytes_moved == result.bytes_total > 20 * MiB
    assert record(sides).status is UploadStatus.SUCCESS
    assert record(sides).labels == {"stage": "dev"}
    other = make_sides(server, "other")
    pull(TAG, other)
    assert read_tree(other.store.get(TAG).path) == read_tree(model)


def test_parts_that_are_not_compared_arrive_whole_too(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    """Without MD5 the kernel sends the files by itself."""
    files = {"weights.bin": os.urandom(20 * MiB), "empty": b"", **{f"{n}.txt": os.urandom(n * 777) for n in range(40)}}
    model = write_model(home, "iris:v1", files=files)
    result = push(TAG, make_sides(registry_server, verify=False))
    assert result.bytes_moved == result.bytes_total
    assert read_tree(pull(TAG, make_sides(registry_server, "other")).path) == read_tree(model)


def test_a_file_that_shrinks_while_the_kernel_sends_it_fails_the_push_by_name(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server, verify=False, threads=1)
    sides.workers.bandwidth.limit = 8 * MiB
    model = write_iris(home)
    progress = Progress()

    def shrink() -> None:
        wait_for(lambda: progress.bytes_moved > MiB)
        os.truncate(model / "weights.bin", 4 * MiB)
        sides.workers.bandwidth.limit = None

    thread = threading.Thread(target=shrink)
    thread.start()
    with pytest.raises(SourceChangedError, match=r"weights\.bin"):
        push(TAG, sides, progress=progress)
    thread.join()
    assert record(sides).status is UploadStatus.FAILED


def test_a_second_push_sends_nothing_and_says_so(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    write_iris(home)
    push(TAG, sides)
    result = push(TAG, sides)
    assert result.outcome is Outcome.SKIPPED
    assert result.reason == "already there (same size and build time)"
    assert (result.bytes_moved, result.differs) == (0, False)


def test_a_version_that_differs_is_left_alone_without_force(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    write_iris(home)
    push(TAG, sides)
    before = stored_object(registry_server)
    (home / "models/iris/v1/more.txt").write_text("more")
    result = push(TAG, sides)
    assert (result.outcome, result.reason, result.differs) == (Outcome.SKIPPED, "differs", True)
    assert stored_object(registry_server) == before


def test_force_replaces_content_and_record(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    write_iris(home)
    push(TAG, sides)
    write_model(home, "iris:v1", files={"weights.bin": os.urandom(MiB)}, labels={"stage": "prod"})
    result = push(TAG, sides, force=True)
    assert (result.outcome, result.warnings) == (Outcome.PUSHED, ())
    assert record(sides).labels == {"stage": "prod"}
    assert record(sides).size_bytes == sides.store.get(TAG).size_bytes
    assert push(TAG, sides).reason == "already there (same size and build time)"


def test_nothing_is_written_to_disk_beside_the_model(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    write_iris(home)
    before = {path for path in home.rglob("*") if path.is_file()}
    push(TAG, sides)
    assert {path for path in home.rglob("*") if path.is_file()} == before


def test_an_upload_that_a_colleague_has_begun_is_refused_with_who_and_when(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    with client(registry_server.url, TOM_TOKEN) as tom:
        register_model(tom, "iris", "v1")
        json_of(tom.patch(model_path("iris", "v1") + "/start_upload"))
    sides = make_sides(registry_server)
    write_iris(home)
    with pytest.raises(UploadInProgressError, match=r"tom@acme\.io is uploading it since \d\d:\d\d"):
        push(TAG, sides)
    assert push(TAG, sides, force=True).outcome is Outcome.PUSHED


def test_an_upload_that_died_an_hour_ago_is_no_obstacle(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    write_iris(home)
    registry_server.clock.advance(-3700)
    register_model(registry_server.api, "iris", "v1")
    json_of(registry_server.api.patch(model_path("iris", "v1") + "/start_upload"))
    registry_server.clock.advance(3700)
    assert push(TAG, sides).outcome is Outcome.PUSHED


def test_a_file_that_changes_while_it_is_sent_fails_the_push_by_name_and_is_not_completed(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    sides.workers.bandwidth.limit = 8 * MiB
    model = write_iris(home)
    progress = Progress()
    failure: list[Exception] = []

    def run() -> None:
        try:
            push(TAG, sides, progress=progress)
        except SourceChangedError as exc:
            failure.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: progress.bytes_moved > MiB)
    with (model / "weights.bin").open("r+b") as file:
        file.write(b"changed")
    sides.workers.bandwidth.limit = None
    thread.join(20)
    assert "weights.bin" in str(failure[0])
    assert record(sides).status is UploadStatus.FAILED
    assert "weights.bin" in record(sides).status_reason
    answer = httpx.get(presign_get(registry_server.api, model_path("iris", "v1")), trust_env=False)
    assert answer.status_code == 404


def test_a_failed_force_push_leaves_the_old_content(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    write_iris(home)
    push(TAG, sides)
    before = stored_object(registry_server)
    write_iris(home)
    control, progress = Control(), Progress()
    sides.workers.bandwidth.limit = 4 * MiB
    stop_when(lambda: progress.bytes_moved > MiB, control)
    with pytest.raises(Cancelled):
        push(TAG, sides, force=True, control=control, progress=progress)
    assert stored_object(registry_server) == before
    assert record(sides).status is UploadStatus.FAILED


def test_a_cancelled_push_tells_the_registry_why(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    sides.workers.bandwidth.limit = 4 * MiB
    write_iris(home)
    control, progress = Control(), Progress()
    stop_when(lambda: progress.bytes_moved > MiB, control)
    with pytest.raises(Cancelled):
        push(TAG, sides, control=control, progress=progress)
    found = record(sides)
    assert (found.status, found.status_reason) == (UploadStatus.FAILED, "Cancelled.")


def test_trouble_that_passes_is_tried_again_and_counted(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    model = write_iris(home)
    registry_server.faults.slow_down_parts = 2
    registry_server.faults.storage_failures = 1
    result = push(TAG, sides)
    assert (result.outcome, result.retries) == (Outcome.PUSHED, 2)
    assert stored_object(registry_server) == archive_of(model, sides)


def test_a_part_that_is_tried_again_says_in_the_log_of_which_version(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_iris(home)
    registry_server.faults.slow_down_parts = 1
    with caplog.at_level(logging.INFO, "modelsync"):
        push(TAG, make_sides(registry_server))
    assert "of push iris:v1 is tried again, 1 so far: " in caplog.text


def test_a_signed_url_that_expired_while_its_part_waited_is_asked_for_again(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server, threads=1)
    model = write_iris(home)
    registry_server.faults.expired_urls = 1
    result = push(TAG, sides)
    assert (result.outcome, result.retries) == (Outcome.PUSHED, 1)
    assert stored_object(registry_server) == archive_of(model, sides)


def test_a_store_that_refuses_fresh_urls_too_is_told_in_a_sentence(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    write_iris(home)
    registry_server.faults.url_lifetime_s = -1.0
    with pytest.raises(PermissionDeniedError, match="refused two signed URLs"):
        push(TAG, sides)
    assert record(sides).status is UploadStatus.FAILED


@pytest.mark.parametrize(
    ("token", "error"),
    [("nobody", TokenRefusedError), (EXPIRED_TOKEN, TokenRefusedError), (READ_TOKEN, PermissionDeniedError)],
)
def test_a_token_that_may_not_push_is_told_so(
    token: str, error: type[Exception], registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    write_iris(home)
    with pytest.raises(error):
        push(TAG, make_sides(registry_server, token=token))


def test_a_read_only_context_refuses_every_push(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    write_iris(home)
    sides = make_sides(registry_server, read_only=True)
    with pytest.raises(PermissionDeniedError, match="read-only"):
        push(TAG, sides)
    assert sides.registry.model(TAG) is None


def test_an_unknown_tag_is_not_found(registry_server: RegistryServer, make_sides: SidesFactory) -> None:
    with pytest.raises(LocalModelNotFoundError):
        push(TAG, make_sides(registry_server))


def test_progress_goes_through_its_phases_and_ends_at_the_whole(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    sides = make_sides(registry_server)
    write_iris(home)
    progress = Progress()
    result = push(TAG, sides, progress=progress)
    snapshot = progress.snapshot()
    assert snapshot.phase is Phase.DONE
    assert snapshot.bytes_done == snapshot.bytes_total == result.bytes_total
    assert [part.state for part in snapshot.parts] == [PartState.DONE] * 3


def test_two_machines_that_push_one_tag_at_once_leave_a_whole_version(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    model = write_iris(home, 9 * MiB)
    one, two = make_sides(registry_server, state="one"), make_sides(registry_server, state="two")
    ended: list[object] = []

    def run(sides: Sides) -> None:
        try:
            ended.append(push(TAG, sides))
        except UploadInProgressError as exc:
            ended.append(exc)

    threads = [threading.Thread(target=run, args=(sides,)) for sides in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 2
    assert record(one).status is UploadStatus.SUCCESS
    other = make_sides(registry_server, "other")
    pull(TAG, other)
    assert read_tree(other.store.get(TAG).path) == read_tree(model)


def test_the_record_says_when_the_model_was_built_not_when_it_was_sent(
    registry_server: RegistryServer, make_sides: SidesFactory, home: Path
) -> None:
    built = datetime(2025, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
    write_model(home, "iris:v1", created=built)
    sides = make_sides(registry_server)
    push(TAG, sides)
    assert record(sides).build_at == built
