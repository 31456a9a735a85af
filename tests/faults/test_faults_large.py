"""Large and odd models: planned at once, in little memory; written once; names of any bytes travel."""

import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelsync.errors import PartError, StoreError
from modelsync.results import Outcome
from modelsync.sync import pull, push
from modelsync.transfer.parts import PARTS_MAX
from modelsync.transfer.progress import Progress
from support.bad_proxy import ALWAYS
from support.command import Command
from support.fault_bench import TAG, Bench, MiB
from support.harm import says
from support.local_store import read_tree, write_model
from support.people import person
from support.registry_server import RegistryServer

GiB = 1 << 30
HUGE = 100 * GiB
MEMORY_MAX_BYTES = 96 * MiB
"""Of what the engine holds for a model of any size."""


def test_a_model_of_a_hundred_gibibytes_is_planned_in_little_memory_and_in_parts_that_a_registry_can_take(
    bench: Bench,
) -> None:
    model = bench.write(size=MiB)
    os.truncate(model / "weights.bin", HUGE)
    bench.proxy.misbehave(says(400, "InvalidArgument", unread=True), method="PUT", times=ALWAYS)
    progress = Progress()
    tracemalloc.start()
    try:
        with pytest.raises(PartError):
            push(TAG, bench.sides(), progress=progress)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    now = progress.snapshot()
    assert now.bytes_total is not None
    assert now.bytes_total > HUGE
    assert sum(part.size for part in now.parts) == now.bytes_total
    assert 1000 < len(now.parts) <= PARTS_MAX
    assert peak < MEMORY_MAX_BYTES


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a file system takes no such names")
def test_names_that_are_not_utf8_go_there_and_come_back(bench: Bench) -> None:
    model = bench.write(size=MiB)
    strange = os.fsdecode(b"sub/not-utf8-\xff\xfe.bin")
    (model / strange).write_bytes(b"strange")
    assert push(TAG, bench.sides()).outcome is Outcome.PUSHED
    assert pull(TAG, bench.sides("reader")).outcome is Outcome.PULLED
    assert strange in read_tree(bench.folder / "reader/models/iris/v1")
    bench.assert_pulled(model)


def test_a_pipe_is_refused_by_name_before_the_registry_hears_of_it(bench: Bench) -> None:
    model = bench.write(size=MiB)
    os.mkfifo(model / "a-pipe")
    with pytest.raises(StoreError, match="a-pipe"):
        push(TAG, bench.sides())
    assert bench.sides().registry.model(TAG) is None


MEASURED = """
import json, os, sys
child = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-m", "modelsync_cli", *sys.argv[1:]])
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
written = dict(line.split(": ") for line in open(f"/proc/{child}/io").read().splitlines())["wchar"]
_, status, used = os.wait4(child, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), int(written), used.ru_maxrss * 1024]), file=sys.stderr)
"""
"""Runs the command from a small process: what a new process has used at most begins with what its parent has."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process came to, Python itself included."""

    written_bytes: int
    """To files and to sockets."""
    peak_bytes: int
    """Of memory."""


def cost_of(command: Command, *arguments: str) -> Cost:
    """Runs the command to its end, which must be a good one."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments],
        env=dict(command.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    code, written, peak = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return Cost(written, peak)


def names_below(directory: Path) -> dict[str, list[str]]:
    """The files of each directory."""
    return {os.path.relpath(below, directory): sorted(files) for below, _, files in os.walk(directory)}


needs_proc = pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="what is written is read from /proc")


@needs_proc
def test_a_push_writes_nothing_a_pull_the_model_once_and_neither_holds_it(
    registry_server: RegistryServer, tmp_path: Path
) -> None:
    size = 128 * MiB
    author, reader = (person(tmp_path / name, registry_server) for name in ("author", "reader"))
    write_model(author.store, str(TAG), files={"weights.bin": os.urandom(size)})
    reader.folder.mkdir()
    pushed, pulled = cost_of(author, "push", str(TAG), "--json"), cost_of(reader, "pull", str(TAG), "--json")
    assert pushed.written_bytes < 2 * MiB
    assert size <= pulled.written_bytes < size + 4 * MiB
    assert pushed.peak_bytes < MEMORY_MAX_BYTES
    assert pulled.peak_bytes < MEMORY_MAX_BYTES


@needs_proc
def test_a_hundred_thousand_files_go_there_and_come_back_in_little_memory(
    registry_server: RegistryServer, tmp_path: Path
) -> None:
    author, reader = (person(tmp_path / name, registry_server) for name in ("author", "reader"))
    model = write_model(author.store, str(TAG), files={"weights.bin": b"w"})
    for group in range(100):  # one file under many names costs the disk little; each travels as one of its own
        directory = model / f"group-{group:03d}"
        directory.mkdir()
        first = directory / "weights-00000-of-01000.bin"
        first.write_bytes(b"w")
        for number in range(1, 1000):
            os.link(first, directory / f"weights-{number:05d}-of-01000.bin")
    reader.folder.mkdir()
    pushed, pulled = cost_of(author, "push", str(TAG), "--json"), cost_of(reader, "pull", str(TAG), "--json")
    assert pushed.peak_bytes < MEMORY_MAX_BYTES
    assert pulled.peak_bytes < MEMORY_MAX_BYTES
    assert names_below(reader.store / "models/iris/v1") == names_below(model)
