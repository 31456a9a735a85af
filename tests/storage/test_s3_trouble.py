"""Transfers that live through the death of the store, of the registry, and their own, with a real S3 behind."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from modelsync.results import Outcome, TransferResult
from modelsync.sync import Sides, pull, push
from modelsync.tag import Tag
from modelsync.transfer.parts import part_size_for
from modelsync.transfer.progress import Progress
from modelsync.transfer.retry import RetryPolicy
from support.command import Command
from support.local_store import arrived_in_tmp, read_tree, write_model
from support.registry_server import TOKEN
from support.relay import relay_to
from support.seaweed import S3Bench
from support.two_sides import SidesFactory
from support.waiting import wait_for

pytestmark = pytest.mark.needs("seaweedfs")

TAG = Tag("iris", "v1")
MiB = 1 << 20
SIZE = 96 * MiB
PATIENT = RetryPolicy(tries=40, base_s=0.25, max_s=2.0)
"""A SeaweedFS that was killed is back within 4 s on an idle machine; on a busy one it may take a minute."""
ENDS_WITHIN_S = 150.0

Move = Callable[..., TransferResult]


def iris(home: Path, size: int = SIZE) -> Path:
    return write_model(home, "iris:v1", files={"a.bin": os.urandom(size // 2), "b.bin": os.urandom(size // 2)})


class Running:
    """A transfer on a thread of its own, slow enough to be met half-way."""

    def __init__(self, move: Move, sides: Sides) -> None:
        self.progress = Progress()
        self._sides = sides
        self._result: Future[TransferResult] = Future()
        sides.workers.bandwidth.limit = 24 * MiB
        threading.Thread(target=self._run, args=(move,), daemon=True).start()

    def until_half(self) -> None:
        wait_for(lambda: self._result.done() or self.progress.bytes_moved > SIZE // 2, within_s=60, what="half of it")
        assert not self._result.done(), "it ended too early"

    def until_in_trouble(self) -> None:
        wait_for(lambda: self._result.done() or self.progress.retries, within_s=60, what="a retry")
        assert not self._result.done(), "it ended too early"

    def result(self) -> TransferResult:
        self._sides.workers.bandwidth.limit = None
        return self._result.result(ENDS_WITHIN_S)

    def _run(self, move: Move) -> None:
        try:
            self._result.set_result(move(TAG, self._sides, progress=self.progress))
        except BaseException as exc:  # noqa: BLE001 - it is raised again where the result is asked for
            self._result.set_exception(exc)


def test_a_push_lives_through_the_death_of_the_store(s3: S3Bench, make_sides: SidesFactory, tmp_path: Path) -> None:
    server = s3.registry()
    model = iris(tmp_path / "home")
    running = Running(push, make_sides(server, retry=PATIENT))
    running.until_half()
    s3.seaweed.kill()
    running.until_in_trouble()
    s3.seaweed.launch()
    result = running.result()
    assert (result.outcome, result.warnings) == (Outcome.PUSHED, ())
    assert result.retries > 0
    assert result.bytes_moved < 1.6 * result.bytes_total  # what was finished before it died was not sent again
    assert read_tree(pull(TAG, make_sides(server, "other", retry=PATIENT)).path) == read_tree(model)


def test_a_pull_lives_through_the_death_of_the_store(s3: S3Bench, make_sides: SidesFactory, tmp_path: Path) -> None:
    server = s3.registry()
    model = iris(tmp_path / "author")
    push(TAG, make_sides(server, "author"))
    running = Running(partial(pull, verify=True), make_sides(server, retry=PATIENT))
    running.until_half()
    s3.seaweed.kill()
    running.until_in_trouble()
    s3.seaweed.launch()
    result = running.result()
    assert (result.outcome, result.warnings) == (Outcome.PULLED, ())
    assert result.retries > 0
    assert result.bytes_moved < 1.2 * result.bytes_total
    assert read_tree(make_sides(server).store.get(TAG).path) == read_tree(model)


def test_a_push_lives_through_the_death_of_the_store_at_its_last_step(
    s3: S3Bench, make_sides: SidesFactory, tmp_path: Path
) -> None:
    with relay_to(s3.seaweed.url) as relay:
        server = s3.registry(endpoint=relay.url)
        model = iris(tmp_path / "home", 20 * MiB)
        relay.hold(b"<CompleteMultipartUpload")
        with ThreadPoolExecutor(1) as thread:
            pushing = thread.submit(push, TAG, make_sides(server, retry=PATIENT))
            assert relay.held.wait(60)
            s3.seaweed.kill()
            relay.release()
            s3.seaweed.launch()
            result = pushing.result(ENDS_WITHIN_S)
        assert (result.outcome, result.warnings) == (Outcome.PUSHED, ())
        assert result.bytes_moved == result.bytes_total
        assert read_tree(pull(TAG, make_sides(server, "other", retry=PATIENT)).path) == read_tree(model)


@pytest.mark.parametrize("move", [push, pull])
def test_a_transfer_lives_through_a_restart_of_the_registry(
    s3: S3Bench, make_sides: SidesFactory, tmp_path: Path, move: Move
) -> None:
    server = s3.registry()
    model = iris(tmp_path / "author")
    if move is pull:
        push(TAG, make_sides(server, "author"))
    sides = make_sides(server, "author" if move is push else "home", retry=PATIENT)
    running = Running(move, sides)
    running.until_half()
    server.stop()
    server.start()
    result = running.result()
    assert (result.outcome, result.warnings) == (Outcome.PUSHED if move is push else Outcome.PULLED, ())
    if move is push:
        pull(TAG, make_sides(server))
    assert read_tree(make_sides(server).store.get(TAG).path) == read_tree(model)


def test_a_push_killed_at_half_sends_little_more_than_the_other_half(s3: S3Bench, tmp_path: Path) -> None:
    size = 240 * MiB
    part_size = part_size_for(size, 4)
    server = s3.registry()
    command = Command.in_folder(
        tmp_path, BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=server.url, MODELSYNC_BANDWIDTH="48 MiB/s"
    )
    model = iris(command.store, size)
    process = command.start("push", "iris:v1", "--threads", "4", "--json")

    def parts_kept() -> int:
        """A line for what is sent, and one for each part that is there."""
        return sum(len(path.read_bytes().splitlines()) - 1 for path in (tmp_path / "state").rglob("*.journal"))

    wait_for(lambda: process.poll() is not None or parts_kept() * part_size > size // 2, within_s=60, what="half of it")
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, f"it ended before it could be killed: {said}"

    done = command.with_(MODELSYNC_BANDWIDTH="").run("push", "iris:v1", "--threads", "4", "--json")
    (record,) = done.records
    assert (done.code, record["outcome"], record["resumed"], record["error"]) == (0, "pushed", True, None)
    moved, total = record["bytes_moved"], record["bytes_total"]
    assert isinstance(moved, int)
    assert isinstance(total, int)
    assert moved < 0.6 * total
    reader = Command.in_folder(tmp_path / "reader", BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=server.url)
    reader.folder.mkdir()
    assert reader.run("pull", "iris:v1").code == 0
    assert read_tree(reader.store / "models/iris/v1") == read_tree(model)


def test_a_pull_killed_at_half_fetches_little_more_than_the_other_half(s3: S3Bench, tmp_path: Path) -> None:
    size = 160 * MiB
    server = s3.registry()
    author, reader = (
        Command.in_folder(tmp_path / name, BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=server.url)
        for name in ("author", "reader")
    )
    model = iris(author.store, size)
    reader.folder.mkdir()
    assert author.run("push", "iris:v1").code == 0
    process = reader.start("pull", "iris:v1", "--bandwidth", "48MiB/s")

    def written() -> int:
        return arrived_in_tmp(reader.store)

    wait_for(lambda: process.poll() is not None or written() > size // 2, within_s=60, what="half of it")
    process.send_signal(signal.SIGKILL)
    _, said = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL, f"it ended before it could be killed: {said}"

    (record,) = reader.run("pull", "iris:v1", "--json").records
    assert (record["outcome"], record["resumed"], record["error"]) == ("pulled", True, None)
    moved, total = record["bytes_moved"], record["bytes_total"]
    assert isinstance(moved, int)
    assert isinstance(total, int)
    assert moved < 0.6 * total
    assert read_tree(reader.store / "models/iris/v1") == read_tree(model)
