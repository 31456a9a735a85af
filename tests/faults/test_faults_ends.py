"""What happens when something ends in the middle: the registry, the disk, the process, or its being the only one."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.errors import ModelsyncError, RegistryUnavailableError, UnreachableError
from modelsync.model import UploadStatus
from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff
from modelsync.results import Outcome
from modelsync.store import ModelStore
from modelsync.sync import Sides, pull, push
from modelsync.tag import Tag
from modelsync.transfer.data import DataClient
from modelsync.transfer.journal import Journals
from modelsync.transfer.progress import Progress
from modelsync.transfer.retry import RetryPolicy
from modelsync.transfer.workers import Workers
from support.bad_proxy import Fault
from support.command import Command
from support.fault_bench import QUICK, TAG, Bench, MiB
from support.harm import after, reset
from support.local_store import read_tree, write_model
from support.registry_server import TOKEN, RegistryServer, register_model
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


def person(folder: Path, server: RegistryServer) -> Command:
    """Someone with a machine of their own, signed in."""
    return Command.in_folder(folder, BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=server.url)


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
    old = write_model(reader.store, str(TAG), files={"old.txt": b"old"}) if force else reader.store / "models/iris/v1"
    before, new = read_tree(old), read_tree(model)
    arguments = ["pull", str(TAG), "--bandwidth", "24MiB/s", *(["--force"] if force else [])]

    def written() -> int:
        return sum(path.stat().st_blocks * 512 for path in (reader.store / "tmp").rglob("weights.bin"))

    def begun() -> bool:
        return any((reader.store / "tmp").glob("*"))

    for moment in (begun, lambda: written() > 0, lambda: written() > 8 * MiB, lambda: written() >= 16 * MiB):
        running = reader.start(*arguments)
        wait_for(lambda: moment() or running.poll() is not None, within_s=30)  # noqa: B023 - waited for here
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=30)
        now = read_tree(old)
        assert now in (before, new)
        listed = reader.run("ls", "local", "--json")
        assert (listed.code, [record["tag"] for record in listed.records]) == (0, [str(TAG)] if now else [])
    done = reader.run("pull", str(TAG), "--json", *(["--force"] if force else []))
    assert done.code == 0, done.err
    assert read_tree(old) == new
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
        return sum(path.stat().st_blocks * 512 for path in (reader.store / "tmp").rglob("weights.bin"))

    wait_for(lambda: written() > 4 * MiB or running.poll() is not None, within_s=30)
    running.send_signal(signal.SIGINT)
    code, said = ended(running)
    assert (code, "Start the same command again to go on." in said) == (130, True), said
    (record,) = reader.run("pull", str(TAG), "--json").records
    assert (record["outcome"], record["resumed"]) == ("pulled", True)
    assert read_tree(reader.store / "models/iris/v1") == read_tree(model)


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))
sys.argv = ["modelsync", *sys.argv[1:]]
runpy.run_module("modelsync_cli", run_name="__main__")
"""


