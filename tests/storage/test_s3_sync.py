"""Push and pull against a registry whose objects are in a real S3, by our engine and by the real `bentoml`."""

import hashlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from modelsync.errors import UploadInProgressError
from modelsync.model import UploadStatus
from modelsync.results import Outcome, TransferResult
from modelsync.sync import Sides, pull, push, verify
from modelsync.tag import Tag
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.progress import Progress
from modelsync_registry.config import TransmissionStrategy
from support.local_store import read_tree, write_model
from support.real_bentoml import REAL_BYTES_MIN, REAL_TAG, RealBentoml
from support.registry_server import model_path, presign_get
from support.relay import relay_to
from support.seaweed import S3Bench
from support.two_sides import SidesFactory
from support.waiting import wait_for

pytestmark = pytest.mark.needs("seaweedfs")

TAG = Tag("iris", "v1")
KEY = "models/default/iris/v1.tar.gz"
MiB = 1 << 20


def iris(home: Path, size: int = 40 * MiB) -> Path:
    return write_model(home, "iris:v1", files={"weights.bin": os.urandom(size), "sub/config.json": b"{}"})


@pytest.mark.parametrize("strategy", [*TransmissionStrategy, None])
def test_a_version_goes_there_and_comes_back_by_every_strategy(
    s3: S3Bench, strategy: TransmissionStrategy | None, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = s3.registry(strategy=strategy)
    sides = make_sides(server)
    model = iris(tmp_path / "home")
    result = push(TAG, sides)
    assert (result.outcome, result.retries, result.warnings) == (Outcome.PUSHED, 0, ())
    assert s3.seaweed.keys(s3.bucket) == [KEY]
    assert s3.seaweed.uploads(s3.bucket) == []
    assert push(TAG, sides).outcome is Outcome.SKIPPED
    other = make_sides(server, "other")
    back = pull(TAG, other, verify=True)
    assert (back.outcome, back.retries) == (Outcome.PULLED, 0)
    assert any("size and structure only" in warning for warning in back.warnings) is (
        strategy is TransmissionStrategy.PROXY  # which tells no ETag
    )
    assert read_tree(back.path) == read_tree(model)
    assert verify(TAG, other).verified


def test_the_bytes_of_a_model_pass_by_the_registry(s3: S3Bench, make_sides: SidesFactory, tmp_path: Path) -> None:
    with relay_to(s3.seaweed.url) as store:
        server = s3.registry(endpoint=store.url)
        with relay_to(server.url) as registry:
            server.url = registry.url
            model = iris(tmp_path / "home")
            sent = push(TAG, make_sides(server))
            assert store.sent >= sent.bytes_total > 40 * MiB
            received = store.received
            pulled = pull(TAG, make_sides(server, "other"))
            assert store.received - received >= pulled.bytes_total
            assert registry.sent + registry.received < 0.01 * sent.bytes_total
            assert read_tree(pulled.path) == read_tree(model)


def test_force_replaces_the_object_for_whoever_pulls_next(
    s3: S3Bench, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = s3.registry()
    sides, reader = make_sides(server), make_sides(server, "reader")
    iris(tmp_path / "home")
    push(TAG, sides)
    pull(TAG, reader)
    model = iris(tmp_path / "home", 10 * MiB)
    assert push(TAG, sides, force=True).outcome is Outcome.PUSHED
    assert read_tree(pull(TAG, reader, force=True).path) == read_tree(model)


def test_a_part_that_is_damaged_on_its_way_is_noticed_and_sent_again(
    s3: S3Bench, make_sides: SidesFactory, tmp_path: Path
) -> None:
    with relay_to(s3.seaweed.url) as relay:
        server = s3.registry(endpoint=relay.url)
        sides = make_sides(server)
        sides.workers.bandwidth.limit = 32 * MiB
        model = iris(tmp_path / "home")
        relay.damage(after=10 * MiB)
        result = push(TAG, sides)
        assert (result.outcome, result.retries) == (Outcome.PUSHED, 1)
        assert result.bytes_moved > result.bytes_total
        assert read_tree(pull(TAG, make_sides(server, "other")).path) == read_tree(model)


@pytest.mark.parametrize("move", [push, pull])
def test_a_signed_url_that_expires_before_it_is_used_is_asked_for_again(
    s3: S3Bench, make_sides: SidesFactory, tmp_path: Path, move: Callable[[Tag, Sides], TransferResult]
) -> None:
    with relay_to(s3.seaweed.url) as relay:
        server = s3.registry(endpoint=relay.url)
        author = make_sides(server, "author")
        model = iris(tmp_path / "author", 10 * MiB)
        if move is pull:
            push(TAG, author)
        sides = author if move is push else make_sides(server)
        server.faults.url_lifetime_s = 1.0
        relay.hold(b"X-Amz-Signature=")  # the registry's own requests carry it in a header
        with ThreadPoolExecutor(1) as thread:
            moving = thread.submit(move, TAG, sides)
            assert relay.held.wait(30)
            # Signed after what is held, to live as long: when this one has expired, that has too.
            later = s3.seaweed.signed("list_objects_v2", 1, Bucket=s3.bucket)
            wait_for(lambda: httpx.get(later, trust_env=False).status_code == 403, what="the URL's end")
            server.faults.url_lifetime_s = None
            relay.release()
            result = moving.result(60)
        assert result.retries >= 1
        if move is push:
            pull(TAG, make_sides(server))
        assert read_tree(make_sides(server).store.get(TAG).path) == read_tree(model)


def test_an_upload_that_was_aborted_behind_our_back_starts_again_and_says_so(
    s3: S3Bench, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = s3.registry()
    sides = make_sides(server)
    model = iris(tmp_path / "home")
    control, progress = Control(), Progress()
    sides.workers.bandwidth.limit = 24 * MiB

    def pause_at_half() -> None:
        wait_for(lambda: progress.bytes_moved > 20 * MiB, within_s=60)
        control.pause()

    threading.Thread(target=pause_at_half, daemon=True).start()
    with pytest.raises(Paused):
        push(TAG, sides, control=control, progress=progress)
    sides.workers.bandwidth.limit = None
    ((key, upload_id),) = s3.seaweed.uploads(s3.bucket)
    s3.seaweed.abort(s3.bucket, key, upload_id)
    result = push(TAG, sides)
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, False)
    assert "started again" in result.warnings[0]
    assert read_tree(pull(TAG, make_sides(server, "other")).path) == read_tree(model)


def test_two_pushes_at_once_leave_one_whole_version(s3: S3Bench, make_sides: SidesFactory, tmp_path: Path) -> None:
    server = s3.registry()
    model = iris(tmp_path / "home")
    sides = make_sides(server, state="one"), make_sides(server, state="two")
    ended: list[str] = []

    def run(index: int) -> None:
        try:
            ended.append(push(TAG, sides[index], force=True).outcome.value)
        except UploadInProgressError as exc:
            ended.append(exc.message)

    threads = [threading.Thread(target=run, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ended == ["pushed", "pushed"]
    record = sides[0].registry.model(TAG)
    assert record is not None
    assert record.status is UploadStatus.SUCCESS
    assert read_tree(pull(TAG, make_sides(server, "other")).path) == read_tree(model)


def test_two_pushes_of_different_content_at_once_leave_one_of_the_two_whole(
    s3: S3Bench, make_sides: SidesFactory, tmp_path: Path
) -> None:
    server = s3.registry()
    machines = ("one", "two")
    models = [iris(tmp_path / name, size) for name, size in zip(machines, (40 * MiB, 48 * MiB), strict=True)]
    sides = [make_sides(server, name, state=f"{name}-state") for name in machines]
    both_send = threading.Barrier(2)
    progresses = [Progress(), Progress()]

    def run(index: int) -> TransferResult:
        both_send.wait(30)
        return push(TAG, sides[index], force=True, progress=progresses[index])

    for each in sides:
        each.workers.bandwidth.limit = 24 * MiB
    with ThreadPoolExecutor(2) as threads:
        pushes = [threads.submit(run, index) for index in (0, 1)]
        wait_for(lambda: all(progress.bytes_moved > 0 for progress in progresses), within_s=60)
        assert not any(pushing.done() for pushing in pushes)
        assert [pushing.result(120).outcome for pushing in pushes] == [Outcome.PUSHED] * 2
    record = sides[0].registry.model(TAG)
    assert record is not None
    assert record.status is UploadStatus.SUCCESS
    assert s3.seaweed.keys(s3.bucket) == [KEY]
    assert s3.seaweed.uploads(s3.bucket) == []
    pulled = pull(TAG, make_sides(server, "other"), verify=True)
    assert pulled.outcome is Outcome.PULLED
    assert read_tree(pulled.path) in [read_tree(model) for model in models]


@pytest.mark.needs("real-weights")
def test_the_real_bentoml_and_we_read_what_the_other_pushed(
    s3: S3Bench, make_sides: SidesFactory, real_home: Path, tmp_path: Path
) -> None:
    server = s3.registry()
    real = Tag.parse(REAL_TAG)
    ours = push(real, make_sides(server, str(real_home)))
    assert (ours.outcome, ours.retries) == (Outcome.PUSHED, 0)
    theirs = RealBentoml(tmp_path / "theirs", server.url)
    theirs.pull(REAL_TAG)
    assert read_tree(theirs.facts(REAL_TAG).path) == read_tree(real_home / "models/minilm/v1")
    before = stored_digest(server.api, real)

    theirs.push(REAL_TAG, force=True)
    assert stored_digest(server.api, real) != before  # their archive has no index
    result = pull(real, make_sides(server, "ours"), verify=True)
    assert (result.outcome, result.retries, result.warnings) == (Outcome.PULLED, 0, ())
    assert result.bytes_total > REAL_BYTES_MIN
    assert read_tree(result.path) == read_tree(real_home / "models/minilm/v1")
    assert RealBentoml(tmp_path / "ours").load_weights(REAL_TAG) == RealBentoml(real_home).load_weights(REAL_TAG)


@pytest.mark.parametrize("strategy", [TransmissionStrategy.PROXY, None])
def test_the_real_bentoml_moves_a_model_by_the_other_strategies_too(
    s3: S3Bench, strategy: TransmissionStrategy | None, tmp_path: Path
) -> None:
    server = s3.registry(strategy=strategy)
    source = tmp_path / "source"
    source.mkdir()
    (source / "weights.bin").write_bytes(os.urandom(20 * MiB))
    author = RealBentoml(tmp_path / "author", server.url)
    path = author.create("iris:v1", source)
    author.push("iris:v1")
    assert s3.seaweed.keys(s3.bucket) == [KEY]
    reader = RealBentoml(tmp_path / "reader", server.url)
    reader.pull("iris:v1")
    assert read_tree(reader.facts("iris:v1").path) == read_tree(path)


def stored_digest(api: httpx.Client, tag: Tag) -> str:
    url = presign_get(api, model_path(tag.name, tag.version))
    return hashlib.sha256(httpx.get(url, trust_env=False).content).hexdigest()
