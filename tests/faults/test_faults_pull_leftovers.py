"""A pull that cannot go on where it was cut short begins in an empty stage: nothing of what came then is installed."""

import os
from collections.abc import Mapping

import pytest

from modelsync.results import Outcome
from modelsync.sync import pull, push
from modelsync.transfer.control import Control, Paused
from modelsync.transfer.progress import Progress
from support.bad_proxy import ALWAYS
from support.fault_bench import TAG, Bench, MiB
from support.harm import whole_object
from support.local_store import write_model
from support.waiting import when


def publish(bench: Bench, files: Mapping[str, bytes]) -> None:
    write_model(bench.folder / "author", str(TAG), files=files)
    push(TAG, bench.sides(), force=True)


@pytest.mark.parametrize("ranges", [True, False], ids=["in ranges", "as one stream"])
def test_nothing_of_a_version_that_was_replaced_since_the_pause_is_installed(ranges: bool, bench: Bench) -> None:
    author = bench.folder / "author/models/iris/v1"
    publish(bench, {"a-first.bin": os.urandom(MiB), "old/more.txt": b"old", "weights.bin": os.urandom(40 * MiB)})
    sides, control, progress = bench.sides("reader"), Control(), Progress()
    sides.workers.bandwidth.limit = 32 * MiB
    when(lambda: progress.bytes_moved >= 20 * MiB, control.pause)
    with pytest.raises(Paused):
        pull(TAG, sides, control=control, progress=progress)
    assert any(path.name == "a-first.bin" for path in (bench.folder / "reader/tmp").rglob("*"))

    for path in ("a-first.bin", "old/more.txt", "weights.bin"):
        (author / path).unlink()
    (author / "old").rmdir()
    publish(bench, {"new.bin": os.urandom(3 * MiB)})
    if not ranges:
        bench.proxy.misbehave(whole_object, method="GET", times=ALWAYS)
    result = pull(TAG, bench.sides("reader"))
    assert (result.outcome, result.resumed) == (Outcome.PULLED, False)
    assert not (bench.folder / "reader/models/iris/v1/old").exists()
    bench.assert_pulled(author)
