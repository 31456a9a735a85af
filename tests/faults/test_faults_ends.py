"""What happens when something ends in the middle: the registry, the process, or its being the only one."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from modelsync.errors import UnreachableError
from modelsync.model import UploadStatus
from modelsync.registry.retry import Backoff
from modelsync.results import Outcome
from modelsync.sync import pull, push
from modelsync.transfer.progress import Progress
from modelsync.transfer.retry import RetryPolicy
from support.bad_proxy import Fault
from support.fault_bench import TAG, Bench, MiB
from support.harm import after, reset
from support.local_store import arrived_in_tmp, read_tree, write_model
from support.people import person
from support.real_bentoml import RealBentoml
from support.registry_server import RegistryServer, register_model
from support.waiting import wait_for

PATIENT = RetryPolicy(tries=1000, base_s=0.01, max_s=0.02, jitter=lambda: 0.0)
PATIENT_CALLS = Backoff(tries=1000, first_s=0.01, longest_s=0.02)


def at(condition: Callable[[], object], act: Callable[[], object]) -> threading.Thread:
    """Does something on a thread of its own as soon as a condition holds."""

    def watch() -> None:
        wait_for(condition, within_s=60)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def stopping(bench: Bench) -> tuple[Fault, threading.Event]:
    """The registry stops, which cuts the request; and what tells that it has stopped."""
    stopped = threading.Event()

    def stop() -> None:
        bench.server.stop()
        stopped.set()

    return after(stop, reset), stopped


def restarting(bench: Bench, progress: Progress) -> Fault:
    """The registry stops, and starts again when that was noticed."""
    stop, stopped = stopping(bench)
    at(lambda: stopped.is_set() and progress.retries > 0, bench.server.start)
    return stop


def test_a_push_survives_a_registry_that_restarts(bench: Bench) -> None:
    model = bench.write(size=40 * MiB)
    progress = Progress()
    bench.proxy.misbehave(restarting(bench, progress), method="PUT", where=lambda request: request.part == 3)
    result = push(TAG, bench.sides(retry=PATIENT, backoff=PATIENT_CALLS), progress=progress)
    assert result.outcome is Outcome.PUSHED
    assert result.retries > 0
    bench.assert_pushed(model)


def test_a_pull_survives_a_registry_that_restarts(bench: Bench) -> None:
    model = bench.publish(size=40 * MiB)
    progress = Progress()
    bench.proxy.misbehave(
        restarting(bench, progress),
        method="GET",
        where=lambda request: request.range is not None and request.range[0] > 16 * MiB,
    )
    result = pull(TAG, bench.sides("reader", retry=PATIENT, backoff=PATIENT_CALLS), progress=progress)
    assert result.outcome is Outcome.PULLED
    assert result.retries > 0
    bench.assert_pulled(model)


def test_a_push_to_a_registry_that_is_gone_fails_and_goes_on_when_it_is_back(bench: Bench) -> None:
    model = bench.write(size=40 * MiB)
    stop, stopped = stopping(bench)
    bench.proxy.misbehave(stop, method="PUT", where=lambda request: request.part == 3)
    with pytest.raises(UnreachableError) as caught:
        push(TAG, bench.sides(threads=2))
    assert caught.value.hint
    assert stopped.wait(30)
    bench.server.start()
    assert bench.record().status is UploadStatus.UPLOADING  # nobody was there to be told
    result = push(TAG, bench.sides(threads=2))
    assert (result.outcome, result.resumed) == (Outcome.PUSHED, True)
    assert bench.record().status is UploadStatus.SUCCESS
    assert bench.stored() == bench.archive(model, threads=2)


def test_a_pull_from_a_registry_that_is_gone_fails_and_goes_on_when_it_is_back(bench: Bench) -> None:
    model = bench.publish(size=40 * MiB)
    stop, stopped = stopping(bench)
    bench.proxy.misbehave(
        stop,
        method="GET",
        where=lambda request: request.range is not None and request.range[0] > 16 * MiB,
    )
    reader = bench.sides("reader", threads=2)
    reader.workers.bandwidth.limit = 16 * MiB  # the registry takes a moment to stop; the pull must outlast it
    with pytest.raises(UnreachableError) as caught:
        pull(TAG, reader)
    assert caught.value.hint
    bench.assert_nothing_pulled()
    assert stopped.wait(30)
    bench.server.start()
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.resumed) == (Outcome.PULLED, True)
    bench.assert_pulled(model)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    return process.returncode, said


def test_two_pushes_of_one_store_at_once_leave_a_whole_version_and_one_is_told(
    registry_server: RegistryServer, tmp_path: Path
) -> None:
    command = person(tmp_path / "one", registry_server)
    model = write_model(command.store, str(TAG), files={"weights.bin": os.urandom(30 * MiB)})
    first, second = (command.start("push", str(TAG), "--bandwidth", "20MiB/s") for _ in range(2))
    codes = sorted(code for code, _ in (ended(first), ended(second)))
    assert codes in ([0, 0], [0, 1])
    assert command.run("push", str(TAG), "--json").records[0]["outcome"] == "skipped"
    reader = person(tmp_path / "reader", registry_server)
    assert reader.run("pull", str(TAG)).code == 0
    assert read_tree(reader.store / "models/iris/v1") == read_tree(model)


def test_two_machines_that_push_one_tag_at_once_leave_one_of_the_two_whole(
    registry_server: RegistryServer, tmp_path: Path
) -> None:
    people = [person(tmp_path / name, registry_server) for name in ("one", "two")]
    models = [
        write_model(one.store, str(TAG), files={"weights.bin": os.urandom(30 * MiB), "who.txt": name.encode()})
        for one, name in zip(people, ("one", "two"), strict=True)
    ]
    running = [one.start("push", str(TAG), "--force", "--bandwidth", "20MiB/s") for one in people]
    codes = sorted(code for code, _ in map(ended, running))
    assert codes in ([0, 0], [0, 1])
    reader = person(tmp_path / "reader", registry_server)
    done = reader.run("pull", str(TAG))
    assert done.code == 0, done.err
    assert read_tree(reader.store / "models/iris/v1") in [read_tree(model) for model in models]


def test_two_pulls_into_one_store_at_once_leave_a_whole_version(
    registry_server: RegistryServer, tmp_path: Path
) -> None:
    author = person(tmp_path / "author", registry_server)
    model = write_model(author.store, str(TAG), files={"weights.bin": os.urandom(30 * MiB)})
    assert author.run("push", str(TAG)).code == 0
    reader = person(tmp_path / "reader", registry_server)
    running = [reader.start("pull", str(TAG), "--bandwidth", "20MiB/s") for _ in range(2)]
    ends = [ended(process) for process in running]
    assert sorted(code for code, _ in ends) in ([0, 0], [0, 1])
    assert all("already" in said or "meanwhile" in said for code, said in ends if code)
    assert read_tree(reader.store / "models/iris/v1") == read_tree(model)
    assert [path.name for path in (reader.store / "models/iris").iterdir() if path.is_dir()] == ["v1"]


@pytest.mark.parametrize("force", [False, True], ids=["a new version", "over an old one"])
def test_a_pull_killed_at_any_moment_leaves_what_was_there_or_the_whole_new_version(
    force: bool, registry_server: RegistryServer, tmp_path: Path
) -> None:
    author = person(tmp_path / "author", registry_server)
    model = write_model(author.store, str(TAG), files={"weights.bin": os.urandom(16 * MiB)})
    assert author.run("push", str(TAG)).code == 0
    reader = person(tmp_path / "reader", registry_server)
    real = RealBentoml(reader.store)
    old = write_model(reader.store, str(TAG), files={"old.txt": b"old"}) if force else reader.store / "models/iris/v1"
    before, new = read_tree(old), read_tree(model)
    arguments = ["pull", str(TAG), "--bandwidth", "24MiB/s", *(["--force"] if force else [])]

    def written() -> int:
        return arrived_in_tmp(reader.store)

    def begun() -> bool:
        return any((reader.store / "tmp").glob("*"))

    for moment in (begun, lambda: written() > 0, lambda: written() > 8 * MiB, lambda: written() >= 16 * MiB):
        running = reader.start(*arguments)
        wait_for(lambda: moment() or running.poll() is not None, within_s=30)  # noqa: B023 - waited for here
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=30)
        now = read_tree(old)
        assert now in (before, new)
        tags = [str(TAG)] if now else []
        listed = reader.run("ls", "local", "--json")
        assert (listed.code, [record["tag"] for record in listed.records]) == (0, tags)
        assert real.listed() == tags
        assert not now or read_tree(real.facts(str(TAG)).path) == now
    done = reader.run("pull", str(TAG), "--json", *(["--force"] if force else []))
    assert done.code == 0, done.err
    assert read_tree(real.facts(str(TAG)).path) == new
    assert [path for path in (reader.store / "tmp").rglob("*") if path.is_file() and "lock" not in str(path)] == []


def test_a_pull_that_is_interrupted_keeps_what_came_and_goes_on_as_it_says(
    registry_server: RegistryServer, tmp_path: Path
) -> None:
    author = person(tmp_path / "author", registry_server)
    model = write_model(author.store, str(TAG), files={"weights.bin": os.urandom(16 * MiB)})
    assert author.run("push", str(TAG)).code == 0
    reader = person(tmp_path / "reader", registry_server)
    running = reader.start("pull", str(TAG), "--bandwidth", "8MiB/s")

    def written() -> int:
        return arrived_in_tmp(reader.store)

    wait_for(lambda: written() > 4 * MiB or running.poll() is not None, within_s=30)
    running.send_signal(signal.SIGINT)
    code, said = ended(running)
    assert (code, "Start the same command again to go on." in said) == (130, True), said
    (record,) = reader.run("pull", str(TAG), "--json").records
    assert (record["outcome"], record["resumed"]) == ("pulled", True)
    assert read_tree(reader.store / "models/iris/v1") == read_tree(model)


def test_a_version_that_was_registered_and_never_sent_is_pushed(bench: Bench) -> None:
    model = bench.write()
    register_model(bench.server.api, TAG.name, TAG.version)
    assert push(TAG, bench.sides()).outcome is Outcome.PUSHED
    bench.assert_pushed(model)
