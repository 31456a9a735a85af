"""Large and odd models: planned at once, in little memory; written once; names of any bytes travel."""

import json
import os
import subprocess
import sys
import tracemalloc
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
from support.registry_server import TOKEN, RegistryServer

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


def test_a_model_of_many_files_is_planned_in_little_memory(bench: Bench) -> None:
    names = {f"sub-{number % 50}/{number}.bin": b"w" for number in range(5_000)}
    write_model(bench.folder / "author", str(TAG), files=names)
    bench.proxy.misbehave(says(400, "InvalidArgument", unread=True), method="PUT", times=ALWAYS)
    tracemalloc.start()
    try:
        with pytest.raises(PartError):
            push(TAG, bench.sides())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
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


def test_a_name_that_cannot_travel_is_refused_by_name_before_the_registry_hears_of_it(bench: Bench) -> None:
    model = bench.write(size=MiB)
    os.mkfifo(model / "a-pipe")
    with pytest.raises(StoreError, match="a-pipe"):
        push(TAG, bench.sides())
    assert bench.sides().registry.model(TAG) is None


COUNTED = """
import json, runpy, sys
def facts():
    io = dict(line.split(": ") for line in open("/proc/self/io").read().splitlines())
    peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return {"written": int(io["wchar"]), "peak": int(peak) * 1024}
import modelsync.sync, modelsync.api
before = facts()
sys.argv[0] = "modelsync"
try:
    runpy.run_module("modelsync_cli", run_name="__main__")
finally:
    after = facts()
    print(json.dumps({name: after[name] - before[name] for name in after}), file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="what is written is read from /proc")
def test_a_push_writes_nothing_a_pull_the_model_once_and_neither_holds_it(
    registry_server: RegistryServer, tmp_path: Path
) -> None:
    size = 128 * MiB
    author, reader = (
        Command.in_folder(tmp_path / name, BENTO_CLOUD_API_KEY=TOKEN, BENTO_CLOUD_API_ENDPOINT=registry_server.url)
        for name in ("author", "reader")
    )
    write_model(author.store, str(TAG), files={"weights.bin": os.urandom(size)})
    reader.folder.mkdir()
    counts = []
    for command, direction in ((author, "push"), (reader, "pull")):
        done = subprocess.run(
            [sys.executable, "-c", COUNTED, direction, str(TAG), "--json"],
            env=dict(command.environ),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        counts.append(json.loads(done.stderr.splitlines()[-1]))
    pushed, pulled = counts
    assert pushed["written"] < 2 * MiB
    assert size <= pulled["written"] < size + 4 * MiB
    assert pushed["peak"] < MEMORY_MAX_BYTES
    assert pulled["peak"] < MEMORY_MAX_BYTES
