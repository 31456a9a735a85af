"""What happens when the room ends in the middle: on the reader's disk, on the registry's, or for one file."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelsync.account import Account, Context, Token, TokenSource
from modelsync.errors import ModelsyncError, RegistryUnavailableError
from modelsync.model import UploadStatus
from modelsync.registry.client import Registry
from modelsync.registry.retry import Backoff
from modelsync.results import Outcome
from modelsync.store import ModelStore
from modelsync.sync import Sides, push
from modelsync.tag import Tag
from modelsync.transfer.data import DataClient
from modelsync.transfer.journal import Journals
from modelsync.transfer.workers import Workers
from support.fault_bench import QUICK, TAG, MiB
from support.local_store import read_tree, write_model
from support.people import person
from support.registry_server import TOKEN, RegistryServer

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
while running.poll() is None and not any("weights.bin" in names for _, _, names in os.walk(home / "tmp")):
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