def test_a_limit_on_the_size_of_files_is_told_and_nothing_half_is_installed(
    registry_server: RegistryServer, tmp_path: Path
) -> None:
    author = person(tmp_path / "author", registry_server)
    write_model(author.store, str(TAG), files={"weights.bin": os.urandom(16 * MiB)})
    assert author.run("push", str(TAG)).code == 0
    reader = person(tmp_path / "reader", registry_server)
    old = write_model(reader.store, str(TAG), files={"old.txt": b"old"})
    before = read_tree(old)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, "pull", str(TAG), "--force"],
        env=dict(reader.environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "larger than a file may be" in done.stderr
    assert "Traceback" not in done.stderr
    assert read_tree(old) == before


def on_a_small_disk(size: str, folder: Path, *command: str) -> list[str]:
    """A command in a world of its own where `folder` is a disk of that size; needs no root."""
    mount = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh", size, str(folder), *command]


FILLED = """
import json, os, pathlib, subprocess, sys, time

home, tag = pathlib.Path(sys.argv[1]), sys.argv[2]
pull = [sys.executable, "-m", "modelsync_cli", "pull", tag, "--json", "--force"]

def tree():
    version = home / "models" / "iris" / "v1"
    return {str(path.relative_to(version)): path.stat().st_size for path in version.rglob("*") if path.is_file()}

def fill():
    with (home / "filler").open("wb", buffering=0) as file:
        block = os.urandom(1 << 20)
        try:
            while True:
                file.write(block)
        except OSError:
            pass

old = home / "models" / "iris" / "v1"
old.mkdir(parents=True)
for name, text in json.loads(sys.argv[3]).items():
    (old / name).write_text(text)
before = tree()
running = subprocess.Popen([*pull, "--bandwidth", "8MiB/s"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
while running.poll() is None and not list((home / "tmp").rglob("weights.bin")):
    time.sleep(0.01)
fill()
out, err = running.communicate(timeout=60)
after = tree()
(home / "filler").unlink()
again = subprocess.run(pull, capture_output=True, text=True, timeout=60)
print(json.dumps({
    "code": running.returncode, "out": out, "err": err, "unchanged": before == after,
    "again": again.returncode, "again_out": again.stdout, "again_err": again.stderr, "new": tree(),
}))
"""


@pytest.mark.needs("private-mounts")
def test_a_disk_that_fills_up_during_a_pull_is_told_and_the_old_version_stays(
    registry_server: RegistryServer, tmp_path: Path
) -> None:
    author = person(tmp_path / "author", registry_server)
    model = write_model(author.store, str(TAG), files={"weights.bin": os.urandom(32 * MiB)})
    assert author.run("push", str(TAG)).code == 0
    reader = person(tmp_path / "reader", registry_server)
    reader.store.mkdir(parents=True)
    old = write_model(tmp_path / "old", str(TAG), files={"old.txt": b"old"})
    files = {path.name: path.read_text() for path in old.iterdir()}
    done = subprocess.run(
        on_a_small_disk(
            "200m", reader.store, sys.executable, "-c", FILLED, str(reader.store), str(TAG), json.dumps(files)
        ),
        env=dict(reader.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["code"] == 1, told
    assert "disk is full" in told["err"]
    assert "Traceback" not in told["err"]
    assert told["unchanged"]
    assert told["again"] == 0, told
    assert told["new"] == {path.name: path.stat().st_size for path in model.iterdir()}


@contextmanager
def registry_on_a_small_disk(folder: Path, size: str) -> Iterator[str]:
    """The registry's own command, with its data on a file system of that size; its address."""
    folder.mkdir()
    process = subprocess.Popen(
        on_a_small_disk(
            size, folder, sys.executable, "-m", "modelsync_registry", "serve", "--data", str(folder), "--no-sync"
        ),
        env={**os.environ, "MODELSYNC_REGISTRY_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.needs("private-mounts")
def test_a_registry_whose_disk_is_full_is_told_and_takes_smaller_models_still(tmp_path: Path) -> None:
    with registry_on_a_small_disk(tmp_path / "data", "32m") as url:
        sides = Sides(
            store=ModelStore(tmp_path / "home"),
            registry=Registry(
                Account(Context("test", url), Token(TOKEN), TokenSource.SESSION),
                backoff=Backoff(tries=3, first_s=0.001, longest_s=0.002),
            ),
            workers=Workers(2),
            data=DataClient(),
            journals=Journals(tmp_path / "state"),
            retry=QUICK,
        )
        write_model(tmp_path / "home", "small:v1", files={"weights.bin": os.urandom(MiB)})
        too_big = write_model(tmp_path / "home", str(TAG), files={"weights.bin": os.urandom(64 * MiB)})
        before = read_tree(too_big)
        with pytest.raises(ModelsyncError, match=r"full|No space left") as caught:
            push(TAG, sides)
        assert isinstance(caught.value, RegistryUnavailableError) or "full" in caught.value.message
        assert caught.value.hint
        assert read_tree(too_big) == before
        record = sides.registry.model(TAG)
        assert record is not None
        assert record.status is not UploadStatus.SUCCESS
        assert push(Tag("small", "v1"), sides).outcome is Outcome.PUSHED
        sides.close()


def test_a_version_that_was_registered_and_never_sent_is_pushed(bench: Bench) -> None:
    model = bench.write()
    register_model(bench.server.api, TAG.name, TAG.version)
    assert push(TAG, bench.sides()).outcome is Outcome.PUSHED
    bench.assert_pushed(model)
